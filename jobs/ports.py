"""Numbers on their way to us: each request by hand, by what the network answers, and by the clock (docs/etats.md)."""

import json
from datetime import date, datetime, timedelta
from typing import Any

from gateways.settings import SETTINGS
from jobs import mails, reseller
from jobs.mails import NewMail
from jobs.network import settling
from jobs.report import Report
from jobs.words import compose
from rules import msisdn as numbers
from rules import refusals, rio
from rules.errors import NoReason, RuleError
from rules.mail import addresses
from rules.moves import check
from rules.paris import french_date, paris_date
from rules.porting import Window, freezes_on
from rules.states import PORT_MOVES, UNSETTLED, MailKind, OrderState, PortState, RequestKind, RequestState
from tables.changes import NetworkRequest
from tables.engine import claim, transaction
from tables.orders import PortingRequest
from tables.timeline import tell

Row = dict[str, Any]
SLOT_LONGEST = 40
UNDER_WAY = OrderState.submitted, OrderState.held, OrderState.in_progress, OrderState.partial
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


class NothingAsked(RuleError):
    """A port that the network is not asked for, or no more."""

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


async def of_item(item_id: int) -> int:
    """The key of the port of an item of an order. Raises UnknownPort."""
    row = await PortingRequest.select(PortingRequest.id).where(PortingRequest.item == item_id).first()
    if not row:
        raise UnknownPort("Une ligne sans portabilité ne s'annule plus une fois demandée : attendez la réponse du réseau.")
    return int(row["id"])


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
    await _move(port, PortState.eligible, actor, now)
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
    """The donor keeps the number, and says why: the network's request is refused, and with it the item of the order.

    Raises NoReason, IllegalState, NothingAsked.
    """
    reason = refusals.told(code, settling.one_line(words))
    if not reason:
        raise NoReason("Choisissez le motif de l'opérateur donneur, ou écrivez ses mots : ils disent quoi faire ensuite.")
    port = await get(port_id)
    check(PORT_MOVES, PortState(port["state"]), PortState.rejected)
    request = await _running(port)
    if not request:
        raise NothingAsked("Le réseau n'a plus de demande en cours pour ce numéro. Rechargez la page.")
    await settling.refuse(request["id"], reason=reason, actor=actor, now=now)
    return await get(port_id)


async def correct(
    port_id: int, *, written_rio: str, porting_date: date, time_slot: str = "", actor: str, now: datetime
) -> Row:  # fmt: skip
    """A rejected port is asked again with what was wrong put right; its order judges and asks the rest.

    Raises BadRio, PortingTooSoon, PortingTooLate, NotAWorkingDay, NotRejected, OrderClosed.
    """
    async with transaction():
        port = await get(port_id)
        if port["state"] != PortState.rejected:
            raise NotRejected("Seule une portabilité refusée se corrige ici. Avant l'envoi, corrigez la commande.")
        if port["item.customer_order.state"] not in UNDER_WAY:
            raise OrderClosed("La commande est close : reprenez-la dans une nouvelle commande, avec le RIO corrigé.")
        code = rio.validate(written_rio, port["msisdn"])
        day, slot = (await window()).check(porting_date, paris_date(now)), settling.one_line(time_slot)[:SLOT_LONGEST]
        new = {"rio": code, "porting_date": day.isoformat(), "time_slot": slot}
        asked = json.loads(port["item.asked"])
        asked["porting"] = (asked.get("porting") or {}) | new
        await tell(actor, "corrected", "porting_request", port_id, {name: str(port[name]) for name in new}, new, at=now)
        await orders().retry(port["item"], asked, actor=actor, now=now)
    return await get(port_id)


async def cancel(port_id: int, *, reason: str, actor: str, now: datetime) -> Row:
    """Give the port up before its eve, with the item of the order; the network is asked to forget it.

    Raises NoReason, PortFrozen, IllegalState. What the network has not heard of yet is forgotten at once.
    """
    reason = settling.one_line(reason)
    if not reason:
        raise NoReason("Dites pourquoi le portage est annulé : le motif reste dans son histoire.")
    async with transaction():
        port = await get(port_id)
        if is_frozen(port, paris_date(now)):
            raise PortFrozen(
                "Le portage est figé depuis la veille : plus personne ne l'annule. Laissez-le se faire, puis résiliez la ligne."
            )
        check(PORT_MOVES, PortState(port["state"]), PortState.cancelled)
        request = await _running(port)
        queued = request if request and request["state"] == RequestState.queued else None
        if queued:
            await settling.withdraw(queued, reason=f"Portage annulé : {reason}", actor=actor, now=now)
        await orders().cancel_item(port["item"], reason=reason, actor=actor, now=now)
        forget = await _running(port, RequestKind.cancel_port)
        if forget and queued and not queued["claimed_at"] and SETTINGS.network_mode != "manual":
            await settling.confirm(forget["id"], actor=actor, now=now)
    return await get(port_id)


def orders() -> Any:
    """Where the item of a port is asked again or given up."""
    return settling.orders


def is_frozen(port: Row, today: date) -> bool:
    """Whether its eve has come for an eligible port, be it that the clock's job has not passed yet."""
    frozen = port["state"] == PortState.frozen
    return frozen or (port["state"] == PortState.eligible and freezes_on(port["porting_date"]) <= today)


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
                await _move(port, PortState.expired if late else PortState.frozen, "", now)
            done += 1
        except RuleError:
            skipped += 1
            continue
        if late:
            shown, day = numbers.format(port["msisdn"]), french_date(port["porting_date"])
            problems.append(f"La portabilité du {shown}, prévue le {day}, a expiré. Voyez avec le client, page Portabilités.")
    return Report(done, skipped, tuple(problems))


async def _running(port: Row, kind: RequestKind = RequestKind.port_in) -> Row | None:
    """The request by which the network was asked for it, while it has not answered."""
    open_ = (NetworkRequest.item == port["item"]) & NetworkRequest.state.is_in(list(UNSETTLED))
    return (
        await NetworkRequest.select()
        .where(open_, NetworkRequest.kind == kind)
        .order_by(NetworkRequest.id, ascending=False)
        .first()
    )


async def _move(port: Row, target: PortState, actor: str, now: datetime) -> None:
    """In a transaction: the port still is as it was seen."""
    check(PORT_MOVES, PortState(port["state"]), target)
    as_seen = (PortingRequest.id == port["id"]) & (PortingRequest.state == port["state"])
    if not await claim(PortingRequest, {PortingRequest.state: target}, as_seen):
        raise MovedMeanwhile("Cette portabilité vient de changer ailleurs. Rechargez la page.")
    await tell(actor, "state", "porting_request", port["id"], {"state": port["state"]}, {"state": target.value}, at=now)
