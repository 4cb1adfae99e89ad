"""The engine in sets gives, row by row, what the plain law gives for each wallet."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateways import rating as sets
from jobs import folder, reseller
from jobs.billing import inputs as billing_inputs
from rules import allowances, rating, wallets
from rules.paris import Month, epoch, paris_date
from rules.rates import Rate, pick

ROOT = Path(__file__).parents[2]
OCTOBER = Month(2026, 10)  # with the hour that comes twice
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
COLUMNS = (
    "line_id INTEGER, ts BIGINT, key VARCHAR, day DATE, type VARCHAR, direction VARCHAR, msisdn VARCHAR, other VARCHAR,"
    " duration_s BIGINT, volume_bytes BIGINT, plmn VARCHAR, cost_micro BIGINT, origin VARCHAR, line_number INTEGER"
)


def by_the_law(month: sets.MonthInput) -> dict[tuple, tuple]:
    """(line, instant, key) → (units, covered, amount, service) of every CDR that has a rate, one call after the other."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    rows = con.execute(
        "SELECT line_id, key, type, ts, day, duration_s, volume_bytes, origin, direction, other FROM read_parquet(?)",
        [[str(path) for path in month.parts]],
    ).fetchall()
    tables = {line.id: line for line in month.lines}
    families: dict[tuple, list[Rate]] = {}
    for rank, version in enumerate(month.versions):
        for row in version.rates:
            families.setdefault((rank, row.origin, row.type, row.direction), []).append(row)
    told = {}
    for *values, origin, direction, other in rows:
        told[rating.Cdr(*values)] = origin, direction, other

    def rate_of(cdr: rating.Cdr) -> Rate | None:
        origin, direction, other = told[cdr]
        table = tables[cdr.line].rate_table
        valid = [
            (version.valid_from, rank)
            for rank, version in enumerate(month.versions)
            if version.rate_table == table and version.valid_from <= cdr.day
        ]
        return pick(families.get((max(valid)[1], origin, cdr.type, direction), []), other) if valid else None

    live = [cdr for cdr in told if tables[cdr.line].live_from <= cdr.started_at < tables[cdr.line].live_to]
    rated = rating.rate_wallet(live, rate_of, month.counters, month.pots, month.peak)
    return {
        (row.cdr.line, row.cdr.started_at, row.cdr.key): (row.units, row.covered, row.amount_micro, row.service_micro)
        for row in rated
    }


def in_sets(month: sets.MonthInput, target: Path) -> dict[tuple, tuple]:
    sets.rate(month, target)
    rows = duckdb.execute(
        "SELECT line_id, ts, key, units, covered, amount_micro, service_micro FROM read_parquet(?) WHERE rate IS NOT NULL",
        [str(target)],
    ).fetchall()
    return {tuple(row[:3]): tuple(row[3:]) for row in rows}


categories = st.sampled_from(["FR", "FR", "INTL", "EMERGENCY"])
types = st.sampled_from(["VOICE", "SMS", "DATA"])
prices = st.integers(0, 3_000_000)


