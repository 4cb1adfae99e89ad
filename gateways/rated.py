"""What a rated month says, read from its Parquet file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateways.cdr_store import connect, fill


@dataclass(frozen=True)
class UsageRow:
    """What one line used of one category: seconds, messages or KB; micro-euros excl. VAT."""

    line: int
    type: str
    category: str
    count: int
    units: int
    covered: int
    amount_micro: int
    service_micro: int
    wholesale_micro: int


USAGE = """
SELECT line_id, type, category, count(*), sum(units)::BIGINT, sum(covered)::BIGINT, sum(amount_micro)::BIGINT,
    sum(service_micro)::BIGINT, coalesce(sum(cost_micro), 0)::BIGINT
FROM {rated} WHERE rate IS NOT NULL GROUP BY line_id, type, category ORDER BY line_id, type, category
"""


def usage(path: Path) -> list[UsageRow]:
    """Usage per line, type and category; an unknown cost counts 0."""
    return [UsageRow(*row) for row in connect().execute(USAGE.format(rated="read_parquet(?)"), [str(path)]).fetchall()]


def unrated_lines(path: Path) -> set[int]:
    """The lines that had CDRs without a rate when the month was rated."""
    return {
        line
        for (line,) in connect()
        .execute("SELECT DISTINCT line_id FROM read_parquet(?) WHERE rate IS NULL", [str(path)])
        .fetchall()
    }


def lines_in(parts: Sequence[Path]) -> set[int]:
    """The lines that have CDRs in those parts of the store."""
    if not parts:
        return set()
    rows = connect().execute("SELECT DISTINCT line_id FROM read_parquet(?)", [[str(path) for path in parts]]).fetchall()
    return {line for (line,) in rows}


CALL = (
    "line_id", "ts", "type", "direction", "other", "category", "rate", "units", "covered", "amount_micro", "service_micro",
    "unlimited",
)  # fmt: skip


def calls(path: Path, lines: Iterable[int]) -> list[dict[str, Any]]:
    """The rated CDRs of some lines, by line and time: what each was, its rate, units, covered, amount_micro, service_micro,
    and whether an unlimited allowance covers it, `unlimited` (months rated before this was told have none)."""
    con = connect()
    fill(con, "wanted", {"line_id": "INTEGER"}, ((line,) for line in lines))
    found = con.execute(
        f"SELECT COLUMNS(lambda name: name IN {CALL}) FROM read_parquet(?)"
        " SEMI JOIN wanted USING (line_id) WHERE rate IS NOT NULL ORDER BY line_id, ts, key",
        [str(path)],
    )
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
