"""Civil time is Paris time; instants are UTC (billing law, introduction)."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rules.errors import RuleError

PARIS = ZoneInfo("Europe/Paris")
MONTHS = ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"]


class NotAMonth(RuleError):
    """A text that names no billing month."""


def paris_date(instant: datetime) -> date:
    """The civil date of an instant.

    >>> paris_date(datetime(2026, 10, 31, 23, 0, tzinfo=UTC)).isoformat()
    '2026-11-01'
    """
    return instant.astimezone(PARIS).date()


def midnight(day: date) -> datetime:
    """The UTC instant at which a Paris day begins.

    >>> midnight(date(2026, 10, 26)).isoformat()
    '2026-10-25T23:00:00+00:00'
    """
    return datetime.combine(day, time(), PARIS).astimezone(UTC)


def epoch(day: date) -> int:
    """Unix seconds at which a Paris day begins."""
    return int(midnight(day).timestamp())


def french_date(day: date) -> str:
    """
    >>> french_date(date(2026, 11, 1))
    '1er novembre 2026'
    """
    return f"{'1er' if day.day == 1 else day.day} {MONTHS[day.month - 1]} {day.year}"


@dataclass(frozen=True, order=True)
class Month:
    """A billing month: from the first day 00:00 to the first day of the next month 00:00, in Paris.

    >>> october = Month.parse("2026-10")
    >>> october.days, str(october.next), str(Month(2026, 1).previous), october.french, october.of_french
    (31, '2026-11', '2025-12', 'octobre 2026', "d'octobre 2026")
    >>> october.end_epoch - october.start_epoch    # the hour that comes twice
    2682000
    """

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """From `2026-10`. Raises NotAMonth."""
        try:
            day = date.fromisoformat(f"{text}-01")
        except ValueError:
            raise NotAMonth(f"« {text} » n'est pas un mois. Écrivez-le ainsi : 2026-10.") from None
        return cls(day.year, day.month)

    @classmethod
    def of(cls, day: date) -> "Month":
        return cls(day.year, day.month)

    @property
    def days(self) -> int:
        return monthrange(self.year, self.number)[1]

    @property
    def first(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        return date(self.year, self.number, self.days)

    @property
    def next(self) -> "Month":
        return Month.of(self.last + timedelta(days=1))

    @property
    def previous(self) -> "Month":
        return Month.of(self.first - timedelta(days=1))

    @property
    def start_epoch(self) -> int:
        return epoch(self.first)

    @property
    def end_epoch(self) -> int:
        return self.next.start_epoch

    @property
    def french(self) -> str:
        return f"{MONTHS[self.number - 1]} {self.year}"

    @property
    def of_french(self) -> str:
        """With its « de »."""
        return f"d'{self.french}" if self.french[0] in "ao" else f"de {self.french}"

    def back(self, months: int) -> "Month":
        """The month so many months earlier."""
        index = self.year * 12 + self.number - 1 - months
        return Month(index // 12, index % 12 + 1)

    def overlap(self, first: date, last: date | None) -> int:
        """How many days of this month lie in [first, last], both included; None = no end."""
        end = self.last if last is None else min(last, self.last)
        return max(0, (end - max(first, self.first)).days + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"
