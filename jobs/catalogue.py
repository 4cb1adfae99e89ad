"""The catalogue by code: its dated versions, a new one made from another, and the devices in stock."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from piccolo.query.functions.aggregate import Count
from piccolo.table import Table

from jobs.imports.store import select_in
from jobs.lawful import NotLawful, lawful
from jobs.report import Report
from rules import catalogue, imei
from rules.errors import RuleError
from rules.files.rows import Kind, Values, shown
from rules.states import LineState, UnitState
from rules.versions import standings
from tables.catalogue import Device, DeviceUnit, Offer, Product
from tables.engine import NOT_UNIQUE, claim, insert_many, transaction
from tables.fleet import LineItem
from tables.timeline import tell

ENDED = (LineState.terminated, LineState.ported_out, LineState.cancelled)


@dataclass(frozen=True)
class Family:
    """`names`: the columns that a version shares with the other versions of the same thing; `title`: what a clerk calls it by."""

    word: str
    table: Any
    law: Kind
    names: tuple[str, ...]
    title: tuple[str, ...]
    price: str = "price"


FAMILIES = {
    "offres": Family("Abonnements et options", Offer, catalogue.OFFERS, ("kind", "code"), ("label",), "monthly_price"),
    "produits": Family("Services et matériels", Product, catalogue.PRODUCTS, ("code",), ("label",)),
    "terminaux": Family("Terminaux", Device, catalogue.DEVICES, ("code",), ("brand", "model")),
}


class UnknownInCatalogue(RuleError):
    status = 404


class AlreadyThere(RuleError):
    """A version of that thing begins on that very day, or the code is another thing's."""

    status = 409


class IllegalMove(RuleError):
    """A unit that cannot go from its state to that one."""

    status = 409


@dataclass(frozen=True)
class Draft:
    """A version not saved yet: its values as a form shows them, what changes (column, before, after), what is wrong by column."""

    source: Values
    values: dict[str, str]
    changes: list[tuple[str, str, str]]
    problems: dict[str, str]


def in_use(table: type[Table]) -> Callable[[int], Awaitable[bool]]:
    """Tells of a row of the table whether a row of any other refers to it."""

    async def used(row_id: int) -> bool:
        for column in table._meta.foreign_key_references:
            if await column._meta.table.exists().where(column == row_id):
                return True
        return False

    return used


async def unit_sold(unit_id: int) -> bool:
    return await DeviceUnit.exists().where(DeviceUnit.id == unit_id, DeviceUnit.state == UnitState.sold)


async def overview(today: date) -> list[dict[str, Any]]:
    """Each family with its codes, each code with its versions, the latest first, and how many lines or units hold each."""
    item = LineItem
    live = (item.ends_on.is_null() | (item.ends_on >= today)) & item.line.state.not_in(list(ENDED))
    stock = DeviceUnit.state == UnitState.in_stock
    held: dict[Any, dict[int, int]] = {
        Offer: _counted(
            await item.select(item.offer.as_alias("id"), Count(distinct=[item.line])).where(live).group_by(item.offer)
        ),
        Device: _counted(
            await DeviceUnit.select(DeviceUnit.device.as_alias("id"), Count()).where(stock).group_by(DeviceUnit.device)
        ),
    }
    found = []
    for slug, family in FAMILIES.items():
        things: dict[tuple[str, ...], list[Values]] = {}
        for row in await family.table.select().order_by(*(getattr(family.table, name) for name in (*family.names, "valid_from"))):
            things.setdefault(tuple(row[name] for name in family.names), []).insert(0, row)
        codes = [_told(family, versions, held.get(family.table, {}), today) for versions in things.values()]
        found.append({"slug": slug, "word": family.word, "codes": codes})
    return found


def _counted(rows: list[Values]) -> dict[int, int]:
    return {row["id"]: row["count"] for row in rows}


def _told(family: Family, versions: list[Values], held: Mapping[int, int], today: date) -> dict[str, Any]:
    standing = standings((row["valid_from"] for row in versions), today)
    rows = [
        {
            "id": row["id"],
            "valid_from": row["valid_from"],
            "price": row[family.price],
            "vat_rate": row["vat_rate"],
            "standing": standing[row["valid_from"]],
            "held": held.get(row["id"], 0),
        }
        for row in versions
    ]
    title = " ".join(versions[0][name] for name in family.title)
    return {"code": versions[0]["code"], "kind": versions[0].get("kind", ""), "title": title, "versions": rows}


async def version(slug: str, row_id: int) -> tuple[Family, Values]:
    """A stored version and its family. Raises UnknownInCatalogue."""
    family = FAMILIES.get(slug)
    row = await family.table.select().where(family.table.id == row_id).first() if family else None
    if family is None or row is None:
        raise UnknownInCatalogue("Cette version n'est pas au catalogue. Revenez à la liste.")
    return family, row


