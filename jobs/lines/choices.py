"""What the forms of a line let choose, and what its last bill says of it."""

from datetime import date
from typing import Any

from jobs.imports.books import offer_versions, version_on
from rules.states import DocumentKind, InvoiceState, OfferKind
from tables.catalogue import CommitmentType, RateTable
from tables.invoices import InvoiceLine, SealedDocument

Row = dict[str, Any]


async def offered(day: date) -> dict[str, list[Row]]:
    """The subscriptions and options in sale on a day, at their price; the rate tables; the commitments."""
    books = await offer_versions()
    sold = [(kind, version_on(books, kind, code, day)) for kind, code in sorted(books)]
    return {
        "offers": [version for kind, version in sold if version and kind == OfferKind.offer],
        "options": [version for kind, version in sold if version and kind == OfferKind.option],
        "rate_tables": await RateTable.select(RateTable.code, RateTable.label).order_by(RateTable.code),
        "commitments": await CommitmentType.select(CommitmentType.code, CommitmentType.label).order_by(CommitmentType.months),
    }


async def last_bill(line: int) -> Row | None:
    """The last validated document that speaks of the line: its number, its day, its paper, cents excl. VAT by section."""
    table = InvoiceLine
    columns = (table.section, table.amount_cents, table.invoice.number, table.invoice.issued_on)
    rows = await table.select(*columns, table.invoice.as_alias("key")).where(
        table.line == line, table.invoice.state == InvoiceState.validated
    )
    if not rows:
        return None
    latest = max(row["key"] for row in rows)
    rows = [row for row in rows if row["key"] == latest]
    sections: dict[str, int] = {}
    for row in rows:
        sections[row["section"]] = sections.get(row["section"], 0) + row["amount_cents"]
    paper = SealedDocument.select(SealedDocument.name).where(
        SealedDocument.invoice == latest, SealedDocument.kind == DocumentKind.invoice
    )
    head = {"number": rows[0]["invoice.number"], "issued_on": rows[0]["invoice.issued_on"], "paper": await paper.first()}
    return head | {"sections": sections, "total_cents": sum(sections.values())}
