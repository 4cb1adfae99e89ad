"""Drafts become documents: each takes its number, is frozen, and moves what it billed, in one transaction of its own."""

import hashlib
import json
from datetime import date, datetime
from typing import Any

from jobs.billing.conform import numbered, park_unfit
from jobs.billing.draft import Progress
from jobs.seals import chain
from rules import numbering
from rules.errors import RuleError
from rules.paris import paris_date
from rules.states import InvoiceKind, InvoiceState, Section
from tables.billing import BillingRun
from tables.engine import claim, transaction, update_many
from tables.fleet import LineItem
from tables.invoices import Invoice, InvoiceLine, NumberSeries
from tables.parties import Reseller
from tables.timeline import tell

AHEAD = 200


class ClockWentBack(RuleError):
    """A document older than the last one of its series."""


async def validate(run: dict[str, Any], now: datetime, progress: Progress) -> int:
    """Every draft of the run, by customer number, invoices before credit notes. Can be stopped anywhere and called again."""
    reseller = await Reseller.select().first() or {}
    waiting = await _waiting(run["id"])
    for start in range(0, len(waiting), AHEAD):
        batch = waiting[start : start + AHEAD]
        rows = await Invoice.select(Invoice.id, Invoice.kind, Invoice.customer, Invoice.document).where(Invoice.id.is_in(batch))
        unfit = await park_unfit(run, rows, reseller, paris_date(now))
        moves, lines = await _moves(batch), await chain.lines_of(batch)
        by_id = {row["id"]: row for row in rows}
        for offset, id in enumerate(batch):
            await progress(start + offset, len(waiting))
            if id not in unfit:
                await _one(by_id[id], lines.get(id, []), moves.get(id, {}), reseller, now, run["actor"])
    if run["validated_at"] is None:
        async with transaction():
            await BillingRun.update({BillingRun.validated_at: now}).where(BillingRun.id == run["id"])
    return len(waiting)


async def _waiting(run_id: int) -> list[int]:
    rows = await Invoice.select(Invoice.id, Invoice.kind, Invoice.customer.customer_number).where(
        Invoice.run == run_id, Invoice.state == InvoiceState.draft
    )
    rows.sort(key=lambda row: (row["kind"] == InvoiceKind.credit_note, row["customer.customer_number"]))
    return [row["id"] for row in rows]


async def _moves(invoices: list[int]) -> dict[int, dict[int, date]]:
    """For each invoice, how far each item is billed once it is validated."""
    line = InvoiceLine
    rows = await line.select(line.invoice, line.item, line.section, line.first_day, line.last_day).where(
        line.invoice.is_in(invoices), line.section.is_in([Section.recurring, Section.refund])
    )
    moves: dict[int, dict[int, date]] = {}
    for row in rows:
        known = moves.setdefault(row["invoice"], {})
        if row["section"] == Section.recurring:
            known[row["item"]] = max(known.get(row["item"], row["last_day"]), row["last_day"])
        else:
            before = date.fromordinal(row["first_day"].toordinal() - 1)
            known[row["item"]] = min(known.get(row["item"], before), before)
    return moves


async def _one(
    row: dict[str, Any], lines: list[dict[str, Any]], moves: dict[int, date], reseller: dict[str, Any], now: datetime, actor: str
) -> None:
    pattern = reseller["invoice_pattern" if row["kind"] == InvoiceKind.invoice else "credit_note_pattern"]
    today = paris_date(now)
    async with transaction():
        number = await take_number(pattern, today)
        document = numbered(json.loads(row["document"]), number, today)
        text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        values: dict[Any, Any] = {
            Invoice.number: number,
            Invoice.state: InvoiceState.validated,
            Invoice.issued_on: today,
            Invoice.due_on: date.fromisoformat(document["due_on"]),
            Invoice.document: text,
            Invoice.sha256: hashlib.sha256(text.encode()).hexdigest(),
            Invoice.validated_at: now,
        }
        if not await claim(Invoice, values, Invoice.id == row["id"], Invoice.state == InvoiceState.draft):
            raise RuleError(f"Le document {row['id']} a été validé ailleurs.")
        await chain.seal(row["id"], pattern, lines)
        await update_many(LineItem.billed_until, moves)
        await tell(actor, "validated", "invoice", row["id"], after={"number": number}, at=now)


async def take_number(pattern: str, today: date) -> str:
    """The next number of the series, inside the transaction that writes it; gapless, never earlier than the one before."""
    name = numbering.series(pattern, today.year)
    taken = await _next(name, today)
    if not taken:
        if not await NumberSeries.exists().where(NumberSeries.name == name):
            await NumberSeries.insert(NumberSeries(name=name)).on_conflict(action="DO NOTHING", target=NumberSeries.name)
        taken = await _next(name, today)
    if not taken:
        raise ClockWentBack(f"La série {name} a déjà un document plus récent que le {today:%d/%m/%Y}. Vérifiez l'horloge.")
    return numbering.number(pattern, today.year, taken[0]["last_number"])


async def _next(name: str, today: date) -> list[dict[str, Any]]:
    series = NumberSeries
    return (
        await series.update({series.last_number: series.last_number + 1, series.last_issued_on: today})
        .where(series.name == name, (series.last_issued_on.is_null()) | (series.last_issued_on <= today))
        .returning(series.last_number)
    )


async def next_number(pattern: str, today: date) -> str:
    """The number that the next document of a series will take; nothing is taken."""
    row = (
        await NumberSeries.select(NumberSeries.last_number)
        .where(NumberSeries.name == numbering.series(pattern, today.year))
        .first()
    )
    return numbering.number(pattern, today.year, (row["last_number"] if row else 0) + 1)
