"""Numbers on their way to us: each request by hand, by what the network answers, and by the clock (docs/etats.md)."""

import json
from datetime import date, datetime, timedelta
from typing import Any

from gateways.settings import SETTINGS
from jobs import mails, reseller
from jobs.mails import NewMail
from jobs.network import settling
from jobs.network.asking import ask
from jobs.report import Report
from jobs.words import compose
from rules import msisdn as numbers
from rules import refusals, rio
from rules.errors import NoReason, RuleError
from rules.mail import addresses
from rules.moves import check
from rules.paris import french_date, paris_date
from rules.porting import Window, freezes_on
from rules.states import (
    ORDER_ITEM_MOVES,
    PORT_MOVES,
    UNSETTLED,
    MailKind,
    OrderItemState,
    OrderState,
    PortState,
    RequestKind,
    RequestState,
    SimState,
)  # fmt: skip
from tables.changes import NetworkRequest
from tables.engine import NOT_UNIQUE, claim, transaction
from tables.fleet import Sim
from tables.orders import OrderItem, PortingRequest
from tables.timeline import tell

Row = dict[str, Any]
SLOT_LONGEST = 40
PREFIX = "item.customer_order.customer"
ORDER: Any = PortingRequest.item.customer_order
CUSTOMER = ORDER.customer
SHOWN = (
    *PortingRequest.all_columns(), PortingRequest.item.asked, PortingRequest.item.state, PortingRequest.item.sim,
    ORDER.id, ORDER.number, ORDER.state,
    CUSTOMER.customer_number, CUSTOMER.company_name, CUSTOMER.kind, CUSTOMER.site_email, CUSTOMER.site_contact_name,
    CUSTOMER.billing_email, CUSTOMER.billing_contact_name,
)  # fmt: skip


class UnknownPort(RuleError):
    status = 404


class PortFrozen(RuleError):
    """From its eve on nobody changes a port any more."""

    status = 409


class MovedMeanwhile(RuleError):
    """Someone else moved the port between the look and the act."""

    status = 409


class AlreadyRunning(RuleError):
    """Another port of the same number, or a card that another order took."""

    status = 409


class NotRejected(RuleError):
    """A port that the donor did not refuse."""

    status = 409


class OrderClosed(RuleError):
    """A port whose order is over: it begins again with a new one."""

    status = 409


async def get(port_id: int) -> Row:
    """A port, with its order and its customer. Raises UnknownPort."""
    row = await PortingRequest.select(*SHOWN).where(PortingRequest.id == port_id).first() if 0 < port_id < 2**31 else None
    if not row:
        raise UnknownPort("Cette portabilité n'existe pas. Cherchez-la dans la liste.")
    return row


async def window() -> Window:
    """The bounds that the reseller has set."""
    seller = await reseller.current()
    return Window(seller.port_after_days, seller.port_before_days, seller.port_working_days)


async def mark_eligible(port_id: int, *, actor: str, now: datetime) -> Row:
    """The donor lets the number go; the customer is written the date. Raises IllegalState, MovedMeanwhile."""
    async with transaction():
        port = await get(port_id)
        await _eligible(port, actor, now)
        request = await _running(port)
        if request and request["state"] == RequestState.sent:
            await settling.accept(request["id"], actor=actor, now=now)
    return await get(port_id)


async def accepted(request: Row, *, actor: str, now: datetime) -> None:
    """The network has taken a port in hand; in the transaction of its answer."""
    for row in await PortingRequest.select(PortingRequest.id, PortingRequest.state).where(PortingRequest.item == request["item"]):
        if row["state"] == PortState.submitted:
            await _eligible(await get(row["id"]), actor, now)


async def _eligible(port: Row, actor: str, now: datetime) -> None:
    await _move(port, PortState.eligible, {}, {}, actor, now)
    side = "site" if port[f"{PREFIX}.site_email"] else "billing"
    values = {
        "msisdn": numbers.format(port["msisdn"]), "port_date": french_date(port["porting_date"]),
        "user_name": json.loads(port["item.asked"]).get("user_name") or "",
        "customer_name": port[f"{PREFIX}.company_name"], "customer_number": port[f"{PREFIX}.customer_number"],
        "contact_name": port[f"{PREFIX}.{side}_contact_name"],
    }  # fmt: skip
    words = await compose(MailKind.port_date_fixed, values)
    to = addresses(port[f"{PREFIX}.{side}_email"] or "")
    order = port["item.customer_order.id"]
    await mails.enqueue([NewMail(MailKind.port_date_fixed, address, words, customer_order=order) for address in to])


