"""The CDR store: files of CDRs checked in sets and kept as Parquet, one folder a month, sorted by line and time.

The database says which files count (tables/usage.py); a Parquet file that it does not name is garbage and is swept.
Columns of a part: line_id · ts (Unix s) · key (id or fingerprint) · day (Paris) · type · direction · msisdn · other (keys) ·
duration_s · volume_bytes · plmn · origin · cost_micro (NULL = unknown) · line_number (1 = header).
"""

import csv
import json
import tempfile
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

from gateways import cdr_file, cdr_layout
from gateways.files import publish, sweep
from rules import msisdn
from rules.files import form
from rules.layouts.cells import Tally
from rules.layouts.layout import Layout
from rules.states import CallType, Direction, RejectCause

COLUMNS = {
    "cdr_id": False, "type": True, "direction": False, "msisdn": True, "other_party": False, "started_at": True,
    "duration_s": False, "volume_bytes": False, "visited_plmn": False, "wholesale_cost": False,
}  # fmt: skip
LONGEST_LINE = 262_144
LONGEST_ID = 64
DAY_S = 86_400
MOST_BYTES = 100 * 1024**3
ZONE_CODE = r"[0-9]{5,6}"


@dataclass(frozen=True)
class LivePeriod:
    """A line holds its number from `live_from` to before `live_to` (Unix seconds)."""

    line: int
    number_key: str
    live_from: int
    live_to: int


@dataclass(frozen=True)
class Reject:
    line_number: int
    raw: str
    cause: str


@dataclass(frozen=True)
class Part:
    month: str
    path: str
    rows: int


