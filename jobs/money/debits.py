"""Direct debits: which invoices may be collected, the batch for the bank, what came of it."""

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from gateways import sepa
from gateways.files import publish_bytes
from gateways.settings import SETTINGS
from jobs import reseller
from jobs.money import balances, payments
from rules.errors import NoReason, RuleError
from rules.moves import check
from rules.paris import paris_date
from rules.sepa import Mandate, check_mandate, check_notice
from rules.states import DEBIT_MOVES, DebitState, MandateType, PaymentMethod, PaymentSource, Sequence
from tables.engine import NOT_UNIQUE, claim, transaction
from tables.money import Debit, DebitBatch, Payment
from tables.parties import Customer
from tables.timeline import tell

Row = dict[str, Any]
RUNNING = (DebitState.prepared, DebitState.sent, DebitState.collected)
FURTHEST = timedelta(days=90)


class BadCollectionDay(RuleError):
    """A day on which the bank would not collect."""


class NothingToCollect(RuleError):
    """A batch without any debit."""


class CreditorIncomplete(RuleError):
    """A reseller whose bank details are not filled in."""


class AccountMoved(RuleError):
    """Debts that changed while the batch was made."""

    status = 409


class ReturnRefused(RuleError):
    """A return that can't be recorded."""

    status = 409


class UnknownDebit(RuleError):
    status = 404


@dataclass(frozen=True)
class Candidate:
    """An invoice of a customer who pays by direct debit. `problem`: why it can't be collected on that day; empty = it can."""

    debt: Row
    customer: Row
    sequence: Sequence
    problem: str = ""


async def candidates(collection_on: date) -> list[Candidate]:
    """Every invoice with something left, not collected elsewhere, of the customers who pay by direct debit."""
    payers = {row["id"]: row for row in await Customer.select().where(Customer.payment_method == PaymentMethod.direct_debit)}
    running = set(await Debit.select(Debit.invoice).where(Debit.state.is_in(list(RUNNING))).output(as_list=True))
    last: dict[tuple[int, str], date] = {}
    for row in await Debit.select(Debit.customer, Debit.mandate_reference, Debit.batch.collection_on).where(
        Debit.state.is_in([DebitState.sent, DebitState.collected])
    ):
        key = row["customer"], row["mandate_reference"]
        last[key] = max(last.get(key, date.min), row["batch.collection_on"])
    held = {row["customer"] for row in await balances.credits()}
    found = []
    for debt in await balances.debts():
        if (customer := payers.get(debt["customer"])) and debt["id"] not in running:
            used = last.get((customer["id"], customer["mandate_reference"]))
            problem = _problem(debt, customer, used, collection_on)
            if not problem and customer["id"] in held:
                problem = "Un avoir ou un trop-payé attend : imputez-le d'abord."
            found.append(Candidate(debt, customer, Sequence.recurrent if used else Sequence.first, problem))
    return found


def _problem(debt: Row, customer: Row, last: date | None, collection_on: date) -> str:
    mandate = Mandate(
        customer["mandate_reference"], customer["mandate_type"] or "", customer["mandate_date"], customer["iban"], last
    )
    try:
        check_mandate(mandate, collection_on)
        check_notice(debt["issued_on"], debt["due_on"], collection_on)
    except RuleError as problem:
        return str(problem)
    return ""


async def net_all(actor: str, now: datetime) -> int:
    """Put every credit on the invoices of its customer, before they are collected or reminded of; cents moved."""
    moved = 0
    for customer in sorted({row["customer"] for row in await balances.credits()}):
        async with transaction():
            moved += await payments.net(customer, actor, now)
    return moved


