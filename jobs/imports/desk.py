"""The counter of the page « Imports »: a file is received, previewed, confirmed, imported; each move is made once.

A small file is read here and now, a large one in a process of its own, so that pages answer meanwhile.
"""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from gateways.files import Busy, is_locked, take_lock
from gateways.secrets import open_, seal
from gateways.settings import SETTINGS
from jobs import cdrs, prices, worker
from jobs.imports import import_file, printable, told
from jobs.imports.examples import guess
from jobs.report import ImportReport, PlanChanged
from rules.errors import RuleError
from rules.files.form import FormError
from rules.files.kinds import RATES
from rules.files.rows import Intake, Values, Watch
from rules.rate_changes import Change, Loss
from rules.states import ImportState
from tables.engine import claim, transaction
from tables.imports import ImportBatch

FOLDER = "imports"
SEALED = ".sealed"
LARGEST_TABLE_BYTES = 10 * 1024 * 1024
HERE_BYTES = 512 * 1024
HEAD_BYTES = 65_536
LEFT_DAYS = 14
FOLLOW_S = 0.5
MOVING = (ImportState.previewing, ImportState.importing)
WAITING = (ImportState.received, ImportState.previewed, ImportState.refused)
UNREADABLE = {"rows": 0, "created": 0, "changed": 0, "unchanged": 0, "rejected": 0, "plan_sha256": "", "report": "{}"}


class UnknownImport(RuleError):
    status = 404


class TooHeavy(RuleError):
    """A file of reference data past its limit."""

    status = 413


async def get(batch_id: int) -> Values:
    """A batch with `errors` and `report` read. Raises UnknownImport."""
    batch = await ImportBatch.select().where(ImportBatch.id == batch_id).first()
    if batch is None:
        raise UnknownImport("Aucun import de ce numéro : il a été abandonné, ou n'a jamais existé.")
    return batch | {"errors": json.loads(batch["errors"]), "report": json.loads(batch["report"])}


async def receive(file: IO[bytes], name: str, *, actor: str, now: datetime) -> int:
    """Keep a file until it is imported; its kind is guessed from its header. Returns the number of the batch."""
    await _forget_old(now)
    head = file.read(HEAD_BYTES)
    kind = guess(head)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if not kind.startswith("cdrs") and size > LARGEST_TABLE_BYTES:
        raise TooHeavy("Un fichier de référence a 10 Mo au plus, un fichier de CDR 200 Mo. Découpez-le, en gardant l'en-tête.")
    folder = SETTINGS.data_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    sealed = size <= LARGEST_TABLE_BYTES and kind != "cdrs"  # codes of cards and bank details do not lie in clear
    with tempfile.NamedTemporaryFile(dir=folder, suffix=SEALED if sealed else ".csv", delete=False) as kept:
        if sealed:
            kept.write(seal(file.read().decode("latin-1")).encode())
        else:
            shutil.copyfileobj(file, kept, 1024 * 1024)
    batch = ImportBatch(
        name=printable(name) or "fichier.csv", kind=kind, state=ImportState.received, upload=f"{FOLDER}/{Path(kept.name).name}",
        size_bytes=size, actor=actor, created_at=now,
    )  # fmt: skip
    await batch.save()
    return batch.id


async def preview(batch_id: int, kind: str, *, code: str = "", valid_from: date | None = None, layout: str = "default") -> None:
    """Compute, or compute anew, what the import would do. Nothing happens when the batch moves already, or is imported."""
    about: dict[Any, Any] = {"state": ImportState.previewing, "done": 0, "total": 0, "kind": kind, "layout": layout}
    about |= {"code": code if kind == "rates" else "", "valid_from": valid_from if kind == "rates" else None}
    if await _move(batch_id, WAITING, about):
        await begin(batch_id)


async def confirm(batch_id: int, mode: str, seen: str, *, actor: str) -> bool:
    """Import what was seen, once; False when what was seen is no longer the preview."""
    about: dict[Any, Any] = {"state": ImportState.importing, "done": 0, "total": 0, "mode": mode, "actor": actor}
    if await _move(batch_id, (ImportState.previewed,), about, seen):
        await begin(batch_id)
        return True
    return (await get(batch_id))["state"] in (ImportState.importing, ImportState.imported)


async def _move(batch_id: int, sources: Sequence[ImportState], about: dict[Any, Any], seen: str | None = None) -> bool:
    """Whether this call is the one that moves the batch: of two at once one wins."""
    where = (ImportBatch.id == batch_id) & ImportBatch.state.is_in(list(sources))
    if seen is not None:
        where &= ImportBatch.plan_sha256 == seen
    return bool(await claim(ImportBatch, about, where))


async def begin(batch_id: int) -> None:
    """Do the work of a batch that moves, here or in a worker; nothing when somebody is at it."""
    batch = await get(batch_id)
    try:
        held = take_lock(_lock_of(batch_id))
    except Busy:
        return
    with held:
        if batch["size_bytes"] > HERE_BYTES:
            await worker.start("import", batch_id, held=[held.fileno()])
        else:
            await perform(batch_id, SETTINGS.now())


async def work(batch_id: int) -> None:
    """What the worker does."""
    await perform(batch_id, SETTINGS.now())


def interrupted(batch: Values) -> bool:
    """Whether whoever was at work on a batch is no more."""
    path = _lock_of(batch["id"])
    return batch["state"] in MOVING and not (path.exists() and is_locked(path))


