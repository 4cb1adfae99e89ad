"""Lines by API: one line as it stands, and the verbs on it."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from litestar import Router, get, post

from endpoints.asked import Asked
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs.lines import acts
from jobs.lines.acts import Act
from jobs.lines.sheet import find, sheet
from rules.paris import paris_date
from rules.rights import Right
from rules.states import ChangeKind

Answer = dict[str, Any]


@dataclass(kw_only=True)
class When:
    """`effective_on`: a day of Paris, today when it is not said; `reason`: required to terminate."""

    effective_on: date | None = None
    reason: str = ""


@dataclass(kw_only=True)
class Suspend(When):
    barring: str


@dataclass(kw_only=True)
class Terminate(When):
    reason_code: str = ""


@dataclass(kw_only=True)
class Swap(When):
    iccid: str


@dataclass(kw_only=True)
class Rename(When):
    user_name: str


@dataclass(kw_only=True)
class Profile(When):
    profile: str


@dataclass(kw_only=True)
class PricedOption:
    code: str
    monthly_price: str | None = None
    data_speed: str | None = None


@dataclass(kw_only=True)
class Discount:
    on: str
    percent: str | None = None
    amount: str | None = None
    until: str | None = None
    months: int | None = None


@dataclass(kw_only=True)
class ChangeOffer(When):
    """`options`: those that the line shall have, codes or objects; absent = those that it has."""

    offer: str
    options: list[str | PricedOption] | None = None
    rate_table: str | None = None
    monthly_price: str | None = None
    discounts: list[Discount] = field(default_factory=list)
    commitment_type: str | None = None


@dataclass(kw_only=True)
class CancelChange:
    id: int


@get("/{number:str}", right=Right.see)
async def read(number: str) -> Answer:
    """The line of a number that is live today, else the latest. 404: none ever."""
    return await sheet(number, SETTINGS.now())


async def _do(request: Asked, number: str, kind: ChangeKind, data: When, **asked: Any) -> Answer:
    now = SETTINGS.now()
    act = Act(kind, data.effective_on or paris_date(now), data.reason, asked)
    await acts.one(act, await find(number, now), actor=actor(request), now=now)
    return await sheet(number, now)


@post("/{number:str}/suspend", status_code=200, right=Right.lines)
async def suspend(request: Asked, number: str, data: Suspend) -> Answer:
    """Restrict outgoing calls (`OUT`), or all (`BOTH`)."""
    return await _do(request, number, ChangeKind.suspend, data, barring=data.barring)


@post("/{number:str}/reactivate", status_code=200, right=Right.lines)
async def reactivate(request: Asked, number: str, data: When) -> Answer:
    """Lift the restriction."""
    return await _do(request, number, ChangeKind.reactivate, data)


@post("/{number:str}/terminate", status_code=200, right=Right.lines)
async def terminate(request: Asked, number: str, data: Terminate) -> Answer:
    """End the line for good after `effective_on`, which may be past; until that day it can be cancelled."""
    return await _do(request, number, ChangeKind.terminate, data, reason_code=data.reason_code)


@post("/{number:str}/swap-sim", status_code=200, right=Right.lines)
async def swap_sim(request: Asked, number: str, data: Swap) -> Answer:
    """Give the line another card of the stock; the old one is retired."""
    return await _do(request, number, ChangeKind.swap_sim, data, iccid=data.iccid)


@post("/{number:str}/rename", status_code=200, right=Right.lines)
async def rename(request: Asked, number: str, data: Rename) -> Answer:
    """Change who uses the line."""
    return await _do(request, number, ChangeKind.rename, data, user_name=data.user_name)


@post("/{number:str}/change-offer", status_code=200, right=Right.lines)
async def change_offer(request: Asked, number: str, data: ChangeOffer) -> Answer:
    """Another offer or other options from `effective_on` on, without a gap."""
    options = None if data.options is None else [one if isinstance(one, str) else vars(one) for one in data.options]
    discounts = [vars(one) for one in data.discounts]
    asked = vars(data) | {"options": options, "discounts": discounts}
    return await _do(request, number, ChangeKind.change_offer, data, **asked)


@post("/{number:str}/international", status_code=200, right=Right.lines)
async def international(request: Asked, number: str, data: Profile) -> Answer:
    """What the line may do abroad: `NONE`, `EU`, or `WORLD` where its offer allows it."""
    return await _do(request, number, ChangeKind.international, data, profile=data.profile)


@post("/{number:str}/cancel-change", status_code=200, right=Right.lines)
async def cancel_change(request: Asked, number: str, data: CancelChange) -> Answer:
    """Take back a planned change of this line, until the eve of its day."""
    now = SETTINGS.now()
    await acts.cancel(data.id, line=await find(number, now), actor=actor(request), now=now)
    return await sheet(number, now)


router = Router(
    "/api/lines",
    route_handlers=[
        read, suspend, reactivate, terminate, swap_sim, rename, change_offer, international, cancel_change,
    ],
    tags=["Lignes"],
)  # fmt: skip
