"""A month rated in sets by DuckDB: the law of rules/rating.py for all wallets at once, to the micro-euro.

A call draws from the pots of its line in order. Pots get levels such that each line's order climbs; each level is one pass of
running sums over all its pots. A wallet whose lines disagree on the order (two pools in opposite order) has no such levels:
it is rated by rules/rating.py, one call after the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb

from gateways.cdr_store import connect, fill
from gateways.files import publish
from gateways.rated import USAGE, UsageRow
from rules import rates, rating, wallets
from rules.allowances import Counter, Pot
from rules.paris import Month
from rules.rates import FREE_OF_CHARGE, Rate

UNLIMITED = -1


@dataclass(frozen=True)
class RatedLine:
    """A line as the month sees it: live in [live_from, live_to) Unix seconds, priced by a rate table."""

    id: int
    customer: int
    rate_table: int
    live_from: int
    live_to: int


@dataclass(frozen=True)
class Version:
    rate_table: int
    valid_from: date
    rates: Sequence[Rate]


@dataclass(frozen=True)
class MonthInput:
    month: Month
    parts: Sequence[Path]
    lines: Sequence[RatedLine]
    versions: Sequence[Version]
    counters: Mapping[int, Sequence[Counter]]
    pots: Mapping[Pot, int | None]
    peak: rating.PeakHours = field(default_factory=dict)
    only: frozenset[int] | None = None  # lines to rate; None = all


@dataclass(frozen=True)
class DayRow:
    """What one customer used on one day, for the chart of the bill."""

    customer: int
    day: int
    voice_s: int
    messages: int
    data_kb: int


@dataclass(frozen=True)
class Unrated:
    """Calls of one line in one part of the store for which there is no rate; `other`: the key of one number among them."""

    line: int
    part: int
    count: int
    other: str


@dataclass(frozen=True)
class RatedMonth:
    usage: list[UsageRow]
    days: list[DayRow]
    unrated: list[Unrated]
    changed: dict[int, int]  # line found at load → calls that are no longer in its days


def rate(month: MonthInput, target: Path | None = None) -> RatedMonth:
    """Rate a month; with `target`, every rated CDR goes there as Parquet, sorted by line and time (amount NULL = UNRATED)."""
    con = connect()
    con.execute("SET preserve_insertion_order = false")
    _load(con, month)
    _price(con, month)
    _draw(con, month)
    _charge(con, month)
    if target:
        publish(target, lambda part: con.execute(f"COPY ({RATED}) TO '{part}' (FORMAT parquet, COMPRESSION snappy)"))
    return RatedMonth(
        usage=[UsageRow(*row) for row in con.execute(USAGE.format(rated="rated")).fetchall()],
        days=[DayRow(*row) for row in con.execute(DAYS).fetchall()],
        unrated=[Unrated(*row) for row in con.execute(UNRATED).fetchall()],
        changed=dict(con.execute("SELECT line_id, count(*) FROM cdr WHERE customer IS NULL GROUP BY ALL").fetchall()),
    )


@dataclass(frozen=True)
class Margin:
    """What a rate row would have brought, and what the wholesaler billed for the same calls; units as sold, micro-euros."""

    rate: int
    calls: int
    units: int
    amount_micro: int
    cost_micro: int


def margins(month: MonthInput) -> list[Margin]:
    """The calls of a month priced outside of any allowance, by rate row. Calls of unknown cost, and free ones, are left out."""
    con = connect()
    con.execute("SET preserve_insertion_order = false")
    _load(con, month)
    con.execute("DELETE FROM cdr WHERE cost_micro IS NULL")
    _price(con, month)
    _draw(con, month)
    _charge(con, month)
    return [Margin(*row) for row in con.execute(MARGINS).fetchall()]


MARGINS = f"""
SELECT rate, count(*), sum(units)::BIGINT, sum(amount_micro + service_micro)::BIGINT, sum(cost_micro)::BIGINT
FROM rated WHERE rate IS NOT NULL AND category NOT IN ({", ".join(f"'{category}'" for category in sorted(FREE_OF_CHARGE))}) GROUP BY rate
"""


def _load(con: duckdb.DuckDBPyConnection, month: MonthInput) -> None:
    """The table `cdr`: the month's CDRs with their line; customer NULL when the line is no longer the one found at load."""
    columns = {"id": "INTEGER", "customer": "INTEGER", "rate_table": "INTEGER", "live_from": "BIGINT", "live_to": "BIGINT"}
    wanted = [line for line in month.lines if month.only is None or line.id in month.only]
    fill(con, "line", columns, ((line.id, line.customer, line.rate_table, line.live_from, line.live_to) for line in wanted))
    kept = "SEMI JOIN line AS kept ON kept.id = line_id" if month.only is not None else ""
    paths = [str(path) for path in month.parts]
    if not paths:
        con.execute(NO_CDR)
        return
    con.execute(
        f"CREATE TABLE cdr AS SELECT {CDR}, (list_position($paths, filename) - 1)::INTEGER AS part, line.customer, line.rate_table"
        f" FROM read_parquet($paths, filename = true) AS cdr {kept}"
        " LEFT JOIN line ON line.id = line_id AND ts >= live_from AND ts < live_to",
        {"paths": paths},
    )


