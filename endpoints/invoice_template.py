"""The page « Modèle de facture »: words, terms and numbers of the next invoices, beside the real paper."""

from base64 import b64encode
from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect, Template

from endpoints.asked import Asked, Form
from endpoints.session import actor
from gateways.press import PRESS
from gateways.settings import SETTINGS
from jobs import invoice_template
from jobs.lawful import NotLawful
from rules.invoice_words import SHIPPED, VARIABLES
from rules.paris import paris_date
from rules.rights import Right
from rules.states import PaymentMethod

HOME = "/modele-facture"
SAVED = "Le modèle est enregistré. Il vaudra pour les prochains brouillons ; ce qui est scellé ne bouge pas."
WAYS = {
    "transfer": PaymentMethod.transfer, "direct_debit": PaymentMethod.direct_debit, "card": PaymentMethod.card,
    "cheque": PaymentMethod.cheque,
}  # fmt: skip


@get(HOME, right=Right.settings)
async def page(fait: bool = False) -> Template:
    PRESS.warm()
    return await _shown(await invoice_template.current(), SAVED if fait else "")


@post(HOME, right=Right.settings)
async def save(request: Asked, data: Form) -> Response[Any]:
    """Save, or show again: what is typed, with a shipped text put back, or with what to correct."""
    asked, _, field = data.get("geste", "").partition(":")
    if asked == "livre":
        return await _shown(_values(data) | {field: SHIPPED.get(field, "")}, typed=data)
    if asked == "apercu":
        return await _shown(_values(data), typed=data)
    try:
        await invoice_template.save(_values(data), actor(request))
    except NotLawful as refusal:
        return await _shown(_values(data), typed=data, errors={one["field"]: one["message"] for one in refusal.errors})
    return Redirect(HOME, query_params={"fait": "1"}, status_code=303)


@post(HOME + "/apercu", right=Right.settings, status_code=200)
async def preview(data: Form) -> Template:
    """The piece that follows the typing."""
    return Template("invoice_preview.html", context={"preview": await _preview(_values(data), data), "encoded": _encoded})


def _values(data: dict[str, str]) -> dict[str, Any]:
    known = {column.name for column in invoice_template.TEMPLATE.columns}
    return {name: value for name, value in data.items() if name in known} | {"end_of_month": "end_of_month" in data}


async def _preview(values: dict[str, Any], asked: dict[str, str]) -> invoice_template.Preview:
    method = asked.get("mode", "") if asked.get("mode") in set(PaymentMethod) else ""
    return await invoice_template.preview(values, asked.get("client", "").strip(), method, paris_date(SETTINGS.now()))


async def _shown(
    values: dict[str, Any], done: str = "", typed: dict[str, str] | None = None, errors: dict[str, str] | None = None
) -> Template:
    asked = typed or {}
    context = {
        "values": values,
        "errors": errors or {},
        "done": done,
        "preview": await _preview(values, asked),
        "encoded": _encoded,
        "customers": await invoice_template.customers(),
        "client": asked.get("client", ""),
        "mode": asked.get("mode", ""),
        "ways": WAYS,
        "variables": VARIABLES,
    }
    return Template("invoice_template.html", context=context, status_code=422 if errors else 200)


def _encoded(png: bytes) -> str:
    return b64encode(png).decode()


HANDLERS = [page, save, preview]
