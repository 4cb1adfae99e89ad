"""Rate tables looked at and repriced: what a version changes, what it loses, which row prices a call."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from gateways import rated, rating
from gateways.settings import SETTINGS
from jobs import reseller
from jobs.imports.store import named
from rules import msisdn, rates
from rules.errors import RuleError
from rules.files.kinds import RATES
from rules.money import half_up
from rules.paris import Month, paris_date
from rules.rate_changes import Change, Loss, compare, name
from rules.rates import Rate as Law
from rules.rating import KB_PER_MB, MINUTE_S, Cdr, PeakHours, amount, parse_peak, service, units
from rules.states import CallType, FileState, LineState
from rules.versions import standings
from tables.catalogue import Rate, RateTable, RateVersion
from tables.fleet import Line
from tables.usage import CdrPart

Row = dict[str, Any]
NAMES = [column.name for column in RATES.columns]
MONTHS = 3
ENDLESS = 2**60
UNIT = {"VOICE": (MINUTE_S, 0), "DATA": (0, KB_PER_MB * 1024)}  # one minute, one MB


class UnknownRates(RuleError):
    status = 404


@dataclass(frozen=True)
class Priced:
    """Which row prices a call and why. `rate` None = none does. Amounts in micro-euros: a minute of 60 s, a message, a MB."""

    key: str
    rate: Row | None
    tried: list[str]
    peak_micro: int = 0
    offpeak_micro: int = 0
    service_micro: int = 0


async def tables(today: date) -> list[Row]:
    """Each rate table with its versions, the latest first: standing, rows, whether a line has lived with it."""
    found = []
    lines = (
        Line.select(Line.rate_table, Line.activated_on, Line.terminated_on).where(Line.state != LineState.cancelled).distinct()
    )
    lives: dict[int, list[tuple[date, date]]] = {}
    for line in await lines:
        lives.setdefault(line["rate_table"], []).append((line["activated_on"], line["terminated_on"] or date.max))
    for table in await RateTable.select().order_by(RateTable.code):
        rows = await RateVersion.select().where(RateVersion.rate_table == table["id"]).order_by(RateVersion.valid_from)
        ends = [row["valid_from"] for row in rows[1:]] + [date.max]
        standing = standings((row["valid_from"] for row in rows), today)
        versions = [
            row
            | {
                "standing": standing[row["valid_from"]],
                "used": row["valid_from"] <= today
                and any(first < end and last >= row["valid_from"] for first, last in lives.get(table["id"], [])),
            }
            for row, end in zip(rows, ends, strict=True)
        ]
        found.append(table | {"versions": versions[::-1]})
    return found


async def version(version_id: int) -> Row:
    """A version with the code of its table. Raises UnknownRates."""
    query = RateVersion.select(*RateVersion.all_columns(), RateVersion.rate_table.code.as_alias("code"))
    found = await query.where(RateVersion.id == version_id).first()
    if found is None:
        raise UnknownRates("Cette version de grille n'existe pas. Revenez à la liste des grilles.")
    return found


async def in_force(code: str, day: date, *, before: bool = False) -> Row | None:
    """The version of a table in force on a day, or just before it. Raises UnknownRates for a code that no table has."""
    if not await RateTable.exists().where(RateTable.code == code):
        raise UnknownRates(f"Aucune grille n'a le code « {code} ». Regardez la liste des grilles.")
    known = RateVersion.valid_from < day if before else RateVersion.valid_from <= day
    query = RateVersion.select().where(RateVersion.rate_table.code == code, known)
    return await query.order_by(RateVersion.valid_from, ascending=False).first()


async def rows_of(version_id: int | None) -> list[Row]:
    """The rows of a version as rates.csv has them, with their id; none for no version."""
    query = Rate.select(*named(Rate, ["id", *NAMES]))
    return await query.where(Rate.version == version_id).order_by(Rate.id) if version_id else []


async def differences(code: str, valid_from: date, rows: Iterable[Mapping[str, Any]]) -> list[Change]:
    """What rows not saved yet change against the version in force on that day; all of them are new when there is none."""
    known = await RateTable.exists().where(RateTable.code == code)
    old = await in_force(code, valid_from) if known else None
    return compare(await rows_of(old["id"] if old else None), rows)


async def changes_of(version_id: int) -> list[Change]:
    """What a stored version changes against the one before it."""
    new = await version(version_id)
    old = await in_force(new["code"], new["valid_from"], before=True)
    return compare(await rows_of(old["id"] if old else None), await rows_of(version_id))


async def losses(rows: Sequence[Mapping[str, Any]], now: datetime) -> list[Loss]:
    """The destinations that these rows would sell under their wholesale cost, the heaviest loss first.

    Every call of the three last months and of the current one whose cost is known, priced outside of any allowance.
    """
    current = Month.of(paris_date(now))
    part = CdrPart
    parts = await part.select(part.month, part.path).where(part.file.state == FileState.loaded)
    paths = {
        month: [SETTINGS.data_dir / row["path"] for row in parts if row["month"] == str(month)]
        for month in (current.back(back) for back in range(MONTHS, -1, -1))
    }
    peak = parse_peak((await reseller.current()).peak_hours)
    laws = [Law.of(row, rank) for rank, row in enumerate(rows)]
    sums: dict[int, list[int]] = {}
    for margin in await asyncio.to_thread(_margins, paths, laws, peak):
        total = sums.setdefault(margin.rate, [0, 0, 0, 0])
        for place, value in enumerate((margin.calls, margin.units, margin.amount_micro, margin.cost_micro)):
            total[place] += value
    found = [_loss(rows[rank], *total) for rank, total in sums.items() if total[3] > total[2]]
    return sorted(found, key=lambda loss: (-loss.total_micro, loss.prefix))


def _margins(paths: Mapping[Month, list[Path]], laws: list[Law], peak: PeakHours) -> list[rating.Margin]:
    found = []
    for month, parts in paths.items():
        lines = [rating.RatedLine(line, 0, 0, -ENDLESS, ENDLESS) for line in rated.lines_in(parts)]
        version = rating.Version(0, date.min, laws)
        found += rating.margins(rating.MonthInput(month, parts, lines, [version], {}, {}, peak)) if parts else []
    return found


def _loss(row: Mapping[str, Any], calls: int, sold: int, amount_micro: int, cost_micro: int) -> Loss:
    per = {"VOICE": MINUTE_S, "DATA": KB_PER_MB}.get(row["type"], 1)
    price, cost, loss = (half_up(micro * per, max(sold, 1)) for micro in (amount_micro, cost_micro, cost_micro - amount_micro))
    total: Row = {"calls": calls, "units": sold, "total_micro": cost_micro - amount_micro}
    return Loss(**name(row), **total, price_micro=price, cost_micro=cost, loss_micro=loss)


def price(rows: Iterable[Row], number: str, type_: str, origin: str, direction: str) -> Priced:
    """Which of the rows prices a call to (or from) a number written in any form. Raises UnusableNumber."""
    called = "" if type_ == CallType.data or (direction == "IN" and not number.strip()) else msisdn.key(number)
    family = {row["id"]: row for row in rows if (row["origin"], row["type"], row["direction"]) == (origin, type_, direction)}
    law = rates.pick((Law.of(row, id) for id, row in family.items()), called)
    missed = rates.tried(called, law) if called else []
    if law is None:
        return Priced(called, None, missed)
    call = Cdr(0, "", type_, 0, date.min, *UNIT.get(type_, (0, 0)))
    free = law.category in rates.FREE_OF_CHARGE
    full, low = (
        0 if free else amount(call, replace(law, unit_micro=micro), units(call, law), 0, {})
        for micro in (law.unit_micro, law.offpeak_micro)
    )
    return Priced(called, family[law.id], missed, full, low, 0 if free else service(call, law))
