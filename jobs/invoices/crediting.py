"""A credit note made by hand: looked at, then numbered in the transaction that looks again at what is left."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from jobs.billing.conform import HIGHEST, check, numbered
from jobs.billing.draft import no_usage, summed
from jobs.billing.validate import issue
from jobs.invoices import Issued, SeenBefore, get
from rules import crediting, numbering
from rules.crediting import NothingToCredit
from rules.errors import NoReason, RuleError
from rules.invoicing import VatTotal
from rules.money import french
from rules.paris import Month, paris_date
from rules.states import InvoiceKind, InvoiceOrigin
from tables.engine import insert_many, on_sqlite, transaction
from tables.invoices import Invoice, InvoiceLine
from tables.parties import Reseller
from tables.timeline import tell

Row = dict[str, Any]
Wanted = Mapping[int, int]  # cents excl. VAT, by the rank of a line
LONGEST_REASON = 500
IN_PART: Row = dict.fromkeys(("unit_micro", "days", "days_in_month", "count", "units", "covered"))
"""What a line no longer says once part of its amount is given back."""


class NotCreditable(RuleError):
    """A credit note cannot be credited; a draft is made again."""

    status = 409


@dataclass(frozen=True)
class Preview:
    """What a credit note would say, and what of the invoice would be left, in cents incl. VAT."""

    issued: Issued
    wanted: Wanted
    document: Row
    left_after_cents: int


async def preview(number: str, wanted: Wanted | None, reason: str) -> Preview:
    """`wanted`: None = all that is left. Raises UnknownInvoice, NotCreditable, NoReason, CreditTooHigh, NothingToCredit."""
    return _preview(await get(number), wanted, said(reason))


def said(reason: str) -> str:
    """A reason as it is kept and printed. Raises NoReason."""
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise NoReason(f"Dites pourquoi, en {LONGEST_REASON} signes au plus : le motif reste avec le document.")
    return reason


def _preview(issued: Issued, wanted: Wanted | None, reason: str) -> Preview:
    if not issued.is_invoice:
        raise NotCreditable("Un avoir ne se crédite pas. S'il est de trop, facturez-en le montant au client.")
    invoiced = issued.invoiced
    if not issued.creditable:
        raise NothingToCredit("Cette facture est déjà créditée en entier : il n'en reste rien.")
    asked = {rank: cents for rank, cents in (crediting.rest(invoiced) if wanted is None else wanted).items() if cents}
    vat = crediting.credit(invoiced, asked)
    document = _document(issued, asked, vat, reason)
    return Preview(issued, asked, document, issued.left_cents + document["incl_vat_cents"])


def _document(issued: Issued, wanted: Wanted, vat: list[VatTotal], reason: str) -> Row:
    """The credit note as paper and XML will say it, from the frozen invoice alone."""
    invoice = issued.document
    lines = [_line(line, rank, wanted[rank]) for rank, line in enumerate(invoice["lines"], 1) if rank in wanted]
    whole = all(wanted.get(rank, 0) == line["amount_cents"] for rank, line in enumerate(invoice["lines"], 1))
    negative = [VatTotal(total.rate, -total.base_cents, -total.vat_cents) for total in vat]
    kept = {name: value for name, value in invoice.items() if name not in ("nature", "issued_on", "due_on")}
    return kept | summed(lines, negative, next((total["mention"] for total in invoice["vat"]), "")) | {
        "number": None,
        "corrects": {"number": invoice["number"], "date": invoice["issued_on"]},
        "usage": no_usage(Month.parse(invoice["month"])),
        "detailed_bill": whole and invoice["detailed_bill"],
        "reason": reason,
    }  # fmt: skip


def _line(line: Row, rank: int, amount: int) -> Row:
    part = {} if amount == line["amount_cents"] else IN_PART | {"quantity": 1}
    return line | part | {"amount_cents": -amount, "corrects_line": rank}


async def make(number: str, wanted: Wanted | None, reason: str, seen_cents: int, *, actor: str, now: datetime) -> str:
    """Issue it; its number. `seen_cents`: what was left when a person looked; of two at once one is made.

    Raises what `preview` raises, SeenBefore, and NotConformant before any number is taken.
    """
    before = await preview(number, wanted, reason)
    reseller = await Reseller.select().first() or {}
    today, pattern = paris_date(now), reseller["credit_note_pattern"]
    provisional = numbered(before.document, numbering.number(pattern, today.year, HIGHEST), today)
    await asyncio.to_thread(check, provisional)
    async with transaction():
        await hold(before.issued.row["id"])
        found = _preview(await get(number), wanted, said(reason))
        if found.issued.left_cents != seen_cents:
            left = french(found.issued.left_cents)
            raise SeenBefore(f"Un avoir a été fait entre-temps : il reste {left} TTC. Regardez la facture, puis recommencez.")
        made = await issue(await write(found), reseller, now, actor)
        after = {"credit_note": made, "incl_vat_cents": found.document["incl_vat_cents"], "reason": found.document["reason"]}
        await tell(actor, "credited", "invoice", found.issued.row["id"], after=after, at=now)
    return made


async def hold(invoice_id: int) -> None:
    """Keep others that would credit or change a document waiting; SQLite's transactions wait for each other anyway."""
    query = Invoice.select(Invoice.id).where(Invoice.id == invoice_id)
    await (query if on_sqlite() else query.lock_rows("UPDATE"))


async def write(found: Preview) -> Row:
    """The draft of the credit note with its lines, in the transaction under way."""
    ranks = [line["corrects_line"] for line in found.document["lines"]]
    return await write_draft(found.issued.row, found.document, InvoiceOrigin.manual, ranks)


async def write_draft(corrected: Row, document: Row, origin: InvoiceOrigin, ranks: list[int]) -> Row:
    """A document beside the run's; `ranks`: for each of its lines, the line of the corrected invoice whose place it takes."""
    text = json.dumps(document, ensure_ascii=False)
    invoice = Invoice(
        customer=corrected["customer"], origin=origin, kind=InvoiceKind(document["kind"]), corrects=corrected["number"],
        corrects_on=corrected["issued_on"], document=text,
        **{name: document[name] for name in ("excl_vat_cents", "vat_cents", "incl_vat_cents")},
    )  # fmt: skip
    await invoice.save()
    await write_lines(invoice.id, corrected["id"], document, ranks)
    return {"id": invoice.id, "kind": document["kind"], "document": text}


async def write_lines(invoice_id: int, corrected_id: int, document: Row, ranks: list[int]) -> None:
    """Each line refers to what the line that it corrects refers to: late calls are counted against it (billing law § 1.8)."""
    known = {row["position"]: row for row in await InvoiceLine.select().where(InvoiceLine.invoice == corrected_id)}
    columns = [column for column in InvoiceLine._meta.columns if column is not InvoiceLine.id]
    rows = []
    for position, (line, rank) in enumerate(zip(document["lines"], ranks, strict=True), 1):
        told = {name: line[name] for name in ("label", "quantity", "amount_cents")} | {"vat_rate": Decimal(line["vat_rate"])}
        own = known[rank] | told | {"invoice": invoice_id, "position": position}
        rows.append([own[column._meta.name] for column in columns])
    await insert_many(InvoiceLine, columns, rows)
