"""The door that the clock knocks at."""

import asyncio

import pytest

from jobs import schedule
from jobs.report import Report
from rules.errors import RuleError
from tables.scheduling import JobRun
from tests.endpoints.visitor import CRON_TOKEN, Visitor


class NoAnswer(RuleError):
    pass


@pytest.fixture
async def clock(database):
    async with Visitor(headers={"authorization": f"Bearer {CRON_TOKEN}"}) as client:
        yield client


async def test_a_job_answers_its_report_and_records_its_passage(clock, monkeypatch):
    async def sweep():
        return Report(3, 1, ("Un fichier grandit encore.",))

    monkeypatch.setitem(schedule.JOBS, "sweep", sweep)
    answer = await clock.post("/jobs/sweep")
    assert (answer.status_code, answer.json()) == (200, {"done": 3, "skipped": 1, "problems": ["Un fichier grandit encore."]})
    passage = await JobRun.select().first()
    assert (passage["job"], passage["state"], passage["done"], passage["skipped"]) == ("sweep", "done", 3, 1)
    assert passage["ended_at"] and await schedule.last("sweep") == passage["ended_at"]


async def test_the_same_job_does_not_run_twice_at_once(clock, monkeypatch):
    open_gate = asyncio.Event()

    async def slow():
        await open_gate.wait()
        return Report(1)

    monkeypatch.setitem(schedule.JOBS, "slow", slow)
    first = asyncio.create_task(clock.post("/jobs/slow"))
    while not await JobRun.exists():
        await asyncio.sleep(0.01)
    refused = await clock.post("/jobs/slow")
    assert refused.status_code == 409 and "déjà en cours" in refused.json()["detail"]
    open_gate.set()
    assert (await first).json()["done"] == 1
    assert (await clock.post("/jobs/slow")).status_code == 200


async def test_a_job_told_not_to_wait_is_done_behind_a_202(clock, monkeypatch):
    async def quick():
        return Report(2)

    monkeypatch.setitem(schedule.JOBS, "quick", quick)
    assert (await clock.post("/jobs/quick?wait=0")).status_code == 202
    assert (await JobRun.select().first())["done"] == 2


async def test_a_job_that_fails_says_so_and_leaves_the_way_free(clock, monkeypatch):
    async def deaf():
        raise NoAnswer("Le serveur ne répond pas.")

    monkeypatch.setitem(schedule.JOBS, "deaf", deaf)
    for _ in range(2):
        answer = await clock.post("/jobs/deaf")
        assert answer.status_code == 422 and answer.json()["detail"] == "Le serveur ne répond pas."
    assert [run["state"] for run in await JobRun.select()] == ["failed", "failed"]


async def test_an_unknown_job_is_404_and_a_stranger_401(clock, visitor):
    assert (await clock.post("/jobs/nothing")).status_code == 404
    assert (await visitor.post("/jobs/nothing")).status_code == 401
