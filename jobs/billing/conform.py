"""Before any number is taken: each draft as the e-invoice that it will be, held to its rules; one that fails is parked.

The XML is made with a provisional number of the same shape, so that the sealed one differs by its number and dates alone.
"""

import asyncio
import json
from datetime import date
from typing import Any

from gateways import einvoice as rules_of
from gateways.einvoice import NotConformant
from jobs.billing.draft import due_on, tell_totals
from rules import einvoice, numbering
from rules.states import InvoiceKind, InvoiceState
from tables.billing import ParkedCustomer
from tables.engine import transaction
from tables.invoices import Invoice, InvoiceLine

HIGHEST = 999_999
NO_REFERENCE = "BR-FR-CO-05_BT-3"
"""A credit note for days that only a former system billed, whose number nobody gave, has no invoice to name."""

Row = dict[str, Any]


def numbered(document: Row, number: str, today: date) -> Row:
    """The document with its number and its dates."""
    dated = document | {"number": number, "issued_on": today.isoformat()}
    return dated | {"due_on": due_on(dated, today).isoformat()}


async def park_unfit(run: Row, rows: list[Row], reseller: Row, today: date) -> set[int]:
    """Park the customers of the drafts that no one could accept; the ids of these drafts, which are gone."""
    return await park(run["id"], await asyncio.to_thread(_unfit, rows, reseller, today))


async def park(run_id: int, reasons: dict[int, str]) -> set[int]:
    """Put these drafts of a run away and park their customers, each with its reason; their ids."""
    if reasons:
        async with transaction():
            rows = await Invoice.select(Invoice.id, Invoice.customer).where(
                Invoice.id.is_in(list(reasons)), Invoice.state == InvoiceState.draft
            )
            await InvoiceLine.delete().where(InvoiceLine.invoice.is_in([row["id"] for row in rows] or [0]))
            await Invoice.delete().where(Invoice.id.is_in([row["id"] for row in rows] or [0]))
            for row in rows:
                await ParkedCustomer(run=run_id, customer=row["customer"], reason=reasons[row["id"]]).save()
            await tell_totals(run_id)
    return set(reasons)


def _unfit(rows: list[Row], reseller: Row, today: date) -> dict[int, str]:
    """By draft, what its rules say. The form of each is checked; EN 16931 and the French rules on the reseller's sample."""
    found = {}
    for row in rows:
        pattern = reseller["invoice_pattern" if row["kind"] == InvoiceKind.invoice else "credit_note_pattern"]
        document = numbered(json.loads(row["document"]), numbering.number(pattern, today.year, HIGHEST), today)
        try:
            check(document, in_full=row["id"] % 100 < reseller["einvoice_sample"])
        except NotConformant as problem:
            found[row["id"]] = f"Facture électronique refusée. {problem}"
    return found


def check(document: Row, in_full: bool = True) -> None:
    """Raises NotConformant."""
    xml = einvoice.xml(document)
    rules_of.check_form(xml)
    if in_full:
        nameless = document["kind"] == InvoiceKind.credit_note and not document["corrects"]
        rules_of.check_rules(xml, excused=frozenset({NO_REFERENCE} if nameless else ()))