@dataclass(frozen=True)
class Load:
    rows: int
    rejects: list[Reject]
    parts: list[Part]

    @property
    def loaded(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def fingerprint(self) -> str:
        """The same for loads that would publish the same rows and reject the same."""
        told = [[(part.month, part.rows) for part in self.parts], [(one.line_number, one.cause) for one in self.rejects]]
        return sha256(json.dumps(told).encode()).hexdigest()

    @property
    def rejects_by_cause(self) -> dict[str, int]:
        return dict(sorted(Counter(reject.cause for reject in self.rejects).items()))


@dataclass(frozen=True)
class Context:
    """What judging a row takes. A call before `oldest_day` in a month up to `invoiced_until` (2026-09) is too old.

    `cards`: IMSI and ICCID → number key, for layouts that know the line by its card.
    """

    lines: Sequence[LivePeriod]
    zones: Mapping[str, str]  # MCC → zone
    invoiced_until: str = ""
    oldest_day: date = date.min
    cards: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def ground(self) -> duckdb.DuckDBPyConnection:
        """What every file is judged by, made once: each file is judged by a cursor with temporary tables of its own."""
        con = connect()
        columns = {"line": "INTEGER", "msisdn": "VARCHAR", "live_from": "BIGINT", "live_to": "BIGINT"}
        fill(con, "live", columns, ((line.line, line.number_key, line.live_from, line.live_to) for line in self.lines))
        fill(con, "known", {"mcc": "VARCHAR", "zone": "VARCHAR"}, self.zones.items())
        con.execute("CREATE TABLE lines AS FROM live; CREATE TABLE zones AS FROM known")
        con.execute(MACROS)
        return con


def connect(threads: int = 2) -> duckdb.DuckDBPyConnection:
    """An engine in memory that reads and writes only local files, in UTC."""
    con = duckdb.connect(config={"threads": threads, "memory_limit": "1GB", "preserve_insertion_order": True})
    con.execute("SET TimeZone = 'UTC'")
    return con


def fill(con: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
    """A temporary table from Python rows. Through a text file: thousands of times faster than row by row."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
        file.flush()
        types = "{" + ", ".join(f"'{column}': '{type_}'" for column, type_ in columns.items()) + "}"
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM read_csv(?, header = false, delim = ',', quote = '\"', columns = {types},"
            " auto_detect = false, nullstr = '\\N')",
            [file.name],
        )


@dataclass
class Judged:
    """A file whose rows are judged one by one; `settle` then compares them with those already loaded."""

    text: cdr_file.CdrText
    con: duckdb.DuckDBPyConnection
    tally: Tally = field(default_factory=Tally)

    def first(self, count: int) -> list[dict[str, Any]]:
        """The first rows as they were read, beside their text."""
        found = self.con.execute(
            "SELECT line_number, c0 AS raw, type, direction, msisdn, other AS other_party, make_timestamp(ts * 1000000) AS started_at, duration_s,"
            " volume_bytes, plmn AS visited_plmn, cost_micro, cdr_id, coalesce(early, late) AS cause FROM judged JOIN cells USING (line_number)"
            " ORDER BY line_number LIMIT ?",
            [count],
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def only(self, lines: Iterable[int]) -> None:
        """Forget every row but those of these lines."""
        fill(self.con, "wanted", {"line_number": "INTEGER"}, ((line,) for line in lines))
        self.con.execute("DELETE FROM judged WHERE line_number NOT IN (FROM wanted)")

    def settle(self, root: Path, stored: Mapping[str, Sequence[str]], preview: bool = False) -> Load:
        """Find the twins among `stored` (month → paths of the wholesaler's parts), publish the good rows, give back the rest.

        A preview publishes nothing.
        """
        _twins(self.con, root, stored)
        rows = self.con.execute("SELECT count(*) FROM judged").fetchone()[0]  # type: ignore[index]
        load = Load(rows, _rejects(self.con, self.text.header.separator), _publish(self.con, root, self.text.sha256, preview))
        self.con.close()
        return load


def judge(source: Path, name: str, context: Context, layout: Layout | None = None) -> Judged:
    """Read a file, in the default format or a layout, and judge each row alone; several files can be judged at once.

    Raises rules.files.form.FormError.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        path, con = cdr_file.unpack(source, name, folder), context.ground.cursor()
        con.execute("SET TimeZone = 'UTC'")
        if layout:
            text, tally = cdr_layout.rewrite(path, name, layout, context.cards, folder)
            _read_rewritten(con, text)
        else:
            text, tally = cdr_file.inspect(path, name, COLUMNS), Tally()
            _read(con, text, folder)
        con.execute(JUDGE, {"oldest_day": context.oldest_day, "invoiced_until": context.invoiced_until})
        return Judged(text, con, tally)


def sweep_unknown(root: Path, known: Iterable[str]) -> int:
    """Remove what a crash left in the store."""
    return sweep(root / "cdr", {root / path for path in known})


def values_of(root: Path, paths: Sequence[str], column: str) -> set[Any]:
    """The different values of a column in these parts."""
    if not paths:
        return set()
    found = connect().execute(f"SELECT DISTINCT {column} FROM read_parquet(?)", [[str(root / path) for path in paths]])
    return {value for (value,) in found.fetchall()}


def _read(con: duckdb.DuckDBPyConnection, text: cdr_file.CdrText, folder: Path) -> None:
    """The table `cells`: line number and raw cells as they stand (c0, c1 …); the view `named`: those we know, by name."""
    raw = [f"c{rank}" for rank in range(len(text.header.names))]
    if text.plain:
        path, separator, skip, line, names = text.path, text.header.separator, 1, "row_number() OVER () + 1", raw
    else:
        path, separator, skip, line = cdr_file.rewrite(text, folder), cdr_file.CELL_SEPARATOR, 0, "line::BIGINT"
        names = ["line", *raw]
    types = "{" + ", ".join(f"'{column}': 'VARCHAR'" for column in names) + "}"
    found = {column: f"coalesce(c{rank}, '')" for column, rank in text.header.positions.items()}
    picked = ", ".join(f"{found.get(column, chr(39) * 2)} AS {column}" for column in COLUMNS)
    try:
        con.execute(
            f"CREATE TEMP TABLE cells AS SELECT ({line})::INTEGER AS line_number, {', '.join(raw)} FROM read_csv(?, header = false,"
            f" skip = {skip}, delim = ?, quote = '', escape = '', columns = {types}, auto_detect = false, max_line_size = {LONGEST_LINE})",
            [str(path), separator],
        )
    except duckdb.Error as reason:
        _name_the_wrong_line(text)
        raise form.refusal(text.name, 1, "UNREADABLE", "Le fichier ne se lit pas. Exportez-le de nouveau.") from reason
    con.execute(f"CREATE TEMP VIEW named AS SELECT line_number, {picked} FROM cells")
    rows = con.execute("SELECT count(*) FROM cells").fetchone()[0]  # type: ignore[index]
    if text.plain and text.marks != (rows + 1) * (len(raw) - 1):
        _name_the_wrong_line(text)  # DuckDB lets an empty field too many pass


def _read_rewritten(con: duckdb.DuckDBPyConnection, text: cdr_file.CdrText) -> None:
    """The same table and view from a file read through a layout; c0 is the row's own text."""
    types = (
        "{" + ", ".join(f"'{column}': 'VARCHAR'" for column in ("line", "c0", *(f"read_{column}" for column in COLUMNS))) + "}"
    )
    picked = ", ".join(f"coalesce(read_{column}, '') AS {column}" for column in COLUMNS)
    try:
        con.execute(
            "CREATE TEMP TABLE cells AS SELECT line::INTEGER AS line_number, * EXCLUDE (line) FROM read_csv(?, header = false, delim = ?,"
            f" quote = '', escape = '', columns = {types}, auto_detect = false, max_line_size = {2 * LONGEST_LINE})",
            [str(text.path), cdr_file.CELL_SEPARATOR],
        )
    except duckdb.Error as reason:
        raise form.refusal(
            text.name, 1, "UNREADABLE", "Le fichier ne se lit pas à travers ce format. Essayez-le dans « Formats de CDR »."
        ) from reason
    con.execute(f"CREATE TEMP VIEW named AS SELECT line_number, {picked} FROM cells")


def _name_the_wrong_line(text: cdr_file.CdrText) -> None:
    """Raises FormError at the first record of bad form, if there is one."""
    deque(cdr_file.records(text), maxlen=0)


def _overseas() -> str:
    cases = " ".join(f"WHEN '{start}' THEN '{code}'" for start, code in msisdn.OVERSEAS.items())
    return f"CASE WHEN n LIKE '{msisdn.FICTION}%' THEN '33' ELSE CASE n[1:4] {cases} ELSE '33' END END"


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


# The key of a number (rules/msisdn.py, key) and figures (formats.md), in sets.
MACROS = f"""
CREATE MACRO compacted(n) AS CASE WHEN regexp_full_match(n, '[+0-9]*') THEN n ELSE translate(n, '{msisdn.SEPARATORS}', '') END;
CREATE MACRO international(n) AS CASE
    WHEN NOT regexp_full_match(n, '\\+?[0-9]+') THEN NULL
    WHEN n[1] = '+' THEN n[2:]
    WHEN n[1:2] = '00' THEN n[3:]
    WHEN n[1] = '0' AND length(n) = 10 THEN {_overseas()} || n[2:]
    WHEN n[1] <> '0' AND length(n) <= 6 THEN '=' || n
    ELSE n END;
CREATE MACRO within(k) AS CASE WHEN length(k) BETWEEN 1 AND {msisdn.LONGEST} THEN k END;
CREATE MACRO whole(n) AS CASE WHEN n = '' THEN 0
    WHEN regexp_full_match(n, '0*[0-9]{{1,18}}') THEN n[-18:]::BIGINT
    WHEN regexp_full_match(n, '[0-9]+') THEN 1000000000000000000
    WHEN regexp_full_match(n, '-0+') THEN 0
    WHEN regexp_full_match(n, '-[0-9]+') THEN -1 END;
CREATE MACRO micro(n) AS CASE WHEN regexp_full_match(n, '-?0*[0-9]{{1,9}}([.,][0-9]{{1,6}})?') THEN
    (replace(n, ',', '.')::DECIMAL(38, 6) * 1000000)::BIGINT END;
CREATE MACRO instant(s) AS CASE
    WHEN regexp_full_match(s, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])')
    THEN epoch(TRY_CAST(s[1:19] AS TIMESTAMP))::BIGINT - CASE WHEN s[20] = 'Z' THEN 0
        ELSE (s[21:22]::INTEGER * 3600 + s[24:25]::INTEGER * 60) * CASE s[20] WHEN '-' THEN -1 ELSE 1 END END END;
"""

# Causes before and after the search for twins, in the law's order.
JUDGE = f"""
CREATE TEMP TABLE judged AS
WITH read AS (
    SELECT line_number, cdr_id, type, CASE direction WHEN '' THEN 'OUT' ELSE direction END AS direction, visited_plmn AS plmn,
        compacted(other_party) AS other_number, within(international(compacted(other_party))) AS other_key,
        within(international(compacted(msisdn))) AS msisdn, instant(started_at) AS ts, whole(duration_s) AS duration_s,
        whole(volume_bytes) AS volume_bytes, wholesale_cost, micro(wholesale_cost) AS cost_micro
    FROM named),
parsed AS (
    SELECT *, CASE WHEN type = 'DATA' OR (direction = 'IN' AND other_number = '') THEN '' ELSE other_key END AS other FROM read),
dated AS (
    SELECT *, timezone('Europe/Paris', make_timestamptz(ts * 1000000))::DATE AS day,
        CASE WHEN cdr_id <> '' THEN cdr_id ELSE concat_ws('|', msisdn, type, direction, other,
            strftime(make_timestamp(ts * 1000000), '%Y-%m-%dT%H:%M:%SZ'), duration_s, volume_bytes) END AS key
    FROM parsed)
SELECT dated.*, year(day) * 12 + month(day) AS month_index, lines.line AS line_id,
    CASE WHEN plmn = '' THEN 'HOME' WHEN regexp_full_match(plmn, '{ZONE_CODE}') THEN zones.zone END AS origin,
    CASE
        WHEN type NOT IN ({_words(CallType)}) OR direction NOT IN ({_words(Direction)}) THEN 'BAD_TYPE'
        WHEN dated.msisdn IS NULL OR dated.msisdn[1] = '=' OR other IS NULL OR duration_s IS NULL OR volume_bytes IS NULL
            OR (wholesale_cost <> '' AND cost_micro IS NULL) OR length(cdr_id) > {LONGEST_ID} THEN 'BAD_NUMBER'
        WHEN ts IS NULL THEN 'BAD_DATE'
        WHEN duration_s < 0 OR volume_bytes < 0 OR cost_micro < 0 THEN 'NEGATIVE'
        WHEN lines.line IS NOT NULL THEN NULL
        WHEN dated.msisdn IN (SELECT msisdn FROM lines) THEN 'LINE_NOT_ACTIVE'
        ELSE 'UNKNOWN_LINE' END AS early,
    CASE
        WHEN origin IS NULL THEN 'UNKNOWN_PLMN'
        WHEN duration_s > {DAY_S} OR volume_bytes > {MOST_BYTES} THEN 'ABSURD'
        WHEN day < $oldest_day AND strftime(day, '%Y-%m') <= $invoiced_until THEN 'TOO_OLD' END AS late
FROM dated
LEFT JOIN lines ON lines.msisdn = dated.msisdn AND ts >= lines.live_from AND ts < lines.live_to
LEFT JOIN zones ON zones.mcc = plmn[1:3]
"""

CONTENT = "type, direction, msisdn, other, ts, duration_s, volume_bytes, plmn, cost_micro"


def _twins(con: duckdb.DuckDBPyConnection, root: Path, stored: Mapping[str, Sequence[str]]) -> None:
    """The table `twins`: rows whose id a loaded row holds in their month or a neighbour. One after the other: only a loaded row holds."""
    first, last = con.execute("SELECT min(month_index) - 1, max(month_index) + 1 FROM judged WHERE early IS NULL").fetchone()  # type: ignore[misc]
    near = [
        str(root / path)
        for month, paths in stored.items()
        if first is not None and first <= int(month[:4]) * 12 + int(month[5:]) <= last
        for path in paths
    ]
    held: dict[str, list[tuple]] = {}
    con.execute("CREATE TEMP TABLE keys AS SELECT key, count(*) AS times FROM judged WHERE early IS NULL GROUP BY key")
    con.execute("CREATE TEMP TABLE seen (key VARCHAR)")
    if near:
        con.execute(
            "CREATE TEMP TABLE holders AS SELECT key, year(day) * 12 + month(day) AS month_index, "
            f"{CONTENT} FROM read_parquet(?) SEMI JOIN keys USING (key)",
            [near],
        )
        con.execute("INSERT INTO seen SELECT DISTINCT key FROM holders")
        for key, month, *content in con.execute("SELECT * FROM holders").fetchall():
            held.setdefault(key, []).append((month, content))
    doubtful = con.execute(
        f"SELECT line_number, late, key, month_index, {CONTENT} FROM judged WHERE early IS NULL AND key IN"
        " (SELECT key FROM keys WHERE times > 1 UNION ALL SELECT key FROM seen) ORDER BY line_number"
    ).fetchall()
    found = []
    for line_number, late, key, month, *content in doubtful:
        holders = [other for held_month, other in held.get(key, ()) if abs(held_month - month) <= 1]
        if holders:
            found.append((line_number, RejectCause.duplicate if content in holders else RejectCause.duplicate_conflict))
        elif late is None:
            held.setdefault(key, []).append((month, content))
    fill(con, "twins", {"line_number": "INTEGER", "twin": "VARCHAR"}, [(line, str(cause)) for line, cause in found])
    con.execute(
        "CREATE TEMP VIEW sorted_out AS SELECT judged.*, coalesce(early, twin, late) AS cause FROM judged LEFT JOIN twins USING (line_number)"
    )


def _rejects(con: duckdb.DuckDBPyConnection, separator: str) -> list[Reject]:
    rows = con.execute(
        "SELECT cause, cells.line_number, COLUMNS('^c[0-9]+$') FROM sorted_out JOIN cells USING (line_number)"
        " WHERE cause IS NOT NULL ORDER BY line_number"
    ).fetchall()
    return [
        Reject(line, cdr_file.raw_line([cell or "" for cell in cells], separator) if separator else cells[0] or "", cause)
        for cause, line, *cells in rows
    ]


def _publish(con: duckdb.DuckDBPyConnection, root: Path, sha: str, preview: bool) -> list[Part]:
    months = con.execute(
        "SELECT strftime(day, '%Y-%m') AS month, count(*) FROM sorted_out WHERE cause IS NULL GROUP BY month ORDER BY month"
    ).fetchall()
    parts = [Part(month, f"cdr/{month}/{sha[:32]}.parquet", rows) for month, rows in months]
    for part in () if preview else parts:
        query = (
            f"COPY (SELECT line_id, ts, key, day, {CONTENT.replace('ts, ', '')}, origin, line_number FROM sorted_out"
            f" WHERE cause IS NULL AND strftime(day, '%Y-%m') = '{part.month}' ORDER BY line_id, ts, key)"
        )
        publish(root / part.path, partial(_copy, con, query))
    return parts


def _copy(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    con.execute(f"{query} TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