CDR = "line_id, ts, key, day, cdr.type, direction, other, duration_s, volume_bytes, cost_micro, origin, line_number"
NO_CDR = """CREATE TABLE cdr (line_id INTEGER, ts BIGINT, key VARCHAR, day DATE, type VARCHAR, direction VARCHAR, other VARCHAR, duration_s BIGINT,
    volume_bytes BIGINT, cost_micro BIGINT, origin VARCHAR, line_number INTEGER, part INTEGER, customer INTEGER, rate_table INTEGER)"""


def _in_force(month: MonthInput) -> Iterator[tuple[int, date, int]]:
    """(rate table, day, rank of the version in force) for each day of the month."""
    for table in {version.rate_table for version in month.versions}:
        dated = sorted((version.valid_from, rank) for rank, version in enumerate(month.versions) if version.rate_table == table)
        for offset in range(month.month.days):
            day = month.month.first + timedelta(days=offset)
            valid = [rank for valid_from, rank in dated if valid_from <= day]
            if valid:
                yield table, day, valid[-1]


def _price(con: duckdb.DuckDBPyConnection, month: MonthInput) -> None:
    """The table `priced`: each CDR with its rate row, found among flattened prefixes, and its units."""
    groups: dict[tuple, list[Rate]] = {}
    for rank, version in enumerate(month.versions):
        for row in version.rates:
            groups.setdefault((rank, row.origin, row.type, row.direction), []).append(row)
    flat = [(number, rates.flatten(rows)) for number, rows in enumerate(groups.values())]
    fill(con, "in_force", {"rate_table": "INTEGER", "day": "DATE", "version": "INTEGER"}, _in_force(month))
    fill(
        con,
        "families",
        {"version": "INTEGER", "origin": "VARCHAR", "type": "VARCHAR", "direction": "VARCHAR", "family": "INTEGER"},
        ((*group, number) for number, group in enumerate(groups)),
    )
    fill(
        con,
        "prefixes",
        {"family": "INTEGER", "low": "BIGINT", "rate": "INTEGER"},
        ((number, low, "\\N" if id is None else id) for number, (lows, ids) in flat for low, id in zip(lows, ids, strict=True)),
    )
    fill(
        con,
        "rate",
        {"id": "INTEGER", "category": "VARCHAR", **dict.fromkeys(PRICES, "BIGINT")},
        ((row.id, row.category, *(getattr(row, price) for price in PRICES)) for rows in groups.values() for row in rows),
    )
    con.execute(PRICED)


PRICES = (
    "unit_micro", "offpeak_micro", "setup_micro", "first_increment", "next_increment", "service_call_micro", "service_minute_micro",
)  # fmt: skip