async def draft(slug: str, row_id: int, copy: bool, given: Mapping[str, str]) -> Draft:
    """A version made from a stored one by what a form gives: a later one of the same thing, or a `copy` under another code."""
    family, source = await version(slug, row_id)
    names = [column.name for column in family.law.columns]
    before = {name: shown(source[name]) for name in names}
    kept = () if copy else family.names
    values = before | {name: given[name].strip() for name in names if name in given and name not in kept}
    problems, changes = {}, []
    try:
        final = lawful(family.law, values)
        changes = [(name, before[name], shown(final[name])) for name in names if before[name] != shown(final[name])]
        await _alone(family, final, copy)
    except NotLawful as refusal:
        problems = {error["field"]: error["message"] for error in refusal.errors}
    except AlreadyThere as refusal:
        problems = {"code" if copy else "valid_from": str(refusal)}
    return Draft(source, values, changes, problems)


async def _alone(family: Family, final: Values, copy: bool) -> None:
    """Raises AlreadyThere."""
    names = ("code",) if copy else (*family.names, "valid_from")
    query = family.table.exists()
    for name in names:
        query = query.where(getattr(family.table, name) == final[name])
    if await query:
        sentence = (
            "Ce code est déjà pris. Donnez-en un autre."
            if copy
            else "Une version commence déjà ce jour-là. Donnez une autre date."
        )
        raise AlreadyThere(sentence)


async def save(slug: str, row_id: int, copy: bool, given: Mapping[str, str], actor: str) -> int:
    """Write the version of a draft; the one it comes from stays as it is. Raises NotLawful, AlreadyThere."""
    family, source = await version(slug, row_id)
    made = await draft(slug, row_id, copy, given)
    values = lawful(family.law, made.values)
    try:
        async with transaction():
            await _alone(family, values, copy)
            row = family.table(**values)
            await row.save()
            old = {"id": source["id"]} | {name: before for name, before, _ in made.changes}
            new = {name: after for name, _, after in made.changes}
            await tell(actor, "duplicated" if copy else "new_version", family.table._meta.tablename, row.id, old, new)
    except NOT_UNIQUE:
        raise AlreadyThere("Une version commence déjà ce jour-là. Donnez une autre date.") from None
    return int(row.id)


async def units(device_id: int) -> list[Values]:
    """The units of a device's code, whatever the version under which they came."""
    _, device = await version("terminaux", device_id)
    unit = DeviceUnit
    return await unit.select(unit.id, unit.imei, unit.state).where(unit.device.code == device["code"]).order_by(unit.id)


async def enter_units(device_id: int, text: str, actor: str) -> Report:
    """Take units into stock, one IMEI a line; those that are wrong or known are named, the others come in."""
    await version("terminaux", device_id)
    good: dict[str, None] = {}
    problems = []
    for line in filter(None, map(str.strip, text.splitlines())):
        try:
            number = imei.validate(line)
        except imei.BadImei as problem:
            problems.append(str(problem))
            continue
        if number in good:
            problems.append(f"L'IMEI {number} est donné deux fois. Une seule a été prise.")
        good[number] = None
    async with transaction():
        for row in await select_in([DeviceUnit.imei, DeviceUnit.device.code.as_alias("code")], DeviceUnit.imei, good):
            problems.append(f"L'IMEI {row['imei']} est déjà entré, sous le code {row['code']}. Relisez-le sur le terminal.")
            del good[row["imei"]]
        if good:
            rows = [[device_id, number, str(UnitState.in_stock)] for number in good]
            await insert_many(DeviceUnit, [DeviceUnit.device, DeviceUnit.imei, DeviceUnit.state], rows)
            await tell(actor, "units_entered", "device", device_id, after={"imei": list(good)})
    return Report(len(good), len(problems), tuple(problems))


async def move_unit(unit_id: int, state: str, actor: str) -> None:
    """Move a unit to another state. Raises UnknownInCatalogue, IllegalMove."""
    async with transaction():
        unit = await DeviceUnit.select().where(DeviceUnit.id == unit_id).first()
        if unit is None:
            raise UnknownInCatalogue("Cet exemplaire n'est pas au catalogue. Revenez à la liste.")
        before = UnitState(unit["state"])
        if state not in catalogue.UNIT_MOVES[before]:
            words = " ou ".join(move.label.lower() for move in catalogue.UNIT_MOVES[before])
            raise IllegalMove(f"Cet exemplaire est {before.label.lower()} : il peut devenir {words}, et rien d'autre.")
        if not await claim(DeviceUnit, {DeviceUnit.state: state}, DeviceUnit.id == unit_id, DeviceUnit.state == before):
            raise IllegalMove("Cet exemplaire vient de changer ailleurs. Regardez son état, puis recommencez.")
        await tell(actor, "state_changed", "device_unit", unit_id, {"state": before}, {"state": state})
