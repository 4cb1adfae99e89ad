"""The pages « Clients »: the list, the sheet of one, the form that creates or changes it."""

from typing import Any
from urllib.parse import urlencode

from litestar import get, post
from litestar.response import Redirect, Template

from endpoints.asked import Asked, Form, Sheet
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import customer_sheet, customers
from jobs.lawful import NotLawful
from rules.errors import RuleError
from rules.files.kinds import ADDRESS
from rules.paris import paris_date
from rules.rights import Right
from rules.states import ChargeKind, InvoiceKind, LineState, OrderState
from rules.wholesaler_form import outside_grid, wholesaler_form
from tables.parties import Customer

HOME = "/clients"
COLUMNS = {column._meta.name: column for column in Customer._meta.columns}
TITLES = {name: str(column._meta.help_text).partition(" — ")[0] for name, column in COLUMNS.items()}
HINTS = {name: str(column._meta.help_text).partition(" — ")[2] for name, column in COLUMNS.items()}
WORDS: dict[str, Any] = {name: column._meta.choices for name, column in COLUMNS.items() if column._meta.choices}
TICKS = ("detailed_bill", "hide_digits", "group_lines", "send_credentials")
OTHER = ("delivery", "billing")
"""Addresses that a tick reveals; without the tick there is none."""


@get(HOME, right=Right.see)
async def page(q: str = "", feuille: Sheet = 1) -> Template:
    size = customer_sheet.ON_A_PAGE
    rows, found = await customer_sheet.listing(q, size, size * (feuille - 1))
    context = {"rows": rows, "found": found, "search": q, "query": urlencode({"q": q}), "words": WORDS}
    return Template("customers.html", context=context | {"sheet": feuille, "sheets": -(-found // size)})


@get(HOME + "/nouveau", right=Right.customers)
async def new() -> Template:
    return _form(customers.blank() | {"customer_number": await customers.proposed_number()})


@post(HOME + "/nouveau", right=Right.customers)
async def create(request: Asked, data: Form) -> Redirect | Template:
    typed = _typed(data)
    try:
        number = await customers.create(
            typed, confirmed=bool(data.get("quand_meme")), actor=actor(request), now=SETTINGS.now()
        )  # fmt: skip
    except RuleError as refusal:
        return _form(typed, refusal=refusal)
    return Redirect(f"{HOME}/{number}", query_params={"fait": "cree"}, status_code=303)


@post(HOME + "/forme", right=Right.see, status_code=200)
async def wholesaler(data: Form) -> Template:
    """The name as the network would get it, while it is typed."""
    return Template("customer_wholesaler.html", context=_wholesaler(data.get("company_name", "")))


@get(HOME + "/{number:str}", right=Right.see)
async def sheet(number: str, fait: str = "") -> Template:
    customer = await customer_sheet.sheet(number, paris_date(SETTINGS.now()))
    context = {"customer": customer, "done": fait, "titles": TITLES, "said": said, "form": customers.form_of(customer)}
    states = {"lines": LineState, "orders": OrderState, "charges": ChargeKind, "invoices": InvoiceKind}
    return Template("customer.html", context=context | _wholesaler(customer["company_name"]) | {"states": states})


@get(HOME + "/{number:str}/modifier", right=Right.customers)
async def edit(number: str) -> Template:
    row = await customers.get(number)
    return _form(customers.form_of(row), row, customers.version_of(row))


@post(HOME + "/{number:str}/modifier", right=Right.customers)
async def change(request: Asked, number: str, data: Form) -> Redirect | Template:
    typed, version = _typed(data), data.get("version", "")
    try:
        done = await customers.change(
            number, typed, version, confirmed=bool(data.get("quand_meme")), actor=actor(request), now=SETTINGS.now()
        )  # fmt: skip
    except customers.UnknownCustomer:
        raise
    except RuleError as refusal:
        version = getattr(refusal, "version", version)
        return _form(typed | {"customer_number": number}, await customers.get(number), version, refusal)
    return Redirect(f"{HOME}/{number}", query_params={"fait": "modifie" if done else "inchange"}, status_code=303)


def _typed(data: dict[str, str]) -> dict[str, str]:
    """The form as a file would write it: a tick is yes or no, an address that is not ticked is empty."""
    typed = {name: data.get(name, "").strip() for name in customers.NAMES}
    typed |= {name: "yes" if data.get(name) else "no" for name in TICKS}
    for kind in OTHER:
        if not data.get(f"{kind}_other"):
            typed |= {f"{kind}_{part}": "" for part in ADDRESS}
    return typed


def _form(
    form: dict[str, str], customer: dict[str, Any] | None = None, version: str = "", refusal: RuleError | None = None
) -> Template:
    """The form with what was typed, be it refused."""
    faults = {one["field"]: one["message"] for one in refusal.errors} if isinstance(refusal, NotLawful) else {}
    other = {kind: any(form[f"{kind}_{part}"] for part in ADDRESS[:4]) for kind in OTHER}
    context = {
        "form": form, "customer": customer, "version": version, "refusal": refusal, "faults": faults, "other": other,
        "titles": TITLES, "hints": HINTS, "words": WORDS, "said": said, "address": ADDRESS,
    }  # fmt: skip
    status = getattr(refusal, "status", 422) if refusal else 200
    return Template("customer_form.html", context=context | _wholesaler(form["company_name"]), status_code=status)


def _wholesaler(name: str) -> dict[str, str]:
    return {"wholesaler": wholesaler_form(name), "outside": outside_grid(name)}


def said(name: str, value: Any) -> str:
    """A value of a column as a clerk reads it."""
    text = {True: "oui", False: "non", "yes": "oui", "no": "non", None: ""}.get(value, str(value))
    if name in WORDS:
        return str(next((word.label for word in WORDS[name] if word.value == text), text))
    return f"…{text[-4:]}" if name == "iban" and text else text


HANDLERS = [page, new, create, wholesaler, sheet, edit, change]
