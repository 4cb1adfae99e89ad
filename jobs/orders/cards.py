"""The cards that orders hold: taken for one item alone, given back when nobody needs them any more."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from jobs.orders.case import Row
from rules import iccid as law
from rules.moves import check
from rules.orders import Card, SimUnavailable, reserved
from rules.states import SIM_MOVES, OrderItemState, OrderState, SimState
from tables.engine import claim, on_sqlite, transaction
from tables.fleet import Sim
from tables.orders import Order, OrderItem
from tables.timeline import tell, tell_many

KEPT = timedelta(hours=48)


async def move(ids: Iterable[int | None], source: SimState, target: SimState, reason: str, actor: str, now: datetime) -> set[int]:
    """Move those that still are in that state; which ones."""
    wanted = sorted({one for one in ids if one})
    if not wanted:
        return set()
    check(SIM_MOVES, source, target)
    moved = await claim(Sim, {Sim.state: target}, Sim.id.is_in(wanted), as_seen(source))
    if moved:
        stories = (("sim", one, {"state": source.value}, {"state": target.value, "reason": reason}) for one in moved)
        await tell_many(now, actor, "state", stories)
    return set(moved)


def as_seen(state: SimState) -> Any:
    """The guard between the look and the act."""
    return Sim.state == state


async def take(wanted: dict[str, Card], order: Row, actor: str, now: datetime) -> None:
    """Reserve free cards, all or none. Raises SimReserved for one that another order was quicker to take, SimUnavailable."""
    reason = f"Commande {order['number']}"
    taken = await move((card.id for card in wanted.values()), SimState.in_stock, SimState.reserved, reason, actor, now)
    for number, card in wanted.items():
        if card.id not in taken:
            seen = await Sim.select(Sim.state).where(Sim.id == card.id).first()
            state = SimState(seen["state"] if seen else SimState.retired)
            if state == SimState.reserved:
                raise reserved(number)
            raise SimUnavailable(f"La carte {number} vient de changer : {state.label.lower()}. Choisissez-en une autre.")


async def wait_for(ids: Iterable[int]) -> None:
    """Orders that want the same cards come one after the other, in one order of cards, so that two never wait for each other."""
    if not on_sqlite() and (wanted := sorted(ids)):  # on SQLite every transaction is alone already
        await Sim.select(Sim.id).where(Sim.id.is_in(wanted)).order_by(Sim.id).lock_rows("UPDATE")


async def give_back(ids: Iterable[int | None], reason: str, actor: str, now: datetime) -> set[int]:
    """Back to the stock: the cards of items that no longer hold them."""
    return await move(ids, SimState.reserved, SimState.in_stock, reason, actor, now)


async def release_lapsed(now: datetime) -> int:
    """Free the cards that drafts have held for too long; how many. The drafts stay, and say so."""
    overdue = (Order.state == OrderState.draft) & (Order.reserved_until <= now)
    freed = 0
    for order in await Order.select(Order.id, Order.number).where(overdue).order_by(Order.id):
        async with transaction():
            if not await claim(Order, {Order.reserved_until: None}, Order.id == order["id"], overdue):
                continue
            mine = (OrderItem.customer_order == order["id"]) & (OrderItem.state == OrderItemState.draft)
            held = await OrderItem.select(OrderItem.sim).where(mine, OrderItem.sim.is_not_null()).output(as_list=True)
            await OrderItem.update({OrderItem.sim: None}).where(mine)
            back = await give_back(held, f"Réservation échue, commande {order['number']}", "", now)
            await tell("", "released", "customer_order", order["id"], after={"cards": len(back)}, at=now)
            freed += len(back)
    return freed


async def free(end: str = "", batch: str = "", limit: int = 6) -> list[Row]:
    """Some cards of the stock that nobody holds, whose number ends so, of a batch."""
    digits = "".join(letter for letter in end if letter in "0123456789")[-20:]
    where = [Sim.state == SimState.in_stock]
    where += [Sim.iccid.like(f"%{digits}")] if digits else []
    where += [Sim.batch == batch] if batch else []
    return await Sim.select(Sim.iccid, Sim.kind, Sim.batch).where(*where).order_by(Sim.id).limit(limit)


async def meant(text: str, held: str = "") -> str:
    """The number of a card written whole, or by an end that the one held has, or else one free card; else what was written."""
    if not text or law.is_valid(text):
        return law.compact(text)
    digits = "".join(letter for letter in text if letter in "0123456789")
    if digits and held.endswith(digits):
        return held
    found = await free(digits, limit=2) if len(digits) >= 3 else []
    return str(found[0]["iccid"]) if len(found) == 1 else text


def written(asked: Row) -> str:
    """An item as its column keeps it."""
    return json.dumps(asked, ensure_ascii=False, sort_keys=True)