async def perform(batch_id: int, now: datetime) -> None:
    """Preview or import, and leave the batch in the state that follows."""
    batch = await get(batch_id)
    if batch["state"] not in MOVING:
        return
    importing = batch["state"] == ImportState.importing
    try:
        async with _followed(batch_id) as watch:
            report = await _carry_out(batch, importing, now, watch)
    except PlanChanged as problem:
        after = _shown(problem.report, ImportState.previewed, changed_since=True)
    except FormError as problem:
        errors = json.dumps([asdict(error) for error in problem.errors], ensure_ascii=False)
        after = UNREADABLE | {"state": ImportState.refused, "errors": errors}
    except RuleError as problem:
        said = json.dumps({"sentence": str(problem)}, ensure_ascii=False)
        after = UNREADABLE | {"state": ImportState.refused, "errors": "[]", "report": said}
    else:
        if report.duplicate_file:
            after = _shown(report, ImportState.refused, first_batch=report.batch_id)
        elif importing and report.batch_id:
            after = {"upload": ""}  # its own transaction has told the rest
        elif importing:
            after = {"state": ImportState.previewed}  # all was asked for, and something is in error
        else:
            after = _shown(report, ImportState.previewed)
    await ImportBatch.update(after).where(ImportBatch.id == batch_id)
    if "upload" in after:
        (SETTINGS.data_dir / batch["upload"]).unlink(missing_ok=True)
    _lock_of(batch_id).unlink(missing_ok=True)


@asynccontextmanager
async def _followed(batch_id: int) -> AsyncIterator[Watch]:
    """What the work says of its progress, from whatever thread, is in the batch a moment later."""
    said: list[tuple[int, int]] = []

    async def follow() -> None:
        while True:
            await asyncio.sleep(FOLLOW_S)
            if said:
                done, total = said[-1]
                said.clear()
                await ImportBatch.update({ImportBatch.done: done, ImportBatch.total: total}).where(ImportBatch.id == batch_id)

    task = asyncio.create_task(follow())
    try:
        yield lambda done, total: said.append((done, total))
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _carry_out(batch: Values, importing: bool, now: datetime, watch: Watch) -> ImportReport:
    mode = batch["mode"] if importing else "preview"
    seen: dict[str, Any] = {"batch_id": batch["id"], "seen": batch["plan_sha256"]} if importing else {}
    if batch["kind"] == "cdrs":
        with _opened(batch) as path:
            sources = [(path, batch["name"])]
            way = {"layout": batch["layout"], "preview": not importing, "watch": watch} | seen
            return (await cdrs.load_files(sources, now=now, **way))[0]
    if batch["size_bytes"] > LARGEST_TABLE_BYTES:
        raise TooHeavy("Un fichier de référence a 10 Mo au plus. Découpez-le, en gardant l'en-tête.")
    with _opened(batch) as path:
        data = path.read_bytes()
    about = {name: batch[name] for name in ("actor", "code", "valid_from")}
    if not importing:
        about["watch"] = watch  # an import holds the one pen of SQLite: nobody could note its progress
    return await import_file(batch["kind"], data, batch["name"], mode=mode, now=now, **about, **seen)


@contextmanager
def _opened(batch: Values) -> Iterator[Path]:
    """The file as it came."""
    path = SETTINGS.data_dir / batch["upload"]
    if path.suffix != SEALED:
        yield path
        return
    with tempfile.NamedTemporaryFile() as clear:
        clear.write(open_(path.read_text()).encode("latin-1"))
        clear.flush()
        yield Path(clear.name)


async def repriced(batch: Values, now: datetime) -> tuple[list[Change], list[Loss]]:
    """What a previewed rate table would change against the version in force, and what it would sell under its cost."""
    with _opened(batch) as path:
        intake = Intake(RATES, path.read_bytes(), batch["name"])
    rows = [row.values for row in intake.rows]
    return await prices.differences(batch["code"], batch["valid_from"], rows), await prices.losses(rows, now)


def _shown(report: ImportReport, state: ImportState, **more: Any) -> dict[Any, Any]:
    columns = told(report) | {"state": state}
    return columns | {"report": json.dumps(json.loads(columns["report"]) | more, ensure_ascii=False)}


async def resume(batch_id: int) -> None:
    """Take up the work of a process that died; what was committed is not done again."""
    if interrupted(await get(batch_id)):
        await begin(batch_id)


async def forget(batch_id: int) -> None:
    """Give up a file of which nothing was imported."""
    batch = await get(batch_id)
    async with transaction():
        waits = (ImportBatch.id == batch_id) & ImportBatch.state.is_in(list(WAITING))
        if not await ImportBatch.delete().where(waits).returning(ImportBatch.id):
            return
    for path in (SETTINGS.data_dir / batch["upload"], _lock_of(batch_id)):
        path.unlink(missing_ok=True)


async def _forget_old(now: datetime) -> None:
    """What was left unconfirmed does not stay for ever."""
    old = (ImportBatch.created_at < now - timedelta(days=LEFT_DAYS)) & ImportBatch.state.is_in(list(WAITING))
    for batch in await ImportBatch.select(ImportBatch.id).where(old):
        await forget(batch["id"])


def _lock_of(batch_id: int) -> Path:
    return SETTINGS.data_dir / FOLDER / f"{batch_id}.lock"
