"""Load CDR files: each is judged, published in the store, and told to the database in one transaction."""

import asyncio
import json
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from gateways import cdr_store
from gateways.cdr_store import Context, Judged, LivePeriod, Load
from gateways.files import keep, sweep, turn
from gateways.settings import SETTINGS
from jobs.layouts import Chosen, choose, missing_before
from jobs.report import ImportReport, PlanChanged
from rules.commitment import add_months
from rules.files.form import Error
from rules.files.rows import Watch
from rules.files.written import csv_text
from rules.layouts.layout import Layout
from rules.msisdn import key
from rules.paris import epoch, paris_date
from rules.states import ChangeKind, ChangeState, FileState, ImportState, LineState, RejectCause, RejectState, SimState
from tables.billing import BillingRun
from tables.catalogue import RoamingZone
from tables.changes import LineChange
from tables.engine import insert_many, transaction
from tables.fleet import Line, Sim
from tables.imports import ImportBatch
from tables.parties import Reseller
from tables.usage import CdrFile, CdrPart, CdrReject

ENDLESS = epoch(date(2999, 1, 1))
MOST_ERRORS = 1000
LONGEST_NAME = 200
AHEAD = 2
RECEIVED = "received"  # originals, each under the hash of its bytes
STEPS = 3  # a file is judged, compared with what is loaded, written


@dataclass(frozen=True, kw_only=True)
class CdrReport(ImportReport):
    """`created`: CDRs loaded; `errors`: at most 1 000 rejects; `ambiguous`: rows in the hour that comes twice."""

    cdr_file_id: int | None
    rejects_by_cause: dict[str, int] = field(default_factory=dict)
    ambiguous: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Way:
    """How files are loaded. `batch_id`: the batch that waits for the one file; `seen`: the fingerprint of its preview."""

    now: datetime
    chosen: Chosen
    preview: bool = False
    batch_id: int | None = None
    seen: str = ""
    watch: Watch = lambda done, total: None


async def load_files(
    sources: Iterable[tuple[Path, str]],
    *,
    now: datetime,
    layout: str = "default",
    preview: bool = False,
    batch_id: int | None = None,
    seen: str = "",
    watch: Watch = lambda done, total: None,
) -> list[CdrReport]:
    """Load (path, name) in the order given; two are judged ahead. A preview writes nothing.

    Raises UnknownLayout, and FormError at the first file of bad form, the ones before kept. `batch_id`: the batch that waits for
    the one file; `seen`: the fingerprint of its preview, PlanChanged when the load would not do what was seen.
    """
    way = Way(now, await choose(layout), preview, batch_id, seen, watch)
    async with turn(SETTINGS.data_dir / "cdr.lock"):
        with ThreadPoolExecutor(AHEAD) as pool:
            return await _load(deque(sources), await judging_context(now, way.chosen.layout), way, pool)


async def _load(waiting: deque[tuple[Path, str]], context: Context, way: Way, pool: ThreadPoolExecutor) -> list[CdrReport]:
    await sweep_store()
    judging: deque[tuple[Path, str, Future[Judged]]] = deque()
    reports = []
    while waiting or judging:
        while waiting and len(judging) < AHEAD:
            path, name = waiting.popleft()
            judging.append((path, name, pool.submit(cdr_store.judge, path, name, context, way.chosen.layout)))
        path, name, future = judging.popleft()
        reports.append(await _settle(await asyncio.wrap_future(future), path, name, way))
    return reports


async def sweep_store() -> None:
    """Remove what a crash left: parts and originals that no row names."""
    cdr_store.sweep_unknown(SETTINGS.data_dir, [part["path"] for part in await CdrPart.select(CdrPart.path)])
    kept = await CdrFile.select(CdrFile.received_sha256).output(as_list=True)
    sweep(SETTINGS.data_dir / RECEIVED, {SETTINGS.data_dir / RECEIVED / name for name in kept})


async def judging_context(now: datetime, layout: Layout | None = None) -> Context:
    """What any row is judged by today."""
    lines = await Line.select(Line.id, Line.msisdn, Line.activated_on, Line.terminated_on).where(
        Line.state != LineState.cancelled
    )
    zones = await RoamingZone.select(RoamingZone.zone, RoamingZone.mcc)
    return Context(
        lines=[
            LivePeriod(line["id"], line["msisdn"].lstrip("+"), *live_seconds(line["activated_on"], line["terminated_on"]))
            for line in lines
        ],
        zones={mcc: zone["zone"] for zone in zones for mcc in zone["mcc"].split("+")},
        invoiced_until=await invoiced_until(),
        oldest_day=add_months(paris_date(now), -12),
        cards=await _cards() if layout and layout.by_card else {},
    )


async def _cards() -> dict[str, str]:
    """IMSI and ICCID, with and without its check digit → the key of the line that holds the card, else of its own number."""
    rows = await Sim.select(Sim.imsi, Sim.iccid, Sim.msisdn).where(Sim.msisdn != "")
    sim = (Line.sim.imsi.as_alias("imsi"), Line.sim.iccid.as_alias("iccid"))
    held = await Line.select(*sim, Line.msisdn).where(Line.sim.is_not_null(), Line.state != LineState.cancelled)
    cards: dict[str, str] = {}
    for row in [*rows, *await _swapped(), *held]:
        number = key(row["msisdn"])
        cards |= {code: number for code in (row["imsi"], row["iccid"], row["iccid"][:-1]) if code}
    return cards


