"""Drafts: written and written again, each time whole; the cards that they name are held for them at once."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jobs.lawful import NotLawful
from jobs.orders import cards
from jobs.orders.cards import KEPT, give_back, take, wait_for, written
from jobs.orders.case import Row, UnknownOrder, cards_of, find
from rules import iccid
from rules.errors import RuleError
from rules.files.cells import clean
from rules.moves import IllegalState, check
from rules.order_shape import differences, shaped
from rules.orders import MOST_ITEMS, reserved
from rules.paris import paris_date
from rules.states import ORDER_MOVES, OrderItemState, OrderState, SimState
from tables.engine import NOT_UNIQUE, claim, transaction
from tables.orders import Order, OrderItem
from tables.parties import Customer
from tables.timeline import story, tell

SUBJECT = "customer_order"


class ChangedMeanwhile(RuleError):
    """Someone else saved the order since it was opened."""

    status = 409


class TooManyItems(RuleError):
    """More items than one order holds."""


async def create(
    customer_number: str, items: Sequence[Any], *, actor: str, now: datetime, salesperson: str = "", once: str | None = None
) -> int:
    """A draft of a customer; its key. `once`: the token of a form, which makes one order however often it is sent.

    Raises NotLawful, BadShape, SimReserved.
    """
    customer = None
    if customer_number.isprintable():
        customer = await Customer.select(Customer.id).where(Customer.customer_number == customer_number.strip()).first()
    if customer is None:
        raise _at(
            "customer_number", "UNKNOWN_CUSTOMER", f"Le client « {customer_number[:40]} » n'existe pas. Relisez son numéro."
        )
    wanted, seller = _shaped(items), _salesperson(salesperson)
    looked = await _look(wanted, 0)
    try:
        async with transaction():
            order = Order(customer=customer["id"], salesperson=seller, actor=actor, created_at=now, once=once or None)
            await order.save()
            number = f"C{paris_date(now).year}-{order.id:04}"
            await Order.update({Order.number: number}).where(Order.id == order.id)
            row = await find(order.id)
            await _write(row, [], wanted, looked, actor, now)
            await tell(actor, "created", SUBJECT, order.id, after=differences({}, _told(seller, wanted))[1], at=now)
            return int(order.id)
    except NOT_UNIQUE:
        if once and (same := await Order.select(Order.id).where(Order.once == once).first()):
            return int(same["id"])
        raise reserved(_disputed(wanted)) from None


async def save(
    order_id: int,
    items: Sequence[Any] | None,
    *,
    actor: str,
    now: datetime,
    version: int | None = None,
    salesperson: str | None = None,
) -> None:
    """Replace the items of a draft (None: they stay), as it was seen in that version. Raises ChangedMeanwhile and as `create`."""
    order = await find(order_id)
    _only_a_draft(order)
    seller = order["salesperson"] if salesperson is None else _salesperson(salesperson)
    seen = order["version"] if version is None else version
    stored = await OrderItem.select().where(OrderItem.customer_order == order_id).order_by(OrderItem.position)
    before = [json.loads(row["asked"]) for row in stored]
    wanted = before if items is None else _shaped(items)
    looked = await _look(wanted, order_id)
    try:
        async with transaction():
            values: dict[Any, Any] = {Order.version: seen + 1, Order.salesperson: seller}
            still = (Order.version == seen) & (Order.state == OrderState.draft)
            if not await claim(Order, values, Order.id == order_id, still):
                await _explain(order_id, seen, wanted)
                return
            stored = await OrderItem.select().where(OrderItem.customer_order == order_id).order_by(OrderItem.position)
            await _write(order, stored, wanted, looked, actor, now)
            old, new = differences(_told(order["salesperson"], before), _told(seller, wanted))
            await tell(actor, "saved", SUBJECT, order_id, old, new, now)
    except NOT_UNIQUE:
        raise reserved(_disputed(wanted)) from None


async def again(order_id: int, actor: str, now: datetime, once: str | None = None) -> int:
    """A draft that asks for the same once more, with those of its cards that are free. The key of the new order."""
    order = await find(order_id)
    rows = await OrderItem.select(OrderItem.asked).where(OrderItem.customer_order == order_id).order_by(OrderItem.position)
    asked = [json.loads(row["asked"]) for row in rows]
    looked = await cards_of((one["iccid"] for one in asked if "iccid" in one), 0)
    for one in asked:
        card = looked.get(one.get("iccid", ""))
        if card is None or card.state != SimState.in_stock:
            one.pop("iccid", None)
    customer = await Customer.select(Customer.customer_number).where(Customer.id == order["customer"]).first()
    assert customer
    return await create(
        customer["customer_number"], asked, actor=actor, now=now, salesperson=order["salesperson"], once=once
    )  # fmt: skip


def check_count(count: int) -> None:
    """Raises TooManyItems."""
    if count > MOST_ITEMS:
        raise TooManyItems(f"{count} lignes, {MOST_ITEMS} au plus. Faites-en plusieurs commandes.")


def _shaped(items: Sequence[Any]) -> list[Row]:
    check_count(len(items))
    found = [shaped(one, f"items[{rank}]") for rank, one in enumerate(items)]
    for one in found:
        if iccid.is_valid(one.get("iccid", "")):
            one["iccid"] = iccid.compact(one["iccid"])
    return found


def _salesperson(text: str) -> str:
    try:
        return clean(text, 100)
    except RuleError as problem:
        raise _at("salesperson", problem.code, str(problem)) from None


def _at(field: str, code: str, message: str) -> NotLawful:
    return NotLawful([{"field": field, "code": code, "message": message}])


def _told(salesperson: str, items: list[Row]) -> Row:
    """What the journal keeps of an order."""
    return {"salesperson": salesperson, "items": items}


def _disputed(wanted: list[Row]) -> str:
    return next((one["iccid"] for one in wanted if "iccid" in one), "")


async def _look(wanted: list[Row], order_id: int) -> Any:
    """The cards that the items name, as they stand before anything is written. Raises SimReserved."""
    looked = await cards_of((one["iccid"] for one in wanted if "iccid" in one), order_id)
    for number, card in looked.items():
        if card.holder:
            raise reserved(number, card.holder)
    return looked


async def _write(order: Row, stored: list[Row], wanted: list[Row], looked: Any, actor: str, now: datetime) -> None:
    """Rows for the items, in the transaction of the order: cards that are no longer named go back, new ones are taken."""
    held: set[int] = set()
    sims: list[int | None] = []
    for one in wanted:
        card = looked.get(one.get("iccid", ""))
        usable = card is not None and card.id not in held and (card.ours or card.state == SimState.in_stock)
        sims.append(card.id if usable else None)
        held |= {card.id} if usable else set()
    had = {row["sim"] for row in stored if row["sim"]}
    await wait_for(held - had)
    moved = [row["id"] for row, sim in zip(stored, [*sims, *[None] * len(stored)], strict=False) if row["sim"] != sim]
    if moved:
        await OrderItem.update({OrderItem.sim: None}).where(OrderItem.id.is_in(moved))
    if surplus := [row["id"] for row in stored[len(wanted) :]]:
        await OrderItem.delete().where(OrderItem.id.is_in(surplus))
    await give_back(had - held, f"Commande {order['number']}", actor, now)
    for rank, (one, sim) in enumerate(zip(wanted, sims, strict=True)):
        values: dict[Any, Any] = {OrderItem.asked: written(one), OrderItem.sim: sim, OrderItem.kind: one["kind"]}
        if rank >= len(stored):
            new = {column._meta.name: value for column, value in values.items()}
            await OrderItem(customer_order=order["id"], position=rank, **new).save()
        elif stored[rank]["sim"] != sim or stored[rank]["asked"] != values[OrderItem.asked]:
            await OrderItem.update(values).where(OrderItem.id == stored[rank]["id"])
    fresh = {number: card for number, card in looked.items() if card.id in held - had}
    await take(fresh, order, actor, now)
    if fresh:
        await Order.update({Order.reserved_until: now + KEPT}).where(Order.id == order["id"])
    elif not held:
        await Order.update({Order.reserved_until: None}).where(Order.id == order["id"])


def _only_a_draft(order: Row) -> None:
    if order["state"] != OrderState.draft:
        word = OrderState(order["state"]).label.lower()
        raise IllegalState(f"La commande {order['number']} est {word} : seul un brouillon se modifie. Rechargez la page.")


async def _explain(order_id: int, seen: int, wanted: list[Row]) -> None:
    """Why a draft could not be saved; nothing when it already says just that. Raises ChangedMeanwhile, IllegalState."""
    order = await Order.select().where(Order.id == order_id).first()
    if order is None:
        raise UnknownOrder("Aucune commande de ce numéro. Revenez à la liste des commandes.")
    rows = await OrderItem.select(OrderItem.asked).where(OrderItem.customer_order == order_id).order_by(OrderItem.position)
    if order["state"] == OrderState.draft and [json.loads(row["asked"]) for row in rows] == wanted:
        return
    _only_a_draft(order)
    by = (await story(SUBJECT, order_id))[0]["actor"] or "Le programme"
    raise ChangedMeanwhile(
        f"{by} a enregistré cette commande pendant que vous l'écriviez. Regardez ce qui a changé, puis enregistrez de nouveau."
    )


async def cancel(order_id: int, *, actor: str, now: datetime, reason: str = "") -> None:
    """Give up an order of which nothing was asked yet; its cards go back to the stock. Raises IllegalState."""
    order = await find(order_id)
    source = OrderState(order["state"])
    if source == OrderState.cancelled:
        return
    check(ORDER_MOVES, source, OrderState.cancelled)
    async with transaction():
        values: dict[Any, Any] = {Order.state: OrderState.cancelled, Order.reason: clean(reason, 500), Order.reserved_until: None}
        if not await claim(Order, values, Order.id == order_id, Order.state == source):
            return
        mine = OrderItem.customer_order == order_id
        held = await OrderItem.select(OrderItem.sim).where(mine, OrderItem.sim.is_not_null()).output(as_list=True)
        await OrderItem.update({OrderItem.state: OrderItemState.cancelled, OrderItem.sim: None}).where(mine)
        await cards.give_back(held, f"Commande {order['number']} annulée", actor, now)
        after = {"state": OrderState.cancelled.value, "reason": reason}
        await tell(actor, "cancelled", SUBJECT, order_id, {"state": source.value}, after, now)
