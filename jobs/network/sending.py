"""The job `send-network-requests`: what is queued leaves by files or by calls, or waits for a person (NETWORK_MODE).

A request is claimed before anything is said of it. Whoever dies between the saying and its record leaves it in doubt: a person
settles it, it never leaves twice by itself. Any number of passages may run at once.
"""

import json
from collections.abc import Iterable
from csv import writer
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

from gateways import sftp, webhook
from gateways.files import publish_bytes
from gateways.settings import SETTINGS
from jobs.network import answers, settling
from jobs.network.asking import CONTENT
from jobs.report import Report
from rules import mail as law
from rules.errors import RuleError
from rules.files import cells
from rules.files.written import safe
from rules.moves import check
from rules.paris import paris_date
from rules.states import REQUEST_MOVES, RequestState
from rules.wholesaler_form import wholesaler_form
from tables.changes import NetworkBatch, NetworkRequest
from tables.engine import claim, on_sqlite, reserve_ids, transaction
from tables.timeline import tell

Row = dict[str, Any]
FOLDER = "NetworkRequests"
KEPT = "network"  # under the data folder: each batch as it was sent
COLUMNS = ("request_id", "kind", "msisdn", *CONTENT, "requested_at")
AT_ONCE = 10_000
LEASE = timedelta(minutes=15)
"""Longer than any sending may last: who claimed a request before that is dead."""
DIED = "L'envoi s'est interrompu avant que son issue soit enregistrée : la demande est peut-être partie."


async def send_network_requests() -> Report:
    """Whatever is due, as the settings say. What fails is a problem, never an exception."""
    await settle_abandoned()
    if SETTINGS.network_mode == "manual":
        return Report(skipped=await NetworkRequest.count().where(NetworkRequest.state == RequestState.queued))
    return await (_by_file() if SETTINGS.network_mode == "sftp" else _by_calls())


async def settle_abandoned() -> None:
    """What a dead passage had in hand is in doubt."""
    async with transaction():
        await _doubt(NetworkRequest.claimed_at <= datetime.now(UTC) - LEASE, DIED)


async def _doubt(which: Any, reason: str) -> None:
    """In a transaction: it left, and whether it arrived is not known."""
    check(REQUEST_MOVES, RequestState.queued, RequestState.sent)
    check(REQUEST_MOVES, RequestState.sent, RequestState.in_doubt)
    values: dict[Any, Any] = {NetworkRequest.state: RequestState.in_doubt, NetworkRequest.reason: reason}
    for id_ in await claim(NetworkRequest, values, which, *IN_HAND):
        await tell("", "in_doubt", "network_request", id_, {"state": "queued"}, {"state": "in_doubt"}, at=SETTINGS.now())


IN_HAND = (NetworkRequest.state == RequestState.queued, NetworkRequest.claimed_at.is_not_null())


def free() -> tuple[Any, ...]:
    """What nobody has in hand: the guard of the claim."""
    return NetworkRequest.state == RequestState.queued, NetworkRequest.claimed_at.is_null()


async def _claim(which: Any, more: dict[Any, Any]) -> list[int]:
    values: dict[Any, Any] = {NetworkRequest.claimed_at: datetime.now(UTC), NetworkRequest.attempts: NetworkRequest.attempts + 1}
    return await claim(NetworkRequest, values | more, which, *free())


async def _sent(which: Any, now: datetime) -> None:
    """In a transaction: the other side has it."""
    check(REQUEST_MOVES, RequestState.queued, RequestState.sent)
    values: dict[Any, Any] = {NetworkRequest.state: RequestState.sent, NetworkRequest.sent_at: now, NetworkRequest.reason: ""}
    for id_ in await claim(NetworkRequest, values, which, *IN_HAND):
        await tell("", "sent", "network_request", id_, {"state": "queued"}, {"state": "sent"}, at=now)


async def _released(which: Any, more: dict[Any, Any]) -> None:
    """In a transaction: nothing was said of it, or it was not taken; it may leave later."""
    values: dict[Any, Any] = {NetworkRequest.claimed_at: None, NetworkRequest.batch: None}
    await claim(NetworkRequest, values | more, which, *IN_HAND)


def content(row: Row) -> Row:
    """A request as the other side reads it, by the names of the format; the user's name in its form."""
    carried = json.loads(row["payload"])
    told = {name: str(carried.get(name) or "") for name in CONTENT} | {
        "user_name": wholesaler_form(carried.get("user_name") or "")
    }
    asked_at = row["requested_at"].astimezone(UTC).isoformat(timespec="seconds")
    return {"request_id": row["id"], "kind": row["kind"], "msisdn": row["msisdn"], **told, "requested_at": asked_at}