async def _swapped() -> list[dict[str, str]]:
    """Cards that left their line by a swap, with its number: their late calls are still its own."""
    swaps = await LineChange.select(LineChange.before, LineChange.line.msisdn.as_alias("msisdn")).where(
        LineChange.kind == ChangeKind.swap_sim, LineChange.state == ChangeState.done
    )
    number = {int(card): swap["msisdn"] for swap in swaps for card in json.loads(swap["before"])["cards"]}
    left = await Sim.select(Sim.id, Sim.imsi, Sim.iccid).where(Sim.state == SimState.retired)
    return [card | {"msisdn": number[card["id"]]} for card in left if card["id"] in number]


def live_seconds(activated_on: date, terminated_on: date | None) -> tuple[int, int]:
    """A line is live from 00:00 of its first day to 24:00 of its last, Paris; Unix seconds."""
    return _epoch(activated_on), _epoch(terminated_on + timedelta(days=1)) if terminated_on else ENDLESS


def _epoch(day: date, known: dict[date, int] = {}) -> int:  # noqa: B006 (a memory on purpose)
    if day not in known:
        known[day] = epoch(day)
    return known[day]


async def invoiced_until() -> str:
    """The last month whose usage was invoiced, by us or by the former system; empty = none."""
    months = await BillingRun.select(BillingRun.month).where(BillingRun.validated_at.is_not_null())
    first = (await Reseller.select(Reseller.first_month).first() or {}).get("first_month") or ""
    former = _before(first) if first else ""
    return max([former, *(run["month"] for run in months)])


def _before(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year}-{number - 1:02d}" if number > 1 else f"{year - 1}-12"


async def _settle(judged: Judged, path: Path, name: str, way: Way) -> CdrReport:
    sha = judged.text.sha256
    known = await CdrFile.select(CdrFile.id).where(CdrFile.sha256 == sha, CdrFile.state != FileState.backed_out).first()
    if known:
        first = await ImportBatch.select(ImportBatch.id).where(ImportBatch.cdr_file == known["id"]).first()
        return CdrReport(first["id"] if first else None, sha, cdr_file_id=known["id"], duplicate_file=True)
    stored = await stored_parts(way.chosen.wholesaler)
    way.watch(1, STEPS)
    load = await asyncio.to_thread(judged.settle, SETTINGS.data_dir, stored, way.preview)
    way.watch(2, STEPS)
    gaps = await missing_before(way.chosen, name)
    report = CdrReport(
        None,
        sha,
        load.rows,
        load.loaded,
        rejected=len(load.rejects),
        errors=tuple(_error(reject, name) for reject in load.rejects[:MOST_ERRORS]),
        cdr_file_id=None,
        plan_sha256=load.fingerprint,
        rejects_by_cause=load.rejects_by_cause,
        ambiguous=judged.tally.ambiguous,
        warnings=(*judged.tally.warnings, *gaps),
    )
    if way.preview:
        return report
    if way.seen and way.seen != report.plan_sha256:
        raise PlanChanged(report)  # what was published is named by nothing, and swept
    received = await asyncio.to_thread(keep, path, SETTINGS.data_dir / RECEIVED)
    batch_id, file_id = await _record(load, sha, name, received, way)
    return replace(report, batch_id=batch_id, cdr_file_id=file_id)


async def stored_parts(wholesaler: str) -> dict[str, list[str]]:
    """Month → the parts of a wholesaler: those whose rows hold their ids."""
    stored: dict[str, list[str]] = {}
    part = CdrPart
    for row in await part.select(part.month, part.path).where(
        part.file.wholesaler == wholesaler, part.file.state == FileState.loaded
    ):
        stored.setdefault(row["month"], []).append(row["path"])
    return stored


async def _record(load: Load, sha: str, name: str, received: str, way: Way) -> tuple[int, int]:
    rejected, name = len(load.rejects), name[:LONGEST_NAME]
    async with transaction():
        file = CdrFile(
            name=name,
            sha256=sha,
            received_sha256=received,
            layout=way.chosen.code,
            wholesaler=way.chosen.wholesaler,
            rows=load.rows,
            loaded=load.loaded,
            rejected=rejected,
            created_at=way.now,
        )
        await file.save()
        await insert_many(
            CdrPart,
            [CdrPart.file, CdrPart.month, CdrPart.path, CdrPart.rows],
            [(file.id, part.month, part.path, part.rows) for part in load.parts],
        )
        await insert_many(
            CdrReject,
            [CdrReject.file, CdrReject.line_number, CdrReject.raw_text, CdrReject.cause, CdrReject.state],
            [(file.id, reject.line_number, reject.raw, reject.cause, str(RejectState.open)) for reject in load.rejects],
        )
        about: dict[Any, Any] = {
            "kind": "cdrs", "name": name, "file_sha256": sha, "mode": "valid", "rows": load.rows, "created": load.loaded,
            "rejected": rejected, "cdr_file": file.id, "layout": way.chosen.code, "state": ImportState.imported,
            "created_at": way.now,
        }  # fmt: skip
        batch_id = way.batch_id
        if batch_id is None:
            batch_id = (await ImportBatch.insert(ImportBatch(**about)))[0]["id"]
        else:
            await ImportBatch.update(about).where(ImportBatch.id == batch_id)
    return batch_id, file.id


def _error(reject: cdr_store.Reject, name: str) -> Error:
    return Error(name, reject.line_number, None, None, reject.raw, reject.cause, RejectCause(reject.cause).label)


async def rejects_csv(file_id: int) -> str:
    """The rejects of a file: line, cause, original text."""
    rows = await CdrReject.select().where(CdrReject.file == file_id).order_by(CdrReject.line_number)
    return csv_text(("ligne", "cause", "texte"), ((row["line_number"], row["cause"], row["raw_text"]) for row in rows))
