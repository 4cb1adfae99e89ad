"""Roaming zones: one row per zone; a country code is in one zone only."""

from jobs.imports.plan import Occasion, Plan, UnknownReference
from jobs.imports.store import write_rows
from rules.errors import RuleError
from rules.files.rows import Intake
from tables.catalogue import Rate, RoamingZone


class MccInTwoZones(RuleError):
    """A country code that two zones claim."""


async def plan(intake: Intake, occasion: Occasion) -> Plan:
    plan = Plan(intake)
    stored = {zone["zone"]: zone for zone in await RoamingZone.select()}
    given = {row.values["zone"] for row in intake.rows}
    owner = {mcc: zone for zone, old in stored.items() if zone not in given for mcc in old["mcc"].split("+")}
    priced = {rate["origin"] for rate in await Rate.select(Rate.origin).distinct()} | {"HOME"}
    for row in intake.rows:
        zone = row.values["zone"]
        claimed = [mcc for mcc in row.values["mcc"].split("+") if owner.setdefault(mcc, zone) != zone]
        for mcc in claimed:
            intake.refused = True
            sentence = f"Le code {mcc} est déjà dans la zone {owner[mcc]}. Laissez-le dans une seule zone."
            intake.refuse(row, "mcc", MccInTwoZones(sentence))
        if not claimed:
            plan.place(row, stored.get(zone), plan.merge(row, stored.get(zone)))
        if zone not in priced:
            sentence = f"Aucune grille n'a de tarif pour la zone {zone} : ses appels n'auront pas de prix."
            plan.warn(row, "zone", zone, UnknownReference(sentence))
    return plan


async def write(plan: Plan, occasion: Occasion) -> None:
    await write_rows(plan, RoamingZone, ["zone", "mcc"])
