"""Work in a process beside the web's: `python -m jobs.worker VERB`, its arguments on standard input, its answer on output.

Pages answer meanwhile and the memory of long work goes with its process. The process is started, never forked: Typst forbids it.
"""

import asyncio
import importlib
import os
import pickle
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateways.settings import SETTINGS
from rules.errors import RuleError
from tables.engine import engine

VERBS = {
    "billing": "jobs.billing.worker.work",
    "load_arrived": "jobs.arrivals.load",
    "load_upload": "jobs.arrivals.load_upload",
    "replay": "jobs.cdr_replay.replay",
    "import": "jobs.imports.desk.work",
    "seal": "jobs.billing.paper.seal",
    "mails": "jobs.mails.sending.work",
    "verify": "jobs.seals.verify.verify",
    "journal": "jobs.accounting.write",
}
"""Each an async function that a worker may be asked for."""


class WorkerDied(RuntimeError):
    """The process ended without an answer: killed, or out of memory."""


async def start(verb: str, *arguments: Any, held: Sequence[int] = ()) -> asyncio.subprocess.Process:
    """A worker that outlives whoever starts it. `held`: open files (locks) with which it is born."""
    env = {**os.environ, "DATA_DIR": str(SETTINGS.data_dir), "DATABASE_URL": SETTINGS.database_url}
    if SETTINGS.clock:
        env["CLOCK"] = SETTINGS.clock.isoformat()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "jobs.worker", verb),
        cwd=Path(__file__).parents[1],
        env=env,
        start_new_session=True,
        pass_fds=held,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    process.stdin.write(pickle.dumps(arguments))
    process.stdin.write_eof()
    return process


async def ask(verb: str, *arguments: Any, held: Sequence[int] = ()) -> Any:
    """What the verb answers. Raises what it raises, and WorkerDied."""
    answer, _ = await (await start(verb, *arguments, held=held)).communicate()
    if not answer:
        raise WorkerDied(verb)
    raised, value = pickle.loads(answer)  # our own process wrote it
    if raised:
        raise value
    return value


async def _answer(verb: str, arguments: Sequence[Any]) -> tuple[bool, Any]:
    module, _, name = VERBS[verb].rpartition(".")
    await engine().start_connection_pool()
    try:
        return False, await getattr(importlib.import_module(module), name)(*arguments)
    except Exception as problem:
        if not isinstance(problem, RuleError):
            traceback.print_exc()
        return True, problem
    finally:
        await engine().close_connection_pool()


if __name__ == "__main__":
    answer = asyncio.run(_answer(sys.argv[1], pickle.loads(sys.stdin.buffer.read())))  # our own process wrote it
    sys.stdout.buffer.write(pickle.dumps(answer))
