"""Drafts become documents: each takes its number, is frozen, and moves what it billed, in one transaction of its own."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from jobs.billing.conform import numbered, park, park_unfit
from jobs.billing.draft import Progress
from jobs.seals import chain
from rules import numbering
from rules.errors import RuleError
from rules.paris import paris_date
from rules.states import InvoiceKind, InvoiceState, Section
from tables.billing import BillingRun
from tables.charges import Charge
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
        moves, stale = await _moves(batch)
        unfit |= await park(run["id"], {id: reason for id, reason in stale.items() if id not in unfit})
        lines = await chain.lines_of(batch)
        by_id = {row["id"]: row for row in rows}
        for offset, id in enumerate(batch):
            await progress(start + offset, len(waiting))
            if id not in unfit:
                await _one(by_id[id], lines.get(id, []), moves.get(id, Moves()), reseller, now, run["actor"])
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


@dataclass
class Moves:
    """What a document, once validated, has billed: items and charges up to a day, charges that come once."""

    items: dict[int, date] = field(default_factory=dict)
    charges: dict[int, date] = field(default_factory=dict)
    once: list[int] = field(default_factory=list)


async def _moves(invoices: list[int]) -> tuple[dict[int, Moves], dict[int, str]]:
    """For each invoice, what it bills; and those of which another document has billed something since they were drafted."""
    line = InvoiceLine
    rows = await line.select(
        *(line.invoice, line.label, line.section, line.first_day, line.last_day, line.item, line.charge),
        *(line.item.billed_until.as_alias("item_until"), line.charge.billed_until.as_alias("charge_until")),
        line.charge.invoiced.as_alias("invoiced"),
    ).where(line.invoice.is_in(invoices), line.section.is_in([Section.recurring, Section.refund, Section.one_off]))
    moves, stale = dict[int, Moves](), dict[int, str]()
    for row in rows:
        known = moves.setdefault(row["invoice"], Moves())
        held, key = (known.items, row["item"]) if row["item"] else (known.charges, row["charge"])
        until = row["item_until"] or row["charge_until"]
        again = {
            Section.one_off: row["invoiced"],
            Section.recurring: until and until >= row["first_day"],
            Section.refund: until and until < row["last_day"],
        }
        if again[Section(row["section"])]:
            stale[row["invoice"]] = f"« {row['label']} » a été facturé par un autre document. Refaites les brouillons."
        if row["section"] == Section.one_off:
            known.once.append(row["charge"])
        elif row["section"] == Section.recurring:
            held[key] = max(held.get(key, row["last_day"]), row["last_day"])
        else:
            before = date.fromordinal(row["first_day"].toordinal() - 1)
            held[key] = min(held.get(key, before), before)
    return moves, stale


async def _one(
    row: dict[str, Any], lines: list[dict[str, Any]], moves: Moves, reseller: dict[str, Any], now: datetime, actor: str
) -> None:
    async with transaction():
        await issue(row, reseller, now, actor, lines)
        await update_many(LineItem.billed_until, moves.items)
        await update_many(Charge.billed_until, moves.charges)
        if moves.once:
            due = Charge.id.is_in(moves.once), Charge.invoiced.eq(False)
            if len(await claim(Charge, {Charge.invoiced: True}, *due)) < len(moves.once):
                raise RuleError(f"Un frais du document {row['id']} a été facturé ailleurs. Refaites les brouillons.")


async def issue(
    row: dict[str, Any], reseller: dict[str, Any], now: datetime, actor: str, lines: list[dict[str, Any]] | None = None
) -> str:
    """Number, freeze and chain a draft (its id, kind and document), in the transaction under way; the number.

    `lines`: its own, when they were read before.
    """
    pattern = reseller["invoice_pattern" if row["kind"] == InvoiceKind.invoice else "credit_note_pattern"]
    today = paris_date(now)
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
    await tell(actor, "validated", "invoice", row["id"], after={"number": number}, at=now)
    return number


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
