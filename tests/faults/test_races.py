"""Two at once: one wins. Each race comes with its control, which shows the race once the guard is away."""

import asyncio
import random
import time
from datetime import date, datetime
from pathlib import Path
from sqlite3 import IntegrityError

import month_samples
import pytest
from asyncpg.exceptions import IntegrityConstraintViolationError
from children import Child

from gateways.files import Busy, lock, turn
from jobs.billing.validate import ClockWentBack, take_number
from jobs.cdrs import load_files
from rules.states import RunState
from tables.billing import BillingRun
from tables.catalogue import RateTable
from tables.engine import transaction
from tables.fleet import Line
from tables.invoices import NumberSeries
from tables.parties import Customer
from tables.usage import CdrFile, CdrPart

REPEATS = 20
AT_ONCE_S = 0.03  # time enough for both to have read the order
PATTERN = "F{year}-{counter:06}"
TODAY = date(2026, 11, 2)
WRITERS, EACH = 8, 20


def at_once(children: list[Child], orders: list[dict]) -> list[dict]:
    """Both answers to two orders carried out at the same instant."""
    at = time.time() + AT_ONCE_S
    for one, order in zip(children, orders, strict=True):
        one.send(at=at, **order)
    return [one.answer() for one in children]


async def put_away_runs() -> None:
    await BillingRun.update({BillingRun.state: RunState.cancelled}, force=True)


def start_together(children: list[Child], first: str, second: str) -> tuple[int, list[str]]:
    """How many runs were begun, and what was said to the others."""
    answers = at_once(children, [{"order": "start", "month": month} for month in (first, second)])
    begun = sum(bool(answer.get("answer", {}).get("new")) for answer in answers)
    assert all(answer.get("error", "RunBusy") == "RunBusy" for answer in answers), answers
    return begun, [answer["message"] for answer in answers if "error" in answer]


async def test_of_two_runs_started_at_once_one_begins_and_the_other_is_told_who_computes(database, child):
    both = [child(), child()]
    for number in range(REPEATS):
        months = f"20{30 + number}-01", f"20{30 + number}-02"
        begun, refused = await asyncio.to_thread(start_together, both, *months)
        row = (await BillingRun.select().where(BillingRun.state == RunState.queued))[0]
        assert (begun, refused) == (
            1,
            [f"Une facturation est déjà en cours (mois {row['month']}, essai, en file). Attendez sa fin."],
        )
        await put_away_runs()


async def test_one_month_started_twice_at_once_is_one_run(database, child):
    both = [child(), child()]
    for number in range(REPEATS):
        month = f"20{30 + number}-01"
        begun, _ = await asyncio.to_thread(start_together, both, month, month)
        assert (begun, await BillingRun.count().where(BillingRun.month == month)) == (1, 1)
        await put_away_runs()


@pytest.mark.parametrize("same_month", [True, False])
async def test_control_without_its_unique_indexes_two_runs_begin(database, child, same_month):
    for name in ("billing_run_computing", "billing_run_month"):
        await BillingRun.raw(f"DROP INDEX {name}")
    both = [child(), child()]
    for number in range(REPEATS):
        months = f"20{30 + number}-01", f"20{30 + number}-01" if same_month else f"20{30 + number}-02"
        begun, _ = await asyncio.to_thread(start_together, both, *months)
        if begun == 2:
            return
    pytest.fail("the race did not show")


async def validate_together(children: list[Child]) -> int:
    """How many of two validations of one run took it in hand."""
    run = BillingRun(month="2026-10", state=RunState.controlled, stage="draft", actor="essai")
    await run.save()
    order = {"order": "begin", "run": run.id, "stage": "validate"}
    answers = await asyncio.to_thread(at_once, children, [order, order])
    assert all(answer.get("error", "RunBusy") == "RunBusy" for answer in answers), answers
    await BillingRun.delete().where(BillingRun.id == run.id)
    return sum(answer.get("answer", {}).get("begun", 0) for answer in answers)


async def test_of_two_validations_begun_at_once_one_moves_the_run(database, child):
    both = [child(), child()]
    assert [await validate_together(both) for _ in range(REPEATS)] == [1] * REPEATS


