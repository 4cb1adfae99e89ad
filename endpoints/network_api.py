"""Network requests for programs: what the wholesaler's network is asked, and its answers."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Router, get, post
from litestar.params import Parameter

from endpoints.asked import Asked
from endpoints.lists import MOST, Limit, Offset
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs.network import answers, overview, settling
from rules.rights import Right

State = Annotated[str, Parameter(query="state", description="Un état, ou rien pour tous.")]


@dataclass
class Answer:
    """`msisdn`: the number of a new line; `reason`: why it is refused; `effective_on`: the day of effect, today by default."""

    msisdn: str | None = None
    reason: str | None = None
    effective_on: str | None = None


@get(right=Right.see)
async def list_requests(in_state: State = "", limit: Limit = MOST, offset: Offset = 0) -> dict[str, Any]:
    """The requests in a state, the oldest first."""
    rows, total = await overview.listing(overview.Sought(state=in_state or overview.ALL), limit, offset)
    return {"items": rows, "total": total}


@post("/{request_id:int}/confirm", right=Right.network, status_code=200)
async def confirm(request: Asked, request_id: int, data: Answer) -> dict[str, Any]:
    """The network did it. 409 when it was settled before."""
    day = answers.day_of(data.effective_on) if data.effective_on else None
    await settling.confirm(request_id, msisdn=data.msisdn or "", effective_on=day, actor=actor(request), now=SETTINGS.now())
    return (await overview.of_ids([request_id]))[0]


@post("/{request_id:int}/refuse", right=Right.network, status_code=200)
async def refuse(request: Asked, request_id: int, data: Answer) -> dict[str, Any]:
    """The network will not do it. 409 when it was settled before."""
    await settling.refuse(request_id, reason=data.reason or "", actor=actor(request), now=SETTINGS.now())
    return (await overview.of_ids([request_id]))[0]


router = Router("/api/network-requests", route_handlers=[list_requests, confirm, refuse], tags=["Réseau"])