def batch_text(rows: Iterable[Row]) -> str:
    """The file of a batch. Machines read it: a number keeps its +, everything else that a spreadsheet would run does not."""
    out = StringIO()
    lines = writer(out, delimiter=";")
    lines.writerow(COLUMNS)
    for told in map(content, rows):
        lines.writerow(told[name] if name == "msisdn" else safe(told[name]) for name in COLUMNS)
    return out.getvalue()


def kept(name: str) -> Path:
    """Where a batch lies on our side."""
    return SETTINGS.data_dir / KEPT / name


async def _by_file() -> Report:
    """One file for all that is queued."""
    now = SETTINGS.now()
    batch = await _make_batch(now)
    if batch is None:
        return Report()
    ours, data = NetworkRequest.batch == batch["id"], batch["data"]
    try:
        publish_bytes(kept(batch["name"]), data)
        async with sftp.depot(FOLDER) as depot:
            await depot.lay(batch["name"], data)
    except (sftp.LaidInDoubt, RuleError) as problem:
        async with transaction():
            if isinstance(problem, sftp.LaidInDoubt):
                await _doubt(ours, str(problem))
            else:
                await _released(ours, {})
                await NetworkBatch.delete().where(NetworkBatch.id == batch["id"])
                kept(batch["name"]).unlink(missing_ok=True)
        return Report(0, batch["requests"], (str(problem),))
    async with transaction():
        await NetworkBatch.update({NetworkBatch.sent_at: now}).where(NetworkBatch.id == batch["id"])
        await tell("", "sent", "network_batch", batch["id"], after={"name": batch["name"], "requests": batch["requests"]}, at=now)
        await _sent(ours, now)
    return Report(batch["requests"])


async def _make_batch(now: datetime) -> Row | None:
    """Claim what is due, with its batch, in one transaction; None when nothing is."""
    async with transaction():
        due = NetworkRequest.select().where(*free(), NetworkRequest.next_at <= now).order_by(NetworkRequest.id).limit(AT_ONCE)
        rows = await (due if on_sqlite() else due.lock_rows("UPDATE", skip_locked=True))
        if not rows:
            return None
        batch_id = int((await reserve_ids(NetworkBatch, 1))[0])
        name, data = f"network_requests_{paris_date(now):%Y%m%d}_{batch_id:06}.csv", batch_text(rows).encode()
        digest = sha256(data).hexdigest()
        await NetworkBatch(id=batch_id, name=name, sha256=digest, requests=len(rows), created_at=now).save()
        await _claim(NetworkRequest.id.is_in([row["id"] for row in rows]), {NetworkRequest.batch: batch_id})
    return {"id": batch_id, "name": name, "data": data, "requests": len(rows)}


async def _by_calls() -> Report:
    """One call for each request, the oldest first; a server that is away ends the passage."""
    done, problems = 0, list[str]()
    due = NetworkRequest.select(NetworkRequest.id).where(*free(), NetworkRequest.next_at <= SETTINGS.now())
    ids = [row["id"] for row in await due.order_by(NetworkRequest.id).limit(AT_ONCE)]
    for place, id_ in enumerate(ids):
        if not await _claim(NetworkRequest.id == id_, {}):
            continue
        try:
            problem = await _call(await settling.get(id_))
        except webhook.NetworkAway as away:
            return Report(done, len(ids) - place, (*problems, str(away)))
        done += not problem
        problems += [f"Demande {id_} : {problem}"] if problem else []
    return Report(done, len(ids) - done, tuple(problems))


async def _call(row: Row) -> str:
    """Make the call of a claimed request and record its outcome; what the operator should know. Raises NetworkAway."""
    this, now = NetworkRequest.id == row["id"], SETTINGS.now()
    later = {NetworkRequest.next_at: now + (law.next_try(row["attempts"]) or timedelta(minutes=law.LATER_DELAY_MIN))}
    try:
        said = await webhook.call(row["id"], content(row), datetime.now(UTC))
    except (webhook.NetworkAway, webhook.NotTaken) as problem:
        async with transaction():
            await _released(this, later | {NetworkRequest.reason: str(problem)})
        if isinstance(problem, webhook.NetworkAway):
            raise
        return str(problem)
    except webhook.NoAnswer as problem:
        async with transaction():
            await _doubt(this, str(problem))
        return str(problem)
    async with transaction():
        await _sent(this, now)
    try:
        if said.status:
            status, day = (
                cells.one_of(answers.Answered)(said.status),
                answers.day_of(said.effective_at) if said.effective_at else None,
            )
            await answers.take(row["id"], status, reason=said.reason, msisdn=said.msisdn, effective_on=day, now=now)
    except RuleError as problem:
        return str(problem)
    return ""
