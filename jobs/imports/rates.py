"""Rate tables: the file is one whole version, valid from a date; a version that may have priced calls never changes."""

from datetime import date

from jobs.imports.plan import InUse, Occasion, Plan, UnknownReference
from rules.errors import RuleError
from rules.files.kinds import RATES
from rules.files.rows import Intake, Row
from rules.states import LineState
from tables.catalogue import Rate, RateTable, RateVersion, RoamingZone
from tables.engine import insert_many
from tables.fleet import Line

COLUMNS = [Rate._meta.get_column_by_name(column.name) for column in RATES.columns]


class EmptyVersion(RuleError):
    """A version without a rate."""


async def plan(intake: Intake, occasion: Occasion) -> Plan:
    """Rows against the same version; a new one is created whole, and its differences are those with the version in force."""
    plan = Plan(intake)
    versions = await _versions(occasion.code)
    in_force = max((day for day in versions if day <= _day(occasion)), default=None)
    stored = {}
    if in_force:
        found = await Rate.select(Rate.id, *COLUMNS).where(Rate.version == versions[in_force])
        stored = {intake.key(rate): rate for rate in found}
    for row in intake.rows:
        old = stored.pop(intake.key(row.values), None)
        plan.place(row, old, plan.merge(row, old))
    plan.gone = list(stored.values())
    if not intake.total:
        _refuse(plan, EmptyVersion("Aucun tarif sous l'en-tête : une grille vide ne donne de prix à rien. Ajoutez des lignes."))
    elif in_force != occasion.valid_from:
        plan.compared = list(plan.differences())
        plan.created, plan.changed, plan.gone, plan.unchanged = intake.rows, [], [], 0
    elif plan.alters and await _in_use(occasion, versions):
        _refuse(plan, InUse("Des lignes ont cette version de la grille : elle ne change plus. Donnez un autre valid_from."))
    zones = {zone["zone"] for zone in await RoamingZone.select(RoamingZone.zone)} | {"HOME"}
    for row in intake.rows:
        if (zone := row.values["origin"]) not in zones:
            zones.add(zone)
            sentence = f"La zone {zone} n'est pas dans les zones d'itinérance : ces tarifs ne serviront pas. Vérifiez son nom."
            plan.warn(row, "origin", zone, UnknownReference(sentence))
    return plan


def _day(occasion: Occasion) -> date:
    assert occasion.valid_from
    return occasion.valid_from


def _refuse(plan: Plan, problem: RuleError) -> None:
    plan.intake.refused = True
    plan.intake.refuse(Row(1, {}), "valid_from", problem)


async def _versions(code: str) -> dict[date, int]:
    found = await RateVersion.select(RateVersion.id, RateVersion.valid_from).where(RateVersion.rate_table.code == code)
    return {version["valid_from"]: version["id"] for version in found}


async def _in_use(occasion: Occasion, versions: dict[date, int]) -> bool:
    """Whether a line lived with the table while the version was in force, up to today."""
    start = _day(occasion)
    end = min((day for day in versions if day > start), default=date.max)
    if start > occasion.day:
        return False
    return await Line.exists().where(
        Line.rate_table.code == occasion.code,
        Line.state != LineState.cancelled,
        Line.activated_on < end,
        Line.terminated_on.is_null() | (Line.terminated_on >= start),
    )


async def write(plan: Plan, occasion: Occasion) -> None:
    if not plan.alters:
        return
    code, day, rows = occasion.code, _day(occasion), plan.intake.rows
    table = await RateTable.objects().get_or_create(RateTable.code == code)
    about = {RateVersion.sha256: occasion.file_sha256, RateVersion.rows: len(rows), RateVersion.created_at: occasion.now}
    version = await RateVersion.objects().get_or_create(
        (RateVersion.rate_table == table.id) & (RateVersion.valid_from == day), defaults=about
    )
    await version.update_self(about)
    await Rate.delete().where(Rate.version == version.id)
    await insert_many(
        Rate, [Rate.version, *COLUMNS], [[version.id, *(row.values[column._meta.name] for column in COLUMNS)] for row in rows]
    )
