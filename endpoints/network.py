"""The page « Réseau »: what the wholesaler's network was asked, worked through by hand or followed."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.response import Redirect, Template

from endpoints.asked import Asked, Form, Sheet
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs.network import overview, sending, settling, together
from rules.errors import RuleError
from rules.files.cells import iso_date
from rules.paris import paris_date
from rules.rights import Right
from rules.states import REQUEST_MOVES, RequestKind, RequestState
from tables.timeline import story

HOME = "/reseau"


@get(HOME, right=Right.see)
async def page(etat: str = "", nature: str = "", chercher: str = "", lot: str = "", feuille: Sheet = 1) -> Template:
    sought = overview.Sought(etat, nature, chercher.strip(), lot)
    rows, found = await overview.listing(sought, offset=overview.ON_A_PAGE * (feuille - 1))
    query = urlencode({"etat": etat, "nature": nature, "chercher": chercher, "lot": lot})
    context = {
        "rows": rows, "found": found, "sheet": feuille, "sheets": -(-found // overview.ON_A_PAGE), "sought": sought,
        "query": query, "counts": await overview.counts(), "acts": together.Act, "mode": SETTINGS.network_mode,
        "batches": await overview.batches(), "answers": await overview.answer_files(),
    }  # fmt: skip
    return _shown("network.html", **context)


@get(HOME + "/{request_id:int}", right=Right.see)
async def one(request_id: int) -> Template:
    return await _sheet(request_id)


@get(HOME + "/lots/{name:str}", right=Right.see)
async def batch(name: str) -> Response[bytes]:
    """A file as it was sent."""
    known = {row["name"] for row in await overview.batches_named(name)}
    path = sending.kept(name) if name in known else None
    if path is None or not path.exists():
        raise NotFoundException
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(path.read_bytes(), media_type="text/csv; charset=utf-8", headers=headers)


@post(HOME + "/choix", right=Right.network, status_code=200)
async def choose(request: Asked) -> Template:
    """The requests that are ticked, and what is still to be said to answer them."""
    form = await request.form()
    act, ids = together.act(form.get("acte", "")), _ids(form.getall("demande", []))
    return _shown("network_choice.html", act=act, rows=await together.chosen(ids))


@post(HOME + "/reponse", right=Right.network, status_code=200)
async def answer(request: Asked, data: Form) -> Template:
    """Answer each of them, and tell what became of it."""
    act, ids = together.act(data.get("acte", "")), _ids(data.get("demandes", "").split())
    numbers = {id_: data.get(f"numero-{id_}", "") for id_ in ids}
    results = await together.answer(
        ids, act, numbers=numbers, effective_on=_day(data), reason=data.get("motif", ""), actor=actor(request), now=SETTINGS.now()
    )  # fmt: skip
    return _shown("network_result.html", act=act, results=results)


@post(HOME + "/{request_id:int}/faite", right=Right.network)
async def confirm(request: Asked, request_id: int, data: Form) -> Template | Redirect:
    """Done by the network; what is wrong is said on the form, beside what was typed."""
    try:
        number, day = data.get("numero", ""), _day(data)
        await settling.confirm(request_id, msisdn=number, effective_on=day, actor=actor(request), now=SETTINGS.now())
    except RuleError as problem:
        return await _sheet(request_id, data, problem)
    return _back(request_id)


@post(HOME + "/{request_id:int}/refusee", right=Right.network)
async def refuse(request: Asked, request_id: int, data: Form) -> Redirect:
    await settling.refuse(request_id, reason=data.get("motif", ""), actor=actor(request), now=SETTINGS.now())
    return _back(request_id)


@post(HOME + "/{request_id:int}/renvoyer", right=Right.network)
async def send_again(request: Asked, request_id: int) -> Redirect:
    await settling.send_again(request_id, actor=actor(request), now=SETTINGS.now())
    return _back(request_id)


@post(HOME + "/{request_id:int}/vue", right=Right.network)
async def seen(request: Asked, request_id: int) -> Redirect:
    await settling.mark_seen(request_id, actor=actor(request), now=SETTINGS.now())
    return _back(request_id)


async def _sheet(request_id: int, typed: dict[str, str] | None = None, problem: RuleError | None = None) -> Template:
    row = (await overview.of_ids([(await settling.get(request_id))["id"]]))[0]
    context = {
        "row": row,
        "moves": REQUEST_MOVES[RequestState(row["state"])],
        "story": await story("network_request", request_id),
    }
    said = {"typed": typed or {"numero": row["msisdn"]}, "problem": str(problem or "")}
    shown = _shown("network_request.html", **context, **said)
    shown.status_code = getattr(problem, "status", 422) if problem else 200
    return shown


def _ids(texts: list[str]) -> list[int]:
    """Keys as a form brings them back; what is none is none of ours."""
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 10]


def _day(data: dict[str, str]) -> date | None:
    return iso_date(data["jour"]) if data.get("jour") else None


def _back(request_id: int) -> Redirect:
    return Redirect(f"{HOME}/{request_id}", status_code=303)


def _shown(name: str, **context: Any) -> Template:
    words = {"kinds": RequestKind, "states": RequestState, "today": paris_date(SETTINGS.now())}
    return Template(name, context=context | words)


HANDLERS = [page, one, batch, choose, answer, confirm, refuse, send_again, seen]