async def reject(port_id: int, *, code: str = "", words: str = "", actor: str, now: datetime) -> Row:
    """The donor keeps the number, and says why. Raises NoReason, IllegalState, MovedMeanwhile."""
    reason = refusals.told(code, settling.one_line(words))
    if not reason:
        raise NoReason("Choisissez le motif de l'opérateur donneur, ou écrivez ses mots : ils disent quoi faire ensuite.")
    async with transaction():
        port = await get(port_id)
        check(PORT_MOVES, PortState(port["state"]), PortState.rejected)
        if request := await _running(port):
            await settling.refuse(request["id"], reason=reason, actor=actor, now=now)
        if (port := await get(port_id))["state"] != PortState.rejected:
            await _move(port, PortState.rejected, {PortingRequest.reason: reason}, {"reason": reason}, actor, now)
    return await get(port_id)


async def correct(
    port_id: int, *, written_rio: str, porting_date: date, time_slot: str = "", actor: str, now: datetime
) -> Row:  # fmt: skip
    """A rejected port is asked again with what was wrong put right; its card is still the item's.

    Raises BadRio, PortingTooSoon, PortingTooLate, NotAWorkingDay, NotRejected, OrderClosed, AlreadyRunning.
    """
    try:
        async with transaction():
            port = await get(port_id)
            if port["state"] != PortState.rejected:
                raise NotRejected("Seule une portabilité refusée se corrige ici. Avant l'envoi, corrigez la commande.")
            if port["item.customer_order.state"] in (OrderState.rejected, OrderState.cancelled):
                raise OrderClosed("La commande est close : reprenez-la dans une nouvelle commande, avec le RIO corrigé.")
            code = rio.validate(written_rio, port["msisdn"])
            day = (await window()).check(porting_date, paris_date(now))
            values = {PortingRequest.rio: code, PortingRequest.porting_date: day, PortingRequest.reason: ""}
            values[PortingRequest.time_slot] = settling.one_line(time_slot)[:SLOT_LONGEST]
            before = {name: str(port[name]) for name in ("rio", "porting_date", "time_slot")}
            told = {"rio": code, "porting_date": day.isoformat(), "time_slot": values[PortingRequest.time_slot]}
            await _move(port, PortState.checked, values, told, actor, now, before)
            await _ask_again(await get(port_id), actor, now)
    except NOT_UNIQUE:
        raise AlreadyRunning("Ce numéro est déjà porté par une autre demande, ou sa carte est prise ailleurs.") from None
    return await get(port_id)


async def _ask_again(port: Row, actor: str, now: datetime) -> None:
    item, asked = port["item"], json.loads(port["item.asked"])
    new = {"rio": port["rio"], "porting_date": port["porting_date"].isoformat(), "time_slot": port["time_slot"]}
    asked["porting"] = (asked.get("porting") or {}) | new
    values: dict[Any, Any] = {OrderItem.asked: json.dumps(asked, ensure_ascii=False)}
    if port["item.state"] != OrderItemState.requested:
        check(ORDER_ITEM_MOVES, OrderItemState(port["item.state"]), OrderItemState.requested)
        values |= {OrderItem.state: OrderItemState.requested, OrderItem.reason: ""}
        await _reserve(port["item.sim"])
    await OrderItem.update(values).where(OrderItem.id == item)
    await _move(port, PortState.submitted, {}, {}, actor, now)
    last = NetworkRequest.select().where(NetworkRequest.item == item, NetworkRequest.kind == RequestKind.port_in)
    former = await last.order_by(NetworkRequest.id, ascending=False).first()
    content = json.loads(former["payload"]) if former else {name: asked.get(name) for name in ("iccid", "user_name")}
    content |= {"rio": port["rio"], "porting_date": port["porting_date"]}
    await ask(RequestKind.port_in, actor=actor, now=now, msisdn=port["msisdn"], item=item, **content)


async def _reserve(sim_id: int | None) -> None:
    """The card that the refusal gave back to the stock, if it is still there. Raises AlreadyRunning."""
    taken = AlreadyRunning("La carte SIM de cette ligne n'est plus libre : reprenez la ligne dans une nouvelle commande.")
    card = await Sim.select(Sim.state).where(Sim.id == sim_id).first() if sim_id else None
    if card and card["state"] == SimState.in_stock:
        if await claim(Sim, {Sim.state: SimState.reserved}, Sim.id == sim_id, Sim.state == SimState.in_stock):
            return
        raise taken
    if not card or card["state"] != SimState.reserved:
        raise taken


