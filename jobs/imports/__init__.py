"""Importing the six reference files: read, plan, and unless it is a preview, write the plan in one transaction."""

import asyncio
import json
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from itertools import islice
from typing import Any

from gateways.secrets import open_, seal
from jobs.cdrs import rejects_csv
from jobs.imports import customers, journal, lines, offers, rates, roaming_zones, sims
from jobs.imports.plan import Difference, Occasion, Plan
from jobs.report import ImportReport, PlanChanged
from rules.errors import RuleError
from rules.files import kinds
from rules.files.form import Error
from rules.files.rows import Intake, Watch
from rules.files.written import errors_csv
from rules.paris import Month, paris_date
from rules.states import ImportState
from tables.engine import on_sqlite, transaction
from tables.imports import ImportBatch
from tables.parties import Reseller
from tables.timeline import tell_many

__all__ = ["NotAnImport", "TableReport", "errors_csv", "errors_of", "import_file"]

MODULES = (offers, rates, roaming_zones, sims, customers, lines)
PLANNERS: dict[str, Any] = {module.__name__.rpartition(".")[2]: module for module in MODULES}
SUBJECTS = {"offers": "offer", "roaming_zones": "roaming_zone", "sims": "sim", "customers": "customer", "lines": "line"}
MODES = ("preview", "all", "valid")
COUNTS = ("rows", "created", "changed", "unchanged", "rejected")
SHOWN = ("warnings", "changes", "unknown_columns", "rejects_by_cause", "ambiguous", "duplicate_file")
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
    batch_id: int | None = None,
    seen: str = "",
    watch: Watch = lambda done, total: None,
) -> TableReport:
    """Preview a file, or load it: `all` loads everything or nothing, `valid` the good rows. Raises FormError, NotAnImport.

    `code`, `valid_from`: the version of a rate table. `first_month`: the first to bill, else the reseller's, else last month.
    `batch_id`: the batch that waits for the import, else a new one; `seen`: the fingerprint of the preview that was confirmed,
    else none was. Raises PlanChanged when the import would not do what was seen.
    """
    if kind not in PLANNERS or mode not in MODES:
        raise NotAnImport(f"Import « {kind} », mode « {mode} » : écrivez {', '.join(PLANNERS)} ; {', '.join(MODES)}.")
    if kind != "rates":
        code, valid_from = "", None
    elif not code or not valid_from:
        raise NotAnImport("Une grille tarifaire a un code et une date : donnez code et valid_from.")
    else:
        kinds.code(code)
    name = printable(name)
    intake = await asyncio.to_thread(Intake, kinds.KINDS[kind], data, name, watch)
    digest = sha256(data).hexdigest()
    async with nullcontext() if mode == "preview" else transaction():
        if mode != "preview":
            await take_turn()
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
        if seen and seen != report.plan_sha256:
            raise PlanChanged(report)
        batch_id = await _record(batch_id, plan, report, name, mode, actor, occasion)
        before = await journal.picture(plan, occasion)
        await PLANNERS[kind].write(plan, occasion)
        await journal.keep(batch_id, before, await journal.picture(plan, occasion))
        await _tell(plan, batch_id, name, actor, now)
        return replace(report, batch_id=batch_id)


def printable(name: str) -> str:
    """A file's name as we keep it."""
    return "".join(letter for letter in name if letter.isprintable())[:200]


async def take_turn() -> None:
    """From now to the end of the transaction no other import or undoing is at work."""
    if not on_sqlite():  # where every transaction is alone already
        await ImportBatch.raw("LOCK TABLE import_batch IN SHARE ROW EXCLUSIVE MODE")


async def _loaded_before(kind: str, digest: str, code: str, valid_from: date | None) -> int | None:
    """The first batch that loaded something of this very file."""
    same = (ImportBatch.kind == kind) & (ImportBatch.file_sha256 == digest) & (ImportBatch.code == code)
    same &= ImportBatch.state == ImportState.imported
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
        plan_sha256=plan.fingerprint(),
    )


def told(report: ImportReport) -> dict[Any, Any]:
    """A report as the columns of its batch."""
    rest = {name: value for name, value in vars(report).items() if name in SHOWN}
    return {field: getattr(report, field) for field in COUNTS} | {
        "errors": json.dumps([asdict(error) for error in report.errors], ensure_ascii=False),
        "report": json.dumps(rest, ensure_ascii=False, default=asdict),
        "file_sha256": report.file_sha256,
        "plan_sha256": report.plan_sha256,
    }


async def _record(
    batch_id: int | None, plan: Plan, report: TableReport, name: str, mode: str, actor: str, occasion: Occasion
) -> int:
    """Fill in the batch that waits, or a new one."""
    about = told(report) | {
        "kind": plan.intake.kind.name, "rejected_rows": seal(plan.intake.rejected_rows()) if plan.intake.bad else "",
        "name": name, "mode": mode, "actor": actor, "code": occasion.code, "valid_from": occasion.valid_from,
        "created_at": occasion.now, "state": ImportState.imported,
    }  # fmt: skip
    if batch_id is None:
        batch = ImportBatch(**about)
        await batch.save()
        return batch.id
    await ImportBatch.update(about).where(ImportBatch.id == batch_id)
    return batch_id


async def _tell(plan: Plan, batch_id: int, name: str, actor: str, now: datetime) -> None:
    """One entry for the batch, one for each thing that it changed."""
    kind = plan.intake.kind.name
    counts = {"created": len(plan.created), "changed": len(plan.changed), "unchanged": plan.unchanged}
    story: list[tuple[str, int, Any, Any]] = [("import_batch", batch_id, {}, {"kind": kind, "name": name} | counts)]
    if kind in SUBJECTS:
        story += [(SUBJECTS[kind], change.id, plan.told(change.before), plan.told(change.after)) for change in plan.changed]
    await tell_many(now, actor, "import", story)


async def errors_of(batch_id: int) -> str | None:
    """Every error of a batch as CSV; None when there is no such batch."""
    batch = await ImportBatch.select().where(ImportBatch.id == batch_id).first()
    if batch is None:
        return None
    if batch["cdr_file"]:
        return await rejects_csv(batch["cdr_file"])
    return errors_csv(Error(**error) for error in json.loads(batch["errors"]))


async def rejected_of(batch_id: int) -> str | None:
    """The rows in error of a batch, to correct and load again; None when none were kept."""
    batch = await ImportBatch.select(ImportBatch.rejected_rows).where(ImportBatch.id == batch_id).first()
    return open_(batch["rejected_rows"]) if batch and batch["rejected_rows"] else None
