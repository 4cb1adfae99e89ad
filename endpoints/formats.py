"""The page « Formats de CDR »: a supplier's layout described, tried on a sample, saved, exported."""

import base64
import json
from typing import Any

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.response import Redirect, Template

from endpoints import layout_form
from endpoints.asked import Asked
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import layout_trial, layouts
from rules.layouts.description import LayoutRefused, parse
from rules.layouts.words import ASIDE, FILE_OPTIONS, TARGETS, options_of
from rules.rights import Right
from rules.states import RejectCause

HOME = "/formats"
KEPT_SAMPLE = 300_000  # bytes that travel with the form, so that a sample is chosen once


@get(HOME, right=Right.settings)
async def list_page(refused: str = "") -> Template:
    return Template(
        "formats.html", context={"rows": await layouts.every_layout(), "examples": layouts.examples(), "refused": refused}
    )


@get(HOME + "/nouveau", right=Right.settings)
async def new(depuis: str = "", exemple: str = "") -> Template:
    """An empty form, a copy of a layout, or one of our examples."""
    row: dict[str, Any] = {}
    if exemple in (known := layouts.examples()):
        row = {"code": exemple, **known[exemple]}
    elif depuis:
        row = await layouts.get(depuis)
        row |= {"code": "", "label": f"{row['label']} (copie)", "name_pattern": ""}
    return _form(layout_form.texts_of(row))


@get(HOME + "/{code:str}", right=Right.settings)
async def edit(code: str, enregistre: bool = False) -> Template:
    return _form(layout_form.texts_of(await layouts.get(code)), code=code, saved=enregistre)


@get(HOME + "/{code:str}/export", right=Right.settings)
async def export(code: str) -> Response[str]:
    """The JSON form, to keep or to send."""
    text = json.dumps(await layouts.get(code), ensure_ascii=False, indent=2)
    headers = {"content-disposition": f'attachment; filename="format-{code}.json"'}
    return Response(text, media_type="application/json", headers=headers)


@post(HOME + "/importer", right=Right.settings, status_code=200)
async def import_(request: Asked) -> Template:
    """The form, filled from an exported file; nothing is written before it is saved."""
    file = (await request.form()).get("fichier")
    try:
        row: Any = json.loads(await file.read()) if isinstance(file, UploadFile) else None
        parse(row["description"])
    except LayoutRefused as refusal:
        return await list_page.fn(str(refusal))
    except (ValueError, RecursionError, TypeError, KeyError):
        return await list_page.fn("ce n'est pas un format exporté d'ici.")
    return _form(layout_form.texts_of(row))


@post([HOME + "/nouveau", HOME + "/{code:str}"], right=Right.settings, status_code=200)
async def act(request: Asked, code: str = "") -> Template | Redirect:
    """Try the form on a sample, save it, or only draw its record types."""
    given = await request.form()
    texts = {name: value for name, value in given.items() if isinstance(value, str)}
    sample, data = given.get("echantillon"), b""
    if isinstance(sample, UploadFile):
        data = await sample.read()
    name = sample.filename if isinstance(sample, UploadFile) and data else texts.get("sample_name", "")
    data = data or base64.b64decode(texts.get("sample") or b"")
    kept = {"sample_name": name, "sample": base64.b64encode(data).decode() if len(data) <= KEPT_SAMPLE else ""}
    row = layout_form.layout_of(texts)
    gesture, target = texts.get("geste"), code or row["code"]
    trial: Any = None
    errors: Any = ()
    try:
        if gesture == "enregistrer":
            if not code and any(one["code"] == target for one in await layouts.every_layout()):
                raise LayoutRefused([{"field": "code", "message": "Ce code est pris. Choisissez-en un autre.", "value": target}])
            await layouts.save(target, row, actor(request))
            return Redirect(f"{HOME}/{target}", query_params={"enregistre": "true"}, status_code=303)
        if gesture == "essayer":
            trial = await layout_trial.try_on(row["description"], data, name, SETTINGS.now())
    except LayoutRefused as refusal:
        errors = refusal.errors
    return _form(texts | kept, code=code, errors=errors, trial=trial)


def _form(texts: dict[str, str], code: str = "", errors: Any = (), trial: Any = None, saved: bool = False) -> Template:
    records = layout_form.layout_of(texts)["description"].get("records", [])
    usage = [(f"r{rank}", ", ".join(one["codes"])) for rank, one in enumerate(records, 1) if one["role"] == "usage"]
    shown = {
        "texts": texts,
        "code": code,
        "errors": layout_form.messages(errors),
        "refusals": errors,
        "trial": trial,
        "saved": saved,
    }
    causes = {str(cause): cause.label for cause in RejectCause}
    words = {"file_options": FILE_OPTIONS, "targets": TARGETS, "options_of": options_of, "aside": ASIDE, "causes": causes}
    return Template("format.html", context={**shown, **words, "usage": usage})


HANDLERS = [list_page, new, edit, export, import_, act]
