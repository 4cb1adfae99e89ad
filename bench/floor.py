"""The floor: what DuckDB takes to read the same CSV files with types and add every column up, and nothing else."""

from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from bench.clock import Clock

TYPES = {"started_at": "TIMESTAMPTZ", "duration_s": "BIGINT", "volume_bytes": "BIGINT", "wholesale_cost": "DECIMAL(18, 6)"}
SUMS = {"TIMESTAMPTZ": "max", "BIGINT": "sum", "DECIMAL(18, 6)": "sum", "VARCHAR": "count"}
TIMES, THREADS = 3, 2


def parse(files: list[Path]) -> dict[str, Any]:
    """The middle one of three readings; files of one form are read by one query."""
    con = duckdb.connect(config={"threads": THREADS})
    readings: list[dict[str, Any]] = []
    for _ in range(TIMES):
        with Clock() as clock:
            rows = sum(_add_up(con, header, list(group)) for header, group in groupby(sorted(files, key=_header), key=_header))
        readings.append({**clock.figures, "rows": rows, "bytes": sum(path.stat().st_size for path in files)})
    return sorted(readings, key=lambda reading: reading["seconds"])[TIMES // 2]


def _header(path: Path) -> str:
    with open(path, encoding="utf-8-sig") as file:
        return file.readline().rstrip("\n")


def _add_up(con: duckdb.DuckDBPyConnection, header: str, files: list[Path]) -> int:
    separator = ";" if ";" in header else ","
    columns = {name: TYPES.get(name, "VARCHAR") for name in header.split(separator)}
    told = ", ".join(f"'{name}': '{type_}'" for name, type_ in columns.items())
    sums = ", ".join(f'{SUMS[type_]}("{name}")' for name, type_ in columns.items())
    query = (
        f"SELECT count(*), {sums} FROM read_csv(?, header = true, delim = ?, columns = {{{told}}}, auto_detect = false,"
        " ignore_errors = true)"
    )
    found = con.execute(query, [[str(path) for path in files], separator]).fetchone()
    return found[0] if found else 0