async def cancel(port_id: int, *, reason: str, actor: str, now: datetime) -> Row:
    """Give the port up before its eve; the network is asked to. Raises NoReason, PortFrozen, IllegalState, MovedMeanwhile."""
    reason = settling.one_line(reason)
    if not reason:
        raise NoReason("Dites pourquoi le portage est annulé : le motif reste dans son histoire.")
    async with transaction():
        port = await get(port_id)
        if is_frozen(port, paris_date(now)):
            raise PortFrozen(
                "Le portage est figé depuis la veille : plus personne ne l'annule. Laissez-le se faire, puis résiliez la ligne."
            )
        await _move(port, PortState.cancelled, {PortingRequest.reason: reason}, {"reason": reason}, actor, now)
        if request := await _running(port):
            await _call_off(port, request, reason, actor, now)
    return await get(port_id)


def is_frozen(port: Row, today: date) -> bool:
    """Whether its eve has come for an eligible port, be it that the clock's job has not passed yet."""
    frozen = port["state"] == PortState.frozen
    return frozen or (port["state"] == PortState.eligible and freezes_on(port["porting_date"]) <= today)


async def _call_off(port: Row, request: Row, reason: str, actor: str, now: datetime) -> None:
    """Ask the network to forget a port; when nobody has heard of it yet, that is done at once."""
    unheard = request["state"] == RequestState.queued and not request["claimed_at"]
    if request["state"] == RequestState.queued:
        await settling.withdraw(request, reason=f"Portage annulé : {reason}", actor=actor, now=now)
    new = await ask(
        RequestKind.cancel_port, actor=actor, now=now, msisdn=port["msisdn"], item=port["item"],
        rio=port["rio"], porting_date=port["porting_date"],
    )  # fmt: skip
    if unheard and SETTINGS.network_mode != "manual":
        await settling.confirm(new, actor=actor, now=now)


async def freeze_and_expire(now: datetime) -> Report:
    """The clock's part: on their eve (Paris) eligible ports are frozen; those that no donor let go in time expire."""
    today, done, skipped, problems = paris_date(now), 0, 0, list[str]()
    waiting = [PortState.checked, PortState.submitted, PortState.eligible]
    near = PortingRequest.porting_date <= today + timedelta(1)
    for port in await PortingRequest.select().where(PortingRequest.state.is_in(waiting), near).order_by(PortingRequest.id):
        late = port["porting_date"] < today
        if not late and port["state"] != PortState.eligible:
            continue
        try:
            async with transaction():
                await _move(port, PortState.expired if late else PortState.frozen, {}, {}, "", now)
            done += 1
        except RuleError:
            skipped += 1
            continue
        if late:
            shown, day = numbers.format(port["msisdn"]), french_date(port["porting_date"])
            problems.append(f"La portabilité du {shown}, prévue le {day}, a expiré. Voyez avec le client, page Portabilités.")
    return Report(done, skipped, tuple(problems))


async def _running(port: Row) -> Row | None:
    """The request by which the network was asked for it, while it has not answered."""
    open_ = (NetworkRequest.item == port["item"]) & NetworkRequest.state.is_in(list(UNSETTLED))
    rows = NetworkRequest.select().where(open_, NetworkRequest.kind == RequestKind.port_in)
    return await rows.order_by(NetworkRequest.id, ascending=False).first()


async def _move(
    port: Row, target: PortState, values: dict[Any, Any], told: Row, actor: str, now: datetime, before: Row | None = None
) -> None:  # fmt: skip
    """In a transaction: the port still is as it was seen."""
    check(PORT_MOVES, PortState(port["state"]), target)
    as_seen = (PortingRequest.id == port["id"]) & (PortingRequest.state == port["state"])
    if not await claim(PortingRequest, {PortingRequest.state: target, **values}, as_seen):
        raise MovedMeanwhile("Cette portabilité vient de changer ailleurs. Rechargez la page.")
    old, new = {"state": port["state"], **(before or {})}, {"state": target.value, **told}
    await tell(actor, target.value, "porting_request", port["id"], old, new, at=now)
