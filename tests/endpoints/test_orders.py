"""What the network answers to orders: lines are born, refusals give everything back; and two people on one draft."""

import json
import re
from datetime import date

import pytest
from order_samples import (
    FREE,
    IMEI,
    NOW,
    NUMBER,
    RIO,
    SPARE,
    answer,
    body,
    codes,
    draft,
    line,
    port,
    send,
    service,
    shop,
    submit,
    words,
)  # fmt: skip

from gateways.settings import SETTINGS
from jobs.orders import opening
from rules.moves import IllegalState
from rules.orders import NumberTaken
from tables.catalogue import DeviceUnit
from tables.changes import NetworkRequest
from tables.charges import Charge
from tables.fleet import Line, Sim
from tables.orders import Order, OrderItem, PortingRequest
from tables.timeline import TimelineEntry

OPENED = "06 39 98 40 52"


@pytest.fixture(autouse=True)
async def _shop(database, monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", NOW)
    await shop()


async def card(iccid):
    return (await Sim.select(Sim.state).where(Sim.iccid == iccid))[0]["state"]


async def state_of(order_id=1):
    return (await Order.select(Order.state).where(Order.id == order_id))[0]["state"]


async def test_a_ported_line_is_born_on_its_day_with_all_that_was_agreed(program):
    await submit(program, line(porting=port(), options=[{"code": "OPT-SMS"}]))
    await answer(day=date(2026, 12, 3))
    opened = (await Line.select().where(Line.msisdn == NUMBER))[0]
    assert (opened["state"], opened["activated_on"], opened["user_name"]) == ("active", date(2026, 12, 3), "Océane Guérin")
    assert (await card(FREE), await state_of()) == ("active", "completed")
    item = (await OrderItem.select())[0]
    assert (item["state"], item["line"], item["msisdn"]) == ("done", opened["id"], NUMBER)
    entries = await TimelineEntry.select().where(TimelineEntry.subject == "porting_request").order_by(TimelineEntry.id)
    told = [json.loads(row["after"])["state"] for row in entries]
    assert told == ["checked", "submitted", "eligible", "frozen", "completed"]
    with pytest.raises(IllegalState):
        await answer(day=date(2026, 12, 3))
    assert await Line.count().where(Line.msisdn == NUMBER) == 1


async def test_a_number_that_lives_in_the_fleet_is_not_given_twice(program):
    await submit(program, line())
    with pytest.raises(NumberTaken):
        await answer("06 39 98 00 01")
    with pytest.raises(opening.NumberMissing):
        await answer("")
    assert (await state_of(), await card(FREE)) == ("in_progress", "reserved")


async def test_a_refused_line_gives_everything_back_is_corrected_and_asked_again(program, clerk):
    device = {"product": "TEL-1", "imei": IMEI, "sale_mode": "SOLD", "purchase_mode": "ONE_OFF"}
    await submit(program, line(porting=port(), device=device), line(iccid=SPARE))
    await answer(OPENED, at=1)
    assert await state_of() == "in_progress"
    await answer(refusal="RIO résilié")
    assert (await state_of(), await card(FREE), await card(SPARE)) == ("partial", "in_stock", "active")
    assert (await PortingRequest.select(PortingRequest.state, PortingRequest.reason))[0] == {
        "state": "rejected", "reason": "RIO résilié",
    }  # fmt: skip
    assert (await DeviceUnit.select(DeviceUnit.state))[0] == {"state": "in_stock"}
    page = await clerk.get("/commandes/1?ligne=1")
    assert "1 ligne refusée" in words(page).replace("\xa0", " ")
    assert f'value="{RIO}"' in page.text
    form = {
        "kind": "LINE", "user_name": "Océane Guérin", "iccid": FREE, "offer": "SOLO", "commitment_type": "M24",
        "billing_terms": "ADVANCE", "porting.msisdn": NUMBER, "porting.rio": RIO, "porting.porting_date": "2026-12-04",
        **{f"device.{name}": value for name, value in device.items()},
    }  # fmt: skip
    wrong = await send(clerk, "/commandes/1/redemander/1", **(form | {"porting.rio": RIO[:-1] + "A"}))
    assert (wrong.status_code, "sa clé ne va pas" in words(wrong)) == (422, True)
    for _ in range(2):
        assert (await send(clerk, "/commandes/1/redemander/1", **form)).status_code == 303
    row = (await PortingRequest.select())[0]
    assert (row["state"], row["porting_date"], await card(FREE)) == ("submitted", date(2026, 12, 4), "reserved")
    assert [one["kind"] for one in await NetworkRequest.select().order_by(NetworkRequest.id)] == [
        "PORT_IN",
        "ACTIVATE",
        "PORT_IN",
    ]
    await answer(day=date(2026, 12, 4), at=2)
    assert await state_of() == "completed"
    assert [row["kind"] for row in await Charge.select()] == ["ONE_OFF"]


async def test_an_order_refused_whole_begins_again_as_a_copy(program, clerk):
    await submit(program, line(), salesperson="Zoé")
    await answer(refusal="Carte inconnue du réseau")
    assert await state_of() == "rejected"
    assert (await program.post("/api/orders/1/submit")).json()["type"] == "urn:ligne-claire:ILLEGAL_STATE"
    once = re.search(r'name="once" value="(\w+)"', (await clerk.get("/commandes/1")).text)[1]
    again = [await send(clerk, "/commandes/1/recommencer", once=once) for _ in range(2)]
    assert {one.headers["location"].rstrip("?") for one in again} == {"/commandes/2"}
    copy = (await program.get("/api/orders/2")).json()
    assert (copy["state"], copy["salesperson"], copy["items"][0]["iccid"], copy["errors"]) == ("draft", "Zoé", FREE, [])
    assert await card(FREE) == "reserved"


async def test_a_port_is_given_up_until_its_eve_and_never_after(program, clerk):
    await submit(program, line(porting=port()), line(iccid=SPARE))
    await send(clerk, "/commandes/1/abandonner/1", motif="Le client reste")
    assert [one["kind"] for one in await NetworkRequest.select().order_by(NetworkRequest.id)][-1] == "CANCEL_PORT"
    assert (await PortingRequest.select(PortingRequest.state))[0] == {"state": "cancelled"}
    assert (await card(FREE), await state_of()) == ("in_stock", "in_progress")
    await answer(refusal="Annulée à votre demande")
    await answer(at=2)
    await answer(OPENED, at=1)
    assert await state_of() == "completed"
    await submit(program, line(porting=port()))
    await PortingRequest.update({PortingRequest.state: "frozen"}).where(PortingRequest.state == "submitted")
    late = await send(clerk, "/commandes/2/abandonner/1", motif="Trop tard")
    assert late.status_code == 409


async def test_a_submitted_order_is_neither_changed_nor_cancelled_and_a_cancelled_one_gives_its_cards_back(program):
    made = await draft(program, line(), service())
    cancelled = await program.post(f"/api/orders/{made['id']}/cancel", json={"reason": "Erreur"})
    assert (cancelled.json()["state"], cancelled.json()["reason"], await card(FREE)) == ("cancelled", "Erreur", "in_stock")
    assert (await program.post(f"/api/orders/{made['id']}/cancel")).status_code == 200
    assert (await program.post(f"/api/orders/{made['id']}/submit")).status_code == 409
    done = await submit(program, line())
    assert (await program.post(f"/api/orders/{done['id']}/cancel")).json()["type"] == "urn:ligne-claire:ILLEGAL_STATE"
    assert (await program.post(f"/api/orders/{done['id']}/submit")).json()["version"] == done["version"]
    for key in (99, 10**30):
        assert (await program.get(f"/api/orders/{key}")).status_code == 404
    assert not await Charge.exists()


async def test_of_two_people_on_one_draft_the_second_is_warned_and_loses_nothing(clerk, program):
    await draft(program, line())
    form = {"kind": "LINE", "iccid": FREE, "offer": "SOLO", "commitment_type": "M24", "billing_terms": "ADVANCE"}
    first = await send(clerk, "/commandes/1/ligne/1", version="1", user_name="Anne", **form)
    second = await send(clerk, "/commandes/1/ligne/1", version="1", user_name="Paul", **form)
    twice = await send(clerk, "/commandes/1/ligne/1", version="1", user_name="Anne", **form)
    assert (first.status_code, second.status_code, twice.status_code) == (303, 409, 303)
    told = words(second)
    assert "a enregistré cette commande pendant que vous l'écriviez" in told
    assert "<del>Anne</del> → <ins>Paul</ins>" in second.text
    assert 'value="Paul"' in second.text
    assert 'name="version" value="2"' in second.text
    stale = await program.patch("/api/orders/1", json={"items": [], "version": 1})
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:ligne-claire:CHANGED_MEANWHILE")
    assert (await program.get("/api/orders/1")).json()["items"][0]["asked"]["user_name"] == "Anne"


@pytest.mark.parametrize(
    "body_, field",
    [
        ({"items": [{"kind": "RIEN"}]}, "items[0].kind"),
        ({"items": [line(options="OPT-SMS")]}, "items[0].options"),
        ({"items": [line(porting={"rio": ["x"]})]}, "items[0].porting.rio"),
        ({"items": [line(couleur="rouge")]}, "items[0].couleur"),
        ({"items": [line(user_name="x\0")]}, "items[0].user_name"),
        ({"items": [line(user_name="x" * 5000)]}, "items[0].user_name"),
        ({"customer_number": "C9"}, "customer_number"),
    ],
)
async def test_what_is_no_order_is_refused_at_its_field_and_nothing_is_written(program, body_, field):
    refused = await program.post("/api/orders", json=body() | body_)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    assert not await Order.exists()
    assert await card(FREE) == "in_stock"


async def test_a_card_lost_while_a_draft_holds_it_stops_the_order(program):
    await draft(program, line())
    await Sim.update({Sim.state: "lost"}).where(Sim.iccid == FREE)
    refused = await program.post("/api/orders/1/submit")
    assert (refused.status_code, codes(refused)) == (422, [("items[0].iccid", "SIM_UNAVAILABLE")])
    await program.patch("/api/orders/1", json={"items": [line(iccid=SPARE)]})
    assert [await card(FREE), await card(SPARE)] == ["lost", "reserved"]


async def test_cards_are_exchanged_between_the_lines_of_a_draft(program):
    await draft(program, line(), line(iccid=SPARE))
    await program.patch("/api/orders/1", json={"items": [line(iccid=SPARE), line()]})
    assert [await card(FREE), await card(SPARE)] == ["reserved", "reserved"]
    twice = (await program.patch("/api/orders/1", json={"items": [line(), line()]})).json()
    assert [(one["field"], one["code"]) for one in twice["errors"]] == [("items[1].iccid", "ASKED_TWICE")]
    assert [await card(FREE), await card(SPARE)] == ["reserved", "in_stock"]
