"""SIGKILL anywhere in load, draft, validate and print, then resume: the same months as without a fault, to the byte."""

import asyncio
import random
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import month_samples
import pytest
from children import Child, Dead, paths_of

from gateways.settings import SETTINGS
from jobs import cdrs, folder
from jobs.billing import runs, telling
from rules.paris import Month

SEED = 1
KILLS = 20
STRIKES = {"load": 3, "draft": 2, "validate": 3, "print": 2}  # of each month
KEEPS_ITS_WORK = ("load", "validate")  # what is done stays done: the strikes share one way through


class Killer:
    """Gives an order to a fresh process and kills it on the way, at a random event or after a random time."""

    def __init__(self, bear, measures, seed: int) -> None:
        self.bear, self.measures, self.random = bear, measures, random.Random(seed)
        self.kills: Counter[str] = Counter()

    def strike(self, month: str, stage: str, order: str, **values) -> None:
        one: Child = self.bear()
        usual = self.measures[month, stage]
        share = STRIKES[stage] if stage in KEEPS_ITS_WORK else 1
        if self.random.random() < 0.6:
            event = self.random.randint(1, usual["events"] // share)
            one.send(order, clock=month_samples.CLOCKS[month], kill_at=event, **values)
        else:
            one.send(order, clock=month_samples.CLOCKS[month], **values)
            time.sleep(self.random.uniform(0, 0.7 * usual["seconds"] / share))
            one.kill()
        try:
            answer = one.answer()
        except Dead:
            self.kills[stage] += 1
        else:
            assert "error" not in answer, answer


def test_killed_at_twenty_random_points_two_months_end_as_if_nothing_had_happened(child, two_months, uninterrupted):
    golden, measures = uninterrupted
    killer = Killer(child, measures, SEED)
    print(f"seed {SEED}")
    one: Child = child()
    one.ask("import_reference", source=str(two_months), month="2026-10")
    for month, clock in month_samples.CLOCKS.items():
        paths = paths_of(two_months, month)
        for _ in range(STRIKES["load"]):
            killer.strike(month, "load", "load", paths=paths)
        one.ask("load", clock=clock, paths=paths)
        found = one.ask("tell")
        in_store = [path for path in found["stored"] if path.startswith("cdr/")]
        assert in_store == [path for path in found["named"] if path.startswith("cdr/")]

        run = one.ask("start", clock=clock, month=month)["id"]
        for stage, end in (("draft", "controlled"), ("validate", "validated"), ("print", "printed")):
            if stage != "draft":
                one.ask("begin", run=run, stage=stage)
            for _ in range(STRIKES[stage]):
                killer.strike(month, stage, "work", run=run, stages=[])
            assert one.ask("resume", clock=clock, run=run) == end
            if stage == "draft":
                one.ask("waive", run=run)
    print(killer.kills)
    assert min(killer.kills[stage] for stage in STRIKES) >= 2
    while killer.kills.total() < KILLS:  # strikes that came too late
        killer.strike("2026-10", "load", "load", paths=paths_of(two_months, "2026-10"))
    one.ask("load", paths=[])

    found = one.ask("tell")
    for name, told in golden.items():
        assert found["told"][name] == told, name
    assert found["stored"] == found["named"]
    numbers = sorted(invoice["number"] for invoice in found["told"]["invoices"])
    assert numbers == [f"A2026-{1:06}", *(f"F2026-{number:06}" for number in range(1, len(numbers)))]
    assert found["told"]["validated"] == dict.fromkeys(numbers, 1)


@pytest.mark.parametrize("done", ["fsync", "replace", "commit"])
def test_a_load_killed_once_its_part_is_on_disk_counts_for_nothing_and_once_told_to_the_database_for_good(
    child, two_months, done
):
    one, path = child(), paths_of(two_months, "2026-10")[0]
    one.ask("import_reference", source=str(two_months), month="2026-10")
    killed: Child = child()
    killed.send("load", paths=[path], kill_at=done)
    with pytest.raises(Dead):
        killed.answer()
    left = one.ask("tell")
    assert (len(left["stored"]), len(left["named"]), len(left["told"]["cdr_files"])) == (
        (1, 1, 1) if done == "commit" else (1, 0, 0)
    )
    one.ask("load", paths=[])
    swept = one.ask("tell")
    assert swept["stored"] == swept["named"] == left["named"]
    (again,) = one.ask("load", paths=[path])
    assert again["duplicate_file"] == (done == "commit")
    found = one.ask("tell")
    assert (len(found["told"]["cdr_parts"]), found["stored"]) == (1, found["named"])


async def test_a_run_whose_worker_is_killed_says_so_and_is_taken_up_and_one_that_lives_is_left_alone(
    database, database_env, two_months, monkeypatch
):
    clock = month_samples.CLOCKS["2026-10"]
    for name, value in {**database_env, "CLOCK": clock}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(SETTINGS, "clock", datetime.fromisoformat(clock))
    born = []
    make = asyncio.create_subprocess_exec

    async def bear(*words, **options):
        born.append(await make(*words, **options))
        return born[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", bear)
    await folder.import_reference(two_months, Month.parse("2026-10"), SETTINGS.now(), "essai")
    paths = [Path(path) for path in paths_of(two_months, "2026-10")]
    await cdrs.load_files([(path, path.name) for path in paths], now=SETTINGS.now())
    run, _ = await runs.start(Month.parse("2026-10"), "essai")
    for number, (stage, end) in enumerate((("draft", "controlled"), ("validate", "validated"), ("print", "printed"))):
        if number:
            await runs.begin(run["id"], stage, "essai")
        await runs.resume(run["id"])
        assert len(born) == 2 * number + 1  # the worker lives: no second one
        assert not (await telling.describe(run["id"]))["interrupted"]
        born[-1].kill()
        await born[-1].wait()
        assert (await telling.describe(run["id"]))["interrupted"]
        await runs.resume(run["id"])
        assert await born[-1].wait() == 0
        told = await telling.describe(run["id"])
        assert (told["state"], told["interrupted"]) == (end, False)
        await month_samples.waive_all(run["id"])
    assert month_samples.stored() == await month_samples.named()
