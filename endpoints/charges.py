"""The page « Frais » of a customer: services, devices, instalments, fees and goodwill; add, end, remove."""

from secrets import token_urlsafe
from typing import Any
from urllib.parse import quote

from litestar import get, post
from litestar.response import Redirect, Response, Template

from endpoints.asked import Asked, Form
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import charges
from jobs.lawful import NotLawful
from rules.files import cells
from rules.paris import paris_date
from rules.rights import Right
from rules.states import ChargeKind, ProductKind
from rules.vat import VatRate

HOME = "/clients/{customer_number:str}/frais"
RATES = [(f"{rate.value:f}", rate.label) for rate in VatRate]
NATURES = [(nature.value, nature.label) for nature in ProductKind]
BLANK = {
    "act": charges.CHARGE, "label": "", "nature": ProductKind.service.value, "quantity": "1", "unit_price": "", "vat_rate": "20",
    "starts_on": "", "reason": "",
}  # fmt: skip
SAID = {
    "ajoute": "C'est noté : la prochaine facturation le comptera.",
    "fini": "La fin est notée : la prochaine facturation en tiendra compte.",
    "retire": "Retiré. Si un brouillon le comptait, il est mis de côté : refaites les brouillons.",
}


@get(HOME, right=Right.see)
async def page(customer_number: str, fait: str = "") -> Template:
    return await _shown(customer_number, said=SAID.get(fait, ""))


@post(HOME, right=Right.billing, status_code=200)
async def add(request: Asked, customer_number: str, data: Form) -> Response[Any]:
    """Add what comes once, or show again what is typed with what to correct."""
    try:
        await charges.add(customer_number, data, data.get("once", ""), actor=actor(request), now=SETTINGS.now())
    except NotLawful as refusal:
        return await _shown(customer_number, typed=data, errors={one["field"]: one["message"] for one in refusal.errors})
    return _back(customer_number, "ajoute")


@post(HOME + "/{charge_id:int}/terminer", right=Right.billing)
async def end(request: Asked, customer_number: str, charge_id: int, data: Form) -> Redirect:
    last = cells.iso_date(data.get("ends_on", ""))
    await charges.end(customer_number, charge_id, last, actor=actor(request), now=SETTINGS.now())
    return _back(customer_number, "fini")


@post(HOME + "/{charge_id:int}/retirer", right=Right.billing)
async def remove(request: Asked, customer_number: str, charge_id: int) -> Redirect:
    await charges.remove(customer_number, charge_id, actor=actor(request), now=SETTINGS.now())
    return _back(customer_number, "retire")


async def _shown(customer_number: str, typed: dict[str, str] | None = None, **more: Any) -> Template:
    customer, today = await charges.customer(customer_number), paris_date(SETTINGS.now())
    context: dict[str, Any] = {"customer": customer, "today": today, "once": token_urlsafe(16), "errors": {}, "said": ""}
    context |= {"charges": await charges.of_customer(customer["id"]), "story": await charges.history(customer["id"])}
    context |= {"kinds": ChargeKind, "natures": ProductKind, "rate_choices": RATES, "nature_choices": NATURES}
    context["typed"] = BLANK | {"starts_on": today.isoformat()} | (typed or {})
    return Template("charges.html", context=context | more)


def _back(customer_number: str, done: str) -> Redirect:
    return Redirect(
        HOME.replace("{customer_number:str}", quote(customer_number, safe="")), query_params={"fait": done}, status_code=303
    )


HANDLERS = [page, add, end, remove]
