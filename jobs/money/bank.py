"""What the bank says, from its CSV: credits matched to customers and invoices, returns of direct debits."""

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gateways.files import publish_bytes
from gateways.settings import SETTINGS
from jobs.imports.store import select_in
from jobs.money import balances, debits, payments
from rules.errors import RuleError
from rules.files import cells
from rules.files.form import Error
from rules.files.rows import Column, Intake, Kind
from rules.states import PaymentMethod
from tables.money import Payment
from tables.parties import Customer

Row = dict[str, Any]
NUMBER = re.compile(r"[A-Za-z0-9+_/-]{5,35}")
LARGEST = 1_000_000  # bytes of a statement


def _day(cell: str) -> date:
    """As banks write it, 31/10/2026, or as we do."""
    return cells.iso_date("-".join(reversed(cell.split("/"))) if cell.count("/") == 2 else cell)


def _amount(cell: str) -> int:
    """Cents; what left the account is negative."""
    figure = cells.decimal(2)(re.sub(r"^[+-]|[ \u00a0\u202f]", "", cell))
    return int(figure * 100) * (-1 if cell.startswith("-") else 1)


STATEMENT = Kind(
    "statement",
    (Column("date", _day), Column("montant", _amount), Column("libelle", cells.text, longest=500)),
    ("date", "montant", "libelle"),
)
RETURNS = Kind("returns", (Column("reference", cells.text, longest=35), Column("motif", cells.text, longest=500)), ("reference",))


class StatementTooLong(RuleError):
    status = 413


class StatementLost(RuleError):
    status = 404


@dataclass(frozen=True)
class Credit:
    """A line of the statement and whose it is. `known`: recorded before; without a customer, a person must say whose."""

    line: int
    received_on: date
    amount_cents: int
    label: str
    key: str
    customer: Row | None = None
    invoices: tuple[Row, ...] = ()
    known: bool = False


async def read(data: bytes, name: str) -> tuple[list[Credit], list[Error]]:
    """The credits of a statement, each with its customer when the label names an invoice or an amount is owed by one alone.

    Raises FormError.
    """
    intake = Intake(STATEMENT, data, name)
    owed = await balances.debts()
    by_number = {row["number"].casefold(): row for row in owed}
    by_amount: dict[int, list[Row]] = {}
    for row in owed:
        by_amount.setdefault(row["left_cents"], []).append(row)
    customer = Customer
    columns = (customer.id, customer.customer_number, customer.company_name)
    named = {row["id"]: row for row in await select_in(columns, customer.id, {row["customer"] for row in owed})}
    received = {line.line: line.values for line in intake.rows if line.values["montant"] > 0}
    keys = {line: _key(values) for line, values in received.items()}
    known = {row["key"] for row in await select_in([Payment.key], Payment.key, keys.values())}
    found = []
    for line, values in received.items():
        told = [by_number[word.casefold()] for word in NUMBER.findall(values["libelle"]) if word.casefold() in by_number]
        alone = by_amount.get(values["montant"], [])
        hits = told or (alone if len(alone) == 1 else [])
        owners = {hit["customer"] for hit in hits}
        owner = named[owners.pop()] if len(owners) == 1 else None
        key, paid = keys[line], tuple(hits) if owner else ()
        found.append(Credit(line, values["date"], values["montant"], values["libelle"], key, owner, paid, key in known))
    return found, intake.errors


def _key(values: Row) -> str:
    """The same line of the bank in two statements is one payment."""
    return hashlib.sha256(f"{values['date']}|{values['montant']}|{values['libelle']}".encode()).hexdigest()


def keep(data: bytes) -> str:
    """Put a statement aside while a person looks at it; its name. Raises StatementTooLong."""
    if len(data) > LARGEST:
        raise StatementTooLong("Ce relevé dépasse 1 Mo. Découpez-le par mois.")
    name = hashlib.sha256(data).hexdigest()
    publish_bytes(SETTINGS.data_dir / "statements" / f"{name}.csv", data)
    return name


def kept(name: str) -> bytes:
    """Raises StatementLost."""
    path = SETTINGS.data_dir / "statements" / f"{name}.csv"
    if not re.fullmatch("[0-9a-f]{64}", name) or not path.exists():
        raise StatementLost("Ce relevé n'est plus là. Déposez-le de nouveau.")
    return path.read_bytes()


async def confirm(
    credits: list[Credit], owners: dict[str, str], *, actor: str, now: datetime
) -> tuple[int, list[tuple[int, str]]]:
    """Record each credit whose customer (by key) a person confirmed; how many, and which lines were refused and why."""
    done, refused = 0, []
    for credit in credits:
        number = owners.get(credit.key, "").strip()
        if not number or credit.known:
            continue
        chosen = [row["id"] for row in credit.invoices]
        try:
            await payments.record(
                number, credit.amount_cents, PaymentMethod.transfer, credit.received_on, credit.label, invoices=chosen,
                key=credit.key, actor=actor, now=now,
            )  # fmt: skip
            done += 1
        except RuleError as problem:
            refused.append((credit.line, str(problem)))
    return done, refused


async def take_returns(data: bytes, name: str, *, actor: str, now: datetime) -> tuple[int, list[tuple[str, str]], list[Error]]:
    """The bank's returns: how many, which could not be and why, what could not be read. Raises FormError."""
    intake = Intake(RETURNS, data, name)
    refused: list[tuple[str, str]] = []
    for row in intake.rows:
        refused += await debits.returned([row.values["reference"]], row.values["motif"], actor=actor, now=now)
    return len(intake.rows) - len(refused), refused, intake.errors
