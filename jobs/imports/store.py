"""Many rows in few queries: what an import reads and writes at once."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from piccolo.columns import Column
from piccolo.table import Table

from jobs.imports.plan import Plan
from rules.files.rows import Values
from tables.engine import insert_many, update_many

CHUNK = 10_000  # PostgreSQL takes at most 32 767 parameters in a statement


def chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Distinct values in lists that fit in a statement."""
    distinct = list(dict.fromkeys(values))
    return (distinct[start : start + CHUNK] for start in range(0, len(distinct), CHUNK))


def named(table: type[Table], names: Iterable[str]) -> list[Any]:
    return [table._meta.get_column_by_name(name) for name in names]


async def select_in(columns: Sequence[Any], key: Column, values: Iterable[Any], distinct: bool = False) -> list[Values]:
    """The rows whose `key` is among many values."""
    found: list[Values] = []
    for chunk in chunks(values):
        query = key._meta.table.select(*columns).where(key.is_in(chunk))
        found += await (query.distinct() if distinct else query)
    return found


async def write_rows(plan: Plan, table: type[Table], names: Sequence[str], **extra: Any) -> None:
    """Insert what is created (with `extra` columns) and update what is changed, when columns bear the names of the file."""
    rows = [[*(row.values[name] for name in names), *extra.values()] for row in plan.created]
    await insert_many(table, named(table, [*names, *extra]), rows)
    for column in named(table, names):
        name = column._meta.name
        await update_many(column, {change.id: change.after[name] for change in plan.changed if name in change.after})