PRICED = f"""
CREATE TABLE priced AS
WITH keyed AS MATERIALIZED (
    SELECT cdr.*, family, CASE
        WHEN other = '' THEN CASE WHEN cdr.type = 'DATA' THEN {rates.DATA} ELSE {rates.WITHHELD} END
        WHEN other[1] = '=' THEN {rates.SHORT} + rpad(other[2:], {rates.WIDTH}, '0')::BIGINT * 100 + length(other) - 1
        ELSE rpad(other, {rates.WIDTH}, '0')::BIGINT * 100 + length(other) END AS number
    FROM cdr LEFT JOIN in_force USING (rate_table, day) LEFT JOIN families USING (version, origin, type, direction)
    WHERE customer IS NOT NULL),
numbers AS (SELECT DISTINCT family, number FROM keyed),
found AS (
    SELECT numbers.*, prefixes.rate FROM numbers ASOF JOIN prefixes ON numbers.family = prefixes.family AND number >= low),
sized AS (
    SELECT keyed.* EXCLUDE (number, family, rate_table, origin), found.rate, rate.* EXCLUDE (id),
        CASE keyed.type WHEN 'VOICE' THEN duration_s WHEN 'DATA' THEN (volume_bytes + 1023) // 1024 ELSE 1 END AS size
    FROM keyed LEFT JOIN found ON found.family = keyed.family AND found.number = keyed.number LEFT JOIN rate ON rate.id = found.rate)
SELECT sized.*, category IN ({", ".join(f"'{category}'" for category in sorted(FREE_OF_CHARGE))}) AS free,
    CASE WHEN rate IS NULL OR size <= 0 THEN 0 WHEN type NOT IN ('VOICE', 'DATA') THEN 1
        ELSE first_increment + (greatest(size - first_increment, 0) + next_increment - 1) // next_increment * next_increment END AS units
FROM sized
"""


def _draw(con: duckdb.DuckDBPyConnection, month: MonthInput) -> None:
    """The table `drawn`: what each CDR takes from its pots (rowid of `priced`, units)."""
    pots = {pot: number for number, pot in enumerate(month.pots)}
    levels, tangled = wallets.levels(month.counters)
    fill(
        con,
        "pot",
        {"pot": "INTEGER", "held": "BIGINT"},
        ((number, UNLIMITED if month.pots[pot] is None else month.pots[pot]) for pot, number in pots.items()),
    )
    fill(
        con,
        "draws",
        {
            "line_id": "INTEGER",
            "type": "VARCHAR",
            "categories": "VARCHAR",
            "level": "INTEGER",
            "pot": "INTEGER",
            "first": "INTEGER",
            "last": "INTEGER",
        },
        (
            (
                line,
                counter.type,
                "+".join(counter.categories),
                levels[counter.pot],
                pots[counter.pot],
                counter.first.day,
                counter.last.day,
            )
            for line, counters in month.counters.items()
            if line not in tangled
            for counter in counters
        ),
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE draws AS SELECT * EXCLUDE (categories), unnest(string_split(categories, '+')) AS category FROM draws"
    )
    con.execute("CREATE TABLE drawn (row BIGINT, units BIGINT, endless BOOLEAN)")
    con.execute(
        "CREATE TABLE open AS SELECT rowid AS row, line_id, type, category, day(day) AS day, ts, key, units AS rest FROM priced"
        " SEMI JOIN draws USING (line_id, type, category) WHERE units > 0 AND NOT free"
    )
    for level in range(max(levels.values(), default=-1) + 1):
        con.execute(PASS, {"level": level})
        con.execute("INSERT INTO drawn SELECT row, took, endless FROM step WHERE took > 0")
        con.execute(
            "CREATE OR REPLACE TABLE open AS SELECT * EXCLUDE (took, endless) REPLACE (rest - took AS rest) FROM step WHERE rest > took"
        )
    if tangled:
        _one_by_one(con, month, tangled)


PASS = """
CREATE OR REPLACE TABLE step AS
WITH facing AS (
    SELECT open.*, draws.pot, held FROM open
    LEFT JOIN draws ON draws.line_id = open.line_id AND draws.type = open.type AND draws.category = open.category
        AND draws.level = $level AND open.day >= draws.first AND open.day <= draws.last
    LEFT JOIN pot ON pot.pot = draws.pot)
SELECT * EXCLUDE (pot, held), held IS NOT NULL AS endless, CASE WHEN held IS NULL THEN 0 ELSE rest END AS took
FROM facing WHERE held IS NULL OR held < 0
UNION ALL
SELECT * EXCLUDE (pot, held), FALSE AS endless, least(rest, greatest(0,
    held - (sum(rest) OVER (PARTITION BY pot ORDER BY ts, key ROWS UNBOUNDED PRECEDING) - rest)))::BIGINT AS took
FROM facing WHERE held >= 0
"""