async def test_control_a_move_that_does_not_look_at_the_state_is_made_twice(database, child):
    both = [child(), child()]
    for one in both:
        one.ask("unguard", what="begin")
    assert 2 in [await validate_together(both) for _ in range(REPEATS)]


async def test_two_workers_that_validate_one_run_together_number_each_document_once(database, child, two_months, uninterrupted):
    """The lock of the worker is away in one of them: the database alone stands guard."""
    golden, _ = uninterrupted
    both = [child(), child()]
    both[0].ask("import_reference", source=str(two_months), month="2026-10")
    paths = [str(two_months / "BilledCDRs/MOBILE" / name) for name in month_samples.files_of(two_months, "2026-10")]
    both[0].ask("load", paths=paths)
    run = both[0].ask("start", month="2026-10")["id"]
    both[0].ask("work", run=run, stages=[])
    both[0].ask("waive", run=run)
    both[0].ask("begin", run=run, stage="validate")
    both[1].ask("unguard", what="worker")
    order = {"order": "work", "run": run, "stages": []}
    answers = await asyncio.to_thread(at_once, both, [order, order])
    if any("error" in answer for answer in answers):
        assert both[0].ask("resume", run=run) == "validated"
    found = both[0].ask("tell")["told"]
    october = [row for row in golden["invoices"] if row["run.month"] == "2026-10"]
    numbered = [invoice["number"] for invoice in found["invoices"]]
    assert sorted(numbered) == sorted(invoice["number"] for invoice in october)
    assert found["validated"] == dict.fromkeys(numbered, 1)


async def write_numbers(taken: list[str], seed: int, take) -> None:
    """One writer: some of its transactions are rolled back after they took a number."""
    chance = random.Random(seed)
    for _ in range(EACH):
        try:
            async with transaction():
                number = await take()
                await asyncio.sleep(0)
                if chance.random() < 0.2:
                    raise Busy
            taken.append(number)
        except Busy:
            pass


async def test_eight_writers_with_rollbacks_take_numbers_without_gap_or_double(database):
    taken: list[str] = []
    await asyncio.gather(*(write_numbers(taken, seed, lambda: take_number(PATTERN, TODAY)) for seed in range(WRITERS)))
    assert 100 < len(taken) < WRITERS * EACH
    assert sorted(taken) == [f"F2026-{number:06}" for number in range(1, len(taken) + 1)]
    series = await NumberSeries.select(NumberSeries.name, NumberSeries.last_number)
    assert series == [{"name": "F2026-{counter:06}", "last_number": len(taken)}]


async def test_a_series_begun_by_eight_writers_at_once_begins_at_one_and_loses_none(database):
    async def take(day: date) -> str:
        async with transaction():
            return await take_number(PATTERN, day)

    for year in range(2027, 2037):
        taken = await asyncio.gather(*(take(date(year, 1, 1)) for _ in range(WRITERS)))
        assert sorted(taken) == [f"F{year}-{number:06}" for number in range(1, WRITERS + 1)]


async def test_control_a_number_read_and_then_written_is_taken_twice(database):
    await NumberSeries(name="F2026-{counter:06}").save()
    taken: list[int] = []

    async def read_then_write() -> None:
        for _ in range(EACH):
            number = (await NumberSeries.select(NumberSeries.last_number).first())["last_number"] + 1
            try:
                async with transaction():
                    await NumberSeries.update({NumberSeries.last_number: number}, force=True)
            except (IntegrityError, IntegrityConstraintViolationError):  # a series never goes back: the last guard
                continue
            taken.append(number)

    await asyncio.gather(*(read_then_write() for _ in range(WRITERS)))
    assert len(taken) > len(set(taken))


async def test_a_number_refused_because_the_clock_went_back_leaves_no_gap(database):
    async with transaction():
        assert await take_number(PATTERN, TODAY) == "F2026-000001"
    with pytest.raises(ClockWentBack, match=r"La série F2026.* a déjà un document plus récent que le 01/11/2026"):
        async with transaction():
            await take_number(PATTERN, date(2026, 11, 1))
    async with transaction():
        assert await take_number(PATTERN, TODAY) == "F2026-000002"
        assert await take_number("A{year}-{counter:06}", date(2026, 11, 1)) == "A2026-000001"
        assert await take_number(PATTERN, date(2027, 1, 1)) == "F2027-000001"


