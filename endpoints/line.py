"""The page of a line: what it is, what is under way, what happened; the verbs, each shown before it is done where it costs."""

import secrets
from typing import Any

from litestar import get, post
from litestar.response import Redirect, Template

from endpoints import line_acts
from endpoints.asked import Asked, Form
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs.lines import acts, choices, seen
from jobs.lines.deeds import Effect
from jobs.lines.next_bill import next_bill
from jobs.lines.sheet import find, sheet
from rules.msisdn import line_number
from rules.paris import paris_date
from rules.rights import Right
from rules.states import ChangeKind, International, LineState, Section
from tables.fleet import Line

HOME = "/lignes/{msisdn:str}"
FIELDS = {column._meta.name: str(column._meta.help_text).partition(" — ")[0] for column in Line._meta.columns}
LABELS = {word.value: word.label for words in (LineState, International) for word in words}


@get(HOME, right=Right.see)
async def page(msisdn: str, fait: int = 0) -> Template:
    now = SETTINGS.now()
    line = await sheet(msisdn, now)
    context: dict[str, Any] = {"line": line, "done": fait, "today": paris_date(now)}
    context |= {"asleep": line_acts.asleep(LineState(line["state"])), "marks": _marks(line), "once": secrets.token_urlsafe(16)}
    context |= {"offered": await choices.offered(paris_date(now)), "profiles": International, "causes": line_acts.CAUSES}
    context |= {"last_bill": await choices.last_bill(line["id"]), "sections": Section, "fields": FIELDS, "labels": LABELS}
    return Template("line.html", context=context)


@post(HOME + "/effet", status_code=200, right=Right.lines)
async def effect(request: Asked, msisdn: str) -> Template:
    """What an act would do to the line and, for its offer, to the next bill."""
    form, now = await request.form(), SETTINGS.now()
    act, line = line_acts.act_of(form), await find(msisdn, now)
    context = await line_acts.foreseen(act, [line], form)
    if act.kind == ChangeKind.change_offer and context["concerned"]:
        context["bill"] = await next_bill(act, line, now)
    (one,) = context["concerned"] or context["refused"]
    return Template("line_effect.html", context=context | {"one": one})


@post(HOME + "/faire", right=Right.lines)
async def do(request: Asked, msisdn: str) -> Redirect:
    """Do it while the line stands as it was shown; its refusal is raised."""
    form = await request.form()
    act, marks = line_acts.confirmed(line_acts.act_of(form), form), seen.marked(form.get("vues", "").split())
    (done,) = await seen.do_as_seen(act, marks, actor=actor(request), now=SETTINGS.now())
    if done.refusal:
        raise done.refusal
    return Redirect(f"/lignes/{done.msisdn}?fait={done.change}", status_code=303)


@post(HOME + "/annuler", right=Right.lines)
async def cancel(request: Asked, msisdn: str, data: Form) -> Redirect:
    """Take back what is planned."""
    (change,) = line_acts.ids([data.get("changement", "")]) or [0]
    await acts.cancel(change, line=await find(msisdn, SETTINGS.now()), actor=actor(request), now=SETTINGS.now())
    return Redirect(f"/lignes/{line_number(msisdn)}", status_code=303)


def _marks(line: dict[str, Any]) -> dict[str, str]:
    """What the forms of the page show, by kind, to be found the same when they come back."""
    state = line["state_label"]
    shown = {ChangeKind.suspend: state, ChangeKind.reactivate: state, ChangeKind.rename: line["user_name"]}
    shown[ChangeKind.international] = line["international_label"]
    return {kind.value: seen.mark(Effect(line["id"], before=words)) for kind, words in shown.items()}


HANDLERS = [page, effect, do, cancel]
