"""The verbs on lines as forms say them: what a form asks becomes an act, what an act does becomes what a page shows."""

import secrets
from dataclasses import replace
from typing import Any

from gateways.settings import SETTINGS
from jobs.lines import seen
from jobs.lines.acts import Act, Effect, look
from rules.errors import RuleError
from rules.files.cells import iso_date
from rules.line_acts import state_after
from rules.paris import paris_date
from rules.states import Barring, ChangeKind, International, LineState

TYPED = "RÉSILIER"
BULK = {
    "SUSPEND:OUT": "Restreindre les appels sortants",
    "SUSPEND:BOTH": "Restreindre entrants et sortants",
    "REACTIVATE": "Réactiver",
    **{f"INTERNATIONAL:{profile}": f"International : {profile.label}" for profile in International},
    "TERMINATE": "Résilier, pour de bon",
}
DETAIL = {ChangeKind.suspend: "barring", ChangeKind.international: "profile"}
FIELDS = {
    ChangeKind.terminate: {"cause": "reason_code"},
    ChangeKind.port_out: {"operateur": "operator"},
    ChangeKind.swap_sim: {"carte": "iccid"},
    ChangeKind.rename: {"nom": "user_name"},
    ChangeKind.change_offer: {
        "abonnement": "offer", "prix": "monthly_price", "grille": "rate_table", "engagement": "commitment_type",
    },
}  # fmt: skip
CARRIED = {"acte", "le", "motif", "option", "remise", "remise_en", "remise_mois"}.union(*FIELDS.values())
CAUSES = {
    "CUSTOMER": "À la demande du client",
    "UNPAID": "Impayé",
    "DEATH": "Décès",
    "FRAUD": "Fraude",
    "MISTAKE": "Ouverte par erreur",
    "OTHER": "Autre",
}


class UnknownAct(RuleError):
    """A word that is no verb of ours."""


class NotTyped(RuleError):
    """A confirmation that was not written out."""


def act_of(form: Any) -> Act:
    """The act that a form asks: « acte » is a kind, and after a colon what it is about. Raises UnknownAct, NotADate."""
    kind, _, detail = form.get("acte", "").partition(":")
    if kind not in set(ChangeKind):
        raise UnknownAct(f"« {kind[:40]} » n'est pas un acte sur une ligne. Revenez à la page, et choisissez dans la liste.")
    kind = ChangeKind(kind)
    asked: dict[str, Any] = {DETAIL[kind]: detail} if kind in DETAIL else {}
    asked |= {name: form.get(field, "").strip() for field, name in FIELDS.get(kind, {}).items()}
    if kind == ChangeKind.change_offer:
        asked["options"] = form.getall("option", [])
        discount = {"on": asked["offer"], form.get("remise_en", ""): form.get("remise"), "months": form.get("remise_mois")}
        asked["discounts"] = [discount] if form.get("remise") else []
    day = iso_date(form["le"]) if form.get("le") else paris_date(SETTINGS.now())
    return Act(kind, day, form.get("motif", ""), asked, form.get("une_fois", "")[:64])


async def foreseen(act: Act, lines: list[int], form: Any) -> dict[str, Any]:
    """What the page of an effect shows; the reason may still be to say. The token of its form is made with it."""
    effects = await look(replace(act, reason=act.reason or "…"), lines, SETTINGS.now())
    context = told(act, effects, form)
    return context | {"once": secrets.token_urlsafe(16), "marks": " ".join(map(seen.mark, context["concerned"]))}


def told(act: Act, effects: list[Effect], form: Any) -> dict[str, Any]:
    """An act and its effects as a page tells them: those that hold, with their fees, and the refused."""
    concerned = [one for one in effects if not one.problem]
    refused = [one for one in effects if one.problem]
    context = {"act": act, "title": title(act), "carried": carried(form), "causes": CAUSES, "today": paris_date(SETTINGS.now())}
    return context | {"concerned": concerned, "refused": refused, "fee_cents": sum(one.fee_cents for one in concerned)}


def carried(form: Any) -> list[tuple[str, str]]:
    """The fields of a form that say the act, for the next one to repeat."""
    return [(name, value) for name, value in form.multi_items() if name in CARRIED and isinstance(value, str) and value]


def confirmed(act: Act, form: Any) -> Act:
    """Raises NotTyped when what is final is not written out."""
    if act.kind == ChangeKind.terminate and form.get("confirmation", "").strip().upper() not in (TYPED, "RESILIER"):
        raise NotTyped(f"Pour résilier, tapez {TYPED} en toutes lettres. Rien n'a changé : revenez en arrière, et confirmez.")
    return act


def ids(texts: list[str]) -> list[int]:
    """Keys as a form brings them back; what is none is none of ours."""
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 10]


def asleep(state: LineState) -> dict[str, str]:
    """Why a verb cannot be asked of a line in that state; nothing where it can."""
    why: dict[str, str] = {}
    for kind in ChangeKind:
        for barring in Barring if kind == ChangeKind.suspend else (None,):
            name = f"{kind}:{barring}" if barring else kind.value
            try:
                why[name] = ""
                state_after(kind, state, barring)
            except RuleError as problem:
                why[name] = str(problem)
    return why


def title(act: Act) -> str:
    """
    >>> from datetime import date
    >>> title(Act(ChangeKind.suspend, date(2026, 11, 24), asked={"barring": "OUT"}))
    'Restreindre les appels sortants'
    """
    detail = act.asked.get(DETAIL.get(act.kind, ""), "")
    return BULK.get(f"{act.kind}:{detail}" if detail else act.kind.value, act.kind.label)