async def prepare(type_: str, collection_on: date, *, actor: str, now: datetime) -> int:
    """A batch of all that may be collected on that day under one type of mandate; its file is kept as made.

    Raises BadCollectionDay, CreditorIncomplete, NothingToCollect, AccountMoved.
    """
    today = paris_date(now)
    if not today < collection_on <= today + FURTHEST or collection_on.isoweekday() > 5:
        raise BadCollectionDay("Choisissez un jour de semaine entre demain et dans trois mois.")
    seller = await reseller.current()
    if not (seller.iban and seller.ics and seller.name):
        raise CreditorIncomplete("L'IBAN et l'ICS de l'intégrateur manquent. Complétez la fiche dans « Personnalisation ».")
    await net_all(actor, now)
    chosen = [one for one in await candidates(collection_on) if not one.problem and one.customer["mandate_type"] == type_]
    if not chosen:
        raise NothingToCollect("Aucune facture n'est à prélever ce jour-là. Regardez pourquoi dans la liste.")
    name = f"P{now:%y%m%d%H%M%S}{MandateType(type_).value}-{uuid4().hex[:4]}"
    rows = _collections(chosen, name)
    creditor = sepa.Creditor(seller.name, seller.iban, seller.bic, seller.ics)
    xml = await asyncio.to_thread(sepa.batch, name, creditor, type_, collection_on, rows, seller.sepa_version)
    sha256 = hashlib.sha256(xml).hexdigest()
    path = f"debits/{sha256}.xml"  # no other batch writes over it
    publish_bytes(SETTINGS.data_dir / path, xml)
    total = sum(row.amount_cents for row in rows)
    try:
        async with transaction():
            batch = DebitBatch(
                name=name, type=type_, collection_on=collection_on, debits=len(rows), total_cents=total, path=path,
                sha256=sha256, actor=actor, created_at=now,
            )  # fmt: skip
            await batch.save()
            left = {row["id"]: row["left_cents"] for row in await balances.debts()}
            if any(left.get(one.debt["id"]) != one.debt["left_cents"] for one in chosen):
                raise AccountMoved("Un règlement est arrivé entre-temps. Rien n'est fait : recommencez.")
            await Debit.insert(
                *(
                    Debit(
                        batch=batch.id, invoice=one.debt["id"], customer=one.customer["id"], amount_cents=row.amount_cents,
                        sequence=row.sequence, mandate_reference=row.mandate_reference, end_to_end=row.end_to_end,
                    )
                    for one, row in zip(chosen, rows, strict=True)
                )
            )  # fmt: skip
            await tell(actor, "prepared", "debit_batch", batch.id, after={"debits": len(rows), "total_cents": total}, at=now)
    except NOT_UNIQUE:
        raise AccountMoved("Une autre remise vient de prendre une de ces factures. Rien n'est fait : recommencez.") from None
    return int(batch.id)


def _collections(chosen: list[Candidate], name: str) -> list[sepa.Collection]:
    """The first debit of a mandate is FRST, those after it in the same batch are RCUR."""
    found, seen = [], set()
    for rank, one in enumerate(chosen, 1):
        customer, mandate = one.customer, one.customer["mandate_reference"]
        found.append(
            sepa.Collection(
                name=customer["company_name"],
                iban=customer["iban"],
                bic=customer["bic"],
                amount_cents=one.debt["left_cents"],
                sequence=str(Sequence.recurrent if mandate in seen else one.sequence),
                mandate_reference=mandate,
                mandate_date=customer["mandate_date"],
                end_to_end=f"{name}-{rank}",
                text=f"Facture {one.debt['number']}",
            )
        )
        seen.add(mandate)
    return found


async def listing() -> list[Row]:
    """The last batches, latest first."""
    return await DebitBatch.select().order_by(DebitBatch.id, ascending=False).limit(50)


async def get(batch_id: int) -> Row:
    """A batch with its `rows`. Raises UnknownDebit."""
    batch = await DebitBatch.select().where(DebitBatch.id == batch_id).first()
    if batch is None:
        raise UnknownDebit("Aucune remise de ce numéro.")
    debit = Debit
    columns = (*debit.all_columns(), debit.invoice.number, debit.customer.company_name, debit.customer.customer_number)
    return batch | {"rows": await debit.select(*columns).where(debit.batch == batch_id).order_by(debit.id)}


