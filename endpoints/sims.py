"""The pages « Cartes SIM »: the stock, many cards changed at once, one card with its story and its codes."""

from typing import Any
from urllib.parse import urlencode

import segno
from litestar import get, post
from litestar.response import Redirect, Template

from endpoints.asked import Asked, Form, Sheet
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import sim_states, sims
from rules.rights import Right
from rules.states import SimAct, SimKind, SimState
from tables.fleet import Sim

HOME = "/cartes"
FRENCH = {"etat": "state", "lot": "batch", "support": "kind", "iccid": "iccid", "numero": "number"}
ACTIVATION = "activation_code"
CODES = {"pin1": "PIN 1", "puk1": "PUK 1", "pin2": "PIN 2", "puk2": "PUK 2", ACTIVATION: "Code d'activation"}
UNSEEN = {"cache-control": "no-store"}
FIELDS = {column._meta.name: str(column._meta.help_text).partition(" — ")[0] for column in Sim._meta.columns} | CODES


@get(HOME, right=Right.see)
async def page(
    etat: str = "", lot: str = "", support: str = "", iccid: str = "", numero: str = "",
    feuille: Sheet = 1,
) -> Template:  # fmt: skip
    """The cards that a search finds, to tick."""
    search = sims.Search(etat, lot, support, iccid.strip(), numero.strip())
    rows, found = await sims.listing(search, offset=sims.ON_A_PAGE * (feuille - 1))
    asked = {french: value for french, name in FRENCH.items() if (value := getattr(search, name))}
    context: dict[str, Any] = {"search": search, "asked": asked, "query": urlencode(asked), "rows": rows, "found": found}
    context |= {"sheet": feuille, "sheets": -(-found // sims.ON_A_PAGE), "batches": await sims.stock()}
    return _shown("sims.html", states=SimState, kinds=SimKind, acts=SimAct, most=sim_states.MOST, **context)


@get(HOME + "/lots", right=Right.see)
async def batches() -> Template:
    """The stock of each batch, and from when on it is said to run low."""
    stock = await sims.stock()
    met = [state for state in SimState if state == SimState.in_stock or any(batch.counts[state.value] for batch in stock)]
    return _shown("sims_batches.html", batches=stock, states=met)


@post(HOME + "/lots", right=Right.sims)
async def threshold(request: Asked, data: Form) -> Redirect:
    await sims.set_threshold(data.get("lot", ""), data.get("seuil", ""), actor=actor(request), now=SETTINGS.now())
    return Redirect(HOME + "/lots", status_code=303)


@post(HOME + "/effet", right=Right.sims, status_code=200)
async def effect(request: Asked) -> Template:
    """What an act would do to the cards ticked, pasted, or found by the whole search."""
    form = await request.form()
    act, (ids, unread) = form.get("acte", ""), await _chosen(form)
    seen = await sim_states.preview(ids, act, unread)
    return _shown("sims_effect.html", act=_act(act), ids=ids, **_parted(seen))


@post(HOME + "/changer", right=Right.sims, status_code=200)
async def change(request: Asked, data: Form) -> Template:
    """Do it to the very cards that the effect named, and tell of each."""
    ids, act = _ids(data.get("cartes", "").split()), data.get("acte", "")
    done = await sim_states.change(ids, act, data.get("motif", ""), actor=actor(request), now=SETTINGS.now())
    return _shown("sims_result.html", act=_act(act), reason=data.get("motif", ""), **_parted(done))


@get(HOME + "/{iccid:str}", right=Right.see)
async def card(iccid: str) -> Template:
    return _shown("sim.html", card=await sims.card(iccid), codes=CODES, seen={})


@post(HOME + "/{iccid:str}/codes", right=Right.secrets, status_code=200)
async def unmask(request: Asked, iccid: str, data: Form) -> Template:
    """One code, on this answer only: it is kept nowhere, the journal keeps that it was shown."""
    code = data.get("code", "")
    value = await sims.unmask(iccid, code, actor=actor(request), now=SETTINGS.now())
    shown = await sims.card(iccid)
    if code == ACTIVATION:
        drawn = segno.make(value, error="m", micro=False).svg_data_uri(border=4, light="#fff")
        server, _, identifier = value.removeprefix("LPA:1$").partition("$")
        return _shown("sim_sheet.html", card=shown, value=value, drawn=drawn, server=server, identifier=identifier.split("$")[0])
    return _shown("sim.html", card=shown, codes=CODES, seen={code: value})


async def _chosen(form: Any) -> tuple[list[int], list[sim_states.Effect]]:
    if form.get("toutes"):
        search = sims.Search(**{name: form.get(french, "") for french, name in FRENCH.items()})
        return await sims.ids_of(search, sim_states.MOST + 1), []
    if form.get("coller"):
        return await sim_states.pick(form["coller"].splitlines())
    return _ids(form.getall("carte", [])), []


def _ids(texts: list[str]) -> list[int]:
    """Keys as a form brings them back; what is none is none of ours."""
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 18]


def _act(code: str) -> SimAct | SimState:
    return next((act for act in SimAct if act == code), None) or SimState(code)


def _parted(effects: list[sim_states.Effect]) -> dict[str, Any]:
    """Effects as a page tells them: those that hold, the refused, and those that there is something to know of."""
    concerned = [one for one in effects if not one.problem]
    refused = [one for one in effects if one.problem]
    return {"concerned": concerned, "refused": refused, "noted": [one for one in concerned if one.note]}


def _shown(name: str, **context: Any) -> Template:
    labels = {state.value: state.label for state in SimState}
    return Template(name, context=context | {"labels": labels, "fields": FIELDS}, headers=UNSEEN)


HANDLERS = [page, batches, threshold, effect, change, card, unmask]
