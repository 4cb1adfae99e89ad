"""What may be done to a line: the state to which an act leads, and the days on which it may be dated."""

from datetime import date

from rules.errors import RuleError
from rules.moves import IllegalState, check
from rules.paris import french_date
from rules.states import BARRED, LINE_MOVES, Barring, ChangeKind, LineState, RequestKind

ENDING = (ChangeKind.terminate, ChangeKind.port_out)
DATED = (*ENDING, ChangeKind.change_offer)
"""Acts whose dates are written as soon as they are asked, so that the bill knows them."""

YEARS_AHEAD = 5
REQUESTED: dict[ChangeKind, RequestKind] = {
    ChangeKind.reactivate: RequestKind.unbar,
    ChangeKind.terminate: RequestKind.terminate,
    ChangeKind.swap_sim: RequestKind.swap,
    ChangeKind.rename: RequestKind.rename,
    ChangeKind.change_offer: RequestKind.change_offer,
    ChangeKind.international: RequestKind.profile,
}
"""What the network is asked for an act; a restriction says which (BARS), a port-out is known there already."""

BARS = {Barring.out: RequestKind.bar_out, Barring.both: RequestKind.bar_both}


class BadDay(RuleError):
    """A day on which an act cannot take effect."""


def state_after(kind: ChangeKind, state: LineState, barring: Barring | None = None) -> LineState:
    """The state in which an act leaves a line; a termination and a port-out end it later. Raises IllegalState.

    >>> state_after(ChangeKind.suspend, LineState.active, Barring.out).value
    'suspended_out'
    >>> state_after(ChangeKind.reactivate, LineState.active)
    Traceback (most recent call last):
    rules.moves.IllegalState: « Active » : cette ligne n'est pas restreinte, il n'y a rien à réactiver.
    """
    if not LINE_MOVES[state]:
        raise IllegalState(f"« {state.label} » est définitif : cette ligne ne change plus.")
    if kind in (ChangeKind.suspend, ChangeKind.reactivate):
        if state == LineState.termination_scheduled:
            raise IllegalState(f"« {state.label} » : annulez d'abord la résiliation, ou attendez sa date.")
        if kind == ChangeKind.reactivate and state not in BARRED.values():
            raise IllegalState(f"« {state.label} » : cette ligne n'est pas restreinte, il n'y a rien à réactiver.")
        target = BARRED[barring] if kind == ChangeKind.suspend and barring else LineState.active
    elif kind == ChangeKind.terminate:
        target = LineState.termination_scheduled
    elif kind == ChangeKind.port_out:
        target = LineState.ported_out
    else:
        return state
    check(LINE_MOVES, state, target)
    return target


def check_day(kind: ChangeKind, day: date, today: date, activated_on: date, terminated_on: date | None) -> None:
    """An ending may lie in the past, the others begin today at the earliest; none outside of the line's days. Raises BadDay.

    >>> check_day(ChangeKind.rename, date(2026, 11, 1), date(2026, 11, 2), date(2026, 1, 1), None)
    Traceback (most recent call last):
    rules.line_acts.BadDay: Le 1er novembre 2026 est passé. Choisissez aujourd'hui ou un jour à venir.
    """
    if kind not in ENDING and day < today:
        raise BadDay(f"Le {french_date(day)} est passé. Choisissez aujourd'hui ou un jour à venir.")
    if day.year > today.year + YEARS_AHEAD:
        raise BadDay(f"L'année {day.year} est trop loin. Choisissez un jour des {YEARS_AHEAD} ans à venir.")
    if kind in DATED and day < activated_on:
        raise BadDay(f"Cette ligne ouvre le {french_date(activated_on)}. Choisissez ce jour, ou un jour d'après.")
    if terminated_on and day > terminated_on:
        raise BadDay(f"Cette ligne s'arrête le {french_date(terminated_on)}. Choisissez un jour d'avant.")
