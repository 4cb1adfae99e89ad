"""What the network answers to an order: its lines are born, or their items refused and everything given back."""

from datetime import date, datetime
from typing import Any

from jobs import catalogue
from jobs.imports.lines import state_on
from jobs.network.asking import ask
from jobs.orders.asking import ask_for, held_unit
from jobs.orders.cards import give_back, move, take, written
from jobs.orders.case import Case, Row, load, stock
from jobs.orders.drafts import SUBJECT
from jobs.orders.refusing import refuse
from rules import msisdn as numbers
from rules.errors import RuleError
from rules.moves import IllegalState, check
from rules.order_bill import Debt, debts
from rules.order_reading import read
from rules.order_shape import differences, shaped
from rules.orders import NotOnSale, NumberTaken
from rules.paris import paris_date
from rules.porting import freezes_on
from rules.states import (
    ORDER_ITEM_MOVES,
    ORDER_MOVES,
    PORT_MOVES,
    LineState,
    OrderItemState,
    OrderState,
    PortState,
    RequestKind,
    SaleMode,
    SimState,
    UnitState,
    Word,
)  # fmt: skip
from tables.charges import Charge
from tables.engine import claim, on_sqlite, transaction
from tables.fleet import Discount, Line, LineItem, Sim
from tables.orders import Order, OrderItem, PortingRequest
from tables.timeline import tell

TO_COMPLETED = (PortState.submitted, PortState.eligible, PortState.frozen, PortState.completed)


class NumberMissing(RuleError):
    """A line opened without its number."""


async def done(request: Row, *, msisdn: str, effective_on: date, actor: str, now: datetime) -> None:
    """The network has opened the line of an item: the line is born with all that was agreed.

    Raises IllegalState, NumberMissing, NumberTaken.
    """
    if request["kind"] == RequestKind.cancel_port:
        await tell(actor, "port_cancelled", "order_item", request["item"], after={"request": request["id"]}, at=now)
        return
    case = await _case(request["item"], now)
    row, item = case.items[0], case.readings[0].item
    check(ORDER_ITEM_MOVES, OrderItemState(row["state"]), OrderItemState.done)
    if not item.held:
        raise NotOnSale("L'abonnement commandé n'est plus au catalogue. Remettez sa version, puis répondez de nouveau.")
    number = await _number(msisdn, row, effective_on)
    async with transaction():
        await _lock(case.order["id"])
        line = await _line(case, number, effective_on, now)
        for debt in debts(item, effective_on):
            await charge(case, row["id"], debt, actor, now, line, item.handset.unit if item.handset else None)
        values: dict[Any, Any] = {OrderItem.state: OrderItemState.done, OrderItem.line: line, OrderItem.msisdn: number}
        await _claim(row, values)
        await move([row["sim"]], SimState.reserved, SimState.active, f"Ligne {number}", actor, now)
        await _settle_port(row["id"], PortState.completed, "", actor, now)
        told = {"msisdn": number, "activated_on": effective_on.isoformat(), "order": case.order["number"]}
        await tell(actor, "opened", "line", line, after=told, at=now)
        await settle(case.order["id"], actor, now)


async def refused(request: Row, *, reason: str, actor: str, now: datetime) -> None:
    """The network has refused an item: its card, its device and its number are given back."""
    case = await _case(request["item"], now)
    row = case.items[0]
    if request["kind"] == RequestKind.cancel_port or row["state"] == OrderItemState.cancelled:
        await tell(actor, "refused", "order_item", row["id"], after={"reason": reason, "kind": request["kind"]}, at=now)
        return
    check(ORDER_ITEM_MOVES, OrderItemState(row["state"]), OrderItemState.refused)
    async with transaction():
        await _lock(case.order["id"])
        await _let_go(case, OrderItemState.refused, PortState.rejected, reason, actor, now)
        await settle(case.order["id"], actor, now)


async def cancel_item(item_id: int, *, reason: str, actor: str, now: datetime) -> None:
    """Give up the port of one item, until the eve of its day; the network is asked to stop it. Raises IllegalState."""
    case = await _case(item_id, now)
    check(ORDER_ITEM_MOVES, OrderItemState(case.items[0]["state"]), OrderItemState.cancelled)
    port = await PortingRequest.select().where(PortingRequest.item == item_id).first()
    if port is None:
        raise IllegalState(
            "Une ligne sans portabilité ne s'annule plus une fois demandée : attendez la réponse, puis résiliez-la."
        )
    check(PORT_MOVES, PortState(port["state"]), PortState.cancelled)
    if port["state"] == PortState.eligible and freezes_on(port["porting_date"]) <= paris_date(now):
        raise IllegalState("Le portage est figé depuis la veille : plus personne ne l'annule. Laissez-le se faire.")
    async with transaction():
        await _lock(case.order["id"])
        await _let_go(case, OrderItemState.cancelled, PortState.cancelled, reason, actor, now)
        await ask(RequestKind.cancel_port, actor=actor, now=now, msisdn=port["msisdn"], item=item_id, rio=port["rio"],
                  porting_date=port["porting_date"])  # fmt: skip
        await settle(case.order["id"], actor, now)


