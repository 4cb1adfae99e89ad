"""When an invoice is to be paid: so many days after its date, then if agreed to the end of that month.

Source: Code de commerce, art. L441-10, I: at most 60 days, or 45 days « fin de mois », between professionals.
"""

from datetime import date, timedelta

from rules.paris import Month

LONGEST_DAYS = 60
LONGEST_DAYS_TO_END_OF_MONTH = 45


def due_on(issued_on: date, days: int, end_of_month: bool = False) -> date:
    """
    >>> due_on(date(2026, 11, 23), 30).isoformat(), due_on(date(2026, 11, 23), 30, end_of_month=True).isoformat()
    ('2026-12-23', '2026-12-31')
    """
    day = issued_on + timedelta(days=days)
    return Month.of(day).last if end_of_month else day


def beyond_law(days: int, end_of_month: bool) -> bool:
    """Whether these terms are longer than professionals may agree on.

    >>> beyond_law(60, False), beyond_law(60, True), beyond_law(45, True)
    (False, True, False)
    """
    return days > (LONGEST_DAYS_TO_END_OF_MONTH if end_of_month else LONGEST_DAYS)