@st.composite
def rate_rows(draw):
    rows, seen = [], set()
    for id in range(1, draw(st.integers(2, 14))):
        type_ = draw(types)
        prefix = (
            ""
            if type_ == "DATA" and draw(st.booleans())
            else draw(st.sampled_from(["3", "33", "336", "3361", "44", "=15", "=3900", "*"]))
        )
        key = type_, prefix
        if key in seen:
            continue
        seen.add(key)
        unit = draw(prices)
        rows.append(
            Rate(id, "HOME", type_, "OUT", prefix, draw(categories), unit, draw(st.sampled_from([unit, unit // 3])), draw(prices),
                 draw(st.integers(0, 90)), draw(st.integers(1, 70)), draw(prices), draw(prices))
        )  # fmt: skip
    return rows


@st.composite
def fleets(draw):
    """Lines of two customers, with offers and options of which some are pooled, in any order and for parts of the month."""
    buckets = st.builds(
        allowances.Bucket,
        type=types,
        units=st.sampled_from([None, 0, 1, 7, 100, 4000, 100_000]),
        categories=st.frozensets(categories, min_size=1, max_size=3),
        pool=st.booleans(),
    )
    catalogue = [draw(st.lists(buckets, min_size=0, max_size=3)) for _ in range(4)]
    items, lines = [], []
    for line in range(1, draw(st.integers(2, 6))):
        customer = 1 + line % 2
        lines.append(sets.RatedLine(line, customer, 1, OCTOBER.start_epoch, OCTOBER.end_epoch))
        held = draw(st.permutations(range(4)))[: draw(st.integers(0, 4))]
        for position, code in enumerate(held):
            first = OCTOBER.first + timedelta(days=draw(st.sampled_from([-40, 0, 9, 24])))
            last = draw(st.sampled_from([None, OCTOBER.first + timedelta(days=25), OCTOBER.last]))
            kind = "OFFER" if position == 0 else "OPTION"
            items.append(
                allowances.Item(len(items) + 1, line, customer, kind, f"X{code}", position, first, last, tuple(catalogue[code]))
            )
    return lines, items


@st.composite
def calls(draw, lines):
    line = draw(st.sampled_from(lines)).id
    borders = st.sampled_from(
        [epoch(OCTOBER.first + timedelta(days=days)) - OCTOBER.start_epoch for days in (0, 9, 10, 24, 25, 26, 30)]
    )
    seconds = st.one_of(
        st.integers(0, 2_681_999), st.integers(2_080_000, 2_095_000), borders, borders.map(lambda second: max(0, second - 1))
    )
    instant = OCTOBER.start_epoch + draw(seconds)
    type_ = draw(types)
    other = (
        ""
        if type_ == "DATA"
        else draw(st.sampled_from(["33612345678", "33112345678", "441234", "=15", "=3900", "3", "336", "9"]))
    )
    size = draw(st.sampled_from([0, 1, 29, 60, 61, 3600, 4001, 86_400]))
    return line, instant, draw(st.sampled_from("abcdéZ")), type_, other, size


@given(data=st.data(), rows=rate_rows(), fleet=fleets(), peak=st.sampled_from([{}, rating.parse_peak("1-5:8-20 7:0-24")]))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_both_engines_give_the_same_rows(data, rows, fleet, peak, tmp_path_factory):
    lines, items = fleet
    folder = tmp_path_factory.mktemp("rated")
    con = duckdb.connect()
    con.execute(f"CREATE TABLE cdr ({COLUMNS})")
    seen = set()
    for number, (line, instant, letter, type_, other, size) in enumerate(
        data.draw(st.lists(calls(lines), min_size=1, max_size=60))
    ):
        key = f"{letter}{number}"
        seen.add((line, instant, key))
        day = paris_date(datetime.fromtimestamp(instant, UTC))
        con.execute(
            "INSERT INTO cdr VALUES (?, ?, ?, ?, ?, 'OUT', '', ?, ?, ?, '', 1, 'HOME', 2)",
            [line, instant, key, day, type_, other, size, size * 700],
        )
    con.execute(f"COPY cdr TO '{folder / 'part.parquet'}' (FORMAT parquet)")
    counters, pots = allowances.counters(items, OCTOBER)
    later = [replace(row, id=row.id + 100) for row in rows[1:]]
    versions = [sets.Version(1, date(2026, 9, 1), rows), sets.Version(1, date(2026, 10, 20), later)]
    month = sets.MonthInput(OCTOBER, [folder / "part.parquet"], lines, versions, counters, pots, peak)
    assert in_sets(month, folder / "rated.parquet") == by_the_law(month)


def test_pools_in_opposite_orders_are_rated_one_call_after_the_other(tmp_path):
    """Two lines draw from two pools in opposite orders: no order of passes serves both."""
    buckets = (allowances.Bucket("SMS", 3, frozenset({"FR"}), True),)
    items = [
        allowances.Item(1, 1, 9, "OPTION", "A", 1, OCTOBER.first, None, buckets),
        allowances.Item(2, 1, 9, "OPTION", "B", 2, OCTOBER.first, None, buckets),
        allowances.Item(3, 2, 9, "OPTION", "B", 1, OCTOBER.first, None, buckets),
        allowances.Item(4, 2, 9, "OPTION", "A", 2, OCTOBER.first, None, buckets),
    ]
    counters, pots = allowances.counters(items, OCTOBER)
    assert wallets.levels(counters)[1] == {1, 2}
    con = duckdb.connect()
    con.execute(f"CREATE TABLE cdr ({COLUMNS})")
    for number in range(14):
        con.execute(
            "INSERT INTO cdr VALUES (?, ?, ?, ?, 'SMS', 'OUT', '', '33612345678', 0, 0, '', NULL, 'HOME', 2)",
            [1 + number % 2, OCTOBER.start_epoch + number, f"k{number}", OCTOBER.first],
        )
    con.execute(f"COPY cdr TO '{tmp_path / 'part.parquet'}' (FORMAT parquet)")
    lines = [sets.RatedLine(line, 9, 1, OCTOBER.start_epoch, OCTOBER.end_epoch) for line in (1, 2)]
    versions = [sets.Version(1, date(2026, 9, 1), [Rate(1, "HOME", "SMS", "OUT", "33", "FR", 80_000, 80_000)])]
    month = sets.MonthInput(OCTOBER, [tmp_path / "part.parquet"], lines, versions, counters, pots)
    found = in_sets(month, tmp_path / "rated.parquet")
    assert found == by_the_law(month)
    assert sum(row[1] for row in found.values()) == 12  # two pools of 2 × 3 messages


async def test_a_month_of_twenty_thousand_calls_agrees_with_the_plain_law(database, data_dir, tmp_path):
    made = tmp_path / "made"
    command = [sys.executable, str(ROOT / "tools/make_month.py"), "--seed", "23", "--customers", "60", "--lines", "300"]
    subprocess.run([*command, "--cdrs", "20000", "--rates", "small", "--out", str(made)], check=True)
    await folder.import_reference(made, OCTOBER, NOW, "test")
    await reseller.current()
    await folder.load_cdrs(made, NOW)
    for peak in ("", "1-5:8-20 6:9-12"):
        month = (await billing_inputs.read(OCTOBER)).usage
        month = sets.MonthInput(**{**month.__dict__, "peak": rating.parse_peak(peak)})
        found = in_sets(month, tmp_path / "rated.parquet")
        assert len(found) > 19_000
        assert found == by_the_law(month)
