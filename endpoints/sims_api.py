"""SIM cards by API: looking them up, changing their state. Their codes never leave by this door."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Router, get, post
from litestar.params import Parameter

from endpoints.asked import Asked
from endpoints.lists import MOST, Limit, Offset
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import sim_states, sims

Answer = dict[str, Any]
State = Annotated[str, Parameter(query="state")]  # a handler may not name an argument so


@dataclass
class Change:
    """`iccids`: numbers, or ranges « first - last »; `state`: the one to reach, or `unblocked`; `reason`: kept in the journal."""

    iccids: list[str]
    state: str
    reason: str = ""


@get()
async def list_sims(
    in_state: State = "", batch: str = "", iccid: str = "", limit: Limit = MOST, offset: Offset = 0
) -> Answer:  # fmt: skip
    """The cards in a state, of a batch, whose number ends so; `line`: the number of the line that holds it."""
    rows, total = await sims.listing(sims.Search(state=in_state, batch=batch, iccid=iccid), limit, offset)
    return {"items": rows, "total": total}


@post("/state", status_code=200)
async def change_state(request: Asked, data: Change) -> Answer:
    """Move each card that may be moved; one result per card, in no case all or nothing."""
    ids, unread = await sim_states.pick(data.iccids)
    results = await sim_states.change(
        ids, data.state, data.reason, actor=actor(request), now=SETTINGS.now(), unread=unread
    )  # fmt: skip
    refused = sum(bool(one.problem) for one in results)
    return {"done": len(results) - refused, "refused": refused, "results": results}


router = Router("/api/sims", route_handlers=[list_sims, change_state], tags=["Cartes SIM"])