HEADER = "cdr_id;type;msisdn;other_party;started_at\n"


def cdr_file(path: Path, ids) -> str:
    rows = (f"{id};SMS;0639980001;0639980002;2026-10-01T00:00:00Z\n" for id in ids)
    path.write_text(HEADER + "".join(rows))
    return str(path)


async def a_line() -> None:
    customer = Customer(customer_number="C1", login="C1", company_name="Essai")
    table = RateTable(code="STD")
    await customer.save()
    await table.save()
    line = Line({Line.msisdn: "+33639980001", Line.customer: customer.id, Line.rate_table: table.id})
    line.activated_on = date(2026, 1, 1)
    await line.save()


async def load_together(children: list[Child], paths: list[str]) -> list[dict]:
    return await asyncio.to_thread(at_once, children, [{"order": "load", "paths": [path]} for path in paths])


async def test_a_file_loaded_twice_at_once_is_loaded_once(database, child, tmp_path):
    await a_line()
    both = [child(), child()]
    for number in range(5):
        path = cdr_file(tmp_path / f"{number}.csv", range(number * 100, number * 100 + 10))
        answers = await load_together(both, [path, path])
        loaded = [tuple(answer["answer"][0].values()) for answer in answers]
        assert sorted(loaded) == [(0, True), (10, False)]
    assert (await CdrFile.count(), await CdrPart.count()) == (5, 5)
    assert month_samples.stored() == await month_samples.named()


async def overlapping_rows(children: list[Child], tmp_path: Path, rounds: int) -> list[int | str]:
    """For each round, how many CDRs two files of ten with three in common made; or what went wrong."""
    found: list[int | str] = []
    for number in range(rounds):
        start = number * 100
        first = cdr_file(tmp_path / f"{number}a.csv", range(start, start + 10))
        second = cdr_file(tmp_path / f"{number}b.csv", range(start + 7, start + 17))
        answers = await load_together(children, [first, second])
        whole = set(await month_samples.named()) <= set(month_samples.stored())
        wrong = [answer["error"] for answer in answers if "error" in answer] or ["a part is lost"] * (not whole)
        found.append(wrong[0] if wrong else sum(answer["answer"][0]["created"] for answer in answers))
    return found


async def test_files_that_overlap_loaded_at_once_load_each_call_once(database, child, tmp_path):
    await a_line()
    assert await overlapping_rows([child(), child()], tmp_path, 5) == [17] * 5


async def test_control_without_their_turn_files_that_overlap_load_calls_twice_or_break(database, child, tmp_path):
    await a_line()
    both = [child(), child()]
    for one in both:
        one.ask("unguard", what="load")
    assert set(await overlapping_rows(both, tmp_path, 10)) != {17}


async def test_uploads_of_one_process_take_turns_in_the_order_in_which_they_came(database, tmp_path):
    await a_line()
    paths = [Path(cdr_file(tmp_path / f"{number}.csv", range(number, number + 3))) for number in range(4)]
    loads = (load_files([(path, path.name)], now=datetime.fromisoformat("2026-11-02T09:00:00+01:00")) for path in paths)
    reports = await asyncio.wait_for(asyncio.gather(*loads), 30)
    assert [report.created for (report,) in reports] == [3, 1, 1, 1]


async def test_a_turn_waits_for_the_lock_of_another_process_and_gives_way_when_given_up(data_dir):
    path = data_dir / "a.lock"
    order: list[str] = []

    async def wait(name: str) -> None:
        async with turn(path):
            order.append(name)

    with lock(path):
        waiting = [asyncio.create_task(wait(name)) for name in ("first", "second", "third")]
        await asyncio.sleep(0.1)
        assert order == []
        waiting[1].cancel()
        await asyncio.sleep(0)
    await asyncio.wait_for(asyncio.gather(waiting[0], waiting[2]), 5)
    assert order == ["first", "third"]
    with lock(path), pytest.raises(Busy), lock(path):
        pass
