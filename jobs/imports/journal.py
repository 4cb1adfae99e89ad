"""What an import touched, row by row: the rows as they were, and the fingerprints of the rows as it left them."""

import json
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from piccolo.columns import Column, Date, Numeric, Timestamptz
from piccolo.table import Table

from jobs.imports.plan import Occasion, Plan
from jobs.imports.store import select_in
from rules.files.rows import Values
from tables.catalogue import Offer, Rate, RateTable, RateVersion, RoamingZone
from tables.engine import insert_many
from tables.fleet import Discount, Line, LineItem, Sim
from tables.imports import ImportItem
from tables.parties import Customer

Picture = dict[tuple[str, int], Values]

WRITTEN: list[type[Table]] = [Customer, Offer, RateTable, RateVersion, Rate, RoamingZone, Sim, Line, LineItem, Discount]
"""The tables that imports write; each stands after those it refers to."""
BY_NAME: dict[str, Any] = {table._meta.tablename: table for table in WRITTEN}
KEYS: dict[str, Column] = {
    "offers": Offer.code, "roaming_zones": RoamingZone.zone, "sims": Sim.iccid, "customers": Customer.customer_number,
}  # fmt: skip
READERS: dict[type[Column], Callable[[str], Any]] = {
    Date: date.fromisoformat,
    Timestamptz: datetime.fromisoformat,
    Numeric: Decimal,
}


async def picture(plan: Plan, occasion: Occasion) -> Picture:
    """The stored rows that a plan may touch, as they are at this moment."""
    kind = plan.intake.kind.name
    values = [row.values for row in [*plan.created, *(change.row for change in plan.changed)]]
    if kind == "rates":
        return await _version(occasion)
    if kind == "lines":
        return await _fleet(values)
    return await _taken(KEYS[kind], (row[KEYS[kind]._meta.name] for row in values))


async def _version(occasion: Occasion) -> Picture:
    table = await _taken(RateTable.code, [occasion.code])
    dated = (RateVersion.rate_table.code == occasion.code) & (RateVersion.valid_from == occasion.valid_from)
    found = await RateVersion.select(RateVersion.id).where(dated)
    ids = [row["id"] for row in found]
    return table | await _taken(RateVersion.id, ids) | await _taken(Rate.version, ids)


async def _fleet(values: list[Values]) -> Picture:
    lines = await _taken(Line.msisdn, (row["msisdn"] for row in values))
    items = await _taken(LineItem.line, (line["id"] for line in lines.values()))
    discounts = await _taken(Discount.item, (item["id"] for item in items.values()))
    cards = {row.get("sim_id") for row in values} | {row.get("sim") for row in values}
    return lines | items | discounts | await _taken(Sim.id, cards - {None})


async def _taken(key: Any, values: Iterable[Any]) -> Picture:
    table = key._meta.table
    return {(table._meta.tablename, row["id"]): row for row in await select_in(table.all_columns(), key, values)}


async def keep(batch_id: int, before: Picture, after: Picture) -> None:
    """Write the items of a batch, in its transaction: what two pictures do not have in common."""
    rows = [
        (batch_id, *key, text(before[key]) if key in before else "", mark(after[key]) if key in after else "")
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    ]
    columns = [ImportItem.batch, ImportItem.subject, ImportItem.subject_id, ImportItem.before, ImportItem.after]
    await insert_many(ImportItem, columns, rows)


def text(row: Values) -> str:
    return json.dumps(row, default=str, sort_keys=True, ensure_ascii=False)


def mark(row: Values) -> str:
    return sha256(text(row).encode()).hexdigest()[:32]


def read(table: type[Table], row: str) -> Values:
    """A kept row with the values of its columns."""
    values = json.loads(row)
    for column in table._meta.columns:
        name, reader = column._meta.name, READERS.get(type(column))
        if reader and values.get(name) is not None:
            values[name] = reader(values[name])
    return values
