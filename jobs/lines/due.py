"""The job that makes what was planned happen on its Paris day, or after a missed one, exactly once."""

import json
from collections.abc import Awaitable, Callable, Iterable
from datetime import date, datetime

from gateways.settings import SETTINGS
from jobs.imports.store import select_in
from jobs.lines import offers
from jobs.lines.back import settle, words_of
from jobs.lines.deeds import Act, Deed
from jobs.lines.ground import Ground, ground_of
from jobs.lines.held import Held, Row, hold, load
from jobs.lines.verbs import arrive, foresee
from jobs.lines.writing import move_cards, write
from jobs.orders.cards import release_lapsed
from jobs.ports import freeze_and_expire
from jobs.report import Report
from rules.errors import RuleError
from rules.line_acts import DATED
from rules.msisdn import format
from rules.paris import french_date, paris_date
from rules.states import SIM_MOVES, ChangeKind, ChangeState, LineState, SimState
from tables.changes import LineChange
from tables.engine import claim, transaction
from tables.fleet import Line
from tables.timeline import tell_many

ACTOR = "changement programmé"
AT_ONCE = 100


async def apply_scheduled_changes() -> Report:
    """Each step; what could not be done is told, and is not tried again."""
    now = SETTINGS.now()
    reports = [await step(now) for step in STEPS]
    problems = tuple(problem for report in reports for problem in report.problems)
    return Report(sum(report.done for report in reports), sum(report.skipped for report in reports), problems)


async def open_lines(now: datetime) -> Report:
    """Lines whose first day has come."""
    begun = (Line.state == LineState.pending) & (Line.activated_on <= paris_date(now))
    ending: dict = {Line.state: LineState.termination_scheduled, Line.state_before: LineState.active}
    async with transaction():
        ids = await claim(Line, ending, begun & Line.terminated_on.is_not_null()) + await claim(
            Line, {Line.state: LineState.active}, begun
        )
        await _tell(ids, "opened", LineState.pending, LineState.active, now)
    return Report(len(ids))


async def do_planned(now: datetime) -> Report:
    """The changes planned until today, in the order of their days."""
    done, problems = 0, []
    while chunk := await _next(paris_date(now)):
        async with transaction():
            await hold([change["line"] for change in chunk])
            mine = await claim(
                LineChange,
                {LineChange.state: ChangeState.done},
                LineChange.id.is_in([change["id"] for change in chunk]),
                LineChange.state == ChangeState.planned,
            )
            ours = [change | {"state": ChangeState.done.value} for change in chunk if change["id"] in set(mine)]
            refused = await _carry_out(ours, now)
        done += len(ours) - len(refused)
        problems += refused
    return Report(done, len(problems), tuple(problems))


async def _next(today: date) -> list[Row]:
    """Some that are due, the first of each line only."""
    change = LineChange
    query = change.select().where(change.state == ChangeState.planned, change.effective_on <= today)
    first: dict[int, Row] = {}
    for row in await query.order_by(change.effective_on, change.id).limit(AT_ONCE):
        first.setdefault(row["line"], row)
    return list(first.values())


async def _carry_out(changes: list[Row], now: datetime) -> list[str]:
    """Written, each with its request; what the law refuses by now is put back, and told."""
    lines = await load([change["line"] for change in changes]) if changes else {}
    books = await offers.catalogue() if any(change["kind"] == ChangeKind.change_offer for change in changes) else None
    deeds: list[tuple[Row, Deed]] = []
    problems = []
    for change in changes:
        held = lines[change["line"]]
        try:
            deeds.append((change, await _deed(change, held, books)))
        except RuleError as problem:
            await settle(change, ChangeState.refused, str(problem), actor=ACTOR, now=now)
            what = f"{ChangeKind(change['kind']).label}, prévu le {french_date(change['effective_on'])}"
            problems.append(f"{format(held.row['msisdn'])} : {what} : {problem}")
    await write([deed for _, deed in deeds], actor=ACTOR, now=now, changes=[change for change, _ in deeds])
    return problems


async def _deed(change: Row, held: Held, books: offers.Catalogue | None) -> Deed:
    """As of its own day, however late it is carried out."""
    act = Act(ChangeKind(change["kind"]), change["effective_on"], change["reason"], json.loads(change["asked"]))
    if act.kind in DATED:
        ground = Ground(act.effective_on, catalogue=books or offers.Catalogue())
        return arrive(act, words_of(change), held, ground)
    return foresee(act, held, await ground_of(act, act.effective_on, locked=True, reserved=True))


async def close_lines(now: datetime) -> Report:
    """Lines whose last day is over; their cards leave with them."""
    over = (Line.state == LineState.termination_scheduled) & (Line.terminated_on < paris_date(now))
    async with transaction():
        ids = await claim(Line, {Line.state: LineState.terminated}, over)
        await _tell(ids, "closed", LineState.termination_scheduled, LineState.terminated, now)
        cards = await select_in([Line.sim.id.as_alias("id"), Line.sim.state.as_alias("state")], Line.id, ids)
        moves = {
            card["id"]: (SimState(card["state"]), SimState.retired, ChangeKind.terminate.label)
            for card in cards
            if card["id"] and SimState.retired in SIM_MOVES[SimState(card["state"])]
        }
        await move_cards(moves, ACTOR, now)
    return Report(len(ids))


async def _tell(ids: Iterable[int], event: str, before: LineState, after: LineState, now: datetime) -> None:
    await tell_many(now, ACTOR, event, [("line", key, {"from": before.label}, {"to": after.label}) for key in ids])


async def release_cards(now: datetime) -> Report:
    """Cards that drafts of orders have held for too long."""
    return Report(await release_lapsed(now))


STEPS: tuple[Callable[[datetime], Awaitable[Report]], ...] = (
    open_lines, do_planned, close_lines, release_cards, freeze_and_expire,
)  # fmt: skip
"""In this order: a line opens before it changes, and changes before it ends."""
