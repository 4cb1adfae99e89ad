"""SIM cards: their codes are sealed; a card that has left the stock no longer changes by import."""

import json

from gateways.secrets import open_, seal
from jobs.imports.plan import Occasion, Plan
from jobs.imports.store import select_in, write_rows
from rules.errors import RuleError
from rules.files.kinds import SECRETS
from rules.files.rows import Intake, Values
from rules.states import SimState
from tables.fleet import Sim

NAMES = ["iccid", "imsi", "kind", "batch", "msisdn"]


class NotInStock(RuleError):
    """A change to a SIM card that has left the stock."""


async def plan(intake: Intake, occasion: Occasion) -> Plan:
    plan = Plan(intake)
    columns = [Sim.id, Sim.state, Sim.secrets, *(Sim._meta.get_column_by_name(name) for name in NAMES)]
    found = await select_in(columns, Sim.iccid, (row.values["iccid"] for row in intake.rows))
    stored = {sim["iccid"]: sim | opened(sim["secrets"]) for sim in found}
    for row in intake.rows:
        old = stored.get(row.values["iccid"])
        plan.place(row, old, plan.merge(row, old), old and _locked(SimState(old["state"])))
    return plan


def _locked(state: SimState) -> RuleError | None:
    if state == SimState.in_stock:
        return None
    return NotInStock(
        f"Cette carte n'est plus en stock (état : {state.label}) : elle ne change plus par import. Retirez la ligne du fichier."
    )


def opened(secrets: str) -> Values:
    """The codes of a card, empty when it has none."""
    return dict.fromkeys(SECRETS, "") | (json.loads(open_(secrets)) if secrets else {})


def sealed(values: Values) -> str:
    codes = {name: values[name] for name in SECRETS if values[name]}
    return seal(json.dumps(codes)) if codes else ""


async def write(plan: Plan, occasion: Occasion) -> None:
    for row in [*plan.created, *(change.row for change in plan.changed)]:
        row.values["secrets"] = sealed(row.values)
    await write_rows(plan, Sim, [*NAMES, "secrets"], state=SimState.in_stock.value, created_at=occasion.now)
