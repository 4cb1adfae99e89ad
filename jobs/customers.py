"""Customers: created and changed. What is typed is held to the law of the import."""

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from piccolo.columns.combination import WhereRaw

from jobs.imports.customers import AlreadyTaken
from jobs.imports.store import named
from jobs.lawful import NotLawful, lawful
from jobs.search import written
from rules import seek
from rules.errors import RuleError
from rules.files.kinds import CUSTOMER_SHEET, NotAsked, default_einvoice_address
from rules.files.rows import Values, shown
from rules.paris import paris_date
from rules.wholesaler_form import wholesaler_form
from tables.engine import NOT_UNIQUE, on_sqlite, transaction
from tables.parties import Customer
from tables.timeline import story, tell

Row = dict[str, Any]
NAMES = [column.name for column in CUSTOMER_SHEET.columns]


class UnknownCustomer(RuleError):
    """A customer number that nobody bears."""

    status = 404


class LooksAlike(RuleError):
    """A customer that may be here already: to be said again if it is meant."""

    status = 409

    def __init__(self, twins: list[Row]) -> None:
        self.twins = twins
        several = f"{len(twins)} clients lui ressemblent" if len(twins) > 1 else "Un client lui ressemble"
        super().__init__(f"{several} : même SIREN, ou même nom. Regardez, puis enregistrez quand même si c'en est un autre.")


@dataclass(frozen=True)
class Difference:
    """A field that someone else wrote since the form was opened: what is stored, what is typed."""

    field: str
    stored: str
    typed: str


class ChangedMeanwhile(RuleError):
    """Someone else saved the customer since the form was opened; `version` is what stands there now."""

    status = 409

    def __init__(self, actor: str, version: str, differences: list[Difference]) -> None:
        self.version, self.differences = version, differences
        super().__init__(
            f"{actor or 'Un programme'} a enregistré cette fiche pendant que vous l'écriviez. Votre saisie est gardée :"
            " comparez, corrigez, puis enregistrez de nouveau."
        )


async def get(number: str) -> Row:
    """Raises UnknownCustomer."""
    row = await Customer.select().where(Customer.customer_number == number).first() if number.isprintable() else None
    if row is None:
        raise UnknownCustomer(f"Aucun client ne porte le numéro « {number[:40]} ». Cherchez-le par son nom.")
    return row


def form_of(row: Row) -> dict[str, str]:
    """A customer as a form writes it."""
    return {name: shown(row[name]) for name in NAMES}


def version_of(row: Row) -> str:
    """The same for rows that say the same."""
    return sha256(json.dumps(form_of(row)).encode()).hexdigest()


def blank() -> dict[str, str]:
    return form_of(Customer().to_dict() | {"kind": "BUSINESS", "payment_method": "TRANSFER"})


async def proposed_number() -> str:
    """The one after the highest of those that are written like the last created."""
    last = await Customer.select(Customer.customer_number).order_by(Customer.id, ascending=False).first()
    known = last["customer_number"] if last else "C000000"
    head = known.rstrip("0123456789")
    alike = await Customer.select(Customer.customer_number).where(Customer.customer_number.like(f"{head}%")).output(as_list=True)
    tails = [tail for number in alike if (tail := number.removeprefix(head)).isdigit()]
    highest = max(tails, key=int, default=known.removeprefix(head) or "0")
    return f"{head}{int(highest) + 1:0{len(highest)}d}"[:32]


async def create(typed: dict[str, str], *, confirmed: bool, actor: str, now: datetime) -> str:
    """The number of the new customer; one created just so a moment ago is the same. Raises NotLawful, LooksAlike."""
    values = _lawful(blank() | typed, now)
    try:
        async with transaction():
            if await _is_already(values):
                return str(values["customer_number"])
            await _unique(values)
            if not confirmed and (alike := await twins(values)):
                raise LooksAlike(alike)
            row = Customer(**values, created_at=now)
            await row.save()
            told = {name: shown(values[name]) for name in NAMES if values[name] != getattr(Customer(), name)}
            await tell(actor, "created", "customer", row.id, after=told, at=now)
    except NOT_UNIQUE:  # another did it between the look and the act
        if not await _is_already(values):
            await _unique(values)
            raise
    return str(values["customer_number"])


