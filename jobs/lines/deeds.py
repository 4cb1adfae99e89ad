"""What is asked of lines, what it does to each, and all that it would write: plain values, known before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from jobs.lines.held import Held, Row
from rules.errors import RuleError
from rules.states import ChangeKind, ChangeState, RequestKind, SimState


@dataclass(frozen=True)
class Act:
    """What is asked of one or many lines, to take effect on a Paris day.

    `asked`, by kind: suspend {"barring": "OUT" | "BOTH"}; terminate {"reason_code"}; port_out {"operator"}; swap_sim {"iccid"};
    rename {"user_name"}; international {"profile"}; change_offer {"offer", "options": [code or {code, monthly_price}],
    "rate_table", "monthly_price", "discounts": [{on, percent or amount, until or months}], "commitment_type"}, of which only
    "offer" is needed (no "options": those held are kept). `once`: the hidden token of a form; a line takes it once only.
    """

    kind: ChangeKind
    effective_on: date
    reason: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)
    once: str = ""


@dataclass(frozen=True)
class Effect:
    """What an act does, or has done, to one line, in French words. `code` and `problem`: why it is refused; `note`: what to know.

    `fee_cents`: early-termination fee excl. VAT; `change`: key of the LineChange once done; `refusal`: the problem as raised.
    """

    line: int
    msisdn: str = ""
    user_name: str = ""
    before: str = ""
    after: str = ""
    code: str = ""
    problem: str = ""
    note: str = ""
    fee_cents: int = 0
    change: int | None = None
    refusal: RuleError | None = field(default=None, repr=False, compare=False)

    def refused(self, problem: RuleError) -> "Effect":
        return replace(self, after=self.before, code=problem.code, problem=str(problem), note="", fee_cents=0, refusal=problem)


@dataclass
class Deed:
    """An act on one line, worked out: all that is to be written.

    `columns`: of the line, as they become; `cards`: from, to; `ended`: items and their new last day; `begun`: items and their
    `discounts`; `last_day`: of the line's running charges; `request`: what the network is asked.
    """

    act: Act
    held: Held
    effect: Effect
    state: ChangeState = ChangeState.done
    columns: Row = field(default_factory=dict)
    cards: dict[int, tuple[SimState, SimState]] = field(default_factory=dict)
    ended: dict[int, date] = field(default_factory=dict)
    begun: list[Row] = field(default_factory=list)
    last_day: date | None = None
    request: RequestKind | None = None
    content: Row = field(default_factory=dict)
