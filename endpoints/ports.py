"""The page « Portabilités »: the numbers that come, day by day, and what the donor said of each."""

from urllib.parse import urlencode

from litestar import get, post
from litestar.response import Redirect, Template

from endpoints.asked import Asked, Form, Sheet
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import ports, ports_overview
from rules import refusals, rio
from rules.errors import RuleError
from rules.files.cells import iso_date
from rules.paris import paris_date
from rules.rights import Right
from rules.states import PORT_MOVES, PortState
from tables.timeline import story

HOME = "/portabilites"


@get(HOME, right=Right.see)
async def page(etat: str = "", chercher: str = "", feuille: Sheet = 1) -> Template:
    sought, today = ports_overview.Sought(etat, chercher.strip()), paris_date(SETTINGS.now())
    rows, found = await ports_overview.listing(sought, feuille, today)
    context = {
        "rows": rows, "found": found, "sheet": feuille, "sheets": -(-found // ports_overview.ON_A_PAGE), "sought": sought,
        "query": urlencode({"etat": etat, "chercher": chercher}), "counts": await ports_overview.counts(), "states": PortState,
        "today": today,
    }  # fmt: skip
    return Template("ports.html", context=context)


@get(HOME + "/{port_id:int}", right=Right.see)
async def one(port_id: int) -> Template:
    return await _sheet(port_id)


@post(HOME + "/{port_id:int}/eligible", right=Right.orders)
async def eligible(request: Asked, port_id: int) -> Redirect:
    await ports.mark_eligible(port_id, actor=actor(request), now=SETTINGS.now())
    return _back(port_id)


@post(HOME + "/{port_id:int}/refusee", right=Right.orders)
async def rejected(request: Asked, port_id: int, data: Form) -> Redirect:
    code, words = data.get("motif", ""), data.get("precision", "")
    await ports.reject(port_id, code=code, words=words, actor=actor(request), now=SETTINGS.now())
    return _back(port_id)


@post(HOME + "/{port_id:int}/corrigee", right=Right.orders)
async def corrected(request: Asked, port_id: int, data: Form) -> Template | Redirect:
    """Ask again; what is wrong is said on the form, beside what was typed."""
    try:
        day, slot = iso_date(data.get("date", "")), data.get("plage", "")
        await ports.correct(
            port_id, written_rio=data.get("rio", ""), porting_date=day, time_slot=slot, actor=actor(request), now=SETTINGS.now()
        )  # fmt: skip
    except RuleError as problem:
        return await _sheet(port_id, data, problem)
    return _back(port_id)


@post(HOME + "/{port_id:int}/annulee", right=Right.orders)
async def cancelled(request: Asked, port_id: int, data: Form) -> Redirect:
    await ports.cancel(port_id, reason=data.get("motif", ""), actor=actor(request), now=SETTINGS.now())
    return _back(port_id)


async def _sheet(port_id: int, typed: dict[str, str] | None = None, problem: RuleError | None = None) -> Template:
    """A port with its story, and the moves that its state allows."""
    today, window, row = paris_date(SETTINGS.now()), await ports.window(), await ports.get(port_id)
    first, last = window.first(today), window.last(today)
    day = row["porting_date"].isoformat() if first <= row["porting_date"] <= last else ""
    context = {
        "port": ports_overview.shown(row, today), "states": PortState, "moves": PORT_MOVES[PortState(row["state"])],
        "operator": rio.operator(row["rio"]), "warning": rio.warning(row["rio"], row[f"{ports.PREFIX}.kind"]),
        "first": first, "last": last, "refusals": refusals.REFUSALS, "frozen": ports.is_frozen(row, today),
        "typed": typed or {"rio": row["rio"], "date": day, "plage": row["time_slot"]}, "problem": str(problem or ""),
        "story": await story("porting_request", port_id),
    }  # fmt: skip
    return Template("port.html", context=context, status_code=getattr(problem, "status", 422) if problem else 200)


def _back(port_id: int) -> Redirect:
    return Redirect(f"{HOME}/{port_id}", status_code=303)


HANDLERS = [page, one, eligible, rejected, corrected, cancelled]
