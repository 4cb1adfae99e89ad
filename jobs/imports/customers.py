"""Customers: everything may change but the number; a login and a site e-mail belong to one customer.

A file that asks for whole numbers on the detailed bill is the holder's request, of the day on which it is loaded.
"""

from jobs.imports.plan import Occasion, Plan
from jobs.imports.store import chunks, named, write_rows
from rules.errors import RuleError
from rules.files.kinds import CUSTOMERS, default_einvoice_address
from rules.files.rows import Intake, Values
from rules.paris import paris_date
from tables.engine import update_many
from tables.parties import Customer

NAMES = [column.name for column in CUSTOMERS.columns]


class AlreadyTaken(RuleError):
    """A value that only one customer may have, and another has."""


async def plan(intake: Intake, occasion: Occasion) -> Plan:
    plan = Plan(intake)
    stored = {customer["customer_number"]: customer for customer in await Customer.select(*named(Customer, ["id", *NAMES]))}
    owner = {key: number for number, customer in stored.items() for key in _unique(customer)}
    for row in intake.rows:
        number = row.values["customer_number"]
        old = stored.get(number)
        after = plan.merge(row, old)
        given = "einvoice_address" in intake.present
        if old and not given and old["einvoice_address"] == default_einvoice_address(old):
            address = default_einvoice_address(row.values)  # a default follows what it is made of
            row.values["einvoice_address"] = address
            after |= {"einvoice_address": address} if address != old["einvoice_address"] else {}
        keys = _unique(row.values)
        taken = [key for key in keys if owner.get(key, number) != number]
        for name, value in taken:
            sentence = f"« {row.values[name]} » est déjà celui du client {owner[name, value]}. Donnez-en un autre."
            intake.refuse(row, name, AlreadyTaken(sentence))
        if not taken:
            owner.update(dict.fromkeys(keys, number))
            plan.place(row, old, after)
    return plan


def _unique(customer: Values) -> list[tuple[str, str]]:
    return [(name, customer[name].casefold()) for name in ("login", "site_email") if customer[name]]


async def write(plan: Plan, occasion: Occasion) -> None:
    await write_rows(plan, Customer, NAMES, created_at=occasion.now)
    today = paris_date(occasion.now)
    asked = [row.values["customer_number"] for row in plan.created if not row.values["hide_digits"]]
    for numbers in chunks(asked):
        await Customer.update({Customer.digits_shown_on: today}).where(Customer.customer_number.is_in(numbers))
    moved = {change.id: change.after["hide_digits"] for change in plan.changed if "hide_digits" in change.after}
    await update_many(Customer.digits_shown_on, {id: None if hidden else today for id, hidden in moved.items()})
