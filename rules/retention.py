"""How long calls are kept: a year from the day on which the bill was paid (CPCE, art. L34-1 IV, L34-2 and R10-14 III).

Unpaid bills keep their calls. A month that a late CDR could still reach is never purged: its wallets may be rated again.
"""

from datetime import date

from rules.commitment import add_months
from rules.paris import Month

LATE_MONTHS = 12  # billing law § 1.8
LONGEST_MONTHS = 12


def purge_on(settled_on: date | None, months: int) -> date | None:
    """From which day the calls of a bill go; None = not yet known: it is not settled.

    >>> purge_on(date(2026, 11, 20), 12).isoformat()
    '2027-11-20'
    """
    return add_months(settled_on, min(months, LONGEST_MONTHS)) if settled_on else None


def closed(month: Month, today: date) -> bool:
    """Whether no late CDR can reach the month any more.

    >>> closed(Month(2026, 10), date(2027, 10, 31)), closed(Month(2026, 10), date(2027, 11, 1))
    (False, True)
    """
    return month < Month.of(today).back(LATE_MONTHS)
