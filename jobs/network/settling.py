"""What the network answers, by a person, a file, a program or at once: each request is settled once, with all that it changes."""

from datetime import date, datetime, timedelta
from typing import Any

from jobs.lines import answers as lines
from jobs.orders import opening as orders
from rules import msisdn as numbers
from rules.errors import RuleError
from rules.moves import check
from rules.paris import french_date, paris_date
from rules.states import REQUEST_MOVES, UNSETTLED, RequestKind, RequestState
from tables.changes import NetworkRequest
from tables.engine import claim, transaction
from tables.timeline import tell

Row = dict[str, Any]
SANE = timedelta(days=366)
LONGEST_REASON = 500
NO_REASON = "Refusée par le réseau, sans motif."


class UnknownRequest(RuleError):
    status = 404


class AnsweredMeanwhile(RuleError):
    """Someone else answered between the look and the act."""

    status = 409


class NumberMissing(RuleError):
    """A new line whose number the network did not say."""


class OtherNumber(RuleError):
    """An answer that names another number than the request."""


class NotThatDay(RuleError):
    """A day that cannot be meant."""


async def get(request_id: int) -> Row:
    """Raises UnknownRequest."""
    row = await NetworkRequest.select().where(NetworkRequest.id == request_id).first() if 0 < request_id < 2**31 else None
    if not row:
        raise UnknownRequest(f"Aucune demande au réseau ne porte le numéro {request_id}.")
    return row


async def confirm(
    request_id: int, *, actor: str, now: datetime, msisdn: str = "", effective_on: date | None = None
) -> Row:  # fmt: skip
    """The network did it, on that day (today when it is not said).

    Raises IllegalState, AnsweredMeanwhile, NumberMissing, OtherNumber, NotThatDay, and what the order or the line refuses.
    """
    async with transaction():
        request = await get(request_id)
        check(REQUEST_MOVES, RequestState(request["state"]), RequestState.done)
        number, day = _number(request, msisdn), _day(effective_on or paris_date(now), now)
        values: dict[Any, Any] = {NetworkRequest.msisdn: number, NetworkRequest.effective_on: day}
        told = {"msisdn": number, "effective_on": day.isoformat()}
        await _move(request, RequestState.done, values | {NetworkRequest.settled_at: now}, told, actor, now)
        if request["kind"] == RequestKind.cancel_port and request["item"]:
            await _forget_port(request, actor, now)
        if answered := concerned(request):
            await answered.done(request, msisdn=number, effective_on=day, actor=actor, now=now)
    return await get(request_id)


async def refuse(request_id: int, *, reason: str, actor: str, now: datetime) -> Row:
    """The network will not do it. Raises IllegalState, AnsweredMeanwhile, and what the order or the line refuses."""
    reason = one_line(reason) or NO_REASON
    async with transaction():
        request = await get(request_id)
        values = {NetworkRequest.reason: reason, NetworkRequest.settled_at: now, NetworkRequest.seen: False}
        await _move(request, RequestState.refused, values, {"reason": reason}, actor, now)
        if answered := concerned(request):
            await answered.refused(request, reason=reason, actor=actor, now=now)
    return await get(request_id)


async def accept(request_id: int, *, actor: str, now: datetime) -> Row:
    """The network has taken it in hand; a number to port is eligible from then on. Raises IllegalState, AnsweredMeanwhile."""
    async with transaction():
        request = await get(request_id)
        await _move(request, RequestState.accepted, {}, {}, actor, now)
        if request["kind"] == RequestKind.port_in and request["item"]:
            from jobs import ports  # which asks the network itself

            await ports.accepted(request, actor=actor, now=now)
    return await get(request_id)


async def withdraw(request: Row, *, reason: str, actor: str, now: datetime) -> None:
    """Take back, in the transaction of another act, what the network need not answer any more: nothing else changes."""
    values = {NetworkRequest.reason: reason, NetworkRequest.settled_at: now, NetworkRequest.seen: True}
    await _move(request, RequestState.refused, values, {"reason": reason}, actor, now)


async def _forget_port(request: Row, actor: str, now: datetime) -> None:
    """Once a port is called off, nobody waits for its own answer."""
    asked = (NetworkRequest.item == request["item"]) & (NetworkRequest.kind == RequestKind.port_in)
    for row in await NetworkRequest.select().where(asked, NetworkRequest.state.is_in(list(UNSETTLED))):
        await withdraw(row, reason="Portage annulé.", actor=actor, now=now)


async def send_again(request_id: int, *, actor: str, now: datetime) -> Row:
    """A person has made sure that a request in doubt never arrived. Raises IllegalState, AnsweredMeanwhile."""
    async with transaction():
        request = await get(request_id)
        check(REQUEST_MOVES, RequestState(request["state"]), RequestState.queued)
        values = {NetworkRequest.claimed_at: None, NetworkRequest.batch: None, NetworkRequest.next_at: now}
        await _move(request, RequestState.queued, values | {NetworkRequest.reason: ""}, {}, actor, now)
    return await get(request_id)


async def mark_seen(request_id: int, *, actor: str, now: datetime) -> Row:
    """A person has read why it was refused; a second press changes nothing."""
    async with transaction():
        refused = (NetworkRequest.id == request_id) & (NetworkRequest.state == RequestState.refused)
        if await claim(NetworkRequest, {NetworkRequest.seen: True}, refused, NetworkRequest.seen.eq(False)):
            await tell(actor, "seen", "network_request", request_id, at=now)
    return await get(request_id)


async def _move(
    request: Row, target: RequestState, values: dict[Any, Any], told: Row, actor: str, now: datetime
) -> None:  # fmt: skip
    """In a transaction: of two answers at once the second finds it settled."""
    check(REQUEST_MOVES, RequestState(request["state"]), target)
    as_seen = (NetworkRequest.id == request["id"]) & (NetworkRequest.state == request["state"])
    if not await claim(NetworkRequest, {NetworkRequest.state: target, **values}, as_seen):
        raise AnsweredMeanwhile("Cette demande vient de recevoir une autre réponse. Rechargez la page.")
    before = {"state": request["state"]}
    await tell(actor, target.value, "network_request", request["id"], before, {"state": target.value, **told}, at=now)


def concerned(request: Row) -> Any:
    """Who must know of the answer, if anybody."""
    return lines if request["change"] else orders if request["item"] else None


def _number(request: Row, given: str) -> str:
    known = str(request["msisdn"])
    number = numbers.line_number(given) if given.strip() else known
    if not number and request["kind"] == RequestKind.activate:
        raise NumberMissing("Le réseau donne son numéro à une nouvelle ligne. Écrivez-le : sans lui, elle ne peut pas s'ouvrir.")
    if known and number != known and request["kind"] != RequestKind.activate:
        raise OtherNumber(
            f"La demande est pour le {numbers.format(known)}, la réponse pour le {numbers.format(number)}. Vérifiez laquelle."
        )
    return number


def _day(day: date, now: datetime) -> date:
    if abs(day - paris_date(now)) > SANE:
        raise NotThatDay(f"Le {french_date(day)} est à plus d'un an d'ici. Vérifiez l'année.")
    return day


def one_line(reason: str) -> str:
    """A reason on one line, not too long, with nothing that does not print."""
    return "".join(sign for sign in " ".join(reason.split()) if sign.isprintable())[:LONGEST_REASON]
