"""What a clerk does with what a customer owes beside subscriptions: look, add, end, remove. The bill is made elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jobs.billing.conform import park
from jobs.lawful import lawful
from rules import vat
from rules.charges import months_between
from rules.errors import RuleError
from rules.files import cells
from rules.files.rows import Column, Kind
from rules.paris import Month
from rules.states import ChargeKind, InvoiceState, ProductKind
from tables.charges import Charge
from tables.engine import NOT_UNIQUE, claim, transaction
from tables.invoices import InvoiceLine
from tables.parties import Customer
from tables.timeline import story, tell

Row = dict[str, Any]
LONGEST_REASON = 500
CHARGE, GOODWILL = "frais", "geste"
NEW = Kind(
    "charge",
    (
        Column("act", cells.choice(CHARGE, GOODWILL)),
        Column("nature", cells.one_of(ProductKind), "SERVICE"),
        Column("label", cells.text, longest=160),
        Column("quantity", cells.integer(1, 9_999)),
        Column("unit_price", cells.decimal(6)),
        Column("vat_rate", vat.rate),
        Column("starts_on", cells.iso_date),
        Column("reason", cells.text, longest=LONGEST_REASON),
    ),
    ("label",),
)


class UnknownCustomer(RuleError):
    status = 404


class UnknownCharge(RuleError):
    status = 404


class AlreadyBilled(RuleError):
    """A charge that an invoice bears: a credit note repairs it."""

    status = 409


class NoEnd(RuleError):
    """A charge that cannot end, or not on that day."""

    status = 409


@dataclass(frozen=True)
class Shown:
    """A charge as its page shows it: where it stands, on which documents it was billed."""

    row: Row
    open: bool
    state: str
    numbers: tuple[str, ...]

    @property
    def removable(self) -> bool:
        return not self.row["invoiced"] and self.row["billed_until"] is None

    @property
    def endable(self) -> bool:
        return self.row["kind"] != ChargeKind.one_off and self.open


async def customer(customer_number: str) -> Row:
    found = await Customer.select().where(Customer.customer_number == customer_number).first()
    if not found:
        raise UnknownCustomer(f"Aucun client n'a le numéro « {customer_number} ». Cherchez-le par son nom.")
    return found


async def of_customer(customer_id: int) -> list[Shown]:
    """What is still to bill first, then the rest, the latest first."""
    rows = await Charge.select(*Charge.all_columns(), Charge.line.msisdn, Charge.line.terminated_on).where(
        Charge.customer == customer_id
    )
    line = InvoiceLine
    numbers: dict[int, dict[str, None]] = {}
    for billed in await line.select(line.charge, line.invoice.number).where(
        line.charge.customer == customer_id, line.invoice.state == InvoiceState.validated
    ):
        numbers.setdefault(billed["charge"], {})[billed["invoice.number"]] = None
    found = [Shown(row, *_standing(row), tuple(sorted(numbers.get(row["id"], {})))) for row in rows]
    return sorted(found, key=lambda one: (not one.open, -one.row["id"]))


def _standing(row: Row) -> tuple[bool, str]:
    """Whether anything is still to bill, and the words for it."""
    until, end = row["billed_until"], min(filter(None, (row["ends_on"], row["line.terminated_on"])), default=None)
    if row["kind"] == ChargeKind.one_off:
        return not row["invoiced"], "Facturé" if row["invoiced"] else "À facturer"
    if row["kind"] == ChargeKind.instalments:
        count = row["instalments"] or 0
        done = min(count, months_between(Month.of(row["starts_on"]), Month.of(until)) + 1) if until else 0
        return done < count, f"{done} mensualité{'s' if done > 1 else ''} sur {count} facturée{'s' if done > 1 else ''}"
    if until is None:
        return True, "À facturer"
    return end is None or end != until, f"Facturé jusqu'au {until:%d/%m/%Y}"


async def history(customer_id: int) -> list[Row]:
    return [row for row in await story("customer", customer_id) if row["event"].startswith("charge_")]


async def add(customer_number: str, values: Mapping[str, str], once: str, *, actor: str, now: datetime) -> None:
    """A charge that comes once, or a goodwill credit; the same `once` again adds nothing. Raises NotLawful, UnknownCustomer."""
    who = await customer(customer_number)
    given = lawful(NEW, {column.name: values.get(column.name, "") for column in NEW.columns})
    sign = -1 if given.pop("act") == GOODWILL else 1
    given["unit_price"] *= sign
    try:
        async with transaction():
            charge = Charge(customer=who["id"], kind=ChargeKind.one_off, once=once[:64] or None, actor=actor, **given)
            charge.created_at = now
            await charge.save()
            await tell(actor, "charge_added", "customer", who["id"], after=_told(charge.to_dict()), at=now)
    except NOT_UNIQUE:
        return


async def end(customer_number: str, charge_id: int, ends_on: date, *, actor: str, now: datetime) -> None:
    """The last day of what comes each month; instalments: what remains is due. Raises UnknownCharge, NoEnd."""
    row = await _one(customer_number, charge_id)
    if row["kind"] == ChargeKind.one_off:
        raise NoEnd("Ce frais ne vient qu'une fois : retirez-le, ou faites un avoir.")
    if ends_on < row["starts_on"]:
        raise NoEnd(f"« {row['label']} » commence le {row['starts_on']:%d/%m/%Y} : donnez ce jour-là, ou un jour plus tard.")
    async with transaction():
        unseen = Charge.ends_on.is_null() if row["ends_on"] is None else Charge.ends_on == row["ends_on"]
        if row["ends_on"] != ends_on and await claim(Charge, {Charge.ends_on: ends_on}, Charge.id == charge_id, unseen):
            before = {"label": row["label"], "ends_on": row["ends_on"] and row["ends_on"].isoformat()}
            after = {"label": row["label"], "ends_on": ends_on.isoformat()}
            await tell(actor, "charge_ended", "customer", row["customer"], before, after, at=now)


async def remove(customer_number: str, charge_id: int, *, actor: str, now: datetime) -> None:
    """Take away what no invoice bears. Raises UnknownCharge, AlreadyBilled."""
    row = await _one(customer_number, charge_id)
    async with transaction():
        await take_away(charge_id)
        await tell(actor, "charge_removed", "customer", row["customer"], before=_told(row), at=now)


async def take_away(charge_id: int) -> None:
    """Delete a charge that no invoice bears, in the transaction under way; drafts that count it are put away with their reason.

    Raises AlreadyBilled.
    """
    line = InvoiceLine
    columns = (line.invoice, line.invoice.run.as_alias("run"), line.invoice.state.as_alias("state"), line.label)
    drafts: dict[int, dict[int, str]] = {}
    for row in await line.select(*columns).where(line.charge == charge_id):
        if row["state"] == InvoiceState.validated:
            raise AlreadyBilled(f"« {row['label']} » est déjà facturé : un avoir corrige la facture.")
        reason = f"« {row['label']} » a été retiré depuis. Refaites les brouillons."
        drafts.setdefault(row["run"], {})[row["invoice"]] = reason
    for run, reasons in drafts.items():
        await park(run, reasons)
    await Charge.delete().where(Charge.id == charge_id)


async def _one(customer_number: str, charge_id: int) -> Row:
    found = await Charge.select().where(Charge.id == charge_id, Charge.customer.customer_number == customer_number).first()
    if not found:
        raise UnknownCharge("Ce frais n'existe pas, ou il vient d'être retiré. Revenez à la liste des frais.")
    return found


def _told(row: Row) -> Row:
    """A charge as the journal keeps it."""
    told = {name: row[name] for name in ("label", "quantity", "unit_price", "vat_rate", "starts_on", "reason")}
    return {name: _text(value) for name, value in told.items()}


def _text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value.isoformat() if isinstance(value, date) else value
