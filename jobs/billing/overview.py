"""What a clerk looks at before validating a month: the run, its documents by customer, its findings by kind."""

import json
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from jobs import reseller
from jobs.billing import runs, telling
from jobs.billing.validate import next_number
from rules.paris import Month
from rules.states import InvoiceState, RunState, Severity
from tables.billing import BillingRun, ParkedCustomer
from tables.invoices import Invoice, SealedDocument
from tables.usage import CdrFile, CdrPart

Row = dict[str, Any]
ON_A_PAGE = 50
SHOWN = 20

CONTROLS = {
    # code: its title, what to do
    "UNRATED": (
        "CDR sans tarif",
        "Ajoutez le préfixe à la grille et refaites les brouillons, ou dérogez : ils ne seraient alors pas facturés.",
    ),
    "LINE_CHANGED": (
        "CDR hors des dates de leur ligne",
        "Les dates de la ligne ont changé depuis le chargement : corrigez-les, ou dérogez.",
    ),
    "CREDIT_NOTE_WITHOUT_REFERENCE": (
        "Avoir sans facture de référence",
        "Donnez la dernière facture de l'ancien système dans la fiche de l'intégrateur, puis refaites les brouillons.",
    ),
}


@dataclass(frozen=True)
class FindingGroup:
    """Findings of one code: the first to show, how many in all, how many still open."""

    code: str
    title: str
    advice: str
    severity: Severity
    rows: list[Row]
    total: int
    open: int


async def month_to_show(asked: str, today: date) -> Month:
    """The month asked for, else the one under way, else the one after the last validated, else the first to bill."""
    if asked:
        return Month.parse(asked)
    seller = await reseller.current()
    first = Month.parse(seller.first_month) if seller.first_month else Month.of(today).previous
    last = (
        await BillingRun.select()
        .where(BillingRun.state != RunState.cancelled)
        .order_by(BillingRun.month, ascending=False)
        .first()
    )
    return Month.parse(last["month"]) if last else first


async def run_of(month: Month) -> Row | None:
    run = await runs.find(month)
    return await telling.describe(run["id"]) if run else None


async def numbers(today: date) -> tuple[str, str]:
    """The next invoice number and the next credit note number."""
    seller = await reseller.current()
    return await next_number(seller.invoice_pattern, today), await next_number(seller.credit_note_pattern, today)


def grouped(controls: list[Row]) -> list[FindingGroup]:
    ordered = sorted(controls, key=lambda row: (row["severity"] != Severity.blocking, row["code"], row["waived"]))
    groups = []
    for (severity, code), found in groupby(ordered, key=lambda row: (row["severity"], row["code"])):
        rows = list(found)
        open_ = sum(not row["waived"] for row in rows)
        title, advice = CONTROLS.get(code, (code, ""))
        groups.append(FindingGroup(code, title, advice, Severity(severity), rows[:SHOWN], len(rows), open_))
    return groups


async def documents(run_id: int, search: str, page: int) -> tuple[list[Row], int]:
    """A page of the run's documents by customer, and how many the search finds."""
    invoice = Invoice
    query = invoice.select(
        *(
            invoice.id,
            invoice.kind,
            invoice.state,
            invoice.number,
            invoice.excl_vat_cents,
            invoice.vat_cents,
            invoice.incl_vat_cents,
        ),
        *(invoice.customer.customer_number, invoice.customer.company_name, invoice.customer.billing_email),
    )
    condition: Any = invoice.run == run_id
    if search:
        word = f"%{search}%"
        condition &= (
            (invoice.customer.company_name.ilike(word))
            | (invoice.customer.customer_number.ilike(word))
            | (invoice.number.ilike(word))
        )
    total = await invoice.count().where(condition)
    rows = await query.where(condition).order_by(invoice.customer.customer_number).limit(ON_A_PAGE).offset(ON_A_PAGE * (page - 1))
    sealed = SealedDocument
    names: dict[int, dict[str, str]] = {}
    for row in await sealed.select(sealed.invoice, sealed.kind, sealed.name).where(
        sealed.invoice.is_in([row["id"] for row in rows] or [0])
    ):
        names.setdefault(row["invoice"], {})[row["kind"]] = row["name"]
    return [row | {"sealed": names.get(row["id"], {})} for row in rows], total


async def parked(run_id: int) -> list[Row]:
    customer = ParkedCustomer.customer
    return await ParkedCustomer.select(customer.id, customer.customer_number, customer.company_name, ParkedCustomer.reason).where(
        ParkedCustomer.run == run_id
    )


async def stored(month: Month) -> Row:
    """What the store holds for a month: CDRs, files, and when the last file came."""
    part = CdrPart
    rows = await part.select(part.rows, part.file).where(part.month == str(month))
    last = await CdrFile.select(CdrFile.name, CdrFile.created_at).order_by(CdrFile.id, ascending=False).first()
    return {"cdrs": sum(row["rows"] for row in rows), "files": len({row["file"] for row in rows}), "last": last}


async def draft_document(invoice_id: int, today: date) -> Row | None:
    """The document of a draft as it would be printed today; None when there is no such draft."""
    row = await Invoice.select(Invoice.document).where(Invoice.id == invoice_id, Invoice.state == InvoiceState.draft).first()
    if not row:
        return None
    return json.loads(row["document"]) | {"issued_on": today.isoformat(), "due_on": today.isoformat()}