def act(name: str) -> DebitState:
    """What a page calls it. Raises UnknownDebit."""
    known = {"remettre": DebitState.sent, "annuler": DebitState.cancelled}
    if name not in known:
        raise UnknownDebit("On ne fait que remettre une remise à la banque, ou l'annuler.")
    return known[name]


async def move(batch_id: int, target: DebitState, *, actor: str, now: datetime) -> None:
    """Mark a batch as given to the bank, or give it up before that. Raises IllegalState."""
    batch = await get(batch_id)
    check(DEBIT_MOVES, DebitState(batch["state"]), target)
    async with transaction():
        if await claim(DebitBatch, {DebitBatch.state: target}, DebitBatch.id == batch_id, DebitBatch.state == batch["state"]):
            await Debit.update({Debit.state: target}).where(Debit.batch == batch_id)
            await tell(actor, target.value, "debit_batch", batch_id, {"state": batch["state"]}, {"state": target.value}, now)


async def collect(now: datetime, actor: str = "") -> int:
    """What was to be collected by today is paid, until a return says otherwise; how many debits."""
    debit, done = Debit, 0
    due = await debit.select(
        debit.id, debit.invoice, debit.customer, debit.amount_cents, debit.end_to_end, debit.batch.collection_on
    ).where(debit.state == DebitState.sent, debit.batch.collection_on <= paris_date(now))
    for row in due:
        async with transaction():
            if await claim(Debit, {Debit.state: DebitState.collected}, Debit.id == row["id"], Debit.state == DebitState.sent):
                await _pay(row, actor, now)
                done += 1
    batches = {row["id"] for row in await DebitBatch.select(DebitBatch.id).where(DebitBatch.state == DebitState.sent)}
    waiting = set(await Debit.select(Debit.batch).where(Debit.state == DebitState.sent).output(as_list=True))
    if settled := batches - waiting:
        await DebitBatch.update({DebitBatch.state: DebitState.collected}).where(DebitBatch.id.is_in(list(settled)))
    return done


async def _pay(row: Row, actor: str, now: datetime) -> None:
    payment = Payment(
        customer=row["customer"], method=PaymentMethod.direct_debit, source=PaymentSource.debit, amount_cents=row["amount_cents"],
        received_on=row["batch.collection_on"], reference=row["end_to_end"], key=f"debit-{row['id']}", actor=actor,
        created_at=now,
    )  # fmt: skip
    paid = await payments.write(payment, [row["invoice"]])
    await Debit.update({Debit.payment: paid}).where(Debit.id == row["id"])


async def returned(references: Iterable[str], reason: str, *, actor: str, now: datetime) -> list[tuple[str, str]]:
    """The bank gave these back: their invoices are due again, with the reason. What could not be: (reference, why)."""
    if not " ".join(reason.split()):
        raise NoReason("Dites pourquoi la banque a rejeté ce prélèvement.")
    refused = []
    for reference in references:
        row = await Debit.select().where(Debit.end_to_end == reference).first()
        try:
            if row is None:
                raise UnknownDebit("Aucun prélèvement de cette référence.")
            check(DEBIT_MOVES, DebitState(row["state"]), DebitState.returned)
            async with transaction():
                values: dict[Any, Any] = {Debit.state: DebitState.returned, Debit.reason: reason[:500]}
                if await claim(Debit, values, Debit.id == row["id"], Debit.state == row["state"]):
                    if row["payment"]:
                        await payments.take_back(row["payment"], reason, actor, now)
                    await tell(actor, "returned", "invoice", row["invoice"], after={"reason": reason}, at=now)
        except RuleError as problem:
            refused.append((reference, str(problem)))
    return refused
