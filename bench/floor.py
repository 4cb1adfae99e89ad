"""The floor: what DuckDB takes to read the same CSV files with types and add every column up, and nothing else."""

from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from bench.clock import Clock

TYPES = {"started_at": "TIMESTAMPTZ", "duration_s": "BIGINT", "volume_bytes": "BIGINT", "wholesale_cost": "DECIMAL(18, 6)"}
SUMS = {"TIMESTAMPTZ": "max", "BIGINT": "sum", "DECIMAL(18, 6)": "sum", "VARCHAR": "count"}
THREADS = 2


def parse(files: list[Path]) -> dict[str, Any]:
    """The middle one of three readings, and the seconds of another in which DuckDB sniffs the form of the files by itself."""
    con = duckdb.connect(config={"threads": THREADS})
    forms = [(header, [str(path) for path in group]) for header, group in groupby(sorted(files, key=_header), key=_header)]
    readings: list[dict[str, Any]] = []
    for sniff in (False, False, False, True):
        with Clock() as clock:
            rows = sum(_add_up(con, header, paths, sniff) for header, paths in forms)
        readings.append({**clock.figures, "rows": rows})
    middle = sorted(readings[:3], key=lambda reading: reading["seconds"])[1]
    return {**middle, "sniffed_s": clock.seconds, "bytes": sum(path.stat().st_size for path in files)}


def _header(path: Path) -> str:
    with open(path, encoding="utf-8-sig") as file:
        return file.readline().rstrip("\n")


def _add_up(con: duckdb.DuckDBPyConnection, header: str, paths: list[str], sniff: bool) -> int:
    """Read the files of one form; how many rows were good."""
    separator = ";" if ";" in header else ","
    columns = {name: TYPES.get(name, "VARCHAR") for name in header.split(separator)}
    told = ", ".join(f"'{name}': '{type_}'" for name, type_ in columns.items())
    sums = ", ".join(f'{SUMS[type_]}("{name}")' for name, type_ in columns.items())
    form = "types" if sniff else f"auto_detect = false, header = true, delim = '{separator}', columns"
    found = con.execute(
        f"SELECT count(*), {sums} FROM read_csv(?, ignore_errors = true, {form} = {{{told}}})", [paths]
    ).fetchone()
    return found[0] if found else 0