async def retry(item_id: int, asked: Any, *, actor: str, now: datetime) -> None:
    """Ask the network again for a refused item, corrected; a second press changes nothing.

    Raises OrderIncomplete, SimReserved, IllegalState.
    """
    case = await _case(item_id, now)
    row = case.items[0]
    if row["state"] == OrderItemState.requested:
        return
    check(ORDER_ITEM_MOVES, OrderItemState(row["state"]), OrderItemState.requested)
    if case.order["state"] not in (OrderState.in_progress, OrderState.partial):
        raise IllegalState("Cette commande est close. Recommencez-la : une copie s'ouvre en brouillon.")
    wanted = shaped({**asked, "kind": row["kind"]}, f"items[{row['position']}]")
    shelf = await stock(case.customer, [wanted], paris_date(now), case.order["id"])
    reading = read(wanted, shelf, f"items[{row['position']}]")
    refuse(reading.faults)
    card = shelf.cards[reading.item.iccid]
    async with transaction():
        await _lock(case.order["id"])
        values: dict[Any, Any] = {
            OrderItem.state: OrderItemState.requested, OrderItem.asked: written(wanted), OrderItem.sim: card.id,
            OrderItem.reason: "",
        }  # fmt: skip
        if not await claim(OrderItem, values, OrderItem.id == item_id, OrderItem.state == OrderItemState.refused):
            return
        await take({reading.item.iccid: card}, case.order, actor, now)
        old, new = differences(row["asked"], wanted)
        await tell(actor, "asked_again", "order_item", item_id, old, new, now)
        await ask_for(item_id, reading.item, actor, now)


async def close(order_id: int, *, actor: str, now: datetime) -> None:
    """Give up what was refused: the order is over. Raises IllegalState while an item still waits for its answer."""
    async with transaction():
        await _lock(order_id)
        if await OrderItem.exists().where(OrderItem.customer_order == order_id, OrderItem.state == OrderItemState.requested):
            raise IllegalState("Une ligne attend encore la réponse du réseau. Attendez-la, ou annulez son portage.")
        await settle(order_id, actor, now, closing=True)


async def _correctable(order_id: int) -> bool:
    """Whether a port that the donor refused may still be put right and asked again."""
    port = PortingRequest
    return await port.exists().where(port.item.customer_order == order_id, port.state == PortState.rejected)


async def settle(order_id: int, actor: str, now: datetime, closing: bool = False) -> None:
    """The state of an order from those of its items, once none waits any more; in a transaction that holds it.

    A refused port may be corrected: until a person is `closing` it, the order is not rejected for it.
    """
    order = await Order.select(Order.state).where(Order.id == order_id).first()
    rows = await OrderItem.select(OrderItem.state).where(OrderItem.customer_order == order_id)
    states = {row["state"] for row in rows} - {OrderItemState.cancelled.value}
    if order is None or OrderItemState.requested.value in states:
        return
    target, reason = OrderState.completed, ""
    if OrderItemState.done.value not in states:
        if not closing and await _correctable(order_id):
            return
        target, reason = OrderState.rejected, "Aucune de ses lignes n'a été ouverte."
    elif OrderItemState.refused.value in states:
        target = OrderState.partial
    source = OrderState(order["state"])
    if source == target:
        return
    check(ORDER_MOVES, source, target)
    await Order.update({Order.state: target, Order.reason: reason}).where(Order.id == order_id)
    await tell(actor, target.value, SUBJECT, order_id, {"state": source.value}, {"state": target.value}, at=now)


async def charge(
    case: Case, item_id: int, debt: Debt, actor: str, now: datetime, line: int | None = None, unit: int | None = None
) -> None:
    """A debt of an item, for the bills to come."""
    values = vars(debt) | {"label": debt.label[:160]}
    owner = {"customer": case.customer["id"], "line": line, "order_item": item_id, "unit": unit}
    await Charge(**values, **owner, actor=actor, created_at=now).save()


