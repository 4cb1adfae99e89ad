"""The ordinary way to rate: every CDR through the ORM. Line, tariff by longest prefix, counters, then a row saved.

Plain Piccolo on SQLite, and kindly: an index on the prefix, one transaction for all, the month's only rate version known before.
"""

import time
from datetime import datetime
from typing import Any

from piccolo.columns import BigInt, Date, ForeignKey, Integer, Serial, Text, Varchar
from piccolo.table import Table, create_db_tables

from gateways.cdr_store import connect
from gateways.settings import SETTINGS
from jobs.billing import inputs as read_inputs
from jobs.billing.inputs import Inputs
from rules import rates, rating
from rules.money import micro
from rules.paris import PARIS, Month
from rules.rates import FREE_OF_CHARGE
from tables import catalogue
from tables.engine import transaction
from tables.fleet import Line

WANTED = 2_000
CDR = "line_id, ts, key, type, direction, other, duration_s, volume_bytes, origin"


class RacePot(Table, help_text="What is left of an allowance"):
    id: Serial
    rest = BigInt(null=True, default=None, help_text="Units; none = unlimited")


class RaceCounter(Table, help_text="An allowance that a line may use"):
    id: Serial
    line = ForeignKey(Line, null=False, index=True)
    rank = Integer()
    type = Varchar(length=5)
    categories = Text()
    first_day = Date()
    last_day = Date()
    pot = ForeignKey(RacePot, null=False)


class RaceRated(Table, help_text="A rated CDR"):
    id: Serial
    line = ForeignKey(Line, null=False, index=True)
    key = Varchar(length=200)
    rate = ForeignKey(catalogue.Rate, null=True)
    units = BigInt()
    covered = BigInt()
    amount_micro = BigInt()
    service_micro = BigInt()


async def race(month: Month) -> dict[str, Any]:
    """About 2 000 CDRs, of whole wallets; `amount_micro` must be what the engine in sets found for the same lines."""
    inputs = await read_inputs.read(month)
    cdrs, lines = await _cdrs(inputs)
    await create_db_tables(RacePot, RaceCounter, RaceRated)
    await catalogue.Rate.raw("CREATE INDEX race_prefix ON rate (prefix)")
    await _fill_counters(inputs, lines)
    version = (await catalogue.RateVersion.objects().first()).id  # type: ignore[union-attr]
    start = time.perf_counter()
    async with transaction():
        for cdr in cdrs:
            await _rate(cdr, version, inputs.usage.peak)
    seconds = time.perf_counter() - start
    amount = await RaceRated.raw("SELECT sum(amount_micro) + sum(service_micro) AS micro FROM race_rated")
    return {"seconds": seconds, "cdrs": len(cdrs), "amount_micro": amount[0]["micro"], "in_sets_micro": await _in_sets(lines)}


async def _cdrs(inputs: Inputs) -> tuple[list[dict[str, Any]], list[int]]:
    """All the CDRs of as many customers as come near to 2 000, in the law's order, each with its line's number; and those lines."""
    paths = [str(path) for path in inputs.usage.parts]
    con = connect()
    counts = dict(con.execute("SELECT line_id, count(*) FROM read_parquet(?) GROUP BY line_id", [paths]).fetchall())
    lines: list[int] = []
    for own in inputs.lines_of.values():
        more = [line["id"] for line in own]
        if sum(counts.get(line, 0) for line in lines + more) <= WANTED:
            lines += more
    query = f"SELECT {CDR} FROM read_parquet(?) WHERE list_contains(?, line_id) ORDER BY ts, key"
    found = con.execute(query, [paths, lines])
    names = [column[0] for column in found.description]
    cdrs = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return [cdr | {"msisdn": inputs.lines[cdr["line_id"]]["msisdn"]} for cdr in cdrs], lines


