"""A process that the proofs of faults and races start, ask and kill: one order a line in JSON on its input, one answer a line.

Each query, commit, flush and rename is an event; an order may name the event at which the process kills itself.
"""

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import month_samples
from gateways.files import lock
from gateways.settings import SETTINGS
from jobs import cdrs, folder
from jobs.billing import runs, worker
from piccolo.engine.postgres import PostgresTransaction
from piccolo.engine.sqlite import SQLiteTransaction
from rules.paris import Month
from rules.states import COMPUTING, RunState
from tables.engine import engine

events = 0
kill_at = 0


def tick() -> None:
    global events
    events += 1
    if events == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)


def count(owner, name: str) -> None:
    """The moments before and after a call are events."""
    real = getattr(owner, name)

    def call(*args, **kwargs):
        tick()
        result = real(*args, **kwargs)
        tick()
        return result

    async def acall(*args, **kwargs):
        tick()
        result = await real(*args, **kwargs)
        tick()
        return result

    setattr(owner, name, acall if asyncio.iscoroutinefunction(real) else call)


for owner, name in (
    (os, "fsync"),
    (os, "replace"),
    (SQLiteTransaction, "commit"),
    (PostgresTransaction, "commit"),
    (type(engine()), "run_querystring"),
):
    count(owner, name)


async def import_reference(source: str, month: str):
    return await folder.import_reference(Path(source), Month.parse(month), SETTINGS.now(), "essai")


async def load(paths: list[str]):
    reports = await cdrs.load_files([(Path(path), Path(path).name) for path in paths], now=SETTINGS.now())
    return [{"created": report.created, "duplicate_file": report.duplicate_file} for report in reports]


async def start(month: str):
    run, new = await runs.start(Month.parse(month), "essai", month_samples.nobody)
    return {"id": run["id"], "new": new}


async def begin(run: int, stage: str):
    begun = []

    async def take(run_id: int) -> None:
        begun.append(run_id)

    row = await runs.begin(run, stage, "essai", take)
    return {"begun": len(begun), "state": row["state"]}


async def waive(run: int):
    await month_samples.waive_all(run)


async def work(run: int, stages: list[str]):
    """As the worker itself does it, the lock and its own connections included."""
    await engine().close_connection_pool()
    try:
        with lock(SETTINGS.data_dir / runs.LOCK):
            await worker.main(run, stages)
    finally:
        await engine().start_connection_pool()
    return (await runs.get(run))["state"]


async def resume(run: int):
    """With a worker of its own, awaited."""
    await runs.resume(run)
    deadline = time.monotonic() + 60
    while RunState((await runs.get(run))["state"]) in COMPUTING and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    return (await runs.get(run))["state"]


async def tell():
    return {"told": await month_samples.told(), "stored": month_samples.stored(), "named": await month_samples.named()}


async def unguard(what: str):
    """Take a guard away, for the control of a race."""
    if what == "load":

        @asynccontextmanager
        async def no_turn(path):
            yield

        cdrs.turn = no_turn
    elif what == "begin":
        runs.STAGES |= {stage: ((*sources, *working), working, end) for stage, (sources, working, end) in runs.STAGES.items()}


ORDERS = {
    order.__name__: order for order in (import_reference, load, start, begin, waive, work, resume, tell, unguard)
}


async def obey(order: str, at: float = 0, clock: str = "", **values):
    if clock:
        os.environ["CLOCK"], SETTINGS.clock = clock, datetime.fromisoformat(clock)
    while time.time() < at:  # two processes go at the same instant
        pass
    return await ORDERS[order](**values)


async def main() -> None:
    global events, kill_at
    await engine().start_connection_pool()
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        values = json.loads(line)
        events, kill_at, begun = 0, values.pop("kill_at", 0), time.perf_counter()
        try:
            answer = {"answer": await obey(**values)}
        except Exception as reason:
            answer = {"error": type(reason).__name__, "message": str(reason)}
        print(json.dumps(answer | {"events": events, "seconds": time.perf_counter() - begun}, default=str), flush=True)
    await engine().close_connection_pool()


if __name__ == "__main__":
    asyncio.run(main())
