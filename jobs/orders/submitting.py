"""Submitting an order: all is checked again, then everything happens in one transaction, once."""

from datetime import datetime
from typing import Any

from jobs import mails
from jobs.mails import Attachment, NewMail
from jobs.orders import opening, summary
from jobs.orders.asking import ask_for
from jobs.orders.cards import take, wait_for
from jobs.orders.case import Case, Row, find, load
from jobs.orders.drafts import SUBJECT, ChangedMeanwhile
from jobs.orders.refusing import refuse
from jobs.words import compose
from rules import order_words
from rules.mail import addresses
from rules.moves import check
from rules.order_bill import debts
from rules.orders import reserved
from rules.paris import french_date, paris_date
from rules.states import ORDER_ITEM_MOVES, ORDER_MOVES, MailKind, OrderItemKind, OrderItemState, OrderState
from tables.engine import NOT_UNIQUE, claim, transaction
from tables.orders import Order, OrderItem
from tables.timeline import tell

SUBMITTED = (OrderState.in_progress, OrderState.partial, OrderState.completed)


async def submit(order_id: int, *, actor: str, now: datetime, version: int | None = None) -> None:
    """Ask for all that an order holds; a second press changes nothing.

    Raises OrderIncomplete, SimReserved, ChangedMeanwhile, IllegalState: nothing is done then.
    """
    case = await load(order_id, now)
    source, seen = OrderState(case.order["state"]), case.order["version"]
    if source in SUBMITTED:
        return
    check(ORDER_MOVES, source, OrderState.submitted)
    if version not in (None, seen):
        raise _changed()
    refuse(case.faults)
    paper = await summary.publish(case, paris_date(now))
    mail = await _mail(case, paper, now)
    try:
        async with transaction():
            values: dict[Any, Any] = {
                Order.state: OrderState.in_progress, Order.version: seen + 1, Order.submitted_at: now, Order.reserved_until: None,
                Order.summary: paper.path,
            }  # fmt: skip
            if not await claim(Order, values, Order.id == order_id, Order.version == seen, Order.state == source):
                if (await find(order_id))["state"] in SUBMITTED:
                    return
                raise _changed()
            await _hold(case, actor, now)
            for rank, row in enumerate(case.items):
                await _begin(case, row, rank, actor, now)
            for state in (OrderState.submitted, OrderState.in_progress):
                check(ORDER_MOVES, source, state)
                await tell(actor, state.value, SUBJECT, order_id, {"state": source.value}, {"state": state.value}, at=now)
                source = state
            await mails.enqueue(mail)
            await opening.settle(order_id, actor, now)
    except NOT_UNIQUE:
        raise reserved(next((reading.item.iccid for reading in case.readings if reading.item.iccid), "")) from None


def _changed() -> ChangedMeanwhile:
    return ChangedMeanwhile("Cette commande a changé depuis que vous l'avez ouverte. Relisez-la, puis validez.")


async def _hold(case: Case, actor: str, now: datetime) -> None:
    """The cards whose reservation had lapsed, taken again; the others are still held. Raises SimReserved."""
    rows = await OrderItem.select(OrderItem.id, OrderItem.sim).where(OrderItem.customer_order == case.order["id"])
    held = {row["id"]: row["sim"] for row in rows}
    lost = {}
    for row, reading in zip(case.items, case.readings, strict=True):
        if reading.item.iccid and not held[row["id"]]:
            lost[row["id"]] = reading.item.iccid
    again = {iccid: case.shelf.cards[iccid] for iccid in lost.values()}
    await wait_for(card.id for card in again.values())
    for key, iccid in lost.items():
        await OrderItem.update({OrderItem.sim: again[iccid].id}).where(OrderItem.id == key)
    await take(again, case.order, actor, now)


async def _begin(case: Case, row: Row, rank: int, actor: str, now: datetime) -> None:
    """One item: a line is asked of the network, a service is due."""
    item, state = case.readings[rank].item, OrderItemState.requested
    check(ORDER_ITEM_MOVES, OrderItemState(row["state"]), state)
    asked = row["asked"]
    if item.kind == OrderItemKind.line:
        await ask_for(row["id"], item, actor, now)
    else:
        assert item.starts_on  # a fault otherwise
        for debt in debts(item, item.starts_on):
            await opening.charge(case, row["id"], debt, actor, now)
        check(ORDER_ITEM_MOVES, state, OrderItemState.done)
        state = OrderItemState.done
    agreed = summary.agreed(asked, item)
    await OrderItem.update({OrderItem.state: state, OrderItem.asked: agreed}).where(OrderItem.id == row["id"])


async def _mail(case: Case, paper: Attachment, now: datetime) -> list[NewMail]:
    """The confirmation, to the billing manager, else to the site's; none when neither has an address."""
    customer = case.customer
    wanted = [*addresses(customer["billing_email"]), *addresses(customer["site_email"] or "")][:1]
    if not wanted:
        return []
    lines = sum(reading.item.kind == OrderItemKind.line for reading in case.readings)
    context = {
        "customer_name": customer["company_name"],
        "customer_number": customer["customer_number"],
        "contact_name": customer["billing_contact_name"],
        "order_number": case.order["number"],
        "ordered_on": french_date(paris_date(now)),
        "line_count": order_words.count(lines, len(case.items) - lines),
    }
    words = await compose(MailKind.order_confirmed, context)
    return [NewMail(MailKind.order_confirmed, wanted[0], words, None, (paper,), case.order["id"])]
