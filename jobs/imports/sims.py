"""SIM cards: their codes are sealed; a card that has left the stock no longer changes by import."""

import json

from gateways.secrets import open_, seal
from jobs.imports.plan import Occasion, Plan
from jobs.imports.store import named, select_in, write_rows
from rules.errors import RuleError
from rules.files.kinds import SECRETS
from rules.files.rows import Intake, Values
from rules.states import SimState
from tables.engine import update_many
from tables.fleet import Sim

NAMES = ["iccid", "imsi", "kind", "batch", "msisdn"]


class NotInStock(RuleError):
    """A change to a SIM card that has left the stock."""


async def plan(intake: Intake, occasion: Occasion) -> Plan:
    plan = Plan(intake)
    iccids = (row.values["iccid"] for row in intake.rows)
    found = await select_in(named(Sim, ["id", "state", "secrets", *NAMES]), Sim.iccid, iccids)
    stored = {sim["iccid"]: sim | opened(sim["secrets"]) for sim in found}
    for row in intake.rows:
        old = stored.get(row.values["iccid"])
        plan.place(row, old, plan.merge(row, old), _locked(old["state"]) if old else None)
    return plan


def _locked(state: str) -> RuleError | None:
    if state == SimState.in_stock:
        return None
    label = next(word.label for word in SimState if word == state)
    return NotInStock(f"Cette carte n'est plus en stock ({label}) : elle ne change plus par import. Retirez-la du fichier.")


def opened(secrets: str) -> Values:
    """The codes of a card, empty when it has none."""
    return dict.fromkeys(SECRETS, "") | (json.loads(open_(secrets)) if secrets else {})


def sealed(values: Values) -> str:
    codes = {name: values[name] for name in SECRETS if values[name]}
    return seal(json.dumps(codes)) if codes else ""


async def write(plan: Plan, occasion: Occasion) -> None:
    for row in plan.created:
        row.values["secrets"] = sealed(row.values)
    await write_rows(plan, Sim, [*NAMES, "secrets"], state=SimState.in_stock.value, created_at=occasion.now)
    recoded = [change for change in plan.changed if not change.after.keys().isdisjoint(SECRETS)]
    await update_many(Sim.secrets, {change.id: sealed(change.row.values) for change in recoded})