def _one_by_one(con: duckdb.DuckDBPyConnection, month: MonthInput, lines: frozenset[int]) -> None:
    """Wallets without levels, by the plain law."""
    by_id = {row.id: row for version in month.versions for row in version.rates}
    fill(con, "tangled", {"line_id": "INTEGER"}, ((line,) for line in lines))
    found = con.execute(
        "SELECT rowid, rate, line_id, key, type, ts, day, duration_s, volume_bytes FROM priced SEMI JOIN tangled USING (line_id)"
    ).fetchall()
    cdrs = {rating.Cdr(*values): (row, by_id.get(rate)) for row, rate, *values in found}
    rated = rating.rate_wallet(cdrs, lambda cdr: cdrs[cdr][1], month.counters, month.pots, month.peak)
    draws = ((cdrs[row.cdr][0], units, month.pots[pot] is None) for row in rated for pot, units in row.draws)
    fill(con, "more", {"row": "BIGINT", "units": "BIGINT", "endless": "BOOLEAN"}, draws)
    con.execute("INSERT INTO drawn SELECT * FROM more WHERE units > 0")


def _charge(con: duckdb.DuckDBPyConnection, month: MonthInput) -> None:
    """The table `rated`: units, covered, amount and part S of each CDR; all NULL but units when UNRATED."""
    start, end = month.month.start_epoch, month.month.end_epoch + 2 * 86_400
    hours, before = [], 0
    for hour in range(start // 3600, end // 3600 + 1) if month.peak else ():
        full = rating.is_peak(hour * 3600, month.peak)
        hours.append((hour, int(full), before))
        before += 3600 * full
    fill(con, "hours", {"hour": "BIGINT", "peak": "BIGINT", "before": "BIGINT"}, hours)
    con.execute(CHARGED.format(full=PEAK_PART if month.peak else "rest", hours=PEAK_JOIN if month.peak else ""))


PEAK_JOIN = """LEFT JOIN hours AS h1 ON h1.hour = (ts + covered) // 3600 AND type = 'VOICE'
    LEFT JOIN hours AS h2 ON h2.hour = (ts + units) // 3600 AND type = 'VOICE'"""
PEAK_PART = "(h2.before + h2.peak * (ts + units - 3600 * h2.hour) - h1.before - h1.peak * (ts + covered - 3600 * h1.hour))"

CHARGED = """
CREATE TABLE rated AS
WITH covered AS (
    SELECT priced.*, coalesce(sum, 0)::BIGINT AS covered, units - coalesce(sum, 0)::BIGINT AS rest,
        units > 0 AND coalesce(endless, 0) = units AS unlimited
    FROM priced LEFT JOIN (SELECT row, sum(units) AS sum, sum(units) FILTER (endless) AS endless FROM drawn GROUP BY row) AS total
        ON total.row = priced.rowid)
SELECT line_id, ts, key, customer, day, type, direction, other, category, units, covered, cost_micro, part, line_number, rate, unlimited,
    CASE WHEN rate IS NULL THEN NULL WHEN free OR rest = 0 THEN 0
        WHEN type = 'DATA' THEN (2 * rest * unit_micro + 1024) // 2048
        WHEN type = 'VOICE' THEN (2 * ({full} * unit_micro + (rest - {full}) * offpeak_micro) + 60) // 120
            + CASE WHEN covered = 0 THEN setup_micro ELSE 0 END
        ELSE rest * unit_micro + CASE WHEN covered = 0 THEN setup_micro ELSE 0 END END AS amount_micro,
    CASE WHEN rate IS NULL THEN NULL WHEN free OR type = 'DATA' THEN 0
        WHEN type <> 'VOICE' THEN service_call_micro
        WHEN duration_s <= 0 THEN 0
        ELSE service_call_micro + (2 * service_minute_micro * duration_s + 60) // 120 END AS service_micro
FROM covered {hours}
"""

RATED = "SELECT * EXCLUDE (customer) FROM rated ORDER BY line_id, ts, key"

DAYS = """
SELECT customer, day(day), coalesce(sum(units) FILTER (type = 'VOICE'), 0)::BIGINT,
    count(*) FILTER (type IN ('SMS', 'MMS')), coalesce(sum(units) FILTER (type = 'DATA'), 0)::BIGINT
FROM rated WHERE rate IS NOT NULL GROUP BY ALL
"""

UNRATED = "SELECT line_id, part, count(*), min(other) FROM rated WHERE rate IS NULL GROUP BY ALL ORDER BY ALL"
