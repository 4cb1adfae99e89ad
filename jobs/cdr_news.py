"""Where the CDRs stand, in one sentence: when the last came, and what keeps the next from coming."""

import json
from datetime import datetime

from jobs import schedule
from rules.paris import PARIS, french_date, paris_date
from rules.states import ArrivalState, FileState, JobState
from tables.scheduling import JobRun
from tables.usage import Arrival, CdrFile

LATE_DAYS, TOO_LATE_DAYS = 2, 4


async def news(now: datetime) -> tuple[str, str]:
    """A sentence and its kind: `good`, `wait`, `bad`, or `info` when none ever came."""
    last = (
        await CdrFile.select(CdrFile.created_at)
        .where(CdrFile.state == FileState.loaded)
        .order_by(CdrFile.id, ascending=False)
        .first()
    )
    if last:
        sentence, kind = said(last["created_at"], now)
    else:
        sentence, kind = "Aucun fichier de CDR n'est encore arrivé. Réglez le dépôt, ou chargez un fichier à la main.", "info"
    waiting = await Arrival.count().where(Arrival.state == ArrivalState.fetched)
    if waiting:
        kind = "wait" if kind == "good" else kind
        sentence += f" {waiting} fichier{'s attendent' if waiting > 1 else ' attend'} d'être chargé{'s' if waiting > 1 else ''}."
    trouble = await last_trouble()
    return (f"{sentence} {trouble}", "bad") if trouble else (sentence, kind)


async def last_trouble() -> str:
    """What kept the last search from reaching its end, if anything."""
    last = (
        await JobRun.select(JobRun.state, JobRun.done, JobRun.skipped, JobRun.problems)
        .where(JobRun.job == schedule.FETCH, JobRun.ended_at.is_not_null())
        .order_by(JobRun.id, ascending=False)
        .first()
    )
    if not last or (last["state"] == JobState.done and last["done"] + last["skipped"]):
        return ""
    return next(iter(json.loads(last["problems"])), "")


def said(came_at: datetime, now: datetime) -> tuple[str, str]:
    """The age of the last CDRs, in words, and its kind."""
    local = came_at.astimezone(PARIS)
    days = (paris_date(now) - local.date()).days
    hour = f"{local.hour} h {local.minute:02d}"
    if days < LATE_DAYS:
        return f"Derniers CDR : {'hier' if days == 1 else 'aujourd’hui'}, {hour}.", "good"
    kind = "bad" if days >= TOO_LATE_DAYS else "wait"
    return f"Aucun fichier depuis {days} jours : les derniers CDR sont du {french_date(local.date())}, {hour}.", kind
