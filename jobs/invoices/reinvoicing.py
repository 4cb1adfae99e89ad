"""An invoice that was credited whole, made again: a draft that a clerk corrects and validates."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from jobs.billing.compute import NoBillingAddress
from jobs.billing.conform import HIGHEST, check, numbered
from jobs.billing.draft import frame, mention, reference, summed
from jobs.billing.inputs import offer_vat
from jobs.billing.validate import issue
from jobs.invoices import Issued, SeenBefore, UnknownInvoice, get
from jobs.invoices.crediting import hold, said, write_draft, write_lines
from rules import invoicing, numbering
from rules.errors import RuleError
from rules.invoicing import BillLine
from rules.paris import Month, paris_date
from rules.reinvoicing import Correction, corrected
from rules.states import InvoiceKind, InvoiceOrigin, InvoiceState
from tables.engine import NOT_UNIQUE, claim, transaction
from tables.face import Branding, InvoiceTemplate
from tables.fleet import LineItem
from tables.invoices import Invoice, InvoiceLine
from tables.parties import Customer, Reseller
from tables.timeline import tell

Row = dict[str, Any]


class NotReplaceable(RuleError):
    """An invoice that still stands, in whole or in part, or that was made again already."""

    status = 409


class NothingLeft(RuleError):
    """A re-invoice without a line, or of less than nothing."""


async def start(number: str, reason: str, *, actor: str, now: datetime) -> int:
    """The draft of a new invoice with the same lines; its id. Raises NotReplaceable, NoReason, NoBillingAddress."""
    issued, why = await get(number), said(reason)
    if not issued.replaceable:
        done = "elle est déjà refaite" if issued.again else "créditez-la d'abord en entier"
        raise NotReplaceable(f"La facture {number} ne peut pas être refaite : {done}.")
    lines = [
        {name: value for name, value in line.items() if name != "corrects_line"} | {"replaces_line": rank}
        for rank, line in enumerate(issued.document["lines"], 1)
    ]
    document = await _document(issued, lines, why)
    try:
        async with transaction():
            row = await write_draft(issued.row, document, InvoiceOrigin.reinvoice, _ranks(document))
            await tell(actor, "reinvoice_started", "invoice", issued.row["id"], after={"reason": why}, at=now)
    except NOT_UNIQUE:
        raise NotReplaceable(f"La facture {number} ne peut pas être refaite : elle est déjà refaite.") from None
    return row["id"]


async def draft(draft_id: int) -> tuple[Row, Issued]:
    """A draft with its document, and the invoice that it replaces. Raises UnknownInvoice."""
    row = await Invoice.select().where(
        Invoice.id == draft_id, Invoice.origin == InvoiceOrigin.reinvoice, Invoice.state == InvoiceState.draft
    ).first()  # fmt: skip
    if not row:
        raise UnknownInvoice("Ce brouillon n'existe plus : il est validé, ou abandonné.")
    return row | {"document": json.loads(row["document"])}, await get(row["corrects"])


async def correct(draft_id: int, corrections: Mapping[int, Correction], *, actor: str, now: datetime) -> None:
    """Change lines of a draft, by the rank of the line that each replaces; who buys is read anew from the customer's sheet."""
    row, issued = await draft(draft_id)
    await _save(row, await _corrected(row, issued, corrections), issued, actor, now)


async def _corrected(row: Row, issued: Issued, corrections: Mapping[int, Correction]) -> Row:
    """The document as it would be now: its lines corrected, the customer's sheet of today."""
    lines = [
        corrected(line, corrections[rank]) if (rank := line["replaces_line"]) in corrections else line
        for line in row["document"]["lines"]
    ]
    return await _document(issued, [line for line in lines if line], row["document"]["reason"])


async def _save(row: Row, document: Row, issued: Issued, actor: str, now: datetime) -> None:
    values: dict[Any, Any] = {Invoice.document: json.dumps(document, ensure_ascii=False)}
    values |= {getattr(Invoice, name): document[name] for name in ("excl_vat_cents", "vat_cents", "incl_vat_cents")}
    before, after = ({"incl_vat_cents": told["incl_vat_cents"]} for told in (row["document"], document))
    async with transaction():
        if await claim(Invoice, values, Invoice.id == row["id"], Invoice.state == InvoiceState.draft):
            await InvoiceLine.delete().where(InvoiceLine.invoice == row["id"])
            await write_lines(row["id"], issued.row["id"], document, _ranks(document))
            await tell(actor, "reinvoice_corrected", "invoice", issued.row["id"], before, after, at=now)


