"""What each act would do to a line as it stands; nothing is written here."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from jobs.lines import offers
from jobs.lines.deeds import Act, Deed, Effect
from jobs.lines.ground import Ground
from jobs.lines.held import Held, Row
from rules import iccid
from rules.errors import NoReason, RuleError
from rules.files.cells import EmptyCell, clean, one_of
from rules.line_acts import BARS, DATED, ENDING, REQUESTED, check_day, state_after
from rules.moves import IllegalState, check
from rules.paris import french_date
from rules.states import BARRED, LINE_MOVES, SIM_MOVES, Barring, ChangeKind, ChangeState, International, LineState, SimState

LONGEST_REASON = 500
BARRING = (ChangeKind.suspend, ChangeKind.reactivate)
SERVED = (LineState.active, *BARRED.values())


class UnknownLine(RuleError):
    status = 404


def read(act: Act) -> Act:
    """The act with what it asks in its clean form. Raises RuleError where that cannot be meant, of any line."""
    reason = " ".join(act.reason.split())
    if act.kind == ChangeKind.terminate and not reason:
        raise NoReason("Dites pourquoi la ligne est résiliée : le motif reste dans son histoire.")
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        raise NoReason(f"Le motif a {LONGEST_REASON} signes au plus, tous visibles. Raccourcissez-le.")
    return replace(act, reason=reason, asked=READ[act.kind](act.asked))


def _text(name: str, longest: int, missing: str) -> Callable[[Mapping[str, Any]], Row]:
    def parse(asked: Mapping[str, Any]) -> Row:
        value = clean(str(asked.get(name) or ""), longest)
        if missing and not value:
            raise EmptyCell(missing)
        return {name: value}

    return parse


READ: dict[ChangeKind, Callable[[Mapping[str, Any]], Row]] = {
    ChangeKind.suspend: lambda asked: {"barring": one_of(Barring)(str(asked.get("barring") or ""))},
    ChangeKind.reactivate: lambda asked: {},
    ChangeKind.terminate: _text("reason_code", 40, ""),
    ChangeKind.port_out: _text("operator", 60, "Dites vers quel opérateur le numéro est porté."),
    ChangeKind.swap_sim: lambda asked: {"iccid": iccid.validate(str(asked.get("iccid") or ""))},
    ChangeKind.rename: _text("user_name", 120, "Donnez le nom de l'utilisateur."),
    ChangeKind.change_offer: offers.read,
    ChangeKind.international: lambda asked: {"profile": one_of(International)(str(asked.get("profile") or ""))},
}


def foresee(act: Act, held: Held, ground: Ground) -> Deed:
    """What the act does to the line: at once when its day has come, else what it prepares. Raises RuleError."""
    row, day = held.row, act.effective_on
    barring = Barring(act.asked["barring"]) if act.kind == ChangeKind.suspend else None
    after = state_after(act.kind, _state_on(held, act), barring)
    for waiting in held.planned:
        if waiting["kind"] == act.kind or (waiting["kind"] in ENDING and act.kind in ENDING):
            told = f"{ChangeKind(waiting['kind']).label} : déjà programmé pour le {french_date(waiting['effective_on'])}."
            raise IllegalState(f"{told} Annulez d'abord ce changement, ou attendez sa date.")
    check_day(act.kind, day, ground.today, row["activated_on"], row["terminated_on"])
    deed = Deed(act, held, Effect(row["id"], row["msisdn"], row["user_name"]))
    deed.request = BARS[barring] if barring else REQUESTED.get(act.kind)
    deed.content = {"iccid": row["sim.iccid"]}
    LAWS[act.kind](deed, ground, after)
    if day > ground.today:
        deed.state, deed.request = ChangeState.planned, None
        if act.kind not in DATED:
            deed.columns = {}
        told = "" if act.kind in ENDING else f"Le {french_date(day)}."
        deed.effect = replace(deed.effect, note=" ".join(filter(None, [told, deed.effect.note])))
    return deed


def arrive(act: Act, words: tuple[str, str], held: Held, ground: Ground) -> Deed:
    """What is left to do on its day of an act whose dates are written (DATED). Raises RuleError."""
    row, day = held.row, act.effective_on
    state_after(act.kind if act.kind == ChangeKind.port_out else ChangeKind.rename, LineState(row["state"]))
    deed = Deed(act, held, Effect(row["id"], row["msisdn"], row["user_name"], *words), request=REQUESTED.get(act.kind))
    deed.content = {"iccid": row["sim.iccid"]}
    if act.kind == ChangeKind.port_out:
        deed.columns = {"state": LineState.ported_out.value}
        _retire(deed)
    elif act.kind == ChangeKind.change_offer:
        check_day(act.kind, day, day, row["activated_on"], row["terminated_on"])
        deed.columns = offers.contract(held, dict(act.asked), day, ground.catalogue)
        deed.content["options"] = "+".join(item["offer.code"] for item in held.on(day))
    return deed


def _state_on(held: Held, act: Act) -> LineState:
    """The state that a restriction or its end will find: the one in which what is planned until then leaves the line."""
    state = LineState(held.row["state"])
    for change in held.planned if act.kind in BARRING and state in SERVED else ():
        if change["kind"] in BARRING and change["effective_on"] <= act.effective_on:
            asked = json.loads(change["asked"])
            state = BARRED[Barring(asked["barring"])] if "barring" in asked else LineState.active
    return state


def _said(deed: Deed, before: str, after: str, note: str = "", fee_cents: int = 0) -> None:
    deed.effect = replace(deed.effect, before=before, after=after, note=note, fee_cents=fee_cents)


def _bar(deed: Deed, ground: Ground, after: LineState) -> None:
    deed.columns = {"state": after.value}
    _said(deed, LineState(deed.held.row["state"]).label, after.label)


def _end(deed: Deed, ground: Ground, after: LineState) -> None:
    act, row, day = deed.act, deed.held.row, deed.act.effective_on
    over = day < ground.today or (act.kind == ChangeKind.port_out and day == ground.today)
    if not over:
        after = LineState.termination_scheduled
        if act.kind == ChangeKind.port_out and row["state"] != after:
            check(LINE_MOVES, LineState(row["state"]), after)
    elif act.kind == ChangeKind.terminate:
        after = LineState.terminated
    if over:
        _retire(deed)
    before = row["state_before"] if row["state"] == LineState.termination_scheduled else row["state"]
    deed.columns = {"state": after.value, "state_before": before, "terminated_on": day}
    if act.kind == ChangeKind.port_out:
        deed.columns["ported_to"] = act.asked["operator"]
    deed.last_day = day
    note = "" if over else f"Dernier jour : le {french_date(day)}, jusqu'à minuit."
    _said(deed, LineState(row["state"]).label, after.label, note, deed.held.fee_cents(day))


def _retire(deed: Deed) -> None:
    """The card leaves with its line, where the law lets it."""
    row = deed.held.row
    if row["sim"] and SimState.retired in SIM_MOVES[SimState(row["sim.state"])]:
        deed.cards[row["sim"]] = SimState(row["sim.state"]), SimState.retired


def _swap(deed: Deed, ground: Ground, after: LineState) -> None:
    card, row = ground.card, deed.held.row
    if card is None:
        raise IllegalState("Cette carte n'est pas dans le stock. Relisez son numéro, ou importez-la.")
    state = SimState(card["state"])
    if card["id"] == row["sim"]:
        raise IllegalState("C'est déjà la carte de cette ligne : rien à changer.")
    if card["line"] or not (state == SimState.in_stock or (ground.reserved and state == SimState.reserved)):
        raise IllegalState(f"Cette carte n'est pas libre (« {state.label} »). Prenez-en une autre, en stock.")
    if deed.act.effective_on > ground.today:
        deed.cards[card["id"]] = state, SimState.reserved
    else:
        _retire(deed)
        deed.cards[card["id"]] = state, SimState.active
        deed.columns = {"sim": card["id"]}
    deed.content["new_iccid"] = card["iccid"]
    _said(deed, iccid.format(row["sim.iccid"] or ""), iccid.format(card["iccid"]))


def _rename(deed: Deed, ground: Ground, after: LineState) -> None:
    name = deed.act.asked["user_name"]
    if name == deed.held.row["user_name"]:
        raise IllegalState("Cette ligne porte déjà ce nom : rien à changer.")
    deed.columns, deed.content["user_name"] = {"user_name": name}, name
    _said(deed, deed.held.row["user_name"], name)


def _profile(deed: Deed, ground: Ground, after: LineState) -> None:
    held, wanted = deed.held, International(deed.act.asked["profile"])
    before = International(held.row["international"])
    if wanted == before:
        raise IllegalState(f"Déjà « {before.label} » : rien à changer.")
    days = [deed.act.effective_on, *(one["effective_on"] for one in held.planned if one["kind"] == ChangeKind.change_offer)]
    for day in days:
        offers.check_profile(wanted, held.on(max(day, held.row["activated_on"])), held)
    deed.columns, deed.content["options"] = {"international": wanted.value}, wanted.value
    _said(deed, before.label, wanted.label)


def _change_offer(deed: Deed, ground: Ground, after: LineState) -> None:
    held, day, asked = deed.held, deed.act.effective_on, dict(deed.act.asked)
    change = offers.change(held, asked, day, ground.catalogue)
    offers.check_profile(held.row["international"], change.holds, held)
    contract = offers.contract(held, asked, day, ground.catalogue)
    if not (change.ended or change.begun or contract):
        raise offers.nothing_changes()
    deed.ended = {item["id"]: day - offers.DAY for item in change.ended}
    deed.begun = change.begun
    deed.columns = contract if day <= ground.today else {}
    deed.content["options"] = "+".join(item["offer.code"] for item in change.holds)
    note = "La grille vaut pour tout le mois de facturation en cours." if "rate_table" in contract else ""
    _said(deed, offers.words(held.on(day)), change.words, note)


LAWS: dict[ChangeKind, Callable[[Deed, Ground, LineState], None]] = {
    ChangeKind.suspend: _bar,
    ChangeKind.reactivate: _bar,
    ChangeKind.terminate: _end,
    ChangeKind.port_out: _end,
    ChangeKind.swap_sim: _swap,
    ChangeKind.rename: _rename,
    ChangeKind.change_offer: _change_offer,
    ChangeKind.international: _profile,
}