async def _fill_counters(inputs: Inputs, lines: list[int]) -> None:
    pots: dict[Any, RacePot] = {}
    for line in lines:
        for rank, counter in enumerate(inputs.usage.counters.get(line, ())):
            if counter.pot not in pots:
                pots[counter.pot] = RacePot(rest=inputs.usage.pots[counter.pot])
                await pots[counter.pot].save()
            await RaceCounter(
                line=line, rank=rank, type=counter.type, categories="+".join(counter.categories),
                first_day=counter.first, last_day=counter.last, pot=pots[counter.pot].id,
            ).save()  # fmt: skip


async def _rate(cdr: dict[str, Any], version: int, peak: rating.PeakHours) -> None:
    day = datetime.fromtimestamp(cdr["ts"], PARIS).date()
    line = (
        await Line.objects()
        .where(Line.msisdn == cdr["msisdn"], Line.activated_on <= day)
        .where(Line.terminated_on.is_null() | (Line.terminated_on >= day))
        .first()
    )
    assert line is not None
    row = await _find_rate(cdr, version)
    call = rating.Cdr(line.id, cdr["key"], cdr["type"], cdr["ts"], day, cdr["duration_s"], cdr["volume_bytes"])
    units = rating.units(call, row) if row else 0
    rest = 0 if row is None or row.category in FREE_OF_CHARGE else units
    counters = (
        await RaceCounter.objects(RaceCounter.pot)
        .where(RaceCounter.line == line.id, RaceCounter.type == call.type)
        .where(RaceCounter.first_day <= day, RaceCounter.last_day >= day)
        .order_by(RaceCounter.rank)
    )
    for counter in counters if row else ():
        if rest and row.category in counter.categories.split("+"):
            drawn = rest if counter.pot.rest is None else min(rest, counter.pot.rest)
            rest -= drawn
            if counter.pot.rest is not None and drawn:
                counter.pot.rest -= drawn
                await counter.pot.save([RacePot.rest])
    rated = RaceRated(line=line.id, key=call.key, rate=row and row.id, units=units, covered=units - rest)
    if row and row.category not in FREE_OF_CHARGE:
        rated.covered = units - rest
        rated.amount_micro = rating.amount(call, row, units, rated.covered, peak)
        rated.service_micro = rating.service(call, row)
    await rated.save()


async def _find_rate(cdr: dict[str, Any], version: int) -> rates.Rate | None:
    """The tariff of the longest prefix, out of the rows of every prefix that the number has."""
    rate, number = catalogue.Rate, cdr["other"]
    prefixes = [number] if not number or number.startswith("=") else [number[:length] for length in range(1, len(number) + 1)]
    rows = await rate.select().where(
        rate.version == version, rate.origin == cdr["origin"], rate.type == cdr["type"], rate.direction == cdr["direction"],
        rate.prefix.is_in([*prefixes, rates.FALLBACK]),
    )  # fmt: skip
    row = max(rows, key=lambda row: (row["prefix"] != rates.FALLBACK, len(row["prefix"])), default=None)
    if row is None:
        return None
    offpeak = row["unit_price"] if row["offpeak_unit_price"] is None else row["offpeak_unit_price"]
    return rates.Rate(
        row["id"], row["origin"], row["type"], row["direction"], row["prefix"], row["category"], micro(row["unit_price"]),
        micro(offpeak), micro(row["setup_fee"]), row["first_increment"], row["next_increment"],
        micro(row["service_per_call"]), micro(row["service_per_minute"]),
    )  # fmt: skip


async def _in_sets(lines: list[int]) -> int:
    """What the run of the month found for those lines."""
    from tables.billing import BillingRun

    run = await BillingRun.select(BillingRun.usage_path).first()
    query = "SELECT (sum(amount_micro) + sum(service_micro))::BIGINT FROM read_parquet(?) WHERE list_contains(?, line_id)"
    found = connect().execute(query, [str(SETTINGS.data_dir / run["usage_path"]), lines]).fetchone()  # type: ignore[index]
    return found[0] if found else 0