async def validate(
    draft_id: int, corrections: Mapping[int, Correction], seen_cents: int, *, actor: str, now: datetime
) -> str:  # fmt: skip
    """Number and freeze the draft as it was seen; its number. What is corrected now is kept, and must be looked at first.

    Raises SeenBefore, NotConformant before a number is taken.
    """
    row, issued = await draft(draft_id)
    document = await _corrected(row, issued, corrections)
    if document != row["document"] or document["incl_vat_cents"] != seen_cents:
        await _save(row, document, issued, actor, now)
        raise SeenBefore("Les lignes ou la fiche du client ont changé : le brouillon est à jour. Regardez-le, puis validez.")
    reseller = await Reseller.select().first() or {}
    today = paris_date(now)
    number = numbering.number(reseller["invoice_pattern"], today.year, HIGHEST)
    await asyncio.to_thread(check, numbered(document, number, today))
    async with transaction():
        await hold(draft_id)
        if (await draft(draft_id))[0]["document"] != document:
            raise SeenBefore("Le brouillon vient d'être corrigé ailleurs. Regardez-le à nouveau, puis validez.")
        made = await issue(row | {"document": json.dumps(document)}, reseller, now, actor)
        await tell(actor, "reinvoiced", "invoice", issued.row["id"], after={"invoice": made}, at=now)
    return made


async def abandon(draft_id: int, *, actor: str, now: datetime) -> str:
    """Put the draft away; the number of the invoice that it would have replaced."""
    row, issued = await draft(draft_id)
    async with transaction():
        if await claim(Invoice, {Invoice.corrects: ""}, Invoice.id == draft_id, Invoice.state == InvoiceState.draft):
            await InvoiceLine.delete().where(InvoiceLine.invoice == draft_id)
            await Invoice.delete().where(Invoice.id == draft_id)
            await tell(actor, "reinvoice_abandoned", "invoice", issued.row["id"], at=now)
    return row["corrects"]


def _ranks(document: Row) -> list[int]:
    return [line["replaces_line"] for line in document["lines"]]


async def _document(issued: Issued, lines: list[Row], reason: str) -> Row:
    """Lines at their own VAT rate, or that of the customer's regime of today, under the customer's sheet of today."""
    customer = (await Customer.select().where(Customer.id == issued.row["customer"]))[0]
    if not (customer["city"] or customer["billing_city"]):
        raise NoBillingAddress("Aucune adresse de facturation. Complétez la fiche du client, puis recommencez.")
    month, own = Month.parse(issued.document["month"]), await _own_rates(issued)
    regime = customer["vat_regime"]
    rates = [invoicing.vat_rate(regime, own[line["replaces_line"]], month.last) for line in lines]
    lines = [line | {"vat_rate": f"{rate.normalize():f}"} for line, rate in zip(lines, rates, strict=True)]
    vat = invoicing.totals(
        BillLine(line["section"], line["label"], line["amount_cents"], rate) for line, rate in zip(lines, rates, strict=True)
    )
    tables = (Reseller, Branding, InvoiceTemplate)
    document = frame(month, customer, *[await table.select().first() or {} for table in tables])
    document |= summed(lines, vat, mention(regime, month)) | {
        "corrects": reference((issued.row["number"], issued.row["issued_on"])),
        "usage": issued.document["usage"],
        "reason": reason,
    }
    if not lines or document["kind"] != InvoiceKind.invoice:
        raise NothingLeft("Il ne reste rien à facturer : gardez au moins une ligne, et un total qui n'est pas négatif.")
    return document


async def _own_rates(issued: Issued) -> dict[int, Decimal]:
    """The rate that each line of the invoice bears by itself, whatever regime the customer had: its offer's or its charge's."""
    line = InvoiceLine
    rows = await line.select(
        *(line.position, line.line, line.vat_rate, line.charge.vat_rate.as_alias("of_charge")),
        line.item.offer.vat_rate.as_alias("of_item"),  # type: ignore[union-attr]
    ).where(line.invoice == issued.row["id"])  # fmt: skip
    item = LineItem
    held = await item.select(item.line, item.kind, item.starts_on, item.ends_on, item.offer.vat_rate).where(
        item.line.is_in(sorted({row["line"] for row in rows if row["line"]}) or [0])
    )
    of_line = offer_vat(held, Month.parse(issued.document["month"]))
    return {
        row["position"]: next(
            rate for rate in (row["of_charge"], row["of_item"], of_line.get(row["line"]), row["vat_rate"]) if rate is not None
        )
        for row in rows
    }
