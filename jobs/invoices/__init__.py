"""Issued documents one by one: what each says, what was credited of it, what may still be."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jobs import worker
from rules.crediting import Invoiced, Line
from rules.errors import RuleError
from rules.invoicing import VatTotal
from rules.states import InvoiceKind, InvoiceOrigin, InvoiceState
from tables.invoices import Invoice, SealedDocument
from tables.timeline import story

Row = dict[str, Any]


class UnknownInvoice(RuleError):
    status = 404


class SeenBefore(RuleError):
    """Something happened since the page was made that a person must look at."""

    status = 409


@dataclass(frozen=True)
class Issued:
    """A validated document: its row, what it says, its credit notes, its re-invoice."""

    row: Row
    document: Row
    notes: list[Row]
    again: Row | None

    @property
    def is_invoice(self) -> bool:
        return self.row["kind"] == InvoiceKind.invoice

    @property
    def invoiced(self) -> Invoiced:
        """What the law of credit notes looks at."""
        by_hand = [note["document"] for note in self.notes if note["origin"] == InvoiceOrigin.manual]
        credited: dict[int, int] = {}
        vat_credited: dict[Decimal, int] = {}
        for line in (line for note in by_hand for line in note["lines"]):
            credited[line["corrects_line"]] = credited.get(line["corrects_line"], 0) - line["amount_cents"]
        for total in (total for note in by_hand for total in note["vat"]):
            rate = Decimal(total["rate"])
            vat_credited[rate] = vat_credited.get(rate, 0) - total["vat_cents"]
        lines = [
            Line(rank, line["amount_cents"], Decimal(line["vat_rate"]), credited.get(rank, 0))
            for rank, line in enumerate(self.document["lines"], 1)
        ]
        vat = [VatTotal(Decimal(total["rate"]), total["base_cents"], total["vat_cents"]) for total in self.document["vat"]]
        return Invoiced(lines, vat, vat_credited, self.left_cents)

    @property
    def left_cents(self) -> int:
        """Cents incl. VAT that no credit note has given back yet."""
        return self.row["incl_vat_cents"] + sum(note["incl_vat_cents"] for note in self.notes)

    @property
    def creditable(self) -> bool:
        return self.is_invoice and self.left_cents > 0

    @property
    def replaceable(self) -> bool:
        """Whether it may be invoiced again: given back whole, and not yet made again."""
        return self.is_invoice and self.row["incl_vat_cents"] > 0 and self.left_cents == 0 and self.again is None


async def get(number: str) -> Issued:
    """Raises UnknownInvoice."""
    columns = (*Invoice.all_columns(), Invoice.customer.customer_number, Invoice.customer.company_name, Invoice.run.month)
    row = await Invoice.select(*columns).where(Invoice.number == number).first()
    if not row:
        raise UnknownInvoice(f"Aucun document n'a le numéro « {number} ». Cherchez-le par son client.")
    columns = (Invoice.id, Invoice.number, Invoice.origin, Invoice.issued_on, Invoice.incl_vat_cents, Invoice.document)
    known = Invoice.corrects == number, Invoice.customer == row["customer"]
    notes = await Invoice.select(*columns).where(
        *known, Invoice.kind == InvoiceKind.credit_note, Invoice.state == InvoiceState.validated
    ).order_by(Invoice.id)  # fmt: skip
    again = await Invoice.select(Invoice.id, Invoice.number).where(*known, Invoice.origin == InvoiceOrigin.reinvoice).first()
    read = [note | {"document": json.loads(note["document"])} for note in notes]
    return Issued(row, json.loads(row["document"]), read, again)


async def papers(invoice_id: int) -> dict[str, str]:
    """The names of its sealed papers, by kind."""
    paper = SealedDocument
    return {row["kind"]: row["name"] for row in await paper.select(paper.kind, paper.name).where(paper.invoice == invoice_id)}


async def seal(number: str) -> None:
    """The papers of a document made by hand, in a process of their own. Raises UnknownInvoice, PaperRefused."""
    await worker.ask("seal", (await get(number)).row["id"])


async def history(invoice_id: int) -> list[Row]:
    return await story("invoice", invoice_id)
