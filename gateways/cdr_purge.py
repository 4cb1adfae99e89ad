"""Calls taken out of the store: files are written anew without them, whole or not at all; what they summed to stays."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import duckdb

from gateways.cdr_store import connect, fill
from gateways.files import publish

SUMMED = """
    SELECT line_id, type, category, count(*) AS calls, sum(units) AS units, sum(covered) AS covered,
        sum(amount_micro) AS amount_micro, sum(service_micro) AS service_micro, sum(cost_micro) AS cost_micro
    FROM read_parquet($path) SEMI JOIN wanted USING (line_id) WHERE rate IS NOT NULL GROUP BY line_id, type, category
"""


def take_out(path: Path, lines: Iterable[int]) -> int:
    """Write a part of the store again without the calls of these lines; how many calls are left."""
    con = _wanted(lines)
    publish(path, partial(_copy, con, f"SELECT * FROM read_parquet('{path}') ANTI JOIN wanted USING (line_id)"))
    return int(con.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchone()[0])  # type: ignore[index]


def sum_up(path: Path, lines: Iterable[int]) -> None:
    """Write a rated month again: each line's calls of a type and category become one row of their sums, and rows of nothing.

    As many rows as there were calls, so that their count stays true; no number, no instant, no network, no single duration.
    """
    con = _wanted(lines)
    con.execute(f"CREATE TEMP TABLE summed AS {SUMMED}", {"path": str(path)})
    columns = [name for name, *_ in con.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()]
    con.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM read_parquet('{path}') ANTI JOIN wanted USING (line_id)")
    first = {name: f"CASE WHEN rank = 1 THEN {name} ELSE 0 END" for name in ("units", "covered", "amount_micro", "service_micro")}
    told = first | {"cost_micro": "CASE WHEN rank = 1 THEN cost_micro END", "rate": "0"}
    told |= {name: name for name in ("line_id", "type", "category")}
    told |= {
        "ts": "0",
        "key": "''",
        "other": "''",
        "direction": "'OUT'",
        "part": "0",
        "line_number": "0",
        "day": "DATE '1970-01-01'",
    }
    con.execute(
        f"INSERT INTO kept BY NAME SELECT {', '.join(f'{told[name]} AS {name}' for name in columns if name in told)}"
        " FROM summed, LATERAL (SELECT unnest(range(1, calls + 1)) AS rank)"
    )
    publish(path, partial(_copy, con, "SELECT * FROM kept ORDER BY line_id, ts, key"))


def _wanted(lines: Iterable[int]) -> duckdb.DuckDBPyConnection:
    con = connect()
    fill(con, "wanted", {"line_id": "INTEGER"}, ((line,) for line in lines))
    return con


def _copy(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    con.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
