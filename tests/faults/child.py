"""The processes that the proofs of faults and races ask and kill: one order a line in JSON, one answer a line.

Started once with everything imported, it forks a child for each line {env, socket} on its input: a process costs no start.
Each query, commit, flush and rename of a child is an event; an order may give the event at which the child kills itself:
its number, or what has just been done.
"""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

import month_samples
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction
from piccolo.engine.sqlite import SQLiteTransaction

import piccolo_conf
from gateways import webhook
from gateways.files import turn
from gateways.mail import Post
from gateways.settings import SETTINGS
from gateways.sftp import Depot
from jobs import arrivals, cdr_replay, cdrs, folder, sim_states
from jobs.billing import runs, worker
from jobs.mails import sending
from jobs.network import sending as network
from rules.paris import Month
from rules.states import COMPUTING, MailState, RequestState, RunState
from tables.changes import NetworkRequest
from tables.engine import TunedSQLite, engine, make_engine
from tables.fleet import Sim
from tables.mail import Mail
from tables.piccolo_app import TABLES

events = 0
kill_at: int | str = -1


def tick(done: str = "") -> None:
    global events
    events += 1
    if kill_at in (events, done):
        os.kill(os.getpid(), signal.SIGKILL)


def count(owner, name: str) -> None:
    """The moments before and after a call are events."""
    real = getattr(owner, name)

    def call(*args, **kwargs):
        tick()
        result = real(*args, **kwargs)
        tick(name)
        return result

    async def acall(*args, **kwargs):
        tick()
        result = await real(*args, **kwargs)
        tick(name)
        return result

    setattr(owner, name, acall if asyncio.iscoroutinefunction(real) else call)


COUNTED = (
    *((os, name) for name in ("fsync", "replace")),
    *((owner, "commit") for owner in (SQLiteTransaction, PostgresTransaction)),
    (Post, "hand_over"),
    (webhook, "call"),
    (Depot, "lay"),
    *((owner, "run_querystring") for owner in (TunedSQLite, PostgresEngine)),
)


async def import_reference(source: str, month: str):
    return await folder.import_reference(Path(source), Month.parse(month), SETTINGS.now(), "essai")


async def load(paths: list[str]):
    reports = await cdrs.load_files([(Path(path), Path(path).name) for path in paths], now=SETTINGS.now())
    return [{"created": report.created, "duplicate_file": report.duplicate_file} for report in reports]


async def receive(path: str):
    with open(path, "rb") as file:
        return await arrivals.receive(file, Path(path).name)


async def load_arrived():
    report = await arrivals.load()
    return {"done": report.done, "skipped": report.skipped, "problems": report.problems}


async def replay(file: int):
    return (await cdr_replay.replay(file, None, "", "essai", SETTINGS.now())).created


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
    """As the worker itself does it, the lock included."""
    async with turn(SETTINGS.data_dir / runs.LOCK):
        await worker.work(run, *stages)
    return (await runs.get(run))["state"]


async def resume(run: int):
    """With a worker of its own, awaited; asked again while the dead one's lock is on its way out."""
    deadline = time.monotonic() + 60
    while RunState((await runs.resume(run))["state"]) in COMPUTING and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    return (await runs.get(run))["state"]


async def move_sims(ids: list[int], to: str):
    effects = await sim_states.change(ids, to, "essai", actor=to, now=SETTINGS.now())
    return {"done": sum(not effect.problem for effect in effects), "codes": sorted({effect.code for effect in effects})}


async def send_mails(smtp_url: str):
    """What is due; what a dead worker had in hand is in doubt at once."""
    SETTINGS.smtp_url, sending.LEASE = smtp_url, timedelta(0)
    await sending.settle_abandoned()
    return (await sending.send_due()).done


async def send_beside(smtp_url: str):
    """What is due, beside another worker that lives."""
    SETTINGS.smtp_url = smtp_url
    return (await sending.send_due()).done


async def send_requests(settings: dict):
    """What the network is asked; what a dead passage had in hand is in doubt at once."""
    vars(SETTINGS).update(settings)
    network.LEASE = timedelta(0)
    return (await network.send_network_requests()).done


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
    elif what == "sims":
        sim_states.as_seen = lambda before, after: Sim.id > 0
    elif what == "claim":
        sending.CLAIMABLE = (*sending.CLAIMABLE, MailState.sending, MailState.sent)
    elif what == "doubt":

        async def again():
            await Mail.update({Mail.state: MailState.queued}).where(Mail.state == MailState.sending)

        sending.settle_abandoned = again
    elif what == "requests":

        async def queued_again():
            await NetworkRequest.update({NetworkRequest.claimed_at: None}).where(NetworkRequest.state == RequestState.queued)

        network.settle_abandoned = queued_again
    elif what == "worker":
        global turn
        turn = nullcontext


STAGES = (start, begin, waive, work, resume)
OTHERS = (import_reference, load, receive, load_arrived, replay, move_sims, send_mails, send_beside, send_requests, tell, unguard)
ORDERS = {order.__name__: order for order in (*STAGES, *OTHERS)}


async def obey(order: str, at: float = 0, clock: str = "", **values):
    if clock:
        os.environ["CLOCK"], SETTINGS.clock = clock, datetime.fromisoformat(clock)
    while time.time() < at:  # two processes go at the same instant
        pass
    return await ORDERS[order](**values)


async def serve(stream: IO[str]) -> None:
    global events, kill_at
    await engine().start_connection_pool()
    print(json.dumps({"pid": os.getpid()}), file=stream, flush=True)
    while line := await asyncio.to_thread(stream.readline):
        values = json.loads(line)
        events, kill_at, begun = 0, values.pop("kill_at", -1), time.perf_counter()
        try:
            answer = {"answer": await obey(**values)}
        except Exception as reason:
            answer = {"error": type(reason).__name__, "message": str(reason)}
        told = answer | {"events": events, "seconds": time.perf_counter() - begun}
        print(json.dumps(told, default=str), file=stream, flush=True)
    await engine().close_connection_pool()


def live(env: dict[str, str], address: str) -> None:
    """A child: the settings and the database are those of `env`."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.update(env)
    SETTINGS.data_dir, SETTINGS.database_url = Path(env["DATA_DIR"]), env["DATABASE_URL"]
    SETTINGS.clock = datetime.fromisoformat(env["CLOCK"])
    piccolo_conf.DB = make_engine(env["DATABASE_URL"], str(SETTINGS.data_dir / "ligne_claire.sqlite"))
    for table in TABLES:
        table._meta._db = piccolo_conf.DB
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    asyncio.run(serve(connection.makefile("rw")))


if __name__ == "__main__":
    for owner, name in COUNTED:
        count(owner, name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        if os.fork() == 0:
            live(**json.loads(line))
            os._exit(0)
