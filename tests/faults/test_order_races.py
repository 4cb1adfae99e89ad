"""Two orders for one card, two presses of one button: one wins, or one thing happens; without the guards, two."""

import asyncio

import pytest
from order_samples import FREE, NOW, SPARE, line, port, service, shop

from gateways.settings import SETTINGS
from jobs.orders import cards, drafts, submitting, summary
from rules.orders import SimReserved
from tables import engine
from tables.changes import NetworkRequest
from tables.charges import Charge
from tables.fleet import Sim
from tables.mail import Mail
from tables.orders import Order, OrderItem, PortingRequest

ROUNDS = 100


@pytest.fixture(autouse=True)
async def _shop(database, monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", NOW)
    await shop()


def meet(monkeypatch, module, name):
    """Both of two wait for each other once they have looked, before either writes."""
    real, barrier = getattr(module, name), asyncio.Barrier(2)

    async def looked(*args, **kwargs):
        found = await real(*args, **kwargs)
        await barrier.wait()
        return found

    monkeypatch.setattr(module, name, looked)


async def two_orders():
    """How many of two orders for the same free card were made, and what the other was told."""
    orders = (drafts.create(number, [line()], actor=number, now=NOW) for number in ("C1", "C2"))
    answers = await asyncio.gather(*orders, return_exceptions=True)
    return [one for one in answers if isinstance(one, int)], [one for one in answers if not isinstance(one, int)]


async def test_h1_of_two_orders_for_one_card_one_wins_a_hundred_times(database, monkeypatch):
    meet(monkeypatch, drafts, "_look")
    for _ in range(ROUNDS):
        made, refused = await two_orders()
        assert (len(made), [type(one) for one in refused]) == (1, [SimReserved])
        held = await OrderItem.select(OrderItem.customer_order).where(OrderItem.sim.iccid == FREE, OrderItem.state == "draft")
        assert [row["customer_order"] for row in held] == made
        await drafts.cancel(made[0], actor="", now=NOW)
        assert (await Sim.select(Sim.state).where(Sim.iccid == FREE))[0] == {"state": "in_stock"}


async def test_h1_of_two_orders_for_the_same_cards_in_opposite_order_neither_waits_for_ever(database, monkeypatch):
    meet(monkeypatch, drafts, "_look")
    wanted = [line(), line(iccid=SPARE)]
    both = (drafts.create("C1", items, actor="", now=NOW) for items in (wanted, wanted[::-1]))
    answers = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in answers) == ["SimReserved", "int"]


async def test_h1_control_without_the_index_and_the_guard_both_orders_take_the_card(database, monkeypatch):
    await Order.raw("DROP INDEX order_item_card")
    monkeypatch.setattr(cards, "as_seen", lambda state: Sim.id > 0)
    meet(monkeypatch, drafts, "_look")
    made, refused = await two_orders()
    assert (len(made), refused) == (2, [])
    assert await OrderItem.count().where(OrderItem.sim.iccid == FREE, OrderItem.state == "draft") == 2


async def press_twice(**changes):
    """An order with a line and a service, submitted by two presses at one instant; what there is of each effect."""
    key = await drafts.create("C1", [line(**changes), service()], actor="", now=NOW)
    presses = (submitting.submit(key, actor="Camille", now=NOW, version=1) for _ in range(2))
    problems = [one for one in await asyncio.gather(*presses, return_exceptions=True) if one]
    return problems, [await table.count() for table in (NetworkRequest, Mail, Charge, PortingRequest)]


async def test_h2_an_order_submitted_twice_at_one_instant_has_one_effect(database, monkeypatch):
    meet(monkeypatch, summary, "publish")
    assert await press_twice(porting=port()) == ([], [1, 1, 1, 1])
    assert (await Order.select(Order.version, Order.state))[0] == {"version": 2, "state": "in_progress"}


async def test_h2_control_without_the_claim_an_order_is_sent_twice(database, monkeypatch):
    async def unguarded(table, values, key, *_):
        return await engine.claim(table, values, key)

    monkeypatch.setattr(submitting, "claim", unguarded)
    meet(monkeypatch, summary, "publish")
    assert await press_twice() == ([], [2, 2, 2, 0])


async def test_h2_a_form_sent_twice_at_one_instant_makes_one_order(database, monkeypatch):
    meet(monkeypatch, drafts, "_look")
    twice = (drafts.create("C1", [], actor="", now=NOW, once="jeton") for _ in range(2))
    first, second = await asyncio.gather(*twice)
    assert (first == second, await Order.count()) == (True, 1)
