"""Which state may follow which: one check for everything that has states, and the drawing of the same data."""

from collections.abc import Mapping

from rules.errors import RuleError
from rules.states import Moves, Word


class IllegalState(RuleError):
    """A move that the law does not know."""

    status = 409


def check(moves: Moves, source: Word, target: Word) -> None:
    """Raise IllegalState unless the move is legal; the sentence names what is possible instead.

    >>> from rules.states import SIM_MOVES, SimState
    >>> check(SIM_MOVES, SimState.lost, SimState.retired)
    >>> check(SIM_MOVES, SimState.lost, SimState.active)
    Traceback (most recent call last):
    rules.moves.IllegalState: De « Perdue ou volée », on ne passe pas à « Active ». Possible : « Hors service ».
    """
    legal = moves[source]
    if target in legal:
        return
    if target == source:
        raise IllegalState(f"Déjà « {source.label} » : rien à changer.")
    if not legal:
        raise IllegalState(f"« {source.label} » est définitif : on n'en sort plus.")
    possible = ", ".join(f"« {state.label} »" for state in legal)
    raise IllegalState(f"De « {source.label} », on ne passe pas à « {target.label} ». Possible : {possible}.")


def drawing(moves: Moves, words: Mapping[tuple[Word, Word], str] | None = None) -> str:
    """The moves as a Mermaid state diagram, from the first state to those that are final; `words` stand beside arrows.

    >>> from rules.states import JobState
    >>> print(drawing({JobState.running: (JobState.done,), JobState.done: ()}, {(JobState.running, JobState.done): "vite"}))
    stateDiagram-v2
      running: En cours
      done: Faite
      [*] --> running
      running --> done: vite
      done --> [*]
    """
    rows = [f"{state.value}: {state.label}" for state in moves]
    rows.append(f"[*] --> {next(iter(moves)).value}")
    for state, targets in moves.items():
        for target in targets:
            said = (words or {}).get((state, target))
            rows.append(f"{state.value} --> {target.value}" + (f": {said}" if said else ""))
        rows += [] if targets else [f"{state.value} --> [*]"]
    return "\n  ".join(["stateDiagram-v2", *rows])
