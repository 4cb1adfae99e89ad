"""What an order asks of the network for one item: a line on a card, or a number brought along."""

from datetime import datetime
from itertools import pairwise
from typing import Any

from jobs import catalogue
from jobs.network.asking import ask
from rules.moves import check
from rules.orders import Handset, Item, NumberTaken
from rules.paris import midnight
from rules.states import PORT_MOVES, PortState, RequestKind, SaleMode, UnitState
from tables.changes import NetworkRequest
from tables.engine import NOT_UNIQUE
from tables.orders import OrderItem, PortingRequest
from tables.timeline import tell

STEPS = (PortState.draft, PortState.checked, PortState.submitted)


def held_unit(item: Item) -> int | None:
    """The device that leaves the stock with the item."""
    handset: Handset | None = item.handset
    return handset.unit if handset and handset.sale != SaleMode.own else None


async def ask_for(item_id: int, item: Item, actor: str, now: datetime) -> None:
    """Ask for the line of an item, in the transaction of the order. Raises NumberTaken."""
    if unit := held_unit(item):
        await catalogue.move_unit(unit, UnitState.sold, actor)
    codes = "+".join(held.version.code for held in item.held)
    carried: dict[str, Any] = {"iccid": item.iccid, "user_name": item.user_name, "options": codes}
    if item.port is None:
        key = await ask(RequestKind.activate, actor=actor, now=now, item=item_id, **carried)
        if item.starts_on and (day := midnight(item.starts_on)) > now:
            await NetworkRequest.update({NetworkRequest.next_at: day}).where(NetworkRequest.id == key)
        return
    port = item.port
    await OrderItem.update({OrderItem.msisdn: port.msisdn}).where(OrderItem.id == item_id)
    try:
        await _port(item_id, item, actor, now)
    except NOT_UNIQUE:
        raise NumberTaken("Ce numéro vient d'être demandé par une autre commande. Vérifiez le numéro.") from None
    await ask(
        RequestKind.port_in,
        actor=actor,
        now=now,
        msisdn=port.msisdn,
        item=item_id,
        rio=port.rio,
        porting_date=port.day,
        **carried,
    )


async def _port(item_id: int, item: Item, actor: str, now: datetime) -> None:
    """The porting request of an item, new or rejected before: checked, then submitted."""
    port, table = item.port, PortingRequest
    assert port
    values: dict[Any, Any] = {
        table.msisdn: port.msisdn, table.rio: port.rio, table.porting_date: port.day, table.time_slot: port.time_slot,
        table.asked_by_customer: port.asked_by_customer, table.withdrawal_waived: port.withdrawal_waived,
        table.state: PortState.submitted, table.reason: "", table.created_at: now,
    }  # fmt: skip
    known = await table.select(table.id, table.state).where(table.item == item_id).first()
    if known:
        steps: tuple[PortState, ...] = (PortState(known["state"]), *STEPS[1:])
        await table.update(values).where(table.id == known["id"])
        key = known["id"]
    else:
        steps = STEPS
        row = table(item=item_id, **{column._meta.name: value for column, value in values.items()})
        await row.save()
        key = row.id
    for source, target in pairwise(steps):
        check(PORT_MOVES, source, target)
        await tell(actor, "state", "porting_request", key, {"state": source.value}, {"state": target.value}, at=now)
