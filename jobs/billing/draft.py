"""Drafts, findings and totals, written: those of before are replaced, validated documents are left alone."""

import json
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

from gateways.settings import SETTINGS
from jobs.billing import inputs as read_inputs
from jobs.billing.compute import Computed, Draft, compute
from jobs.billing.inputs import Inputs
from rules import due, einvoice, invoice_words, invoicing
from rules.invoicing import BillLine, VatTotal
from rules.paris import Month
from rules.sepa import NOTICE
from rules.states import InvoiceKind, InvoiceOrigin, InvoiceState, PaymentMethod, RunState, Section
from tables.billing import BillingRun, Finding, ParkedCustomer
from tables.engine import insert_many, reserve_ids, transaction, update_many
from tables.invoices import Invoice, InvoiceLine
from tables.usage import CdrFile, CdrPart

BATCH = 500
LAYOUT = 1
SELLER = (
    "name", "legal_form", "capital_cents", "siren", "siret", "vat_number", "rcs_city", "street", "postcode", "city", "country",
    "email", "phone", "service_hours", "iban", "bic", "ics", "einvoice_address",
)  # fmt: skip
WAYS = {
    PaymentMethod.transfer: "transfer", PaymentMethod.direct_debit: "direct_debit", PaymentMethod.card: "card",
    PaymentMethod.cheque: "cheque",
}  # fmt: skip

NATURES = {"B1": "livraisons de biens", "M1": "livraisons de biens et prestations de services"}
"""Said on the paper when a document is not of services alone."""
SERIES = ("voice_s", "messages", "data_kb")

Row = dict[str, Any]
Progress = Callable[[int, int], Awaitable[None]]  # done, of how many


async def draft(run: dict[str, Any], progress: Progress) -> Computed:
    """Rate the run's month into a file of its own and write its drafts, a batch of customers a transaction."""
    month = Month.parse(run["month"])
    inputs = await read_inputs.read(month, run)
    path = f"rated/{month}/run-{run['id']}.parquet"
    computed = compute(inputs, SETTINGS.data_dir / path)
    await BillingRun.update({BillingRun.state: RunState.drafting}).where(BillingRun.id == run["id"])
    await clear(run["id"])
    for start in range(0, len(computed.drafts), BATCH):
        await progress(start, len(computed.drafts))
        await _write(run["id"], inputs, computed.drafts[start : start + BATCH])
    totals = computed.totals | await _document_totals(run["id"])
    async with transaction():
        await insert_many(
            Finding,
            [Finding.run, Finding.code, Finding.severity, Finding.customer_number, Finding.msisdn, Finding.message],
            [(run["id"], row.code, str(row.severity), row.customer_number, row.msisdn, row.message) for row in computed.findings],
        )
        await insert_many(
            ParkedCustomer,
            [ParkedCustomer.run, ParkedCustomer.customer, ParkedCustomer.reason],
            [(run["id"], customer["id"], reason) for customer, reason in computed.parked],
        )
        if run["validated_at"] is None:
            await update_many(CdrFile.counted_in, dict.fromkeys(await read_inputs.fresh_files(run), run["id"]))
            await update_many(CdrPart.counted_in, dict.fromkeys(inputs.fresh_parts, run["id"]))
        await BillingRun.update({BillingRun.totals: json.dumps(totals), BillingRun.usage_path: path}).where(
            BillingRun.id == run["id"]
        )
    return computed


async def tell_totals(run_id: int) -> None:
    """The run's totals, once a draft is gone; inside a transaction."""
    run = (await BillingRun.select(BillingRun.totals).where(BillingRun.id == run_id))[0]
    parked = await ParkedCustomer.count().where(ParkedCustomer.run == run_id)
    totals = json.loads(run["totals"]) | await _document_totals(run_id) | {"parked": parked}
    await BillingRun.update({BillingRun.totals: json.dumps(totals)}).where(BillingRun.id == run_id)


async def _document_totals(run_id: int) -> dict[str, int]:
    """The sums over all documents of the run, those validated before included."""
    amounts = ("excl_vat_cents", "vat_cents", "incl_vat_cents")
    rows = await Invoice.select(Invoice.kind, *(getattr(Invoice, name) for name in amounts)).where(Invoice.run == run_id)
    line = InvoiceLine
    regularised = await line.select(line.amount_cents).where(line.invoice.run == run_id, line.section == Section.regularisation)
    return {
        "invoices": sum(row["kind"] == InvoiceKind.invoice for row in rows),
        "credit_notes": sum(row["kind"] == InvoiceKind.credit_note for row in rows),
        **{name: sum(row[name] for row in rows) for name in amounts},
        "regularised_cents": sum(row["amount_cents"] for row in regularised),
    }