async def change(number: str, typed: dict[str, str], version: str, *, confirmed: bool, actor: str, now: datetime) -> bool:
    """Write what is typed over the version that it was made from; False when nothing differs.

    Raises UnknownCustomer, NotLawful, LooksAlike, ChangedMeanwhile.
    """
    old = await get(number)
    typed = typed | {"customer_number": number}
    if typed.get("einvoice_address") == default_einvoice_address(old):
        typed["einvoice_address"] = ""  # a default follows what it is made of
    values = _lawful(form_of(old) | typed, now)
    try:
        async with transaction():
            stored = await _locked(old["id"])
            changed: dict[Any, Any] = {name: values[name] for name in NAMES if values[name] != stored[name]}
            if not changed:
                return False
            if version_of(stored) != version:
                raise await _meanwhile(stored, values)
            await _unique(values, old["id"])
            told_apart = {"siren", "company_name"} & set(changed)
            if told_apart and not confirmed and (alike := await twins(values, old["id"])):
                raise LooksAlike(alike)
            await Customer.update(changed).where(Customer.id == old["id"])
            before, after = ({name: shown(row[name]) for name in changed} for row in (stored, values))
            await tell(actor, "changed", "customer", old["id"], before, after, now)
    except NOT_UNIQUE:
        await _unique(values, old["id"])
        raise
    return True


def _lawful(typed: dict[str, str], now: datetime) -> Values:
    """Raises NotLawful."""
    values = lawful(CUSTOMER_SHEET, typed)
    if values["digits_shown_on"] and values["digits_shown_on"] > paris_date(now):
        problem = NotAsked("Le titulaire n'a pas pu le demander à une date à venir. Donnez le jour de sa demande.")
        field = "digits_shown_on"
        raise NotLawful([{"field": field, "value": typed[field], "code": problem.code, "message": str(problem)}])
    return values


async def _locked(row_id: int) -> Row:
    """The row as it stands, which nobody else changes until the transaction ends."""
    query = Customer.select().where(Customer.id == row_id)
    rows = await (query if on_sqlite() else query.lock_rows("UPDATE"))
    return dict(rows[0])


async def _meanwhile(stored: Row, values: Values) -> ChangedMeanwhile:
    told = await story("customer", stored["id"])
    mine, theirs = form_of(values), form_of(stored)
    differences = [Difference(name, theirs[name], mine[name]) for name in NAMES if theirs[name] != mine[name]]
    return ChangedMeanwhile(told[0]["actor"] if told else "", version_of(stored), differences)


async def _is_already(values: Values) -> bool:
    """Whether this very customer is there: a form sent twice makes one."""
    row = await Customer.select().where(Customer.customer_number == values["customer_number"]).first()
    return row is not None and form_of(row) == form_of(values)


async def _unique(values: Values, own: int = 0) -> None:
    """Raises NotLawful for what another customer has. The database holds it too: this says it in words."""
    faults = []
    for name in ("customer_number", "login", "site_email"):
        if values[name]:
            same = WhereRaw(f'lower("{name}") = lower({{}})', values[name])
            other = await Customer.select(Customer.customer_number).where(same, Customer.id != own).first()
            if other:
                sentence = f"« {values[name]} » est déjà celui du client {other['customer_number']}. Donnez-en un autre."
                code = AlreadyTaken(sentence).code
                faults.append({"field": name, "value": values[name], "code": code, "message": sentence})
    if faults:
        raise NotLawful(faults)


async def twins(values: Values, own: int = 0) -> list[Row]:
    """Other customers of the same SIREN, or of the same name but for case and accents."""
    name = _plain(values["company_name"])
    words = seek.words(values["company_name"])
    columns = named(Customer, ["id", "customer_number", "company_name", "siren", "city"])
    found = await Customer.select(*columns).where(Customer.siren == values["siren"]) if values["siren"] else []
    if words:
        named_so = await Customer.select(*columns).where(written(Customer.company_name, words=words))
        found = found + [row for row in named_so if _plain(row["company_name"]) == name]
    return list({row["id"]: row for row in found if row["id"] != own}.values())


def _plain(name: str) -> str:
    return wholesaler_form(name) or name.casefold()
