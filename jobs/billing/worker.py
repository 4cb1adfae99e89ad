"""The process that does a run's work: `python -m jobs.billing.worker RUN_ID [STAGE …]`, its stage, then those.

Whoever starts it hands it the lock (jobs/billing/runs.py, spawn).
"""

import asyncio
import sys

from gateways.settings import SETTINGS
from jobs.billing import runs
from tables.engine import engine


async def main(run_id: int, stages: list[str]) -> None:
    await engine().start_connection_pool()
    try:
        await runs.perform(run_id, SETTINGS.now())
        for stage in stages:
            actor = (await runs.get(run_id))["actor"]
            await runs.begin(run_id, stage, actor, work=lambda run_id: runs.perform(run_id, SETTINGS.now()))
    finally:
        await engine().close_connection_pool()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