async def clear(run_id: int) -> None:
    async with transaction():
        drafts = Invoice.select(Invoice.id).where(Invoice.run == run_id, Invoice.state == InvoiceState.draft)
        await InvoiceLine.delete().where(InvoiceLine.invoice.is_in(drafts))
        await Invoice.delete().where(Invoice.run == run_id, Invoice.state == InvoiceState.draft)
        await Finding.delete().where(Finding.run == run_id)
        await ParkedCustomer.delete().where(ParkedCustomer.run == run_id)


async def _write(run_id: int, inputs: Inputs, drafts: list[Draft]) -> None:
    async with transaction():
        ids = await reserve_ids(Invoice, len(drafts))
        invoice = Invoice
        await insert_many(
            Invoice,
            [
                *(invoice.id, invoice.run, invoice.customer, invoice.origin, invoice.kind, invoice.state, invoice.excl_vat_cents),
                *(invoice.vat_cents, invoice.incl_vat_cents, invoice.corrects, invoice.corrects_on, invoice.document),
            ],
            [
                (
                    *(
                        id,
                        run_id,
                        draft.customer["id"],
                        str(InvoiceOrigin.run),
                        str(draft.kind),
                        str(InvoiceState.draft),
                        draft.excl_vat_cents,
                    ),
                    *(
                        draft.vat_cents,
                        draft.incl_vat_cents,
                        *(draft.corrects or ("", None)),
                        json.dumps(document(inputs, draft), ensure_ascii=False),
                    ),
                )
                for id, draft in zip(ids, drafts, strict=True)
            ],
        )
        line = InvoiceLine
        await insert_many(
            InvoiceLine,
            [
                *(line.invoice, line.position, line.section, line.line, line.item, line.label, line.quantity, line.amount_cents),
                *(line.vat_rate, line.first_day, line.last_day, line.usage_month, line.type, line.category, line.part),
                line.charge,
            ],
            [
                (
                    *(id, position, str(row.section), row.line, row.item, row.label, row.quantity, row.amount_cents),
                    *(row.vat_rate, row.first, row.last, row.month, row.type, row.category, row.part),
                    row.charge,
                )
                for id, draft in zip(ids, drafts, strict=True)
                for position, row in enumerate(draft.lines, 1)
            ],
        )


def document(inputs: Inputs, draft: Draft) -> dict[str, Any]:
    """All that the paper says, as JSON; the number and the dates come at validation."""
    lines = [_line(inputs, line) for line in draft.lines]
    return (
        frame(inputs.month, draft.customer, inputs.reseller, inputs.branding, inputs.template)
        | summed(lines, draft.vat, mention(draft.customer["vat_regime"], inputs.month))
        | {"corrects": reference(draft.corrects), "usage": _usage(inputs.month, draft)}
    )


def frame(month: Month, customer: Row, reseller: Row, branding: Row, template: Row) -> dict[str, Any]:
    """What a document says beside its lines: who, to whom, how it is paid, in which words; no number yet."""
    return {
        "layout": LAYOUT,
        "number": None,
        "month": str(month),
        "seller": seller(reseller, branding),
        "buyer": {
            "customer_number": customer["customer_number"],
            "name": customer["company_name"],
            "kind": customer["kind"],
            "siren": customer["siren"],
            "siret": customer["siret"],
            "vat_number": customer["vat_number"],
            "address": _address(customer, "billing_") or _address(customer, ""),
            "place": _place(customer),
            "einvoice_address": customer["einvoice_address"],
            "delivery": _address(customer, "delivery_"),
            "contact": customer["billing_contact_name"],
            "purchase_order": customer["purchase_order"],
        },
        "payment": {
            "method": customer["payment_method"],
            **terms(customer, reseller),
            "iban_tail": customer["iban"][-4:],
            "mandate_reference": customer["mandate_reference"],
        },
        "vat_regime": customer["vat_regime"],
        "vat_on_debits": bool(reseller.get("vat_on_debits")),
        "corrects": None,
        "group_lines": customer["group_lines"],
        "hide_digits": customer["hide_digits"] or not customer["digits_shown_on"],
        "detailed_bill": customer["detailed_bill"],
        "usage": no_usage(month),
        "texts": texts(template, customer["payment_method"]),
    }


