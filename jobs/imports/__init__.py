"""Importing the six reference files: read, plan, and unless it is a preview, write the plan in one transaction."""

import json
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from itertools import islice
from typing import Any

from jobs.cdrs import rejects_csv
from jobs.imports import customers, lines, offers, rates, roaming_zones, sims
from jobs.imports.plan import Difference, Occasion, Plan
from jobs.report import ImportReport
from rules.errors import RuleError
from rules.files import kinds
from rules.files.form import Error
from rules.files.rows import Intake
from rules.files.written import errors_csv
from rules.paris import Month, paris_date
from tables.engine import insert_many, on_sqlite, transaction
from tables.imports import ImportBatch
from tables.parties import Reseller
from tables.timeline import TimelineEntry
from tables.usage import CdrFile

__all__ = ["NotAnImport", "TableReport", "errors_csv", "errors_of", "import_file"]

MODULES = (offers, rates, roaming_zones, sims, customers, lines)
PLANNERS: dict[str, Any] = {module.__name__.rpartition(".")[2]: module for module in MODULES}
SUBJECTS = {"offers": "offer", "roaming_zones": "roaming_zone", "sims": "sim", "customers": "customer", "lines": "line"}
MODES = ("preview", "all", "valid")
COUNTS = ("rows", "created", "changed", "unchanged", "rejected")
MOST_CHANGES = 1_000


class NotAnImport(RuleError):
    """An import whose kind, mode or rate table is not said."""


@dataclass(frozen=True)
class TableReport(ImportReport):
    """`changes`: the first 1 000 differences of changed rows; `warnings`: categories and zones that no other file knows."""

    unknown_columns: tuple[str, ...] = ()
    warnings: tuple[Error, ...] = ()
    changes: tuple[Difference, ...] = ()


async def import_file(
    kind: str,
    data: bytes,
    name: str,
    *,
    mode: str = "preview",
    actor: str = "",
    now: datetime,
    code: str = "",
    valid_from: date | None = None,
    first_month: Month | None = None,
) -> TableReport:
    """Preview a file, or load it: `all` loads everything or nothing, `valid` the good rows. Raises FormError, NotAnImport.

    `code`, `valid_from`: the version of a rate table. `first_month`: the first to bill, else the reseller's, else last month.
    """
    if kind not in PLANNERS or mode not in MODES:
        raise NotAnImport(f"Import « {kind} », mode « {mode} » : écrivez {', '.join(PLANNERS)} ; {', '.join(MODES)}.")
    if kind != "rates":
        code, valid_from = "", None
    elif not code or not valid_from:
        raise NotAnImport("Une grille tarifaire a un code et une date : donnez code et valid_from.")
    else:
        kinds.code(code)
    name = "".join(letter for letter in name if letter.isprintable())[:200]
    intake = Intake(kinds.KINDS[kind], data, name)
    digest = sha256(data).hexdigest()
    async with nullcontext() if mode == "preview" else transaction():
        if mode != "preview" and not on_sqlite():
            await ImportBatch.raw("LOCK TABLE import_batch IN SHARE ROW EXCLUSIVE MODE")  # imports take turns, as on SQLite
        first = await _loaded_before(kind, digest, code, valid_from)
        if first:
            return TableReport(first, digest, duplicate_file=True)
        occasion = Occasion(now, first_month or await _first_month(now), digest, code, valid_from)
        plan = await PLANNERS[kind].plan(intake, occasion)
        report = _report(plan, digest)
        if intake.refused or (mode == "all" and intake.errors):
            return replace(report, created=0, changed=0, unchanged=0)
        if mode == "preview":
            return report
        batch_id = await _record(report, kind, name, mode, actor, occasion)
        await PLANNERS[kind].write(plan, occasion)
        await _tell(plan, batch_id, name, actor, now)
        return replace(report, batch_id=batch_id)


async def _loaded_before(kind: str, digest: str, code: str, valid_from: date | None) -> int | None:
    """The first batch that loaded something of this very file."""
    same = (ImportBatch.kind == kind) & (ImportBatch.file_sha256 == digest) & (ImportBatch.code == code)
    for batch in await ImportBatch.select().where(same).order_by(ImportBatch._meta.primary_key):
        if batch["valid_from"] == valid_from and batch["created"] + batch["changed"] + batch["unchanged"]:
            return batch["id"]
    return None


async def _first_month(now: datetime) -> Month:
    reseller = await Reseller.select(Reseller.first_month).first()
    if reseller and reseller["first_month"]:
        return Month.parse(reseller["first_month"])
    return Month.of(paris_date(now)).previous


def _report(plan: Plan, digest: str) -> TableReport:
    return TableReport(
        batch_id=None,
        file_sha256=digest,
        rows=plan.intake.total,
        created=len(plan.created),
        changed=len(plan.changed),
        unchanged=plan.unchanged,
        rejected=plan.intake.rejected,
        errors=tuple(sorted(plan.intake.errors, key=lambda error: error.line)),
        unknown_columns=plan.intake.header.unknown,
        warnings=tuple(plan.warnings),
        changes=tuple(islice(plan.differences(), MOST_CHANGES)),
    )


async def _record(report: TableReport, kind: str, name: str, mode: str, actor: str, occasion: Occasion) -> int:
    about = {field: getattr(report, field) for field in COUNTS}
    errors = json.dumps([asdict(error) for error in report.errors], ensure_ascii=False)
    batch = ImportBatch(
        kind=kind, name=name, mode=mode, actor=actor, errors=errors, file_sha256=report.file_sha256,
        code=occasion.code, valid_from=occasion.valid_from, created_at=occasion.now, **about,
    )  # fmt: skip
    await batch.save()
    return batch.id


async def _tell(plan: Plan, batch_id: int, name: str, actor: str, now: datetime) -> None:
    """One entry for the batch, one for each thing that it changed."""
    kind = plan.intake.kind.name
    counts = {"created": len(plan.created), "changed": len(plan.changed), "unchanged": plan.unchanged}
    story: list[tuple[str, int, Any, Any]] = [("import_batch", batch_id, {}, {"kind": kind, "name": name} | counts)]
    if kind in SUBJECTS:
        story += [(SUBJECTS[kind], change.id, plan.told(change.before), plan.told(change.after)) for change in plan.changed]
    columns = [TimelineEntry.at, TimelineEntry.actor, TimelineEntry.event, TimelineEntry.subject, TimelineEntry.subject_id]
    rows = [[now, actor, "import", what, which, json.dumps(old), json.dumps(new)] for what, which, old, new in story]
    await insert_many(TimelineEntry, [*columns, TimelineEntry.before, TimelineEntry.after], rows)


async def errors_of(batch_id: int) -> str | None:
    """Every error of a batch as CSV; None when there is no such batch."""
    batch = await ImportBatch.select().where(ImportBatch.id == batch_id).first()
    if batch is None:
        return None
    if batch["kind"] == "cdrs":
        file = await CdrFile.select(CdrFile.id).where(CdrFile.sha256 == batch["file_sha256"]).first()
        return await rejects_csv(file["id"]) if file else None
    return errors_csv(Error(**error) for error in json.loads(batch["errors"]))
