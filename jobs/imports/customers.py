"""Customers: everything may change but the number; a login and a site e-mail belong to one customer."""

from jobs.imports.plan import Occasion, Plan
from jobs.imports.store import write_rows
from rules.errors import RuleError
from rules.files.kinds import CUSTOMERS, default_einvoice_address
from rules.files.rows import Intake
from tables.parties import Customer

NAMES = [column.name for column in CUSTOMERS.columns]
UNIQUE = ("login", "site_email")


class AlreadyTaken(RuleError):
    """A value that only one customer may have, and another has."""


async def plan(intake: Intake, occasion: Occasion) -> Plan:
    plan = Plan(intake)
    everyone = await Customer.select(Customer.id, *(Customer._meta.get_column_by_name(name) for name in NAMES))
    stored = {customer["customer_number"]: customer for customer in everyone}
    owner = {
        (name, customer[name].casefold()): number for number, customer in stored.items() for name in UNIQUE if customer[name]
    }
    for row in intake.rows:
        number = row.values["customer_number"]
        old = stored.get(number)
        after = plan.merge(row, old)
        if old and "einvoice_address" not in intake.present and old["einvoice_address"] == default_einvoice_address(old):
            row.values["einvoice_address"] = default_einvoice_address(row.values)
            if row.values["einvoice_address"] != old["einvoice_address"]:
                after["einvoice_address"] = row.values["einvoice_address"]
        keys = [(name, row.values[name].casefold()) for name in UNIQUE if row.values[name]]
        taken = [key for key in keys if owner.get(key, number) != number]
        for name, _ in taken:
            holder = owner[name, row.values[name].casefold()]
            intake.refuse(
                row, name, AlreadyTaken(f"« {row.values[name]} » est déjà celui du client {holder}. Donnez-en un autre.")
            )
        if not taken:
            owner.update(dict.fromkeys(keys, number))
            plan.place(row, old, after)
    return plan


async def write(plan: Plan, occasion: Occasion) -> None:
    await write_rows(plan, Customer, NAMES, created_at=occasion.now)
