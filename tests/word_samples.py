"""Customers with an invoice, for what speaks of them."""

import json
from datetime import date

from tables.invoices import Invoice
from tables.parties import Customer

TEXT = {
    "subject": "Votre facture {{ number }}",
    "body": "Bonjour {{ customer_name }},\nvous devez {{ incl_vat }}.\n\nVoir : {{ link }}",
}


def document(number: str, name: str, cents: int, **more) -> dict:
    return {
        "kind": "INVOICE", "number": number, "issued_on": "2026-11-01", "due_on": "2026-12-01", "month": "2026-10",
        "seller": {"iban": ""},
        "buyer": {"name": name, "customer_number": name[:3].upper(), "contact": "", "purchase_order": ""},
        "payment": {"method": "TRANSFER", "iban_tail": "", "mandate_reference": ""},
        "excl_vat_cents": cents * 5 // 6, "incl_vat_cents": cents,
    } | more  # fmt: skip


async def invoiced(name: str, number: str, cents: int) -> Customer:
    """A customer and its one validated invoice; its number is the first three letters of its name."""
    customer = Customer(customer_number=name[:3].upper(), login=name[:3].upper(), company_name=name, billing_contact_name="")
    await customer.save()
    await Invoice(
        customer=customer.id, kind="INVOICE", state="validated", number=number, issued_on=date(2026, 11, 1),
        due_on=date(2026, 12, 1), incl_vat_cents=cents, document=json.dumps(document(number, name, cents)),
    ).save()  # fmt: skip
    return customer