async def _case(item_id: int, now: datetime) -> Case:
    item = await OrderItem.select(OrderItem.customer_order).where(OrderItem.id == item_id).first()
    return await load(item["customer_order"] if item else 0, now, item_id)


async def _lock(order_id: int) -> None:
    """Two answers to one order are taken one after the other."""
    if not on_sqlite():  # where every transaction is alone already
        await Order.select(Order.id).where(Order.id == order_id).lock_rows("UPDATE")


async def _claim(row: Row, values: dict[Any, Any]) -> None:
    if not await claim(OrderItem, values, OrderItem.id == row["id"], OrderItem.state == row["state"]):
        raise IllegalState("Cette ligne de commande vient de changer ailleurs. Rechargez la page.")


async def _number(given: str, row: Row, effective_on: date) -> str:
    """The number of the line: the one that is ported, else the one that the network gives, else the card's own."""
    number = row["msisdn"] or (given and numbers.line_number(given))
    if not number and row["sim"]:
        card = await Sim.select(Sim.msisdn).where(Sim.id == row["sim"]).first()
        number = card["msisdn"] if card else ""
    if not number:
        raise NumberMissing("Donnez le numéro que le réseau a attribué à cette ligne.")
    if given and numbers.line_number(given) != number and row["msisdn"]:
        raise NumberTaken(f"Le réseau répond pour un autre numéro que le {numbers.format(number)} à porter. Vérifiez la demande.")
    living = (Line.state != LineState.cancelled) & (Line.terminated_on.is_null() | (Line.terminated_on >= effective_on))
    if await Line.exists().where(Line.msisdn == number, living):
        raise NumberTaken(f"Le {numbers.format(number)} est déjà une ligne du parc ce jour-là. Vérifiez le numéro.")
    return str(number)


async def _line(case: Case, number: str, start: date, now: datetime) -> int:
    """The line and what it holds, in the order in which allowances are used."""
    row, item = case.items[0], case.readings[0].item
    subsidised = bool(item.handset and item.handset.sale == SaleMode.subsidised)
    line = Line(
        msisdn=number, customer=case.customer["id"], sim=row["sim"], user_name=item.user_name,
        state=state_on(paris_date(now), start, None), rate_table=item.table, activated_on=start,
        commitment_type=item.bond and item.bond.id, commitment_start=start if item.bond and item.bond.months else None,
        subsidised=subsidised,
    )  # fmt: skip
    await line.save()
    for position, agreed in enumerate(item.held):
        held = LineItem(
            line=line.id, kind=agreed.kind, offer=agreed.version.id, position=position, monthly_price=agreed.price,
            terms=item.terms, starts_on=start,
        )  # fmt: skip
        await held.save()
        for one in agreed.discounts:
            await Discount(item=held.id, percent=one.percent, amount=one.amount, until=one.ends_on(start)).save()
    return int(line.id)


async def _let_go(case: Case, state: Word, port_state: PortState, reason: str, actor: str, now: datetime) -> None:
    """An item ends without its line."""
    row, item = case.items[0], case.readings[0].item
    await _claim(row, {OrderItem.state: state, OrderItem.reason: reason, OrderItem.sim: None, OrderItem.msisdn: ""})
    await give_back([row["sim"]], f"Commande {case.order['number']} : {reason}", actor, now)
    if unit := held_unit(item):
        await catalogue.move_unit(unit, UnitState.in_stock, actor)
    await _settle_port(row["id"], port_state, reason, actor, now)
    after = {"state": str(state), "reason": reason}
    await tell(actor, str(state), "order_item", row["id"], {"state": row["state"]}, after, now)


async def _settle_port(item_id: int, target: PortState, reason: str, actor: str, now: datetime) -> None:
    """The porting request of an item to its end, step by step: an answer may come before the eve of the day."""
    port = await PortingRequest.select().where(PortingRequest.item == item_id).first()
    if port is None or not PORT_MOVES[PortState(port["state"])] or port["state"] == target:
        return  # an expired port stays so, whatever the network answers later
    source = PortState(port["state"])
    steps = TO_COMPLETED[TO_COMPLETED.index(source) + 1 :] if target == PortState.completed else (target,)
    for step in steps:
        check(PORT_MOVES, source, step)
        after = {"state": step.value, "reason": reason}
        await tell(actor, "state", "porting_request", port["id"], {"state": source.value}, after, now)
        source = step
    await PortingRequest.update({PortingRequest.state: target, PortingRequest.reason: reason}).where(
        PortingRequest.id == port["id"]
    )
