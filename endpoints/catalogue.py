"""The pages « Versions du catalogue »: every code with its versions, a version made from another, the devices in stock."""

from typing import Any, Literal

from litestar import get, post
from litestar.response import Redirect, Template
from piccolo.columns import Boolean, Date, Numeric, Text

from endpoints.asked import Asked, Form
from endpoints.guarded import title
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import catalogue
from rules.catalogue import UNIT_MOVES
from rules.paris import Month, paris_date
from rules.rights import Right
from rules.states import UnitState

HOME, UNITS = "/catalogue", "/terminaux"
Act = Literal["version", "copie"]


@get(HOME, right=Right.see)
async def index(fait: bool = False) -> Template:
    return Template("catalogue.html", context={"families": await catalogue.overview(paris_date(SETTINGS.now())), "done": fait})


@get(HOME + "/{family:str}/{row_id:int}/{act:str}", right=Right.catalogue)
async def draft(family: str, row_id: int, act: Act) -> Template:
    """The form, filled from the version that it starts from."""
    today = paris_date(SETTINGS.now())
    given = {"code": "", "valid_from": str(today)} if act == "copie" else {"valid_from": str(Month.of(today).next.first)}
    return await _form(family, row_id, act, given, asked=False)


@post(HOME + "/{family:str}/{row_id:int}/{act:str}", right=Right.catalogue, status_code=200)
async def save(request: Asked, family: str, row_id: int, act: Act, data: Form) -> Template | Redirect:
    """Show what changes, then save it."""
    if data.get("etape") != "enregistrer":
        return await _form(family, row_id, act, data, asked=True)
    await catalogue.save(family, row_id, act == "copie", data, actor(request))
    return Redirect(HOME, query_params={"fait": "true"}, status_code=303)


async def _form(family: str, row_id: int, act: Act, given: dict[str, str], *, asked: bool) -> Template:
    made = await catalogue.draft(family, row_id, act == "copie", given)
    columns = [_field(catalogue.FAMILIES[family], column.name) for column in catalogue.FAMILIES[family].law.columns]
    kept = () if act == "copie" else catalogue.FAMILIES[family].names
    context = {"draft": made, "copy": act == "copie", "asked": asked, "fields": columns, "kept": kept, "family": family}
    return Template("catalogue_version.html", context=context)


def _field(family: catalogue.Family, name: str) -> dict[str, Any]:
    """A column as a form asks for it."""
    column = family.table._meta.get_column_by_name(name)
    choices = [(str(word.value), word.label) for word in column._meta.choices or ()]
    choices = [("yes", "Oui"), ("no", "Non")] if isinstance(column, Boolean) else choices
    shapes = ((Date, "date"), (Text, "long"), (Numeric, "figure"))
    shape = next((word for kind, word in shapes if isinstance(column, kind)), "text")
    return {"name": name, "title": title(column), "choices": choices, "shape": shape}


@get(UNITS + "/{row_id:int}", right=Right.see)
async def units(row_id: int) -> Template:
    return await _units(row_id)


@post(UNITS + "/{row_id:int}", right=Right.catalogue, status_code=200)
async def enter_units(request: Asked, row_id: int, data: Form) -> Template:
    """Take units into stock, one IMEI a line."""
    return await _units(row_id, await catalogue.enter_units(row_id, data.get("imei", ""), actor(request)))


@post(UNITS + "/{row_id:int}/{unit_id:int}", right=Right.catalogue)
async def move_unit(request: Asked, row_id: int, unit_id: int, data: Form) -> Redirect:
    await catalogue.move_unit(unit_id, data.get("etat", ""), actor(request))
    return Redirect(f"{UNITS}/{row_id}", status_code=303)


async def _units(row_id: int, report: Any = None) -> Template:
    _, device = await catalogue.version("terminaux", row_id)
    context = {
        "device": device,
        "units": await catalogue.units(row_id),
        "report": report,
        "moves": UNIT_MOVES,
        "states": UnitState,
    }
    return Template("catalogue_units.html", context=context)


HANDLERS = [index, draft, save, units, enter_units, move_unit]
