"""Backing out a file of CDRs: its parts no longer count, its content may come again; what is invoiced stays."""

from datetime import datetime

from gateways.files import Busy, lock, turn
from gateways.settings import SETTINGS
from jobs.billing.runs import LOCK
from rules.files.rows import Values
from rules.paris import Month
from rules.states import COMPUTING, FileState, ImportState, RejectState
from tables.billing import BillingRun
from tables.engine import transaction
from tables.imports import ImportBatch
from tables.timeline import tell
from tables.usage import CdrFile, CdrPart, CdrReject

BUSY = "Une facturation est en cours : attendez sa fin."


async def back_out(batch: Values, actor: str, now: datetime) -> list[str]:
    """Back out the file of a batch; else why not. No file is loaded meanwhile and no run computes."""
    async with turn(SETTINGS.data_dir / "cdr.lock"):
        try:
            with lock(SETTINGS.data_dir / LOCK):
                return await _back_out(batch, actor, now)
        except Busy:
            return [BUSY]


async def _back_out(batch: Values, actor: str, now: datetime) -> list[str]:
    file_id = batch["cdr_file"]
    async with transaction():
        if reasons := await why_not(file_id):
            return reasons
        parts = await CdrPart.delete().where(CdrPart.file == file_id).returning(CdrPart.path)
        await CdrFile.update({CdrFile.state: FileState.backed_out}).where(CdrFile.id == file_id)
        await CdrReject.update({CdrReject.state: RejectState.ignored}).where(
            CdrReject.file == file_id, CdrReject.state == RejectState.open
        )
        await ImportBatch.update({ImportBatch.state: ImportState.undone}).where(ImportBatch.id == batch["id"])
        await tell(actor, "undo", "import_batch", batch["id"], at=now)
    for part in parts:
        (SETTINGS.data_dir / part["path"]).unlink(missing_ok=True)
    return []


async def why_not(file_id: int) -> list[str]:
    """The run that computes, or the validated ones that may hold CDRs of the file.

    A run counts the files that it draws from (`counted_in`); the draft of a later month may since have counted the file anew,
    so a validated run of one of its months speaks too, unless it was validated before the file came.
    """
    runs = await BillingRun.select(BillingRun.id, BillingRun.month, BillingRun.state, BillingRun.validated_at)
    if any(run["state"] in COMPUTING for run in runs):
        return [BUSY]
    file = (await CdrFile.select(CdrFile.counted_in, CdrFile.created_at).where(CdrFile.id == file_id))[0]
    parts = await CdrPart.select(CdrPart.month, CdrPart.counted_in).where(CdrPart.file == file_id)
    months = {part["month"] for part in parts}
    counted = {file["counted_in"], *(part["counted_in"] for part in parts)}
    holding = []
    for run in runs:
        drawn = run["id"] in counted
        recounted = (
            file["counted_in"] and run["month"] in months and run["validated_at"] and run["validated_at"] >= file["created_at"]
        )
        if run["validated_at"] and (drawn or recounted):
            holding.append(run)
    return [
        f"Ses CDR comptent dans la facturation {Month.parse(run['month']).of_french} (n° {run['id']}), qui est validée."
        for run in sorted(holding, key=lambda run: run["month"])
    ]
