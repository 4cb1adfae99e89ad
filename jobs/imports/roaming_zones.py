"""Roaming zones: one row per zone; a country code is in one zone only."""

from jobs.imports.plan import Occasion, Plan, UnknownReference
from jobs.imports.store import write_rows
from rules.errors import RuleError
from rules.files.rows import Intake, shown
from tables.catalogue import Rate, RoamingZone

HOME = "HOME"


class MccInTwoZones(RuleError):
    """A country code that two zones claim."""


async def plan(intake: Intake, occasion: Occasion) -> Plan:
    plan = Plan(intake)
    stored = {row["zone"]: row for row in await RoamingZone.select(RoamingZone.id, RoamingZone.zone, RoamingZone.mcc)}
    given = {row.values["zone"] for row in intake.rows}
    owner = {mcc: zone for zone, row in stored.items() if zone not in given for mcc in row["mcc"].split("+")}
    for row in intake.rows:
        zone = row.values["zone"]
        twice = [mcc for mcc in row.values["mcc"].split("+") if owner.setdefault(mcc, zone) != zone]
        for mcc in twice:
            intake.refused = True
            intake.refuse(
                row, "mcc", MccInTwoZones(f"Le code {mcc} est déjà dans la zone {owner[mcc]}. Laissez-le dans une seule zone.")
            )
        if not twice:
            plan.place(row, stored.get(zone), plan.merge(row, stored.get(zone)))
    priced = {rate["origin"] for rate in await Rate.select(Rate.origin).distinct()} | {HOME}
    for row in intake.rows:
        if row.values["zone"] not in priced:
            sentence = f"Aucune grille n'a de tarif pour la zone {row.values['zone']} : ses appels n'auront pas de prix."
            plan.warn(row, "zone", shown(row.values["zone"]), UnknownReference(sentence))
    return plan


async def write(plan: Plan, occasion: Occasion) -> None:
    await write_rows(plan, RoamingZone, ["zone", "mcc"])
