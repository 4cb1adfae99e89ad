"""What a clerk looks at when CDRs are loaded: what arrived, what was loaded, the days without any, the rejects of a file."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from piccolo.query.functions import Count

from gateways import cdr_store
from gateways.files import is_locked
from gateways.settings import SETTINGS
from jobs import schedule
from jobs.cdr_replay import UnknownCdrFile
from rules.paris import Month
from rules.states import ArrivalState, FileState, RejectCause, RejectState
from tables.imports import ImportBatch
from tables.scheduling import JobRun
from tables.timeline import story
from tables.usage import Arrival, CdrFile, CdrPart, CdrReject

Row = dict[str, Any]
ON_A_PAGE = 30
SHOWN = 20

ADVICE = {
    RejectCause.bad_type: "Corrigez le type (VOICE, SMS, MMS, DATA) ou le sens (OUT, IN), ou écartez ces CDR.",
    RejectCause.bad_number: "Corrigez le numéro, la durée, le volume ou le coût dans le fichier à corriger.",
    RejectCause.bad_date: "Écrivez l'instant avec son décalage : 2026-10-31T23:59:58+01:00.",
    RejectCause.negative: "Une durée, un volume ou un coût est sous zéro. Demandez au fournisseur ce qu'il en est.",
    RejectCause.unknown_line: "Créez ou importez la ligne qui manque au parc, puis rejouez.",
    RejectCause.line_not_active: "Corrigez les dates de la ligne, puis rejouez ; si elle n'était pas à vous ce jour-là, écartez.",
    RejectCause.duplicate: "L'appel est déjà chargé, rien ne manque : vous pouvez écarter.",
    RejectCause.duplicate_conflict: "Un autre CDR porte cet identifiant. Demandez au fournisseur lequel est bon.",
    RejectCause.unknown_plmn: "Ajoutez le réseau à une zone d'itinérance, puis rejouez.",
    RejectCause.absurd: "Demandez au fournisseur : une durée de plus de 24 h ou plus de 100 Go en une fois.",
    RejectCause.too_old: "Ce mois est facturé et date de plus d'un an : il ne se facture plus. Écartez.",
}


@dataclass(frozen=True)
class Cause:
    """Rejects of one cause: how many in all and still open, and what to do."""

    code: str
    label: str
    advice: str
    total: int
    open: int


@dataclass(frozen=True)
class Days:
    """A month of a wholesaler, a mark for each day: `full`, `gap`, or `ahead` (today and later)."""

    wholesaler: str
    marks: list[tuple[date, str]]

    @property
    def missing(self) -> list[int]:
        return [day.day for day, mark in self.marks if mark == "gap"]

    @property
    def missing_words(self) -> str:
        """The days without any, as runs: « du 2 au 3, le 7 »."""
        missing = set(self.missing)
        first = [day for day in missing if day - 1 not in missing]
        last = [day for day in missing if day + 1 not in missing]
        runs = zip(sorted(first), sorted(last), strict=True)
        return ", ".join(f"le {start}" if start == end else f"du {start} au {end}" for start, end in runs)


async def arrivals(sheet: int) -> tuple[list[Row], int]:
    """A sheet of arrivals, those to do first, then the latest; how many there are."""
    rows = await Arrival.select().order_by(Arrival.id, ascending=False).limit(ON_A_PAGE).offset((sheet - 1) * ON_A_PAGE)
    for row in rows:
        row["state"] = ArrivalState(row["state"])
    return rows, await Arrival.count()


async def to_load() -> int:
    return await Arrival.count().where(Arrival.state == ArrivalState.fetched)


async def files(sheet: int) -> tuple[list[Row], int]:
    """A sheet of loaded files, latest first, with their open rejects; how many there are."""
    file, reject = CdrFile, CdrReject
    rows = await file.select().order_by(file.id, ascending=False).limit(ON_A_PAGE).offset((sheet - 1) * ON_A_PAGE)
    counts = (
        await reject.select(reject.file, Count())
        .where(reject.state == RejectState.open, reject.file.is_in([row["id"] for row in rows] or [0]))
        .group_by(reject.file)
    )
    still = {row["file"]: row["count"] for row in counts}
    for row in rows:
        row["open"] = still.get(row["id"], 0)
        row["state"] = FileState(row["state"])
    return rows, await file.count()


def at_work() -> list[str]:
    """The jobs under way."""
    return [name for name in (schedule.FETCH, schedule.LOAD) if is_locked(SETTINGS.data_dir / f"{name}.lock")]


async def passages() -> dict[str, Row]:
    """The last passage of each job that ended, with its problems."""
    found = {}
    for name in (schedule.FETCH, schedule.LOAD):
        ended = JobRun.select().where(JobRun.job == name, JobRun.ended_at.is_not_null())
        if row := await ended.order_by(JobRun.id, ascending=False).first():
            found[name] = row | {"problems": json.loads(row["problems"])}
    return found


async def days(month: Month, today: date) -> list[Days]:
    """Each wholesaler's days with and without CDRs; none when nothing of the month is loaded."""
    part = CdrPart
    paths: dict[str, list[str]] = {}
    for row in await part.select(part.path, part.file.wholesaler).where(
        part.month == str(month), part.file.state == FileState.loaded
    ):
        paths.setdefault(row["file.wholesaler"], []).append(row["path"])
    found = []
    for wholesaler in sorted(paths):
        present = await asyncio.to_thread(cdr_store.values_of, SETTINGS.data_dir, paths[wholesaler], "day")
        dates = [month.first.replace(day=number) for number in range(1, month.days + 1)]
        marks = [(day, "full" if day in present else "ahead" if day >= today else "gap") for day in dates]
        found.append(Days(wholesaler, marks))
    return found


async def file(file_id: int) -> Row:
    """A file with its import, its rejects by cause, the first of them, and what happened to them. Raises UnknownCdrFile."""
    row = await CdrFile.select().where(CdrFile.id == file_id).first()
    if not row:
        raise UnknownCdrFile("Ce fichier de CDR n'existe pas ou plus.")
    batch = ImportBatch
    first = await batch.select(batch.id).where(batch.kind == "cdrs", batch.file_sha256 == row["sha256"]).first()
    reject = CdrReject
    states: Counter[tuple[str, str]] = Counter()
    counts = reject.select(reject.cause, reject.state, Count()).where(reject.file == file_id)
    for one in await counts.group_by(reject.cause, reject.state):
        states[one["cause"], one["state"]] = one["count"]
    rows = (
        await reject.select()
        .where(reject.file == file_id, reject.state == RejectState.open)
        .order_by(reject.line_number)
        .limit(SHOWN)
    )
    return row | {
        "batch": first["id"] if first else None,
        "state": FileState(row["state"]),
        "causes": [
            Cause(
                cause,
                cause.label,
                ADVICE[cause],
                sum(states[cause, state] for state in RejectState),
                states[cause, RejectState.open],
            )
            for cause in RejectCause
            if any(states[cause, state] for state in RejectState)
        ],
        "counts": {state.value: sum(states[cause, state] for cause in RejectCause) for state in RejectState},
        "rejects": [one | {"cause": RejectCause(one["cause"])} for one in rows],
        "story": await story("cdr_file", file_id),
    }
