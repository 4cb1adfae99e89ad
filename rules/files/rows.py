"""From the fields of a file to typed rows: a kind of file is a list of columns and what its rows must agree on."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rules.errors import RuleError
from rules.files.cells import EmptyCell, Parser, clean
from rules.files.form import NOTE, Error, fold, read
from rules.files.written import csv_text, plain

NEVER = object()
Values = dict[str, Any]
Watch = Callable[[int, int], None]
Settle = Callable[[Values], Iterator[tuple[str, RuleError]]]


class DuplicateRow(RuleError):
    """A row that names the same thing as another row of its file."""


@dataclass(frozen=True)
class Column:
    """`empty`: the value of an empty cell; NEVER = to be filled. `required`: the header must have it; None = as `empty` says.

    `lines`: how many a text typed on a page may have.
    """

    name: str
    parse: Parser
    empty: Any = NEVER
    longest: int = 120
    required: bool | None = None
    secret: bool = False
    lines: int = 1

    @property
    def in_header(self) -> bool:
        return self.empty is NEVER if self.required is None else self.required


@dataclass(frozen=True)
class Kind:
    """`identity`: what makes a row the same thing again, its first column named in a message about duplicates.

    `settle` fills what depends on several cells of a row, and names what they do not agree on.
    `whole`: a duplicate refuses the file, not only its row.
    """

    name: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    settle: Settle = lambda values: iter(())
    whole: bool = False


@dataclass
class Row:
    line: int
    values: Values
    fields: list[str]


class Intake:
    """A file once read: good rows, errors, and where each column stands. `refused`: nothing of the file may be loaded."""

    def __init__(self, kind: Kind, data: bytes, file: str, watch: Watch = lambda done, total: None) -> None:
        """Raises FormError. `watch` is told from time to time how many rows are read."""
        self.kind, self.file = kind, file
        self.columns = {column.name: column for column in kind.columns}
        self.header, records = read(data, {column.name: column.in_header for column in kind.columns}, file)
        self.present = frozenset(self.header.positions)
        self.total = len(records)
        self.errors: list[Error] = []
        self.bad: dict[int, list[str]] = {}  # the cells of the rows in error, by line
        self.refused = False
        self.rows: list[Row] = []
        seen: dict[tuple[Any, ...], int] = {}
        for done, (line, fields) in enumerate(records):
            if done % 1_000 == 0:
                watch(done, self.total)
            row = Row(line, {}, [plain(cell) for cell in fields])
            if self._fill(row) and self._alone(row, seen):
                self.rows.append(row)

    @property
    def rejected(self) -> int:
        return len({error.line for error in self.errors})

    def key(self, values: Values) -> tuple[Any, ...]:
        return tuple(values[name] for name in self.kind.identity)

    def error(self, line: int, name: str, value: str | None, problem: RuleError) -> Error:
        """An error of a cell. A secret shows no value."""
        place = self.header.positions.get(name)
        seen = "" if name in self.columns and self.columns[name].secret else (value or "")[:100]
        return Error(self.file, line, None if place is None else place + 1, name, seen, problem.code, str(problem))

    def refuse(self, row: Row, name: str, problem: RuleError) -> None:
        place = self.header.positions.get(name)
        self.errors.append(self.error(row.line, name, None if place is None else row.fields[place], problem))
        if row.fields:
            self.bad[row.line] = row.fields

    def rejected_rows(self) -> str:
        """The rows in error as a CSV file to correct and load again: their cells, and what is wrong with them."""
        said: dict[int, list[str]] = defaultdict(list)
        for error in self.errors:
            said[error.line].append(f"{error.field} : {error.message}")
        kept = [place for place, name in enumerate(self.header.names) if fold(name) != NOTE]
        rows = ([*(fields[place] for place in kept), " ".join(said[line])] for line, fields in sorted(self.bad.items()))
        return csv_text([*(self.header.names[place] for place in kept), NOTE], rows)

    def _fill(self, row: Row) -> bool:
        """Parse every cell; False when the row has errors."""
        before = len(self.errors)
        for column in self.kind.columns:
            place = self.header.positions.get(column.name)
            cell = "" if place is None else row.fields[place]
            try:
                cell = clean(cell, column.longest)
                if not cell and column.empty is NEVER:
                    raise EmptyCell("La case est vide. Remplissez-la.")
                row.values[column.name] = column.parse(cell) if cell else column.empty
            except RuleError as problem:
                self.errors.append(self.error(row.line, column.name, cell, problem))
                self.bad[row.line] = row.fields
        if len(self.errors) == before:
            for name, disagreement in self.kind.settle(row.values):
                self.refuse(row, name, disagreement)
        return len(self.errors) == before

    def _alone(self, row: Row, seen: dict[tuple[Any, ...], int]) -> bool:
        first = seen.setdefault(self.key(row.values), row.line)
        if first != row.line:
            self.refused |= self.kind.whole
            self.refuse(row, self.kind.identity[0], DuplicateRow(f"Déjà donné en ligne {first}. Gardez l'une des deux."))
        return first == row.line


def shown(value: Any) -> str:
    """A value as the file writes it.

    >>> shown(None), shown(True), shown(Decimal("0.060000"))
    ('', 'yes', '0.06')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)
