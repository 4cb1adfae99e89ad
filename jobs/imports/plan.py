"""What an import would do, decided before anything is written; the preview shows this very plan."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256

from rules.errors import RuleError
from rules.files.form import Error
from rules.files.rows import Intake, Row, Values, shown
from rules.paris import Month, paris_date

MASK = "•••"
Difference = dict[str, str | int]


class InUse(RuleError):
    """A change to something that others rely on."""


class UnknownReference(RuleError):
    """A code or number that nothing loaded bears."""


@dataclass(frozen=True)
class Occasion:
    """When the import takes place, and what goes with the file."""

    now: datetime
    first_month: Month
    file_sha256: str
    code: str = ""
    valid_from: date | None = None

    @property
    def day(self) -> date:
        return paris_date(self.now)


@dataclass(frozen=True)
class Change:
    """`before` and `after` hold the fields that differ; `row` holds them all."""

    row: Row
    id: int
    before: Values
    after: Values


class Plan:
    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.created: list[Row] = []
        self.changed: list[Change] = []
        self.unchanged = 0
        self.gone: list[Values] = []  # stored values that the file replaces by nothing
        self.compared: list[Difference] = []  # differences that are not changes
        self.warnings: list[Error] = []

    @property
    def alters(self) -> bool:
        return bool(self.created or self.changed or self.gone)

    def fingerprint(self) -> str:
        """The same for plans that would write the same and say the same."""
        changes = [(change.id, change.before, change.after, change.row.values) for change in self.changed]
        whole = [[row.values for row in self.created], changes, self.unchanged, self.gone, self.compared]
        said = [(error.line, error.field, error.code) for error in self.intake.errors + self.warnings]
        return sha256(json.dumps([whole, said], default=str, sort_keys=True).encode()).hexdigest()

    def merge(self, row: Row, stored: Values | None) -> Values:
        """What differs from the stored values, which complete the row: a column that is not in the file says nothing."""
        if stored is None:
            return {}
        present = [name for name in self.intake.columns if name in self.intake.present]
        after = {name: row.values[name] for name in present if row.values[name] != stored[name]}
        row.values = stored | after
        return after

    def place(self, row: Row, stored: Values | None, after: Values, locked: RuleError | None = None) -> None:
        """Count a row among the created, changed or unchanged; refuse it when it changes what is `locked`."""
        if stored is None:
            self.created.append(row)
        elif not after:
            self.unchanged += 1
        elif locked:
            self.intake.refuse(row, next(iter(after)), locked)
        else:
            self.changed.append(Change(row, stored["id"], {name: stored[name] for name in after}, after))

    def warn(self, row: Row, name: str, value: str, problem: RuleError) -> None:
        self.warnings.append(self.intake.error(row.line, name, value, problem))

    def told(self, values: Values) -> dict[str, str]:
        """Values as a person may read them: a secret is masked."""
        return {name: MASK if self.intake.columns[name].secret and value else shown(value) for name, value in values.items()}

    def differences(self) -> Iterator[Difference]:
        """What the preview shows, field by field; line 1 stands for what the file no longer has."""
        yield from self.compared
        first = self.intake.kind.identity[0]
        removed = [(1, values, {first: values[first]}, {first: None}) for values in self.gone]
        changes = [(change.row.line, change.row.values, change.before, change.after) for change in self.changed]
        for line, values, old, new in changes + removed:
            identity = " ".join(map(shown, self.intake.key(values)))
            before, after = self.told(old), self.told(new)
            for name in after:
                yield {"line": line, "identity": identity, "field": name, "before": before[name], "after": after[name]}
