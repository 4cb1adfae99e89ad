"""The pages « Grilles »: rate tables and their versions, what each changes and loses, a number looked up, one price edited."""

from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect, Template

from endpoints.asked import Asked, Form, Sheet
from endpoints.filters import count
from endpoints.imports import csv_response
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import prices, repricing
from rules.files.rows import shown
from rules.files.written import csv_text
from rules.msisdn import UnusableNumber
from rules.paris import Month, paris_date
from rules.rate_changes import FIGURES, IDENTITY, Change, ChangeKind
from rules.rights import Right
from rules.states import CallType, Direction

HOME = "/grilles"
VIEWS = {"differences": "Différences", "tarifs": "Tarifs", "pertes": "Vendu à perte"}
ON_A_PAGE = 100
COMMON = {"kinds": ChangeKind, "types": CallType, "directions": Direction}

PLURALS = {ChangeKind.other: "autres changements", ChangeKind.new: "nouveaux", ChangeKind.gone: "disparus"}


@get(HOME, right=Right.see)
async def index() -> Template:
    return Template("rates.html", context={"tables": await prices.tables(paris_date(SETTINGS.now()))})


@get(HOME + "/version/{version_id:int}", right=Right.see)
async def page(
    version_id: int, vue: str = "differences", genre: str = "", texte: str = "", feuille: Sheet = 1,
    numero: str | None = None, type_appel: str = "VOICE", origine: str = "HOME", sens: str = "OUT",
) -> Template:  # fmt: skip
    """One version: what it changes, its rows or its losses; and the row that prices a number."""
    version = await prices.version(version_id)
    rows = await prices.rows_of(version_id)
    context: dict[str, Any] = {"version": version, "view": vue, "views": VIEWS, "kind": genre, "text": texte, "sheet": feuille}
    changes = [] if vue == "pertes" else await prices.changes_of(version_id)
    context["losses"] = await prices.losses(rows, SETTINGS.now()) if vue == "pertes" else None
    context["first"] = await prices.in_force(version["code"], version["valid_from"], before=True) is None
    context["counts"] = {kind: sum(change.kind == kind for change in changes) for kind in ChangeKind}
    context["told"] = ", ".join(
        count(found, kind.label.lower(), PLURALS.get(kind, kind.label.lower()))
        for kind, found in context["counts"].items()
        if found
    )
    found = [change for change in changes if genre in ("", change.kind) and holds(vars(change), texte)]
    listed = [row for row in rows if holds(row, texte)]
    begin = ON_A_PAGE * (feuille - 1)
    context["found"] = len(listed if vue == "tarifs" else found)
    context |= {"changes": found[begin : begin + ON_A_PAGE], "rows": listed[begin : begin + ON_A_PAGE], "on_a_page": ON_A_PAGE}
    context["search"] = {"number": numero or "", "type": type_appel, "origin": origine, "direction": sens}
    context |= {"origins": sorted({row["origin"] for row in rows}, key=lambda zone: (zone != "HOME", zone))}
    context |= _priced(rows, numero, type_appel, origine, sens) | COMMON
    return Template("rate_version.html", context=context)


def holds(row: dict[str, Any], text: str) -> bool:
    """Whether a row is about that destination, or begins with that prefix."""
    return text.casefold() in row["destination"].casefold() or row["prefix"].startswith(text.lstrip("+"))


def _priced(rows: list[dict[str, Any]], number: str | None, type_: str, origin: str, direction: str) -> dict[str, Any]:
    try:
        return {"priced": None if number is None else prices.price(rows, number, type_, origin, direction), "unusable": ""}
    except UnusableNumber as refusal:
        return {"priced": None, "unusable": str(refusal)}


@get(HOME + "/version/{version_id:int}/differences.csv", right=Right.see)
async def differences_csv(version_id: int) -> Response[str]:
    version = await prices.version(version_id)
    header = [
        "kind",
        *IDENTITY,
        "destination",
        "percent",
        *(f"{when}_{name}" for name in FIGURES for when in ("before", "after")),
    ]
    text = csv_text(header, map(_cells, await prices.changes_of(version_id)))
    return csv_response(text, f"grille-{version_id}-{version['valid_from']}-differences.csv")


def _cells(change: Change) -> list[str]:
    identity = [str(getattr(change, name)) for name in ("kind", *IDENTITY, "destination")]
    return [
        *identity,
        shown(change.percent),
        *(shown(side.get(name)) for name in FIGURES for side in (change.before, change.after)),
    ]


@get(HOME + "/tarif/{rate_id:int}", right=Right.catalogue)
async def edit(rate_id: int) -> Template:
    """The form of one price."""
    made = await repricing.edit(rate_id, {"valid_from": str(Month.of(paris_date(SETTINGS.now())).next.first)})
    return Template("rate_edit.html", context={"edit": made, "asked": False, "changes": None, "losses": None} | COMMON)


@post(HOME + "/tarif/{rate_id:int}", right=Right.catalogue, status_code=200)
async def save(request: Asked, rate_id: int, data: Form) -> Template | Redirect:
    """Show what would change and lose, then save it."""
    if data.get("etape") == "enregistrer":
        version_id = await repricing.save(rate_id, data, actor(request), SETTINGS.now())
        return Redirect(f"{HOME}/version/{version_id}", status_code=303)
    made = await repricing.edit(rate_id, data)
    touched = [change for change in await prices.losses(made.rows, SETTINGS.now()) if change.prefix == made.row["prefix"]]
    context = {"edit": made, "asked": True, "changes": made.changes, "losses": touched} | COMMON
    return Template("rate_edit.html", context=context)


HANDLERS = [index, page, differences_csv, edit, save]
