"""Two clerks on the same cards: each card moves once, and its story tells who moved it."""

import asyncio
import json
from datetime import UTC, datetime

from children import Child

from rules.states import SimAct, SimState
from tables.engine import insert_many, transaction
from tables.fleet import Sim
from tables.timeline import TimelineEntry
from tests.faults.test_races import at_once

CARDS, ROUNDS, CONTROL_ROUNDS = 400, 5, 20


async def stock(start: int) -> list[int]:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    async with transaction():
        await insert_many(Sim, [Sim.iccid, Sim.created_at], [[f"89330999{start + one:012d}", now] for one in range(CARDS)])
    return await Sim.select(Sim.id).where(Sim.state == SimState.in_stock).order_by(Sim.id).output(as_list=True)


async def moved_together(children: list[Child], start: int) -> tuple[int, int, set[str]]:
    """Of cards that one declares lost and the other faulty: how many moves were done, were told, and what was refused."""
    ids = await stock(start)
    before = await TimelineEntry.count()
    orders = [{"order": "move_sims", "ids": ids, "to": to.value} for to in (SimAct.lost, SimAct.faulty)]
    answers = [answer["answer"] for answer in await asyncio.to_thread(at_once, children, orders)]
    codes = {code for answer in answers for code in answer["codes"]} - {""}
    return sum(answer["done"] for answer in answers), await TimelineEntry.count() - before, codes


async def test_two_clerks_never_both_move_one_card(database, child):
    both = [child(), child()]
    for number in range(ROUNDS):
        done, told, codes = await moved_together(both, number * CARDS)
        assert (done, told) == (CARDS, CARDS)
        assert codes <= {"MOVED_MEANWHILE", "ILLEGAL_STATE"}
    told = {row["subject_id"]: row for row in await TimelineEntry.select()}
    for card in await Sim.select():
        entry = told[card["id"]]
        assert (entry["actor"], json.loads(entry["after"])["state"]) == (card["state"], card["state"])


async def test_control_without_the_look_being_checked_both_move_the_same_card(database, child):
    both = [child(), child()]
    for one in both:
        one.ask("unguard", what="sims")
    most = 0
    for number in range(CONTROL_ROUNDS):
        most = max(most, (await moved_together(both, number * CARDS))[0])
        if most > CARDS:
            break
    assert most > CARDS
