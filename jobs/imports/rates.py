"""Rate tables: the file is one whole version, valid from a date; a version that may have priced calls never changes."""

from datetime import date

from jobs.imports.plan import InUse, Occasion, Plan, UnknownReference
from jobs.imports.store import named
from rules.errors import RuleError
from rules.files.kinds import RATES
from rules.files.rows import Intake, Row
from rules.states import LineState
from tables.catalogue import Rate, RateTable, RateVersion, RoamingZone
from tables.engine import insert_many
from tables.fleet import Line

NAMES = [column.name for column in RATES.columns]


class EmptyVersion(RuleError):
    """A version without a rate."""


async def plan(intake: Intake, occasion: Occasion) -> Plan:
    """Rows against the same version; a new one is created whole, and its differences are those with the version in force."""
    plan = Plan(intake)
    found = await RateVersion.select().where(RateVersion.rate_table.code == occasion.code)
    versions = {version["valid_from"]: version["id"] for version in found}
    start = occasion.valid_from or occasion.day
    in_force = max((day for day in versions if day <= start), default=None)
    rates = await Rate.select(*named(Rate, ["id", *NAMES])).where(Rate.version == versions[in_force]) if in_force else []
    stored = {intake.key(rate): rate for rate in rates}
    for row in intake.rows:
        old = stored.pop(intake.key(row.values), None)
        plan.place(row, old, plan.merge(row, old))
    plan.gone = list(stored.values())
    if not intake.total:
        _refuse(plan, EmptyVersion("Aucun tarif sous l'en-tête : une grille vide ne donne de prix à rien. Ajoutez des lignes."))
    elif in_force != start:
        plan.compared = list(plan.differences())
        plan.created, plan.changed, plan.gone, plan.unchanged = intake.rows, [], [], 0
    elif plan.alters and await _in_use(start, occasion, min((day for day in versions if day > start), default=date.max)):
        _refuse(plan, InUse("Des lignes ont cette version de la grille : elle ne change plus. Donnez un autre valid_from."))
    zones = {zone["zone"] for zone in await RoamingZone.select(RoamingZone.zone)} | {"HOME"}
    for row in intake.rows:
        if (zone := row.values["origin"]) not in zones:
            zones.add(zone)
            sentence = f"La zone {zone} n'est pas dans les zones d'itinérance : ces tarifs ne serviront pas. Vérifiez son nom."
            plan.warn(row, "origin", zone, UnknownReference(sentence))
    return plan


def _refuse(plan: Plan, problem: RuleError) -> None:
    plan.intake.refused = True
    plan.intake.refuse(Row(1, {}, []), "valid_from", problem)


async def _in_use(start: date, occasion: Occasion, end: date) -> bool:
    """Whether a line lived with the table while the version was in force: from `start`, before `end`, up to today."""
    return start <= occasion.day and await Line.exists().where(
        Line.rate_table.code == occasion.code,
        Line.state != LineState.cancelled,
        Line.activated_on < end,
        Line.terminated_on.is_null() | (Line.terminated_on >= start),
    )


async def write(plan: Plan, occasion: Occasion) -> None:
    if not plan.alters:
        return
    rows = plan.intake.rows
    table = await RateTable.objects().get_or_create(RateTable.code == occasion.code)
    same = (RateVersion.rate_table == table.id) & (RateVersion.valid_from == occasion.valid_from)
    version = await RateVersion.objects().get_or_create(same, defaults={RateVersion.created_at: occasion.now})
    await version.update_self({RateVersion.sha256: occasion.file_sha256, RateVersion.rows: len(rows)})
    await Rate.delete().where(Rate.version == version.id)
    rates = [[version.id, *(row.values[name] for name in NAMES)] for row in rows]
    await insert_many(Rate, named(Rate, ["version", *NAMES]), rates)
