"""Answering many requests at once: each on its own, with what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from jobs.network import overview, settling
from rules.errors import RuleError
from rules.states import Word

Row = dict[str, Any]


class NothingChosen(RuleError):
    """An act upon nothing."""


class UnknownAct(RuleError):
    """A word that is no answer."""


class Act(Word):
    done = "done", "Marquer faites"
    refused = "refused", "Refuser"
    seen = "seen", "Marquer vues"


@dataclass(frozen=True)
class Result:
    """A request after the act; `problem`: why it stays as it was."""

    row: Row
    problem: str = ""


def act(code: str) -> Act:
    """Raises UnknownAct."""
    if code not in set(map(str, Act)):
        raise UnknownAct("Choisissez ce que le réseau a répondu : faites, refusées, ou vues.")
    return Act(code)


async def chosen(ids: Sequence[int]) -> list[Row]:
    """The requests of these keys. Raises NothingChosen."""
    rows = await overview.of_ids(sorted(set(ids)))
    if not rows:
        raise NothingChosen("Aucune demande n'est cochée. Revenez à la liste et cochez-en.")
    return rows


async def answer(
    ids: Sequence[int], act: Act, *, numbers: dict[int, str], effective_on: date | None, reason: str, actor: str, now: datetime
) -> list[Result]:  # fmt: skip
    """Answer each alike. `numbers`: those that the network gave to new lines, by request. Raises NothingChosen."""
    problems: dict[int, str] = {}
    for row in await chosen(ids):
        try:
            if act == Act.done:
                number = numbers.get(row["id"], "")
                await settling.confirm(row["id"], msisdn=number, effective_on=effective_on, actor=actor, now=now)
            elif act == Act.refused:
                await settling.refuse(row["id"], reason=reason, actor=actor, now=now)
            else:
                await settling.mark_seen(row["id"], actor=actor, now=now)
        except RuleError as problem:
            problems[row["id"]] = str(problem)
    return [Result(row, problems.get(row["id"], "")) for row in await chosen(ids)]
