"""The page « Imports »: a file is dropped, looked at, confirmed, and can be taken back."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotFoundException
from litestar.params import Body
from litestar.response import Redirect, Template

from endpoints.asked import Asked, Form, Sheet
from endpoints.imports import csv_response
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import imports, layouts
from jobs.imports import desk, undo
from jobs.imports.examples import TITLES, model
from jobs.imports.history import ON_A_PAGE, history
from rules.files.cells import iso_date
from rules.paris import paris_date
from rules.rights import Right
from rules.states import ImportState

HOME = "/imports"
SHOWN_ERRORS, SHOWN_CHANGES = 20, 200
FIRST = ("", "rates")  # kinds that are not previewed before something more is said


@dataclass
class Dropped:
    fichier: UploadFile


@get(HOME, right=Right.see)
async def page(nature: str = "", etat: str = "", feuille: Sheet = 1) -> Template:
    rows, found = await history(nature, etat, feuille)
    context = {"titles": TITLES, "states": ImportState, "rows": rows, "found": found, "sheets": -(-found // ON_A_PAGE)}
    return Template("imports.html", context=context | {"kind": nature, "state": etat, "sheet": feuille})


@post(HOME + "/deposer", right=Right.imports)
async def drop(request: Asked, data: Annotated[Dropped, Body(media_type=RequestEncodingType.MULTI_PART)]) -> Redirect:
    """Keep the file, guess what it is, and preview it at once unless something more must be said."""
    file = data.fichier.file
    batch_id = await desk.receive(file, data.fichier.filename, actor=actor(request), now=SETTINGS.now())
    kind = (await desk.get(batch_id))["kind"]
    if kind not in FIRST:
        await desk.preview(batch_id, kind)
    return _to(batch_id)


@get(HOME + "/{batch_id:int}", right=Right.see)
async def show(batch_id: int, autre: bool = False) -> Template:
    """`autre`: what was confirmed was no longer the preview."""
    batch = await desk.get(batch_id)
    obstacles = await undo.obstacles(batch) if batch["state"] == ImportState.imported else []
    context = {
        "batch": batch,
        "titles": TITLES,
        "layouts": [layout["code"] for layout in await layouts.every_layout() if layout["active"]],
        "state": ImportState(batch["state"]),
        "interrupted": desk.interrupted(batch),
        "obstacles": obstacles,
        "other": autre or batch["report"].get("changed_since", False),
        "errors": batch["errors"][:SHOWN_ERRORS],
        "changes": batch["report"].get("changes", [])[:SHOWN_CHANGES],
        "today": paris_date(SETTINGS.now()),
        "repriced": None,
    }
    if batch["kind"] == "rates" and batch["state"] == ImportState.previewed and batch["rows"]:
        context["repriced"] = await desk.repriced(batch, SETTINGS.now())
    return Template("import.html", context=context)


@get(HOME + "/{batch_id:int}/avancement", right=Right.see)
async def progress(batch_id: int) -> Template:
    """The piece that moves; empty once the work is done, and the page is read anew."""
    batch = await desk.get(batch_id)
    return Template("import_progress.html", context={"batch": batch, "interrupted": desk.interrupted(batch)})


@post(HOME + "/{batch_id:int}/apercu", right=Right.imports)
async def preview(batch_id: int, data: Form) -> Redirect:
    """What the clerk says of the file, and the preview that follows."""
    said = data.get("valable", "")
    since: date | None = iso_date(said) if said else None
    code, layout = data.get("code", "").strip(), data.get("format", "default")
    await desk.preview(batch_id, data.get("nature", ""), code=code, valid_from=since, layout=layout)
    return _to(batch_id)


@post(HOME + "/{batch_id:int}/importer", right=Right.imports)
async def confirm(request: Asked, batch_id: int, data: Form) -> Redirect:
    mode = "all" if data.get("mode") == "all" else "valid"
    done = await desk.confirm(batch_id, mode, data.get("vu", ""), actor=actor(request))
    return _to(batch_id, "" if done else "?autre=true")


@post(HOME + "/{batch_id:int}/reprendre", right=Right.imports)
async def resume(batch_id: int) -> Redirect:
    await desk.resume(batch_id)
    return _to(batch_id)


@post(HOME + "/{batch_id:int}/abandonner", right=Right.imports)
async def forget(batch_id: int) -> Redirect:
    await desk.forget(batch_id)
    return Redirect(HOME, status_code=303)


@post(HOME + "/{batch_id:int}/annuler", right=Right.imports)
async def take_back(request: Asked, batch_id: int) -> Redirect:
    await undo.undo(batch_id, actor=actor(request), now=SETTINGS.now())
    return _to(batch_id)


@get(HOME + "/{batch_id:int}/erreurs.csv", right=Right.see)
async def errors(batch_id: int) -> Response[str]:
    return _file(await imports.errors_of(batch_id), f"import-{batch_id}-erreurs.csv")


@get(HOME + "/{batch_id:int}/a-corriger.csv", right=Right.see)
async def rejected(batch_id: int) -> Response[str]:
    """The rows in error with their cells, to correct and drop again."""
    return _file(await imports.rejected_of(batch_id), f"import-{batch_id}-a-corriger.csv")


@get(HOME + "/modele/{kind:str}", right=Right.see)
async def example(kind: str) -> Response[str]:
    return _file(model(kind, SETTINGS.now()) if kind in TITLES else None, f"modele-{kind}.csv")


def _file(text: str | None, name: str) -> Response[str]:
    if text is None:
        raise NotFoundException
    return csv_response(text, name)


def _to(batch_id: int, more: str = "") -> Redirect:
    return Redirect(f"{HOME}/{batch_id}{more}", status_code=303)


HANDLERS = [page, drop, show, progress, preview, confirm, resume, forget, take_back, errors, rejected, example]
