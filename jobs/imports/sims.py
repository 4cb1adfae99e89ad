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


class InOtherBatch(RuleError):
    """A card in stock that another delivery brought."""


async def plan(intake: Intake, occasion: Occasion) -> Plan:
    plan = Plan(intake)
    iccids = (row.values["iccid"] for row in intake.rows)
    found = await select_in(named(Sim, ["id", "state", "secrets", *NAMES]), Sim.iccid, iccids)
    stored = {sim["iccid"]: sim | opened(sim["secrets"]) for sim in found}
    for row in intake.rows:
        old = stored.get(row.values["iccid"])
        after = plan.merge(row, old)
        locked = _locked(old) if old else None
        plan.place(row, old, after, locked)
        if old and "batch" in after and not locked:
            plan.warn(row, "batch", after["batch"], _moved(old["batch"], after["batch"]))
    return plan


def _locked(card: Values) -> RuleError | None:
    """Why a stored card does not change; names its batch, so that a card delivered twice is told from a slip."""
    state = SimState(card["state"])
    if state == SimState.in_stock:
        return None
    return NotInStock(
        f"Cette carte est déjà {_place(card['batch'])} et n'est plus en stock ({state.label}) :"
        " elle ne change plus par import. Retirez-la du fichier."
    )


def _moved(old: str, new: str) -> RuleError:
    return InOtherBatch(f"Cette carte est déjà {_place(old)} : elle passe {_place(new)}. Est-ce un doublon ? Retirez-la.")


def _place(batch: str) -> str:
    return f"dans le lot {batch}" if batch else "sans lot"


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
