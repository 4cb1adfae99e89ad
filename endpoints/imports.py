"""The seven files by API: preview, load, and the errors of a batch."""

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from litestar import Response, Router, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotFoundException
from litestar.params import Body

from endpoints.asked import Asked
from endpoints.lists import MOST, Limit, Offset, page
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import arrivals, cdr_replay, cdrs, imports
from jobs.imports import undo
from jobs.worker import ask
from rules.states import ImportState
from tables.usage import CdrFile

Mode = Literal["preview", "all", "valid"]


@dataclass
class Upload:
    """`code` and `valid_from`: of a rate table; `layout`: of a CDR file."""

    file: UploadFile
    code: str = ""
    valid_from: date | None = None
    layout: str = "default"


Multipart = Annotated[Upload, Body(media_type=RequestEncodingType.MULTI_PART)]


@post("/cdrs", status_code=200)
async def load_cdrs(data: Multipart, mode: Mode = "valid") -> cdrs.CdrReport:
    """Load a CDR file: good rows are loaded, rejects are kept; a file already loaded changes nothing. 422: an error of form.

    `preview` only tells; the other two modes do the same here.
    """
    with tempfile.TemporaryDirectory(dir=SETTINGS.data_dir) as folder:
        path = Path(folder) / "upload"
        await asyncio.to_thread(arrivals.save, data.file.file, path)
        return await ask("load_upload", path, data.file.filename, SETTINGS.now(), data.layout, mode == "preview")


@post("/{kind:str}", status_code=200)
async def import_file(request: Asked, kind: str, data: Multipart, mode: Mode = "preview") -> imports.TableReport:
    """Preview a reference file or load it: `all` or nothing, or the `valid` rows. 422: an error of form."""
    return await imports.import_file(
        kind,
        await data.file.read(),
        data.file.filename,
        mode=mode,
        actor=actor(request),
        now=SETTINGS.now(),
        code=data.code,
        valid_from=data.valid_from,
    )


@get("/{batch_id:int}/errors.csv")
async def batch_errors(batch_id: int) -> Response[str]:
    """Every error of a batch."""
    found = await imports.errors_of(batch_id)
    if found is None:
        raise NotFoundException
    return csv_response(found, f"import-{batch_id}-erreurs.csv")


@post("/{batch_id:int}/undo", status_code=200)
async def undo_batch(request: Asked, batch_id: int) -> dict[str, Any]:
    """Take an import back: what it created goes, what it changed returns. 409 names what depends on it."""
    await undo.undo(batch_id, actor=actor(request), now=SETTINGS.now())
    return {"batch_id": batch_id, "state": str(ImportState.undone)}


@get()
async def list_cdr_files(limit: Limit = MOST, offset: Offset = 0) -> dict[str, Any]:
    """The CDR files loaded, latest first."""
    file = CdrFile
    columns = (file.id, file.name, file.sha256, file.layout, file.state, file.rows, file.loaded, file.rejected, file.created_at)
    return page(await file.select(*columns).order_by(file.id, ascending=False), limit, offset)


@get("/{file_id:int}/rejects.csv")
async def file_rejects(file_id: int) -> Response[str]:
    """The rejects of a CDR file: line, cause, original text."""
    if not await CdrFile.exists().where(CdrFile.id == file_id):
        raise NotFoundException
    return csv_response(await cdrs.rejects_csv(file_id), f"cdr-{file_id}-rejets.csv")


@get("/{file_id:int}/corrections.csv")
async def corrections(file_id: int) -> Response[str]:
    """The rejects to correct in a spreadsheet: line of the original, why, and the columns of the original."""
    return csv_response(await cdr_replay.corrections_csv(file_id), f"cdr-{file_id}-a-corriger.csv")


@post("/{file_id:int}/replay", status_code=200)
async def replay(request: Asked, file_id: int) -> cdr_replay.ReplayReport:
    """Judge the open rejects again; with a multipart `file` (corrections.csv, corrected), only its rows with their new cells."""
    given = (await request.form()).get("file")
    corrected, name = (await given.read(), given.filename) if isinstance(given, UploadFile) else (None, "")
    return await ask("replay", file_id, corrected, name, actor(request), SETTINGS.now())


def csv_response(text: str, name: str) -> Response[str]:
    return Response(text, media_type="text/csv; charset=utf-8", headers={"content-disposition": f'attachment; filename="{name}"'})


router = Router("/api/imports", route_handlers=[load_cdrs, import_file, batch_errors, undo_batch], tags=["Imports"])
cdr_router = Router("/api/cdr-files", route_handlers=[list_cdr_files, file_rejects, corrections, replay], tags=["Imports"])
