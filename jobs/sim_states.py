"""Changing the state of many cards at once: looked at first, then done to each card only if it still is as it was seen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from jobs.imports.store import select_in
from jobs.sims import Row, UnknownCard, lines_of
from rules import iccid, msisdn
from rules.errors import NoReason, RuleError
from rules.moves import IllegalState, check
from rules.states import LIVING, SIM_BY_HAND, SimAct, SimState, Word
from tables.engine import claim, on_sqlite, transaction
from tables.fleet import Sim
from tables.timeline import tell_many

AT_ONCE = 500  # cards of one transaction
MOST = 10_000
LONGEST_REASON = 500
SEEN = [Sim.id, Sim.iccid, Sim.state, Sim.blocked_from]


class UnknownState(RuleError):
    """A word that is no state of a card."""


class NoCard(RuleError):
    """An act upon nothing."""


class TooManyCards(RuleError):
    """More cards than one act takes."""


class HeldByLine(RuleError):
    """A card that a living line needs."""

    status = 409


class MovedMeanwhile(RuleError):
    """A card that someone else moved between the look and the act."""

    status = 409


@dataclass(frozen=True)
class Effect:
    """What an act does, or has done, to one card. `code` and `problem`: why it is refused; `note`: what to know."""

    iccid: str
    id: int = 0
    before: str = ""
    after: str = ""
    code: str = ""
    problem: str = ""
    note: str = ""

    def refused(self, problem: RuleError) -> "Effect":
        return replace(self, after=self.before, code=problem.code, problem=str(problem))


async def pick(texts: Iterable[str]) -> tuple[list[int], list[Effect]]:
    """The cards of written ICCIDs, or of ranges (« first - last »); and what could not be read or is not in the stock."""
    ids: dict[int, None] = {}
    lost: list[Effect] = []
    singles: dict[str, None] = {}
    written = [text.strip() for text in texts if text.strip()]
    if len(written) > MOST:
        raise _too_many()
    for text in written:
        first, dash, last = (part.strip() for part in text[:60].partition("-"))
        try:
            start = iccid.validate(first)
            end = iccid.validate(last) if dash else start
        except iccid.BadIccid as problem:
            lost.append(Effect(text[:60]).refused(problem))
            continue
        if start == end:
            singles[start] = None
            continue
        span = Sim.select(Sim.id).where(Sim.iccid >= start, Sim.iccid <= end, Sim.iccid.like("_" * len(start)))
        found = await span.order_by(Sim.iccid).limit(MOST + 1).output(as_list=True) if len(start) == len(end) else []
        ids |= dict.fromkeys(found)
        if not found:
            lost.append(Effect(text[:60]).refused(UnknownCard("Aucune carte du stock entre ces deux numéros. Relisez-les.")))
    known = {row["iccid"]: row["id"] for row in await select_in([Sim.id, Sim.iccid], Sim.iccid, singles)}
    missing = UnknownCard("Cette carte n'est pas dans le stock. Relisez son numéro, ou importez-la.")
    lost += [Effect(one).refused(missing) for one in singles if one not in known]
    ids |= dict.fromkeys(known.values())
    return list(ids), lost


async def preview(ids: Iterable[int], to: str, unread: Sequence[Effect] = ()) -> list[Effect]:
    """What `change` would do to each card now. Raises UnknownState, NoCard, TooManyCards."""
    wanted, aim = _wanted(ids, unread), _aim(to)
    return [*unread, *[effect for chunk in _chunks(wanted) for effect in await _look(chunk, aim)]]


async def change(
    ids: Iterable[int], to: str, reason: str, *, actor: str, now: datetime, unread: Sequence[Effect] = ()
) -> list[Effect]:
    """Move each card that may be moved; what became of each, after what `pick` left `unread`.

    `to`: a state, or « unblocked » = where each came from. Raises UnknownState, NoReason, NoCard, TooManyCards.
    """
    wanted, aim = _wanted(ids, unread), _aim(to)
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise NoReason(f"Dites pourquoi, en {LONGEST_REASON} signes au plus : le motif reste dans l'histoire de chaque carte.")
    done = list(unread)
    for chunk in _chunks(wanted):
        seen = await _look(chunk, aim)
        moved = await _move([effect for effect in seen if not effect.problem], reason, actor, now)
        late = MovedMeanwhile("Cette carte vient de changer ailleurs. Regardez sa fiche, puis recommencez.")
        done += [effect if effect.problem or effect.id in moved else effect.refused(late) for effect in seen]
    return done


def _wanted(ids: Iterable[int], unread: Sequence[Effect]) -> list[int]:
    wanted = sorted(set(ids))
    if not wanted and not unread:
        raise NoCard("Aucune carte n'est choisie. Cochez-en, ou collez leurs numéros.")
    if len(wanted) > MOST:
        raise _too_many()
    return wanted


def _too_many() -> TooManyCards:
    return TooManyCards(f"Plus de {MOST} cartes d'un coup. Faites-le en plusieurs fois, lot par lot.")


def _aim(to: str) -> Word:
    """Raises UnknownState."""
    try:
        return SimAct.unblocked if to == SimAct.unblocked else SimState(to)
    except ValueError:
        known = ", ".join(dict.fromkeys([*SimState, *SimAct]))
        raise UnknownState(f"« {to[:40]} » n'est pas un état de carte. Choisissez parmi : {known}.") from None


def _chunks(ids: list[int]) -> Iterable[list[int]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))


async def _look(ids: list[int], aim: Word) -> list[Effect]:
    cards = {card["id"]: card for card in await Sim.select(*SEEN).where(Sim.id.is_in(ids))}
    lines = await lines_of(ids)
    gone = UnknownCard("Cette carte n'est plus dans le stock : son import a été annulé.")
    return [_effect(cards[id_], aim, lines.get(id_)) if id_ in cards else Effect(f"n° {id_}").refused(gone) for id_ in ids]


def _effect(card: Row, aim: Word, line: Row | None) -> Effect:
    """What the law says of one card."""
    source, origin = SimState(card["state"]), SimState(card["blocked_from"])
    moves = {**SIM_BY_HAND, SimState.blocked: (origin,)}
    target = origin if aim == SimAct.unblocked else SimState(aim)
    living = line is not None and line["state"] in LIVING
    number = msisdn.format(line["msisdn"]) if line else ""
    effect = Effect(card["iccid"], card["id"], source.value, target.value)
    try:
        if aim == SimAct.unblocked and source != SimState.blocked:
            raise IllegalState(f"« {source.label} » : cette carte n'est pas bloquée, il n'y a rien à débloquer.")
        check(moves, source, target)
        if living and target == SimState.retired:
            raise HeldByLine(f"La ligne {number} vit avec cette carte. Changez d'abord sa carte, ou résiliez la ligne.")
    except RuleError as problem:
        return effect.refused(problem)
    return replace(effect, note=f"Portée par la ligne {number} : le réseau n'en est pas averti.") if living else effect


def as_seen(before: str, after: str) -> Any:
    """The guard between the look and the act: the card still stands where it was seen, with the same way back."""
    seen = Sim.state == before
    return seen & (Sim.blocked_from == after) if before == SimState.blocked else seen


async def _move(effects: list[Effect], reason: str, actor: str, now: datetime) -> set[int]:
    """One transaction: the cards that still were as seen, each with its entry in the journal."""
    moved: set[int] = set()
    if not effects:
        return moved
    ids = [effect.id for effect in effects]
    async with transaction():
        if not on_sqlite():  # in one order, so that two acts never wait for each other
            await Sim.select(Sim.id).where(Sim.id.is_in(ids)).order_by(Sim.id).lock_rows("UPDATE")
        for (before, after), group in groupby(sorted(effects, key=_move_of), key=_move_of):
            values: dict[Any, Any] = {Sim.state: after}
            if after == SimState.blocked:
                values[Sim.blocked_from] = before
            still = Sim.id.is_in([effect.id for effect in group]) & as_seen(before, after)
            moved |= set(await claim(Sim, values, still))
        told = (one for one in effects if one.id in moved)
        stories = (("sim", one.id, {"state": one.before}, {"state": one.after, "reason": reason}) for one in told)
        await tell_many(now, actor, "state", stories)
    return moved


def _move_of(effect: Effect) -> tuple[str, str]:
    return effect.before, effect.after
