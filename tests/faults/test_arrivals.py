"""Files of the spool and rejects judged again, killed at any event and raced: each call comes in once, no file by half."""

import asyncio
import random
from pathlib import Path

import cdr_fleet
import duckdb
import month_samples
import pytest
from cdr_samples import csv, row
from children import Child, Dead

from gateways.settings import SETTINGS
from tables.usage import Arrival, CdrFile, CdrPart, CdrReject

SEED, KILLS = 5, 12


@pytest.fixture(autouse=True)
async def fleet(database):
    await cdr_fleet.make()


def write(path: Path, ids, msisdn: str = "0639980001") -> str:
    path.write_bytes(csv(*(row(cdr_id=str(n), msisdn=msisdn) for n in ids)))
    return str(path)


async def keys() -> list[str]:
    """The ids of every CDR that counts."""
    paths = [str(SETTINGS.data_dir / part["path"]) for part in await CdrPart.select(CdrPart.path)]
    return sorted(key for (key,) in duckdb.execute("SELECT key FROM read_parquet(?)", [paths]).fetchall())


def strike(one: Child, chance: random.Random, events: int, order: str, **values) -> bool:
    """Whether the order was killed on its way."""
    one.send(order, kill_at=chance.randint(1, events), **values)
    try:
        assert "error" not in one.answer()
    except Dead:
        return True
    finally:
        one.close()
    return False


async def settled(child) -> None:
    child().ask("load_arrived")
    assert {one["state"] for one in await Arrival.select(Arrival.state)} == {"loaded"}
    assert [path for path in month_samples.stored() if path.startswith("cdr/")] == await month_samples.named()
    assert list((SETTINGS.data_dir / "spool").iterdir()) == []


async def test_files_that_overlap_by_a_third_are_the_exact_union_whatever_is_killed_on_the_way(child, tmp_path):
    chance, killed = random.Random(SEED), 0
    measured = child()
    measured.ask("receive", path=write(tmp_path / "first.csv", range(1000, 1010)))
    measured.send("load_arrived")
    events = measured.answer()["events"]  # of one file
    assert events > 10
    for number in range(KILLS):
        path = write(tmp_path / f"{number}.csv", range(number * 70, number * 70 + 100))
        await asyncio.to_thread(measured.ask, "receive", path=path)
        killed += await asyncio.to_thread(strike, child(), chance, events, "load_arrived")
    assert killed >= KILLS // 2
    await settled(child)
    wanted = sorted(str(n) for n in {*range(1000, 1010), *range((KILLS - 1) * 70 + 100)})
    assert await keys() == wanted
    files = await CdrFile.select(CdrFile.rows, CdrFile.loaded, CdrFile.rejected)
    assert len(files) == KILLS + 1
    assert all(one["rows"] == one["loaded"] + one["rejected"] for one in files)


async def test_a_file_that_comes_three_times_and_is_loaded_by_two_at_once_brings_its_calls_once(child, tmp_path):
    one, other = child(), child()
    for name in ("a.csv", "b.csv", "c.csv"):
        one.ask("receive", path=write(tmp_path / name, range(50)))
    for each in (one, other):
        each.send("load_arrived")
    answers = [await asyncio.to_thread(each.answer) for each in (one, other)]
    assert all("answer" in answer for answer in answers), answers
    await settled(child)
    assert (await CdrFile.count(), len(await keys())) == (1, 50)


async def test_a_replay_killed_anywhere_or_done_by_two_at_once_loads_each_reject_once(child, tmp_path):
    chance, killed = random.Random(SEED), 0
    one, both = child(), [child(), child()]
    for number in range(4):
        msisdn = f"063998001{number}"
        path = write(tmp_path / f"{number}.csv", range(number * 20, number * 20 + 20), msisdn)
        one.ask("load", paths=[path])
        await cdr_fleet.add_line(f"+33{msisdn[1:]}")
        file = (await CdrFile.select(CdrFile.id).order_by(CdrFile.id, ascending=False).first())["id"]
        for _ in range(3):
            killed += await asyncio.to_thread(strike, child(), chance, 25, "replay", file=file)
        for each in both:
            each.send("replay", file=file)
        answers = [await asyncio.to_thread(each.answer) for each in both]
        assert all("answer" in answer for answer in answers), answers
        row_ = await CdrFile.select().where(CdrFile.id == file).first()
        assert (row_["rows"], row_["loaded"], row_["rejected"]) == (20, 20, 0)
    assert killed >= 3
    assert {one["state"] for one in await CdrReject.select(CdrReject.state)} == {"replayed"}
    assert len(await keys()) == 80
    assert [path for path in month_samples.stored() if path.startswith("cdr/")] == await month_samples.named()
