"""The verbs on lines: looked at first, then done to each line under its lock, a result per line."""

from collections.abc import Sequence
from datetime import datetime

from jobs.lines.back import ChangedSince, held_change, settle, words_of
from jobs.lines.deeds import Act, Deed, Effect
from jobs.lines.ground import Ground, ground_of
from jobs.lines.held import Held, Row, hold, load
from jobs.lines.next_bill import BillLine, NextBill, next_bill
from jobs.lines.verbs import UnknownLine, foresee, read
from jobs.lines.writing import write
from rules.errors import RuleError
from rules.moves import IllegalState, check
from rules.paris import french_date, paris_date
from rules.states import CHANGE_MOVES, ChangeKind, ChangeState
from tables.changes import LineChange
from tables.engine import transaction

__all__ = [
    "Act",
    "BillLine",
    "Effect",
    "NextBill",
    "UnknownLine",
    "cancel",
    "do",
    "look",
    "next_bill",
    "one",
]
AT_ONCE = 250  # lines of one transaction
MOST = 10_000


class NoLine(RuleError):
    """An act upon nothing."""


class TooManyLines(RuleError):
    """More lines than one act takes."""


class UnknownChange(RuleError):
    status = 404


async def look(act: Act, lines: Sequence[int], now: datetime) -> list[Effect]:
    """What `do` would do to each line now; nothing is written. Raises RuleError where the act itself cannot be meant."""
    act, found = read(act), []
    for chunk in _chunks(lines):
        found += [one.effect if isinstance(one, Deed) else one for one in await _worked_out(act, chunk, now)]
    return found


async def do(act: Act, lines: Sequence[int], *, actor: str, now: datetime) -> list[Effect]:
    """Do it to each line that lets it; what became of each, in the order given. Raises as `look` does.

    A line that took `once` before tells what was done then. Each chunk is one transaction; nobody changes its lines meanwhile.
    """
    act, found = read(act), []
    for chunk in _chunks(lines):
        async with transaction():
            await hold(chunk)
            worked = await _worked_out(act, chunk, now, locked=True)
            done = {one.line: one for one in await write([one for one in worked if isinstance(one, Deed)], actor=actor, now=now)}
        found += [done[one.effect.line] if isinstance(one, Deed) else one for one in worked]
    return found


async def one(act: Act, line: int, *, actor: str, now: datetime) -> Effect:
    """`do` to a single line, whose refusal is raised."""
    (effect,) = await do(act, [line], actor=actor, now=now)
    if effect.refusal:
        raise effect.refusal
    return effect


def _chunks(lines: Sequence[int]) -> list[list[int]]:
    wanted = list(dict.fromkeys(lines))
    if not wanted:
        raise NoLine("Aucune ligne n'est choisie. Cochez-en au moins une.")
    if len(wanted) > MOST:
        raise TooManyLines(f"Plus de {MOST} lignes d'un coup. Faites-le en plusieurs fois.")
    return [wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE)]


async def _worked_out(act: Act, ids: list[int], now: datetime, locked: bool = False) -> list[Deed | Effect]:
    """Of each line a deed, or the effect that says why there is none."""
    earlier = await _earlier(act.once, ids)
    held = await load(ids)
    ground = await ground_of(act, paris_date(now), locked)
    return [_of(act, held.get(id_), id_, ground, earlier.get(id_), len(ids)) for id_ in ids]


def _of(act: Act, held: Held | None, id_: int, ground: Ground, earlier: Row | None, count: int) -> Deed | Effect:
    if held is None:
        return Effect(id_).refused(UnknownLine("Cette ligne n'existe plus. Revenez au parc."))
    if earlier:
        before, after = words_of(earlier)
        told = "Cette demande était déjà reçue : elle n'est faite qu'une fois."
        return Effect(id_, held.row["msisdn"], held.row["user_name"], before, after, note=told, change=earlier["id"])
    try:
        if act.kind == ChangeKind.swap_sim and count > 1:
            raise IllegalState("Une carte ne sert qu'une ligne. Changez les cartes une à une.")
        return foresee(act, held, ground)
    except RuleError as problem:
        return Effect(id_, held.row["msisdn"], held.row["user_name"]).refused(problem)


async def _earlier(once: str, ids: list[int]) -> dict[int, Row]:
    """What these lines took under the same token."""
    if not once:
        return {}
    change = LineChange
    rows = change.select(change.id, change.line, change.before).where(change.line.is_in(ids), change.once == once)
    return {row["line"]: row for row in await rows}


async def cancel(change_id: int, *, actor: str, now: datetime, line: int | None = None) -> None:
    """Take back what is planned (of that line, if said), until the eve of its day.

    Raises UnknownChange, IllegalState, ChangedSince.
    """
    async with transaction():
        change = await held_change(change_id)
        if change is None or line not in (None, change["line"]):
            raise UnknownChange("Ce changement n'existe pas. Regardez la fiche de la ligne.")
        state, day = ChangeState(change["state"]), change["effective_on"]
        check(CHANGE_MOVES, state, ChangeState.cancelled)
        if day <= paris_date(now):
            raise IllegalState(f"Ce changement prend effet le {french_date(day)} : il ne s'annule plus. Faites le contraire.")
        if kept := await settle(change, ChangeState.cancelled, "", actor=actor, now=now):
            raise ChangedSince(kept)
