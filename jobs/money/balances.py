"""What is left of each invoice, of each credit note and of each payment, in cents: sums of allocations, never a stored figure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from rules.receivables import Debt, aged
from tables.invoices import Invoice
from tables.money import Allocation
from tables.parties import Customer

Row = dict[str, Any]

DEBTS = """
    SELECT i.id, i.number, i.customer, i.issued_on, i.due_on, i.incl_vat_cents, COALESCE(a.cents, 0) AS paid_cents
    FROM invoice i LEFT JOIN (SELECT invoice, CAST(SUM(amount_cents) AS BIGINT) AS cents FROM allocation GROUP BY invoice) a
        ON a.invoice = i.id
    WHERE i.state = 'validated' AND i.kind = 'INVOICE' AND i.incl_vat_cents > COALESCE(a.cents, 0)
"""
CREDITS = """
    SELECT i.id AS credit_note, NULL AS payment, i.customer, i.number AS label, i.corrects, i.issued_on AS since,
        -i.incl_vat_cents - COALESCE(a.cents, 0) AS left_cents
    FROM invoice i
    LEFT JOIN (SELECT credit_note, CAST(SUM(amount_cents) AS BIGINT) AS cents FROM allocation GROUP BY credit_note) a
        ON a.credit_note = i.id
    WHERE i.state = 'validated' AND i.kind = 'CREDIT_NOTE' AND -i.incl_vat_cents > COALESCE(a.cents, 0){credit_of}
    UNION ALL
    SELECT NULL, p.id, p.customer, p.reference, '', p.received_on, p.amount_cents - COALESCE(a.cents, 0)
    FROM payment p LEFT JOIN (SELECT payment, CAST(SUM(amount_cents) AS BIGINT) AS cents FROM allocation GROUP BY payment) a
        ON a.payment = p.id
    WHERE p.amount_cents > COALESCE(a.cents, 0) AND NOT EXISTS (SELECT 1 FROM payment r WHERE r.reverses = p.id){payment_of}
"""


@dataclass(frozen=True)
class Balance:
    """What a customer owes: cents by age (receivables.AGE_LABELS), and what we hold for it."""

    customer: Row
    ages: list[int]
    held_cents: int

    @property
    def due_cents(self) -> int:
        return sum(self.ages)

    @property
    def late_cents(self) -> int:
        return sum(self.ages[1:])


async def debts(customer: int | None = None) -> list[Row]:
    """Invoices of which something is left, oldest due date first, with `left_cents`; of one customer, or of all."""
    where = " AND i.customer = {}" if customer else ""
    rows = await Invoice.raw(f"{DEBTS}{where} ORDER BY i.due_on, i.id", *([customer] if customer else []))
    return [row | {"left_cents": row["incl_vat_cents"] - row["paid_cents"]} for row in rows]


async def credits(customer: int | None = None) -> list[Row]:
    """Credit notes (with the invoice each `corrects`) and payments of which something is left, oldest first: `left_cents`."""
    scope = {"credit_of": " AND i.customer = {}", "payment_of": " AND p.customer = {}"} if customer else {}
    text = CREDITS.replace("{credit_of}", scope.get("credit_of", "")).replace("{payment_of}", scope.get("payment_of", ""))
    rows = await Invoice.raw(text, *([customer, customer] if customer else []))
    return sorted(rows, key=lambda row: (str(row["since"]), row["credit_note"] or 0, row["payment"] or 0))


async def paid_cents(invoice_id: int) -> int:
    """What payments and credit notes have paid of an invoice."""
    rows = await Allocation.select(Allocation.amount_cents).where(Allocation.invoice == invoice_id)
    return sum(row["amount_cents"] for row in rows)


def as_debts(rows: Iterable[Row]) -> list[Debt]:
    return [Debt(row["id"], row["due_on"], row["left_cents"]) for row in rows]


async def balances(today: date) -> list[Balance]:
    """Every customer who owes something or for whom we hold something, the latest debts first."""
    owed: dict[int, list[Row]] = {}
    for row in await debts():
        owed.setdefault(row["customer"], []).append(row)
    held: dict[int, int] = {}
    for row in await credits():
        held[row["customer"]] = held.get(row["customer"], 0) + row["left_cents"]
    named = await Customer.select(Customer.id, Customer.customer_number, Customer.company_name, Customer.payment_method)
    found = [
        Balance(row, aged(as_debts(owed.get(row["id"], [])), today), held.get(row["id"], 0))
        for row in named
        if row["id"] in owed or row["id"] in held
    ]
    return sorted(found, key=lambda one: (-one.late_cents, -one.due_cents, one.customer["customer_number"]))
