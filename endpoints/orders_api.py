"""Orders by API: a draft that may be incomplete, corrected, submitted once, cancelled, read."""

from typing import Annotated, Any

from litestar import Response, Router, get, patch, post
from litestar.background_tasks import BackgroundTask
from litestar.params import Parameter
from msgspec import Struct

from endpoints import scheduler
from endpoints.asked import Asked
from endpoints.lists import MOST, Limit, Offset
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs.orders import drafts, submitting, telling
from rules.rights import Right

Answer = dict[str, Any]
State = Annotated[str, Parameter(query="state")]  # a handler may not name an argument so


class NewOrder(Struct, forbid_unknown_fields=True):
    """`items`: as the interface describes them; what is missing is told in `errors`."""

    customer_number: str
    items: list[dict[str, Any]] = []
    salesperson: str = ""


class OrderChange(Struct, forbid_unknown_fields=True):
    """`items` replaces all of them; `version`: the one that was read, 409 when someone saved another since."""

    items: list[dict[str, Any]] | None = None
    salesperson: str | None = None
    version: int | None = None


class Cancelling(Struct, forbid_unknown_fields=True):
    reason: str = ""


@post(right=Right.orders)
async def create(request: Asked, data: NewOrder) -> Answer:
    """A draft, which may be incomplete (`errors`); its cards are held for 48 hours. 409 SIM_RESERVED: another order has one."""
    now = SETTINGS.now()
    key = await drafts.create(data.customer_number, data.items, actor=actor(request), now=now, salesperson=data.salesperson)
    return await telling.describe(key, now)


@get(right=Right.see)
async def list_orders(in_state: State = "", customer_number: str = "", limit: Limit = MOST, offset: Offset = 0) -> Answer:
    """The orders in a state, of a customer, the latest first."""
    rows, total = await telling.listing(in_state, customer_number, limit, offset)
    return {"items": rows, "total": total}


@get("/{order_id:int}", right=Right.see)
async def read(order_id: int) -> Answer:
    return await telling.describe(order_id, SETTINGS.now())


@patch("/{order_id:int}", right=Right.orders)
async def change(request: Asked, order_id: int, data: OrderChange) -> Answer:
    """Change a draft. 409 once it is submitted."""
    now, changes = SETTINGS.now(), {"version": data.version, "salesperson": data.salesperson}
    await drafts.save(order_id, data.items, actor=actor(request), now=now, **changes)  # type: ignore[arg-type]
    return await telling.describe(order_id, now)


@post("/{order_id:int}/submit", status_code=200, right=Right.orders)
async def submit(request: Asked, order_id: int) -> Response[Answer]:
    """Check everything again and ask for it, once; 422 with the errors and nothing done."""
    now = SETTINGS.now()
    await submitting.submit(order_id, actor=actor(request), now=now)
    return Response(await telling.describe(order_id, now), background=BackgroundTask(scheduler.at_once, "send-mails"))


@post("/{order_id:int}/cancel", status_code=200, right=Right.orders)
async def cancel(request: Asked, order_id: int, data: Cancelling | None = None) -> Answer:
    """Give up a draft; its cards go back to the stock. 409 once its lines are asked for."""
    now = SETTINGS.now()
    await drafts.cancel(order_id, actor=actor(request), now=now, reason=data.reason if data else "")
    return await telling.describe(order_id, now)


router = Router("/api/orders", route_handlers=[create, list_orders, read, change, submit, cancel], tags=["Commandes"])
