"""What the worker does for a run: its stage, then further ones. Whoever starts it hands it the lock (runs.py, spawn)."""

from gateways.settings import SETTINGS
from jobs.billing import runs


async def work(run_id: int, *stages: str) -> None:
    await runs.perform(run_id, SETTINGS.now())
    for stage in stages:
        actor = (await runs.get(run_id))["actor"]
        await runs.begin(run_id, stage, actor, work=lambda run_id: runs.perform(run_id, SETTINGS.now()))
