"""The door of the scheduler: `POST /jobs/{name}` with the bearer token of jobs; each answers its report."""

from collections.abc import Awaitable
from contextlib import suppress

from litestar import Response, Router, post
from litestar.background_tasks import BackgroundTask

from jobs import schedule
from jobs.report import Report
from rules.errors import RuleError


@post("/{name:str}", status_code=200)
async def run(name: str, wait: bool = True) -> Response[Report | None]:
    """Do a job; its report when it ends, or 202 at once with `?wait=0`. 409: the same job is at work."""
    passage = schedule.begin(name)
    if wait:
        return Response(await passage)
    return Response(None, status_code=202, background=BackgroundTask(to_its_end, passage))


async def at_once(name: str) -> None:
    """Do a job behind an answer, unless it is at work already."""
    with suppress(RuleError):
        await schedule.begin(name)


async def to_its_end(passage: Awaitable[Report]) -> None:
    """The passage, whose refusal is told by its record."""
    with suppress(RuleError):
        await passage


router = Router("/jobs", route_handlers=[run], tags=["Tâches"])
