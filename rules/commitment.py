"""How long a line is bound, and what leaving early costs (billing law § 3; Code de la consommation, art. L224-28)."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from rules.money import MICRO_PER_CENT, half_up
from rules.states import CustomerKind

CONSUMER_MONTHS = 24
CONSUMER_PERCENT_AFTER = Decimal(20)  # of a month after the 12th, and only when the offer came with a subsidised handset


@dataclass(frozen=True)
class Commitment:
    """`percent_first_year` and `percent_after`: the part due of a remaining month, up to the 12th and after it."""

    starts_on: date
    months: int
    percent_first_year: Decimal = Decimal(100)
    percent_after: Decimal = Decimal(100)

    @property
    def ends_on(self) -> date:
        return add_months(self.starts_on, self.months) - timedelta(days=1)

    def months_gone(self, day: date) -> int:
        """The months begun by a day, at most all of them.

        >>> bound = Commitment(date(2026, 1, 15), 12)
        >>> bound.months_gone(date(2026, 1, 14)), bound.months_gone(date(2026, 2, 15)), bound.months_gone(date(2028, 1, 1))
        (0, 2, 12)
        """
        return sum(add_months(self.starts_on, rank) <= day for rank in range(self.months))


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or its last day.

    >>> add_months(date(2026, 1, 31), 1).isoformat()
    '2026-02-28'
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    for number in range(day.day, 0, -1):
        try:
            return date(year, month, number)
        except ValueError:
            continue
    raise AssertionError


def termination_fee(commitment: Commitment, monthly_micro: int, last_day: date, kind: str, subsidised: bool = False) -> int:
    """Cents excl. VAT due when the line ends on `last_day`: each whole month left after the month begun, rounded once.

    >>> termination_fee(Commitment(date(2026, 1, 15), 12), 10_000_000, date(2026, 10, 20), "BUSINESS")    # months 11 and 12
    2000
    """
    consumer = kind == CustomerKind.consumer
    months = min(commitment.months, CONSUMER_MONTHS) if consumer else commitment.months
    after = commitment.percent_after
    if consumer:
        after = min(after, CONSUMER_PERCENT_AFTER) if subsidised else Decimal(0)
    hundredths = 0
    for rank in range(1, months + 1):
        if add_months(commitment.starts_on, rank - 1) > last_day:
            hundredths += int((commitment.percent_first_year if rank <= 12 else after) * 100)
    return half_up(monthly_micro * hundredths, 10_000 * MICRO_PER_CENT)