def mention(regime: str, month: Month) -> str:
    return invoicing.regime(regime, month.last).get("mention", "")


def summed(lines: list[Row], vat: list[VatTotal], mention: str) -> dict[str, Any]:
    """Lines as JSON bears them, with their totals and what these make of the document."""
    excl, tax = sum(total.base_cents for total in vat), sum(total.vat_cents for total in vat)
    nature = NATURES.get(einvoice.mode({"lines": lines}))
    return {
        "kind": str(invoicing.kind(excl + tax)),
        "lines": lines,
        "vat": [
            {"rate": _text(total.rate), "base_cents": total.base_cents, "vat_cents": total.vat_cents, "mention": mention}
            for total in vat
        ],
        "excl_vat_cents": excl,
        "vat_cents": tax,
        "incl_vat_cents": excl + tax,
        **({"nature": nature} if nature else {}),
    }


def reference(corrects: tuple[str, date | None] | None) -> Row | None:
    return corrects and {"number": corrects[0], "date": _text(corrects[1])}


def seller(reseller: Row, branding: Row) -> Row:
    """Who invoices, and the logo by its hash."""
    named = reseller | {"service_hours": branding.get("service_hours", "")}
    return {name: named.get(name) for name in SELLER} | {"logo": branding.get("logo_sha256", "")}


def terms(customer: Row, reseller: Row) -> Row:
    """The customer's own terms, else the reseller's."""
    known = {"payment_days": 30, "end_of_month": False} | reseller
    own = {name: known[name] if customer[name] is None else customer[name] for name in ("payment_days", "end_of_month")}
    return {"days": own["payment_days"], "end_of_month": bool(own["end_of_month"])}


def texts(template: Row, method: str) -> dict[str, str]:
    """The words of one way to pay, and those of every invoice."""
    shipped = {name: template.get(name) or text for name, text in invoice_words.SHIPPED.items()}
    return shipped | {"footer": template.get("footer", ""), "payment": template.get(WAYS[PaymentMethod(method)], "")}


def _line(inputs: Inputs, line: BillLine) -> dict[str, Any]:
    """A line without a mobile line of its own is of the customer's account: its number is empty."""
    row = inputs.lines.get(line.line or 0, {})
    values = {name: _text(value) for name, value in line.__dict__.items() if name not in ("line", "item", "charge")}
    if line.nature is None:
        del values["nature"]
    return values | {"section": str(line.section), "msisdn": row.get("msisdn", ""), "user_name": row.get("user_name", "")}


def _text(value: Any) -> Any:
    """Dates and decimals as JSON bears them."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value.isoformat() if isinstance(value, date) else value


def _address(customer: dict[str, Any], group: str) -> list[str]:
    street, street2, postcode, city, country = (
        customer[f"{group}{part}"] for part in ("street", "street2", "postcode", "city", "country")
    )
    if not (street or city):
        return []
    return [
        line for line in (street, street2, f"{postcode} {city}".strip(), country if country not in ("", "FR") else "") if line
    ]


def _place(customer: dict[str, Any]) -> dict[str, str]:
    """Where the invoice goes, part by part."""
    group = "billing_" if _address(customer, "billing_") else ""
    return {part: customer[f"{group}{part}"] for part in ("street", "street2", "postcode", "city", "country")}


def _usage(month: Month, draft: Draft) -> dict[str, Any]:
    """Seconds, messages and KB of each day of the month."""
    series = no_usage(month)
    for row in draft.days:
        for name in SERIES:
            series[name][row.day - 1] += getattr(row, name)
    return series


def no_usage(month: Month) -> dict[str, Any]:
    return {"days": month.days, **{name: [0] * month.days for name in SERIES}}


def due_on(document: dict[str, Any], issued_on: date) -> date:
    """A credit note is due at once; what is debited, not before the fourteen days that its announcement takes."""
    if document["kind"] != InvoiceKind.invoice:
        return issued_on
    payment = document["payment"]
    day = due.due_on(issued_on, payment["days"], payment.get("end_of_month", False))
    return max(day, issued_on + NOTICE) if payment["method"] == PaymentMethod.direct_debit else day
