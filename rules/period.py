"""A stretch of days, both ends included, as an accountant asks for it."""

from dataclasses import dataclass
from datetime import date

from rules.errors import RuleError
from rules.paris import Month, french_date


class BadPeriod(RuleError):
    """Two texts that bound no period."""


@dataclass(frozen=True)
class Period:
    """
    >>> Period.parse("2026-11-01", "2026-11-30").french, Period.parse("2026-11-02", "2026-11-02").french
    ('novembre 2026', 'du 2 au 2 novembre 2026')
    """

    first: date
    last: date

    @classmethod
    def parse(cls, first: str, last: str) -> "Period":
        """From two ISO dates. Raises BadPeriod."""
        try:
            period = cls(date.fromisoformat(first), date.fromisoformat(last))
        except ValueError:
            raise BadPeriod("Donnez deux dates : du premier jour au dernier, tous deux compris.") from None
        if period.last < period.first:
            raise BadPeriod("Le dernier jour vient avant le premier. Échangez-les.")
        return period

    @classmethod
    def of(cls, month: Month) -> "Period":
        return cls(month.first, month.last)

    @property
    def french(self) -> str:
        """A month by its name, else both days."""
        month = Month.of(self.first)
        if self == Period.of(month):
            return month.french
        alike = (self.first.year, self.first.month) == (self.last.year, self.last.month)
        start = french_date(self.first).partition(" ")[0] if alike else french_date(self.first)
        return f"du {start} au {french_date(self.last)}"
