"""What the pages of customers show: those that a search finds, and all that there is about one."""

from datetime import date
from typing import Any

from piccolo.query.methods.select import Count

from jobs.customers import get
from jobs.imports.store import named, select_in
from jobs.search import CUSTOMER_TEXT, written
from rules import seek
from rules.states import LIVING, OfferKind
from tables.charges import Charge
from tables.fleet import Line, LineItem
from tables.invoices import Invoice, SealedDocument
from tables.mail import Mail
from tables.orders import Order
from tables.parties import Customer
from tables.timeline import story

Row = dict[str, Any]
ON_A_PAGE = 50
LATEST = 20


async def listing(text: str, limit: int = ON_A_PAGE, offset: int = 0) -> tuple[list[Row], int]:
    """Customers, each with how many living lines it has; and how many there are."""
    words = seek.words(text)
    where = [written(*CUSTOMER_TEXT, words=words)] if words else []
    columns = named(Customer, ["id", "customer_number", "company_name", "kind", "postcode", "city", "billing_email"])
    rows = await Customer.select(*columns).where(*where).order_by(Customer.customer_number).limit(limit).offset(offset)
    lines = await (
        Line.select(Line.customer, Count(alias="lines"))
        .where(Line.customer.is_in([row["id"] for row in rows] or [0]), Line.state.is_in(list(LIVING)))
        .group_by(Line.customer)
    )
    counts = {row["customer"]: row["lines"] for row in lines}
    return [row | {"lines": counts.get(row["id"], 0)} for row in rows], await Customer.count().where(*where)


async def sheet(number: str, today: date) -> Row:
    """All that the page of a customer shows, the latest of each. Raises UnknownCustomer."""
    customer = await get(number)
    key = customer["id"]
    order, charge, invoice = Order, Charge, Invoice
    orders = (
        await order.select(order.id, order.number, order.state, order.salesperson, order.created_at)
        .where(order.customer == key)
        .order_by(order.id, ascending=False)
        .limit(LATEST)
    )
    charges = await charge.select(
        charge.id, charge.label, charge.kind, charge.quantity, charge.unit_price, charge.starts_on, charge.ends_on,
        charge.line.msisdn,
    ).where(charge.customer == key).order_by(charge.id, ascending=False).limit(LATEST)  # fmt: skip
    invoices = await invoice.select(
        invoice.id, invoice.kind, invoice.state, invoice.number, invoice.issued_on, invoice.due_on, invoice.incl_vat_cents,
        invoice.run.month,
    ).where(invoice.customer == key).order_by(invoice.id, ascending=False).limit(LATEST)  # fmt: skip
    paper = SealedDocument
    papers: dict[int, dict[str, str]] = {}
    for row in await select_in([paper.invoice, paper.kind, paper.name], paper.invoice, (one["id"] for one in invoices)):
        papers.setdefault(row["invoice"], {})[row["kind"]] = row["name"]
    about: Any = Mail.invoice.is_in([one["id"] for one in invoices] or [0])
    about |= Mail.customer_order.is_in([one["id"] for one in orders] or [0])
    mails = (
        await Mail.select(Mail.id, Mail.subject, Mail.recipient, Mail.state, Mail.created_at)
        .where(about)
        .order_by(Mail.id, ascending=False)
        .limit(LATEST)
    )
    return customer | {
        "lines": await _lines(key, today),
        "living": await Line.count().where(Line.customer == key, Line.state.is_in(list(LIVING))),
        "all_lines": await Line.count().where(Line.customer == key),
        "orders": orders,
        "charges": charges,
        "invoices": [one | {"papers": papers.get(one["id"], {})} for one in invoices],
        "mails": mails,
        "story": await story("customer", key),
    }


async def _lines(customer: int, today: date) -> list[Row]:
    """Its first lines, those in service before the others, each with what it subscribes to today."""
    columns = named(Line, ["id", "msisdn", "user_name", "state", "activated_on", "terminated_on"])
    of_it = Line.customer == customer
    living = Line.state.is_in(list(LIVING))
    rows = await Line.select(*columns).where(of_it, living).order_by(Line.msisdn).limit(ON_A_PAGE)
    if len(rows) < ON_A_PAGE:
        gone = Line.select(*columns).where(of_it, Line.state.not_in(list(LIVING))).order_by(Line.id, ascending=False)
        rows += await gone.limit(ON_A_PAGE - len(rows))
    item = LineItem
    items = await item.select(item.line, item.offer.label).where(
        item.line.is_in([row["id"] for row in rows] or [0]), item.kind == OfferKind.offer,
        item.starts_on <= today, item.ends_on.is_null() | (item.ends_on >= today),
    ).order_by(item.starts_on)  # fmt: skip
    offers = {one["line"]: one["offer.label"] for one in items}
    return [row | {"offer": offers.get(row["id"], "")} for row in rows]
