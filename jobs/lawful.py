"""Typed values held to the law of the files: what an import refuses, the API and the admin refuse in the same words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rules.errors import RuleError
from rules.files.cells import BadText, EmptyCell, clean
from rules.files.rows import NEVER, Column, Kind, Values, shown


class NotLawful(RuleError):
    """Values that a file could not have brought; `errors` counts what is wrong, field by field."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        self.errors = errors
        super().__init__(errors[0]["message"] if len(errors) == 1 else f"{len(errors)} valeurs sont à corriger.")

    @property
    def code(self) -> str:
        return str(self.errors[0]["code"])


def lawful(kind: Kind, row: Mapping[str, Any]) -> Values:
    """The values of the kind's columns that the row holds, in their written form. Raises NotLawful with every fault at once."""
    values: Values = {}
    faults: list[tuple[str, RuleError]] = []
    for column in kind.columns:
        if column.name in row:
            try:
                values[column.name] = _parsed(column, row[column.name])
            except RuleError as problem:
                faults.append((column.name, problem))
    faults = faults or list(kind.settle(values))
    if faults:
        raise NotLawful([_told(row, name, problem) for name, problem in faults])
    return values


def _parsed(column: Column, value: Any) -> Any:
    text = format(value.normalize(), "f") if isinstance(value, Decimal) else shown(value)
    cell = clean(text, column.longest) if column.lines == 1 else _lines(text, column)
    if not cell and column.empty is NEVER:
        raise EmptyCell("La case est vide. Remplissez-la.")
    return column.parse(cell) if cell else column.empty


def _lines(text: str, column: Column) -> str:
    """A text of several lines, each without outer blanks."""
    rows = [clean(row, column.longest) for row in text.strip().splitlines()]
    if len(rows) > column.lines:
        raise BadText(f"{len(rows)} lignes, {column.lines} au plus. Raccourcissez.")
    return clean(" ".join(rows), column.longest) and "\n".join(rows)


def _told(row: Mapping[str, Any], name: str, problem: RuleError) -> dict[str, Any]:
    return {"field": name, "value": shown(row.get(name))[:100], "code": problem.code, "message": str(problem)}
