"""Offers and options: one row per version; a version that a line holds never changes."""

from jobs.imports.plan import InUse, Occasion, Plan, UnknownReference
from jobs.imports.store import named, select_in, write_rows
from rules import allowances, vat
from rules.files.kinds import OFFERS
from rules.files.rows import Intake, shown
from tables.catalogue import Offer, Rate
from tables.fleet import LineItem

NAMES = [column.name for column in OFFERS.columns]
IN_USE = "Des lignes ont cette version : elle ne change plus. Donnez une version nouvelle, avec un autre valid_from."


async def plan(intake: Intake, occasion: Occasion) -> Plan:
    plan = Plan(intake)
    found = await select_in(named(Offer, ["id", *NAMES]), Offer.code, (row.values["code"] for row in intake.rows))
    stored = {intake.key(offer): offer for offer in found}
    held = await select_in([LineItem.offer], LineItem.offer, (offer["id"] for offer in found), distinct=True)
    used = {item["offer"] for item in held}
    for row in intake.rows:
        old = stored.get(intake.key(row.values))
        plan.place(row, old, plan.merge(row, old), InUse(IN_USE) if old and old["id"] in used else None)
    known = {rate["category"] for rate in await Rate.select(Rate.category).distinct()}
    for row in intake.rows:
        if not vat.accepted(row.values["vat_rate"]):
            rate = shown(row.values["vat_rate"])
            plan.warn(row, "vat_rate", rate, vat.UnknownVatRate(vat.refusal(rate)))
        for bucket in allowances.parse(row.values["allowances"]):
            for category in sorted(bucket.categories - known):
                known.add(category)
                sentence = f"La catégorie {category} n'est dans aucune grille : ce forfait n'y couvre rien. Vérifiez son nom."
                plan.warn(row, "allowances", category, UnknownReference(sentence))
    return plan


async def write(plan: Plan, occasion: Occasion) -> None:
    await write_rows(plan, Offer, NAMES)
