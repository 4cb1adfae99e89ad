"""Two at once on one line: one wins, the other is told; a token and a planned day count once. Each with its control."""

import asyncio
from datetime import date

import pytest
from line_samples import BUSINESS, CONSUMER, FOURTH, NOW, THIRD, TODAY, fleet

from gateways.settings import SETTINGS
from jobs.lines import acts, due
from jobs.lines.acts import Act
from rules.states import ChangeKind
from tables.changes import LineChange, NetworkRequest
from tables.fleet import Line, Sim
from tables.timeline import TimelineEntry

ROUNDS = 8
DUE = date(2026, 12, 5)


@pytest.fixture
async def lines(database, data_dir):
    return await fleet()


def swap(iccid):
    return Act(ChangeKind.swap_sim, TODAY, "essai", {"iccid": iccid})


async def both(first, second):
    """Two acts on the same line at the same time: what was said of each."""
    told = await asyncio.gather(*(acts.do(act, [line], actor=f"clerk {line}", now=NOW) for act, line in (first, second)))
    return [effect for effects in told for effect in effects]


async def test_of_two_restrictions_at_once_one_is_done_and_the_other_told_why_not(lines):
    key = lines[BUSINESS]
    for number in range(ROUNDS):
        kind, asked = (ChangeKind.reactivate, {}) if number % 2 else (ChangeKind.suspend, {"barring": "OUT"})
        act = Act(kind, TODAY, "essai", asked)
        codes = sorted(effect.code for effect in await both((act, key), (act, key)))
        assert codes == ["", "ILLEGAL_STATE"]
    assert (await LineChange.count(), await NetworkRequest.count()) == (ROUNDS, ROUNDS)


async def test_one_card_asked_for_two_lines_at_once_serves_one(lines):
    for card in (THIRD, FOURTH):
        effects = await both((swap(card), lines[BUSINESS]), (swap(card), lines[CONSUMER]))
        assert sorted(effect.code for effect in effects) == ["", "ILLEGAL_STATE"]
    held = await Line.select(Line.sim).output(as_list=True)
    assert await Sim.count().where(Sim.state == "active") == len(set(held)) == 2


async def test_control_looked_at_before_the_line_is_held_both_win(lines, monkeypatch):
    key, act = lines[BUSINESS], Act(ChangeKind.suspend, TODAY, "essai", {"barring": "OUT"})
    look = acts._worked_out
    looked = [await look(act, [key], NOW) for _ in range(2)]

    async def seen_before(*_, **__):
        return looked.pop()

    monkeypatch.setattr(acts, "_worked_out", seen_before)
    assert [effect.code for effect in await both((act, key), (act, key))] == ["", ""]
    assert (await LineChange.count(), await NetworkRequest.count()) == (2, 2)


async def test_a_button_pressed_twice_at_once_acts_once_and_answers_the_same(lines):
    key = lines[BUSINESS]
    for number in range(ROUNDS):
        act = Act(ChangeKind.rename, TODAY, "essai", {"user_name": f"Zoé {number}"}, f"jeton {number}")
        first, second = await both((act, key), (act, key))
        assert (first.change, first.before, first.after) == (second.change, second.before, second.after)
    assert (await LineChange.count(), await NetworkRequest.count()) == (ROUNDS, ROUNDS)


async def test_control_without_their_token_two_presses_are_two_acts(lines):
    key = lines[BUSINESS]
    offers = [Act(ChangeKind.change_offer, TODAY, "essai", {"offer": "SOLO", "monthly_price": price}) for price in ("3", "3")]
    await both((offers[0], key), (offers[1], key))
    assert (await LineChange.count(), await NetworkRequest.count()) == (2, 2)


async def test_the_job_run_twice_at_once_does_what_is_planned_once(lines, monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", NOW.replace(month=12, day=5))
    for key in lines.values():
        await acts.one(Act(ChangeKind.terminate, DUE, "essai"), key, actor="Camille", now=NOW)
    reports = await asyncio.gather(*(due.do_planned(SETTINGS.now()) for _ in range(2)))
    assert (sum(report.done for report in reports), await NetworkRequest.count()) == (2, 2)
    assert await TimelineEntry.count().where(TimelineEntry.event == "terminate_done") == 2


async def test_control_without_the_claim_the_network_is_asked_twice(lines, monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", NOW.replace(month=12, day=5))
    await acts.one(Act(ChangeKind.terminate, DUE, "essai"), lines[BUSINESS], actor="Camille", now=NOW)
    change = await LineChange.select().first()
    chunks = [[], [], [change], [change]]

    async def read_before(_):
        return chunks.pop()

    async def claims_all(*_):
        return [change["id"]]

    monkeypatch.setattr(due, "_next", read_before)
    monkeypatch.setattr(due, "claim", claims_all)
    await asyncio.gather(*(due.do_planned(SETTINGS.now()) for _ in range(2)))
    assert await NetworkRequest.count() == 2
