"""The ordinary way to rate: every CDR through the ORM. Line, tariff by longest prefix, counters, then a row saved.

Plain Piccolo on SQLite, and kindly: an index on the prefix, one transaction for all, the tariff's prices already in memory.
"""

from datetime import date, datetime
from typing import Any

from piccolo.columns import BigInt, Date, ForeignKey, Integer, Serial, Text, Varchar
from piccolo.table import Table, create_db_tables

from bench.clock import Clock
from gateways.cdr_store import connect
from gateways.settings import SETTINGS
from jobs.billing import inputs as read_inputs
from jobs.billing.inputs import Inputs
from rules import rates, rating
from rules.paris import PARIS, Month
from rules.rates import FREE_OF_CHARGE, Rate
from tables import catalogue
from tables.billing import BillingRun
from tables.engine import transaction
from tables.fleet import Line

WANTED = 2_000
CDR = "line_id, ts, key, type, direction, other, duration_s, volume_bytes, origin"

Row = dict[str, Any]


class RacePot(Table, help_text="What is left of an allowance"):
    id: Serial
    rest = BigInt(null=True, default=None, help_text="None: unlimited")


class RaceCounter(Table, help_text="A pot from which a line may draw"):
    id: Serial
    line = ForeignKey(Line, null=False, index=True)
    pot = ForeignKey(RacePot, null=False)
    rank = Integer()
    type = Varchar(length=5)
    categories = Text()
    first_day = Date()
    last_day = Date()


class RaceRated(Table, help_text="A rated CDR"):
    id: Serial
    line = ForeignKey(Line, null=False, index=True)
    rate = ForeignKey(catalogue.Rate, null=True)
    key = Varchar(length=200)
    units = BigInt()
    covered = BigInt()
    amount_micro = BigInt()
    service_micro = BigInt()


async def race(month: Month) -> Row:
    """About 2 000 CDRs, of whole wallets; `amount_micro` must be what the engine in sets found for the same lines."""
    inputs = await read_inputs.read(month)
    lines, cdrs = _some_wallets(inputs)
    await create_db_tables(RacePot, RaceCounter, RaceRated)
    await catalogue.Rate.raw("CREATE INDEX race_prefix ON rate (prefix)")
    await _fill_counters(inputs, lines)
    tariff = {rate.id: rate for version in inputs.usage.versions for rate in version.rates}
    with Clock() as clock:
        async with transaction():
            for cdr in cdrs:
                await _rate(cdr, tariff, inputs.usage.peak)
    found = await RaceRated.raw("SELECT sum(amount_micro + service_micro) AS micro FROM race_rated")
    return {**clock.figures, "cdrs": len(cdrs), "amount_micro": found[0]["micro"], "in_sets_micro": await _in_sets(lines)}


def _some_wallets(inputs: Inputs) -> tuple[list[int], list[Row]]:
    """Lines of as many customers as come near to 2 000 CDRs, and those CDRs in the law's order, each with its line's number."""
    con, paths = connect(), [str(path) for path in inputs.usage.parts]
    counts = dict(con.execute("SELECT line_id, count(*) FROM read_parquet(?) GROUP BY line_id", [paths]).fetchall())
    lines: list[int] = []
    for own in inputs.lines_of.values():
        more = [*lines, *(line["id"] for line in own)]
        if sum(counts.get(line, 0) for line in more) <= WANTED:
            lines = more
    found = con.execute(f"SELECT {CDR} FROM read_parquet(?) WHERE list_contains(?, line_id) ORDER BY ts, key", [paths, lines])
    rows = [dict(zip(CDR.split(", "), row, strict=True)) for row in found.fetchall()]
    return lines, [row | {"msisdn": inputs.lines[row["line_id"]]["msisdn"]} for row in rows]


async def _fill_counters(inputs: Inputs, lines: list[int]) -> None:
    pots: dict[Any, RacePot] = {}
    for line in lines:
        for rank, counter in enumerate(inputs.usage.counters.get(line, ())):
            if counter.pot not in pots:
                pots[counter.pot] = RacePot(rest=inputs.usage.pots[counter.pot])
                await pots[counter.pot].save()
            await RaceCounter(
                line=line, pot=pots[counter.pot].id, rank=rank, type=counter.type, categories="+".join(counter.categories),
                first_day=counter.first, last_day=counter.last,
            ).save()  # fmt: skip


async def _rate(cdr: Row, tariff: dict[int, Rate], peak: rating.PeakHours) -> None:
    day = datetime.fromtimestamp(cdr["ts"], PARIS).date()
    live = Line.terminated_on.is_null() | (Line.terminated_on >= day)
    line = await Line.objects().where(Line.msisdn == cdr["msisdn"], Line.activated_on <= day, live).first()
    assert line is not None
    call = rating.Cdr(line.id, cdr["key"], cdr["type"], cdr["ts"], day, cdr["duration_s"], cdr["volume_bytes"])
    rate = await _find_rate(cdr, tariff)
    rated = RaceRated(line=line.id, key=call.key, rate=rate and rate.id)
    if rate:
        rated.units = rating.units(call, rate)
    if rate and rate.category not in FREE_OF_CHARGE:
        rated.covered = await _draw(call, rate.category, rated.units, day)
        rated.amount_micro = rating.amount(call, rate, rated.units, rated.covered, peak)
        rated.service_micro = rating.service(call, rate)
    await rated.save()


async def _find_rate(cdr: Row, tariff: dict[int, Rate]) -> Rate | None:
    """Among the rows of every prefix that the number has, the longest."""
    row, number = catalogue.Rate, cdr["other"]
    prefixes = [number] if number[:1] in ("", "=") else [number[:length] for length in range(1, len(number) + 1)]
    same = (row.origin == cdr["origin"]) & (row.type == cdr["type"]) & (row.direction == cdr["direction"])
    found = await row.select(row.id).where(row.prefix.is_in([*prefixes, rates.FALLBACK]), same)
    return rates.pick([tariff[rate["id"]] for rate in found], number)


async def _draw(call: rating.Cdr, category: str, units: int, day: date) -> int:
    """What the line's pots give, one after the other."""
    counter, rest = RaceCounter, units
    own = (counter.line == call.line) & (counter.type == call.type) & (counter.first_day <= day) & (counter.last_day >= day)
    for found in await counter.objects(counter.pot).where(own).order_by(counter.rank):
        if rest and category in found.categories.split("+"):
            drawn = rest if found.pot.rest is None else min(rest, found.pot.rest)
            rest -= drawn
            if drawn and found.pot.rest is not None:
                found.pot.rest -= drawn
                await found.pot.save([RacePot.rest])
    return units - rest


async def _in_sets(lines: list[int]) -> int:
    """What the run of the month found for those lines."""
    run = await BillingRun.select(BillingRun.usage_path).first() or {}
    query = "SELECT sum(amount_micro + service_micro)::BIGINT FROM read_parquet(?) WHERE list_contains(?, line_id)"
    found = connect().execute(query, [str(SETTINGS.data_dir / run["usage_path"]), lines]).fetchone()
    return found[0] if found else 0
