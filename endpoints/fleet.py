"""The page « Parc mobile »: lines found and ticked, an act shown on all of them before it is done, the selection as a file."""

from typing import Any
from urllib.parse import urlencode

from litestar import get, post
from litestar.response import Stream, Template

from endpoints import line_acts
from endpoints.asked import Asked, Sheet
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import sims
from jobs.lines import fleet, seen
from jobs.lines.acts import MOST
from rules.files.cells import iso_date
from rules.paris import paris_date
from rules.rights import Right
from rules.states import International, LineState

HOME = "/parc"
FRENCH = {
    "client": "customer", "etat": "state", "abonnement": "offer", "utilisateur": "user", "numero": "number", "lot": "batch",
    "international": "profile", "engagement": "bound_until",
}  # fmt: skip


@get(HOME, right=Right.see)
async def page(request: Asked, feuille: Sheet = 1) -> Template:
    """The lines that a search finds, to tick."""
    search, asked = _search(request.query_params)
    rows, counts = await fleet.listing(search, fleet.ON_A_PAGE * (feuille - 1))
    found = sum(counts.values())
    context: dict[str, Any] = {"asked": asked, "query": urlencode(asked), "rows": rows, "counts": counts, "found": found}
    context |= {"sheet": feuille, "sheets": -(-found // fleet.ON_A_PAGE), "most": MOST, "acts": line_acts.BULK}
    context |= {"offers": await fleet.offers(), "batches": await sims.stock(), "customer": await fleet.customer(search.customer)}
    return Template("fleet.html", context=context | {"states": LineState, "profiles": International, "today": search.today})


@post(HOME + "/exporter", status_code=200, right=Right.see)
async def export(request: Asked) -> Stream:
    """The lines ticked, or the whole search when none is, as CSV."""
    form = await request.form()
    ids = line_acts.ids(form.getall("ligne", [])) or await fleet.ids_of(_search(form)[0], fleet.EXPORTED)
    headers = {"content-disposition": f'attachment; filename="parc-{_today()}.csv"'}
    return Stream(fleet.export(ids, _today()), media_type="text/csv; charset=utf-8", headers=headers)


@post(HOME + "/effet", status_code=200, right=Right.lines)
async def effect(request: Asked) -> Template:
    """What an act would do to the lines ticked, or to the whole search."""
    form = await request.form()
    lines = await fleet.ids_of(_search(form)[0], MOST + 1) if form.get("toutes") else line_acts.ids(form.getall("ligne", []))
    context = await line_acts.foreseen(line_acts.act_of(form), lines, form)
    return Template("fleet_effect.html", context=context | {"lines": lines})


@post(HOME + "/faire", status_code=200, right=Right.lines)
async def do(request: Asked) -> Template:
    """Do it to the very lines that the effect named, while they stand as it showed them; tell of each."""
    form = await request.form()
    act = line_acts.confirmed(line_acts.act_of(form), form)
    done = await seen.do_as_seen(act, seen.marked(form.get("vues", "").split()), actor=actor(request), now=SETTINGS.now())
    return Template("fleet_result.html", context=line_acts.told(act, done, form))


def _search(form: Any) -> tuple[fleet.Search, dict[str, str]]:
    """The search of a form, and its fields as they were asked."""
    asked = {french: value.strip() for french in FRENCH if (value := form.get(french, "")) and value.strip()}
    values: dict[str, Any] = {FRENCH[french]: value for french, value in asked.items()}
    if "engagement" in asked:
        values["bound_until"] = iso_date(asked["engagement"])
    return fleet.Search(_today(), **values), asked


def _today() -> Any:
    return paris_date(SETTINGS.now())


HANDLERS = [page, export, effect, do]
