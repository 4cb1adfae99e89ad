"""What the next invoices say and when they are due, written on a page that shows the real paper."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from gateways import logos
from gateways.press import PRESS
from jobs import face, reseller
from jobs.billing.draft import due_on, seller, terms, texts
from jobs.billing.validate import next_number
from jobs.lawful import NotLawful, lawful
from rules import due
from rules.files import cells, kinds
from rules.files.rows import Column, Kind, Values
from rules.invoice_words import LAW, SHIPPED, UnlawfulText, mention, with_variables
from rules.states import InvoiceKind
from tables.engine import transaction
from tables.face import InvoiceTemplate
from tables.invoices import Invoice
from tables.parties import Customer, Reseller

EXAMPLE = Path(__file__).parent.parent / "typst_templates" / "example.json"
LINES_SHOWN = 16
PATTERNS = ("invoice_pattern", "credit_note_pattern")
OF_SELLER = ("payment_days", "end_of_month", *PATTERNS)
OWN = (
    Column("footer", cells.text, "", longest=600, lines=6),
    *(Column(name, partial(mention, name), "", longest=1_000, lines=8) for name in LAW),
    *(Column(way, with_variables, "", longest=400, lines=6) for way in ("transfer", "direct_debit", "card", "cheque")),
)


def _said(values: Values) -> kinds.Problems:
    """A mention of the law is not emptied."""
    for name in LAW:
        if values.get(name, SHIPPED[name]) == "":
            try:
                mention(name, "")
            except UnlawfulText as problem:
                yield name, problem


TEMPLATE = Kind(
    "invoice_template", (*(column for column in reseller.SELLER.columns if column.name in OF_SELLER), *OWN), (), _said
)


@dataclass(frozen=True)
class Preview:
    """The pages as PNG, whose document it was, and what the typed values come to; `faults` are those not shown."""

    pages: list[bytes]
    customer: str
    cut: bool
    next_invoice: str
    next_credit_note: str
    due_on: date
    beyond_law: bool
    faults: list[dict[str, Any]]


async def current() -> Values:
    """What is in force, the shipped texts in the place of those not written."""
    row, own = await reseller.current(), await _own()
    return {name: getattr(row, name) for name in OF_SELLER} | own | {name: own[name] or text for name, text in SHIPPED.items()}


async def _own() -> dict[str, Any]:
    found = await InvoiceTemplate.select().where(InvoiceTemplate.id == reseller.ONLY).first() or {}
    return {column.name: found.get(column.name, "") for column in OWN}


async def save(values: Mapping[str, Any], actor: str) -> None:
    """Replace what `values` names, for the next drafts. Raises NotLawful with every fault at once."""
    await reseller.current()
    clean = _kept(lawful(TEMPLATE, values))
    async with transaction():
        await reseller.change(Reseller, {name: value for name, value in clean.items() if name in OF_SELLER}, actor)
        await reseller.change(InvoiceTemplate, {name: value for name, value in clean.items() if name not in OF_SELLER}, actor)


def _kept(clean: Values) -> Values:
    """A text left as shipped is not kept: it will follow the law."""
    return clean | {name: "" for name, text in SHIPPED.items() if clean.get(name) == text}


async def preview(typed: Mapping[str, Any], customer_number: str, method: str, today: date) -> Preview:
    """The last document of a customer, or the example, as it would be if these values were saved. Raises PaperRefused."""
    values, faults = await _understood(typed)
    document, customer, name = await _document(customer_number)
    row = (await Reseller.select().where(Reseller.id == reseller.ONLY))[0] | values
    branding = await face.branding()
    numbers = [await next_number(row[pattern], today) for pattern in PATTERNS]
    payment = document["payment"] | terms(customer, row) | ({"method": method} if method else {})
    document |= {
        "number": numbers[document["kind"] == InvoiceKind.credit_note],
        "issued_on": today.isoformat(),
        "seller": seller(row, branding),
        "payment": payment,
        "texts": texts(values, payment["method"]),
        "lines": document["lines"][:LINES_SHOWN],
    }
    document["due_on"] = due_on(document, today).isoformat()
    return Preview(
        pages=await PRESS.ask("pictures", document, logos.kept(branding["logo_sha256"])),
        customer=name,
        cut=len(document["lines"]) == LINES_SHOWN,
        next_invoice=numbers[0],
        next_credit_note=numbers[1],
        due_on=due.due_on(today, row["payment_days"], row["end_of_month"]),
        beyond_law=due.beyond_law(row["payment_days"], row["end_of_month"]),
        faults=faults,
    )


async def _understood(typed: Mapping[str, Any]) -> tuple[Values, list[dict[str, Any]]]:
    """The typed values, those in force in the place of faulty ones, and the faults."""
    await reseller.current()
    stored = await current()
    try:
        clean = lawful(TEMPLATE, typed)
        await reseller.check_patterns({name: clean[name] for name in PATTERNS if clean.get(name, stored[name]) != stored[name]})
    except NotLawful as refusal:
        faulty = {fault["field"] for fault in refusal.errors}
        values, faults = await _understood({name: value for name, value in typed.items() if name not in faulty})
        return values, [*refusal.errors, *faults]
    return stored | clean, []


async def _document(customer_number: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """A document to fill, the customer's own terms, and whose it is; the example when the customer has none."""
    customer = Customer.select(Customer.id, Customer.company_name, Customer.payment_days, Customer.end_of_month)
    found = await customer.where(Customer.customer_number == customer_number).first() if customer_number else None
    if found:
        query = Invoice.select(Invoice.document).where(Invoice.customer == found["id"])
        if row := await query.order_by(Invoice.id, ascending=False).first():
            return json.loads(row["document"]), found, found["company_name"]
    return json.loads(EXAMPLE.read_text(encoding="utf-8")), {"payment_days": None, "end_of_month": None}, ""


async def customers() -> list[dict[str, Any]]:
    """Some customers to propose: those of the last documents."""
    who = Invoice.customer
    rows = await Invoice.select(who.customer_number, who.company_name).order_by(Invoice.id, ascending=False).limit(200)
    known = {row["customer.customer_number"]: row["customer.company_name"] for row in rows}
    return [{"number": number, "name": name} for number, name in sorted(known.items())]
