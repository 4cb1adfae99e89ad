"""Dated versions of one thing: each holds from its day until the next one begins."""

from collections.abc import Iterable
from datetime import date

from rules.states import Word


class Standing(Word):
    in_force = "in_force", "En vigueur"
    coming = "coming", "À venir"
    past = "past", "Passée"


def standings(days: Iterable[date], today: date) -> dict[date, Standing]:
    """
    >>> days = [date(2026, 9, 1), date(2026, 11, 1), date(2027, 1, 1)]
    >>> [word.value for word in standings(days, date(2026, 11, 1)).values()]
    ['past', 'in_force', 'coming']
    """
    days = sorted(days)
    current = max((day for day in days if day <= today), default=date.max)
    return {day: Standing.coming if day > today else Standing.in_force if day == current else Standing.past for day in days}
