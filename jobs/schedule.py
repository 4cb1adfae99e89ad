"""The jobs that a clock starts: one passage at a time of each, and every passage recorded."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import IO

from gateways.files import Busy, take_lock, turn
from gateways.settings import SETTINGS
from jobs import arrivals, retention
from jobs.lines import due
from jobs.mails import sending
from jobs.money import reminders
from jobs.network import answers
from jobs.network import sending as network
from jobs.report import Report
from jobs.seals import verify
from rules.errors import RuleError
from rules.states import JobState
from tables.scheduling import JobRun

FETCH, LOAD = "fetch-cdrs", "load-cdrs"
JOBS: dict[str, Callable[[], Awaitable[Report]]] = {
    FETCH: arrivals.fetch,
    LOAD: arrivals.load_apart,
    "send-mails": sending.send_mails,
    "remind": reminders.remind,
    "purge": retention.purge,
    "send-network-requests": network.send_network_requests,
    "read-network-answers": answers.read_network_answers,
    "apply-scheduled-changes": due.apply_scheduled_changes,
    verify.SEALS: verify.verify_seals,
    verify.FILES: verify.verify_files,
}
"""Each job by the name that a scheduler calls."""


class UnknownJob(RuleError):
    status = 404


class JobRunning(RuleError):
    """The same job is still at work."""

    status = 409


def begin(name: str) -> Awaitable[Report]:
    """The job's report, once awaited; from now on no other passage of it can begin. Raises UnknownJob, JobRunning.

    Each passage is recorded; one that breaks as failed.
    """
    if name not in JOBS:
        raise UnknownJob(f"Tâche « {name} » inconnue. Les tâches sont : {', '.join(JOBS)}.")
    try:
        return _recorded(name, take_lock(SETTINGS.data_dir / f"{name}.lock"))
    except Busy:
        raise JobRunning(f"La tâche « {name} » est déjà en cours. Attendez qu'elle finisse.") from None


def next_passage(name: str) -> Awaitable[Report]:
    """A passage that begins now; when one is at work, once that has ended: it may not have seen what is new."""
    try:
        return begin(name)
    except JobRunning:
        return _after(name)


async def _after(name: str) -> Report:
    async with turn(SETTINGS.data_dir / f"{name}.lock"):
        return await _record(name)


async def _recorded(name: str, held: IO[str]) -> Report:
    with held:
        return await _record(name)


async def _record(name: str) -> Report:
    passage = JobRun(job=name, started_at=SETTINGS.now())
    await passage.save()
    report = Report(problems=("La tâche s'est interrompue.",))
    state = JobState.failed
    try:
        report = await JOBS[name]()
        state = JobState.done
        return report
    except RuleError as problem:
        report = Report(problems=(str(problem),))
        raise
    finally:
        await passage.update_self(
            {
                JobRun.state: state,
                JobRun.ended_at: SETTINGS.now(),
                JobRun.done: report.done,
                JobRun.skipped: report.skipped,
                JobRun.problems: json.dumps(report.problems, ensure_ascii=False),
            }
        )


async def last(name: str, state: JobState | None = None) -> datetime | None:
    """When a job last ended (in that state), UTC."""
    passages = JobRun.select(JobRun.ended_at).where(JobRun.job == name, JobRun.ended_at.is_not_null())
    if state:
        passages = passages.where(JobRun.state == state)
    found = await passages.order_by(JobRun.id, ascending=False).first()
    return found["ended_at"].astimezone(UTC) if found else None
