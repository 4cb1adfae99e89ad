"""Issued documents in the order in which an accountant reads them, a few at a time; and what they add up to."""

from collections.abc import AsyncIterator
from typing import Any

from piccolo.query.functions import Count, Sum

from rules.period import Period
from rules.states import InvoiceKind, InvoiceState
from tables.invoices import Invoice

CHUNK = 500
AMOUNTS = ("excl_vat_cents", "vat_cents", "incl_vat_cents")

Row = dict[str, Any]


def issued_in(period: Period | None) -> Any:
    """The documents of a period, by their day of issue; of all time without one."""
    where = Invoice.state == InvoiceState.validated
    return where & (Invoice.issued_on >= period.first) & (Invoice.issued_on <= period.last) if period else where


async def read(where: Any, *columns: Any) -> AsyncIterator[list[Row]]:
    """The documents that meet a condition, by day, invoices before credit notes, by number; a chunk at a time."""
    keys = Invoice.select(Invoice.id).where(where).order_by(Invoice.issued_on)
    keys = keys.order_by(Invoice.kind, ascending=False).order_by(Invoice.number, Invoice.id)
    ids = await keys.output(as_list=True)
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        rows = {row["id"]: row for row in await Invoice.select(Invoice.id, *columns).where(Invoice.id.is_in(some))}
        yield [rows[id] for id in some]


async def totals(period: Period) -> Row:
    """`documents`, `invoices`, `credit_notes`, and their cents: excl. VAT, VAT, incl. VAT; credit notes count below zero."""
    sums = (Sum(getattr(Invoice, name), alias=name) for name in AMOUNTS)
    rows = await Invoice.select(Invoice.kind, Count(), *sums).where(issued_in(period)).group_by(Invoice.kind)
    counts = {row["kind"]: row["count"] for row in rows}
    return {
        "documents": sum(counts.values()),
        "invoices": counts.get(InvoiceKind.invoice, 0),
        "credit_notes": counts.get(InvoiceKind.credit_note, 0),
        **{name: int(sum(row[name] for row in rows)) for name in AMOUNTS},
    }
