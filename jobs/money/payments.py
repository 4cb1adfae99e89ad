"""Payments: recorded, put on invoices, taken back. Nothing is changed or deleted: what was wrong is reversed by another row."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from jobs import customers
from jobs.money import balances
from rules.errors import NoReason, RuleError
from rules.paris import french_date, paris_date
from rules.receivables import allocate
from rules.states import PaymentMethod, PaymentSource
from tables.engine import NOT_UNIQUE, on_sqlite, transaction
from tables.money import Allocation, Payment
from tables.parties import Customer
from tables.timeline import tell

Row = dict[str, Any]
LARGEST_CENTS = 10**11


class BadPayment(RuleError):
    """An amount, a day or a method that no payment has."""


class AlreadyRecorded(RuleError):
    """The same payment, sent twice."""

    status = 409


class AlreadyReversed(RuleError):
    """A payment that was taken back before."""

    status = 409


class UnknownPayment(RuleError):
    status = 404


async def record(
    customer_number: str, amount_cents: int, method: str, received_on: date, reference: str = "", *,
    invoices: Sequence[int] = (), key: str | None = None, actor: str, now: datetime,
) -> int:  # fmt: skip
    """The key of the payment, put on the chosen invoices, then on the oldest due ones. Raises BadPayment, AlreadyRecorded."""
    if not 0 < amount_cents <= LARGEST_CENTS:
        raise BadPayment("Un règlement est un montant au-dessus de zéro. Pour en reprendre un, ouvrez-le.")
    if method not in list(PaymentMethod):
        raise BadPayment("Choisissez comment le client a payé : virement, prélèvement, carte ou chèque.")
    if received_on > paris_date(now):
        raise BadPayment(f"Le {french_date(received_on)} est à venir. Donnez le jour où l'argent est arrivé.")
    customer = await customers.get(customer_number)
    row = Payment(
        customer=customer["id"], method=method, amount_cents=amount_cents, received_on=received_on,
        reference=" ".join(reference.split())[:140], key=key, actor=actor, created_at=now,
    )  # fmt: skip
    try:
        async with transaction():
            return await write(row, invoices)
    except NOT_UNIQUE:
        raise AlreadyRecorded("Ce règlement est déjà enregistré : il figure au compte du client.") from None


async def write(row: Payment, invoices: Sequence[int] = ()) -> int:
    """A payment and what it pays, in the transaction of the act."""
    await lock(row.customer)
    if row.key and await Payment.exists().where(Payment.key == row.key):
        raise AlreadyRecorded("Ce règlement est déjà enregistré : il figure au compte du client.")
    await row.save()
    debts = await balances.debts(row.customer)
    chosen = [debt for debt in debts if debt["id"] in invoices]
    others = [debt for debt in debts if debt["id"] not in invoices] if row.source != PaymentSource.debit else []
    left = row.amount_cents
    for group in (chosen, others):
        for invoice, cents in allocate(left, balances.as_debts(group)):
            await _allocate(invoice, cents, row.actor, row.created_at, payment=row.id)
            left -= cents
    told = {"amount_cents": row.amount_cents, "method": str(row.method), "received_on": row.received_on.isoformat()}
    await tell(row.actor, "paid", "customer", row.customer, after=told | {"reference": row.reference}, at=row.created_at)
    return int(row.id)


async def _allocate(
    invoice: int, cents: int, actor: str, now: datetime, *, payment: int | None = None, credit_note: int | None = None
) -> None:
    await Allocation(
        invoice=invoice, payment=payment, credit_note=credit_note, amount_cents=cents, actor=actor, created_at=now
    ).save()


async def reverse(payment_id: int, reason: str, *, actor: str, now: datetime) -> int:
    """Take a payment back: what it paid is due again. Raises UnknownPayment, NoReason, AlreadyReversed."""
    async with transaction():
        return await take_back(payment_id, reason, actor, now)


async def take_back(payment_id: int, reason: str, actor: str, now: datetime) -> int:
    """`reverse`, in the transaction of the act."""
    paid = await Payment.select().where(Payment.id == payment_id).first()
    if paid is None or paid["amount_cents"] < 0:
        raise UnknownPayment("Aucun règlement de ce numéro.")
    if not " ".join(reason.split()):
        raise NoReason("Dites pourquoi ce règlement est repris : le motif reste au compte du client.")
    await lock(paid["customer"])
    if await Payment.exists().where(Payment.reverses == payment_id):
        raise AlreadyReversed("Ce règlement est déjà repris.")
    row = Payment(
        customer=paid["customer"], method=paid["method"], source=paid["source"], amount_cents=-paid["amount_cents"],
        received_on=paris_date(now), reference=paid["reference"], reverses=payment_id, reason=reason, actor=actor,
        created_at=now,
    )  # fmt: skip
    await row.save()
    for part in await Allocation.select().where(Allocation.payment == payment_id):
        await _allocate(part["invoice"], -part["amount_cents"], actor, now, payment=row.id)
    told = {"amount_cents": row.amount_cents, "reason": reason}
    await tell(actor, "payment_reversed", "customer", paid["customer"], after=told, at=now)
    return int(row.id)


async def net(customer: int, actor: str, now: datetime) -> int:
    """Put what we hold for a customer on its invoices: a credit note on the one that it corrects, then the oldest; cents moved.

    In a transaction.
    """
    await lock(customer)
    moved = 0
    for credit in await balances.credits(customer):
        left, debts = credit["left_cents"], await balances.debts(customer)
        own = [debt for debt in debts if debt["number"] == credit["corrects"]]
        for group in (own, [debt for debt in debts if debt not in own]):
            for invoice, cents in allocate(left, balances.as_debts(group)):
                await _allocate(invoice, cents, actor, now, payment=credit["payment"], credit_note=credit["credit_note"])
                left, moved = left - cents, moved + cents
    if moved:
        await tell(actor, "netted", "customer", customer, after={"amount_cents": moved}, at=now)
    return moved


async def net_one(number: str, *, actor: str, now: datetime) -> int:
    """`net` for one customer, by its number; cents moved."""
    customer = await customers.get(number)
    async with transaction():
        return await net(customer["id"], actor, now)


async def lock(customer: int) -> None:
    """Two who settle one customer's account at once take turns."""
    if not on_sqlite():
        await Customer.select(Customer.id).where(Customer.id == customer).lock_rows("UPDATE")


async def account(number: str) -> Row:
    """A customer's account: `customer`, `debts`, `credits`, `payments` (latest first, each with what it paid)."""
    customer = await customers.get(number)
    rows = await Payment.select().where(Payment.customer == customer["id"]).order_by(Payment.id, ascending=False)
    parts: dict[int, list[Row]] = {}
    allocation = Allocation
    for part in await allocation.select(allocation.payment, allocation.amount_cents, allocation.invoice.number).where(
        allocation.payment.customer == customer["id"]
    ):
        parts.setdefault(part["payment"], []).append(part)
    reversed_by = {row["reverses"] for row in rows}
    payments = [row | {"parts": parts.get(row["id"], []), "reversed": row["id"] in reversed_by} for row in rows]
    found = {"customer": customer, "payments": payments, "debts": await balances.debts(customer["id"])}
    return found | {"credits": await balances.credits(customer["id"])}
