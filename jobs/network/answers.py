"""The job `read-network-answers`: the files in which the network answers, each read once by its content (formats.md)."""

import asyncio
import json
import traceback
from contextlib import suppress
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from gateways import sftp
from gateways.settings import SETTINGS
from gateways.sftp import Depot, FileRefused, RemoteFile
from jobs.network import settling
from jobs.report import Report
from rules import msisdn
from rules.errors import RuleError
from rules.files import cells
from rules.files.form import FormError
from rules.files.rows import Column, Intake, Kind
from rules.paris import paris_date
from rules.states import RequestState, Word
from tables.changes import NetworkAnswerFile
from tables.engine import NOT_UNIQUE

FOLDER = "NetworkAnswers"
LARGEST = 20 * 1024 * 1024
MOST_PROBLEMS = 200
NETWORK = "Réseau"  # who it was, in the journal


class NotAnInstant(RuleError):
    """A text that is neither a day nor an instant with its offset."""


class Answered(Word):
    accepted = "ACCEPTED", "Acceptée"
    done = "DONE", "Faite"
    refused = "REFUSED", "Refusée"


def day_of(text: str) -> date:
    """The Paris day of a date or an instant.

    >>> day_of("2026-11-23T23:30:00Z").isoformat(), day_of("2026-11-24").isoformat()
    ('2026-11-24', '2026-11-24')
    """
    if "T" not in text:
        return cells.iso_date(text)  # type: ignore[no-any-return]
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None or instant.year not in cells.YEARS:
            raise ValueError
    except ValueError:
        raise NotAnInstant(f"« {text} » n'est pas un instant. Écrivez-le ainsi : 2026-10-31T23:59:58+01:00.") from None
    return paris_date(instant)


ANSWERS = Kind(
    "answers",
    (
        Column("request_id", cells.integer(1)),
        Column("status", cells.one_of(Answered)),
        Column("reason", cells.text, "", longest=settling.LONGEST_REASON, required=False),
        Column("msisdn", msisdn.line_number, "", required=False),
        Column("effective_at", day_of, None, required=False),
    ),
    ("request_id", "status"),
)
KNOWN = {
    (RequestState.accepted, Answered.accepted), (RequestState.done, Answered.done), (RequestState.refused, Answered.refused),
    (RequestState.done, Answered.accepted), (RequestState.refused, Answered.accepted),
}  # fmt: skip
"""Answers that say nothing new, in these states."""
BROKEN = "la prise en compte s'est interrompue. Répondez à cette demande à la main."


async def read_network_answers() -> Report:
    """Read what lies there and was not read. What fails is a problem, never an exception."""
    if SETTINGS.network_mode != "sftp":
        return Report()
    done, skipped, problems = 0, 0, list[str]()
    try:
        async with sftp.depot(FOLDER) as depot:
            for remote in await depot.list():
                try:
                    report = await _take_file(depot, remote)
                    done, skipped, problems = done + report.done, skipped + report.skipped, [*problems, *report.problems]
                except FileRefused as refusal:
                    problems.append(str(refusal))
    except RuleError as reason:
        problems.append(str(reason))
    return Report(done, skipped, tuple(problems))


async def _take_file(depot: Depot, remote: RemoteFile) -> Report:
    """Read a file whose like was not read: neither by name, size and date, nor by content. Raises FileRefused."""
    file = NetworkAnswerFile
    same = (file.name == remote.name) & (file.size_bytes == remote.size_bytes) & (file.modified_s == remote.modified_s)
    if remote.being_written or await file.exists().where(same):
        return Report()
    if remote.refusal or remote.size_bytes > LARGEST or len(remote.name) > 120:
        raise FileRefused(
            f"« {remote.name[:100]} » n'est pas lu : {remote.refusal or 'il est trop grand, ou son nom trop long.'}"
        )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "answers"
        await depot.fetch(remote, path)
        data = path.read_bytes()
    if await file.exists().where(file.sha256 == sha256(data).hexdigest()):
        return Report()
    report = await settle_file(data, remote.name, SETTINGS.now())
    row = file(
        name=remote.name, size_bytes=remote.size_bytes, modified_s=remote.modified_s, sha256=sha256(data).hexdigest(),
        answers=report.done + report.skipped, settled=report.done, read_at=SETTINGS.now(),
        problems=json.dumps(report.problems[:MOST_PROBLEMS], ensure_ascii=False),
    )  # fmt: skip
    with suppress(*NOT_UNIQUE):  # another passage read the same at the same time: each answer counted once all the same
        await row.save()
    return report


async def settle_file(data: bytes, name: str, now: datetime) -> Report:
    """Take every answer of a file; `done`: those that changed something. A bad row stops no other."""
    try:
        intake = await asyncio.to_thread(Intake, ANSWERS, data, name)
    except FormError as problem:
        return Report(problems=(f"{problem} Rien n'en a été lu.",))
    done = 0
    problems = [f"{name}, ligne {error.line} : {error.message}" for error in intake.errors]
    for row in intake.rows:
        request_id, status, reason, number, day = (row.values[column.name] for column in ANSWERS.columns)
        try:
            done += await take(request_id, status, reason=reason, msisdn=number, effective_on=day, now=now)
        except Exception as problem:
            told = str(problem) if isinstance(problem, RuleError) else BROKEN
            problems.append(f"{name}, ligne {row.line}, demande {request_id} : {told}")
            if not isinstance(problem, RuleError):
                traceback.print_exc()
    return Report(done, intake.total - done, tuple(problems))


async def take(
    request_id: int, status: str, *, reason: str = "", msisdn: str = "", effective_on: date | None = None, now: datetime
) -> bool:  # fmt: skip
    """Settle a request as the network says; False when it is so already. Raises what settling raises."""
    known = (await settling.get(request_id))["state"]
    if (known, status) in KNOWN:
        return False
    if status == Answered.accepted:
        await settling.accept(request_id, actor=NETWORK, now=now)
    elif status == Answered.refused:
        await settling.refuse(request_id, reason=reason, actor=NETWORK, now=now)
    else:
        await settling.confirm(request_id, msisdn=msisdn, effective_on=effective_on, actor=NETWORK, now=now)
    return True
