"""Importing the six reference files: read, plan, and unless it is a preview, write the plan in one transaction."""

import json
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from itertools import islice
from typing import Any

from jobs.imports import customers, lines, offers, rates, roaming_zones, sims
from jobs.imports.plan import Difference, Occasion, Plan
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

__all__ = ["ImportReport", "NotAnImport", "errors_csv", "import_file"]

PLANNERS: dict[str, Any] = {
    module.__name__.rpartition(".")[2]: module for module in (offers, rates, roaming_zones, sims, customers, lines)
}
SUBJECTS = {"offers": "offer", "roaming_zones": "roaming_zone", "sims": "sim", "customers": "customer", "lines": "line"}
COUNTS = ("rows", "created", "changed", "unchanged", "rejected")
MODES = ("preview", "all", "valid")
MOST_CHANGES = 1_000


class NotAnImport(RuleError):
    """An import whose kind, mode or rate table is not said."""


@dataclass(frozen=True)
class ImportReport:
    """`batch_id` is None when nothing was written. `changes`: {line, identity, field, before, after}, the first 1 000."""

    batch_id: int | None
    file_sha256: str
    rows: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    duplicate_file: bool = False
    errors: tuple[Error, ...] = ()
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
) -> ImportReport:
    """Preview a file, or load it: `all` loads everything or nothing, `valid` the good rows. Raises FormError, NotAnImport.

    `code` and `valid_from`: the version of a rate table. `first_month`: the first one to bill, else the reseller's, else last month.
    """
    if kind not in PLANNERS or mode not in MODES:
        raise NotAnImport(
            f"Import « {kind} », mode « {mode} » : les fichiers sont {', '.join(PLANNERS)}, les modes {', '.join(MODES)}."
        )
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
            return ImportReport(first, digest, duplicate_file=True)
        occasion = Occasion(now, first_month or await _first_month(now), digest, code, valid_from)
        plan = await PLANNERS[kind].plan(intake, occasion)
        report = _report(plan, digest)
        if mode == "preview":
            return report
        if intake.refused or (mode == "all" and intake.errors):
            return replace(report, created=0, changed=0, unchanged=0)
        batch_id = await _record(report, kind, name, mode, actor, occasion)
        await PLANNERS[kind].write(plan, occasion)
        await _tell(plan, batch_id, name, actor, now)
        return replace(report, batch_id=batch_id)


async def _loaded_before(kind: str, digest: str, code: str, valid_from: date | None) -> int | None:
    """The first batch that loaded something of this very file."""
    batches = (
        await ImportBatch.select().where(ImportBatch.kind == kind, ImportBatch.file_sha256 == digest).order_by(ImportBatch.id)
    )
    for batch in batches:
        if (batch["code"], batch["valid_from"]) == (code, valid_from) and batch["created"] + batch["changed"] + batch[
            "unchanged"
        ]:
            return batch["id"]
    return None


async def _first_month(now: datetime) -> Month:
    reseller = await Reseller.select(Reseller.first_month).first()
    if reseller and reseller["first_month"]:
        return Month.parse(reseller["first_month"])
    return Month.of(paris_date(now)).previous


def _report(plan: Plan, digest: str) -> ImportReport:
    return ImportReport(
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


async def _record(report: ImportReport, kind: str, name: str, mode: str, actor: str, occasion: Occasion) -> int:
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
    counts = {"created": len(plan.created), "changed": len(plan.changed), "unchanged": plan.unchanged}
    story = [("import_batch", batch_id, {}, {"kind": plan.intake.kind.name, "name": name} | counts)]
    subject = SUBJECTS.get(plan.intake.kind.name, "")
    story += [(subject, change.id, plan.told(change.before), plan.told(change.after)) for change in plan.changed if subject]
    columns = [TimelineEntry.at, TimelineEntry.actor, TimelineEntry.event, TimelineEntry.subject, TimelineEntry.subject_id]
    rows = [[now, actor, "import", about, id_, json.dumps(old), json.dumps(new)] for about, id_, old, new in story]
    await insert_many(TimelineEntry, [*columns, TimelineEntry.before, TimelineEntry.after], rows)
