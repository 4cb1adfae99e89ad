"""Rate tables by API: their versions, what each changes and loses, and the price of a number."""

from datetime import date
from typing import Annotated, Any

from litestar import Router, get
from litestar.params import Parameter

from endpoints.lists import MOST, Limit, Offset, page
from gateways.settings import SETTINGS
from jobs import prices
from rules.paris import paris_date
from rules.rate_changes import Change, Loss
from rules.states import CallType, Direction

Number = Annotated[str, Parameter(query="number", description="Sous toute forme ; vide pour DATA, ou un appelant masqué.")]
Type = Annotated[CallType, Parameter(query="type")]
On = Annotated[date | None, Parameter(query="on", description="Aujourd'hui si absent.")]


@get()
async def rate_tables(limit: Limit = MOST, offset: Offset = 0) -> dict[str, Any]:
    """The rate tables, by code."""
    found = await prices.tables(paris_date(SETTINGS.now()))
    items = [{"code": table["code"], "label": table["label"], "versions": len(table["versions"])} for table in found]
    return page(items, limit, offset)


@get("/{code:str}/versions")
async def versions(code: str, limit: Limit = MOST, offset: Offset = 0) -> dict[str, Any]:
    """The versions of a table, the latest first; `standing`: in_force, coming or past; `used`: it may have priced calls."""
    today = paris_date(SETTINGS.now())
    await prices.in_force(code, today)
    found = next(table for table in await prices.tables(today) if table["code"] == code)
    names = ("id", "valid_from", "rows", "standing", "used", "created_at")
    return page([{name: version[name] for name in names} for version in found["versions"]], limit, offset)


@get("/{code:str}/price")
async def price(
    code: str, type_: Type, number: Number = "", origin: str = "HOME", direction: Direction = Direction.out, on: On = None
) -> dict[str, Any]:
    """The row that prices a number on a day, and what a minute, a message or a MB then costs. `rate` null: none does."""
    day = on or paris_date(SETTINGS.now())
    version = await prices.in_force(code, day)
    found = prices.price(await prices.rows_of(version["id"] if version else None), number, type_, origin, direction)
    rate = found.rate and {name: found.rate[name] for name in prices.NAMES}
    about = {
        "version": version and {"id": version["id"], "valid_from": version["valid_from"]},
        "key": found.key,
        "tried": found.tried,
    }
    micro = {name: getattr(found, name) for name in ("peak_micro", "offpeak_micro", "service_micro")}
    return about | {"rate": rate} | micro


@get("/{version_id:int}/changes")
async def changes(version_id: int, limit: Limit = MOST, offset: Offset = 0) -> dict[str, Any]:
    """What a version changes against the one before it: `before` and `after` hold the columns that differ."""
    found: list[Change] = await prices.changes_of(version_id)
    return page(found, limit, offset)


@get("/{version_id:int}/losses")
async def losses(version_id: int, limit: Limit = MOST, offset: Offset = 0) -> dict[str, Any]:
    """The destinations that a version sells under the wholesale cost of the last months' calls, the heaviest loss first."""
    await prices.version(version_id)
    found: list[Loss] = await prices.losses(await prices.rows_of(version_id), SETTINGS.now())
    return page(found, limit, offset)


router = Router("/api/rate-tables", route_handlers=[rate_tables, versions, price], tags=["Grilles tarifaires"])
version_router = Router("/api/rate-versions", route_handlers=[changes, losses], tags=["Grilles tarifaires"])
