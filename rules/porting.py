"""On which days a number may be ported: the wholesaler's bounds, counted in calendar days of Paris, and working days only.

The bounds are strict: « 5 < jours < 59 » accepts 6 to 58 days. Six calendar days always hold the three working days that the
regulator grants the donor (ARCEP, decision 2012-0576, art. 7 and 10). Sundays and metropolitan holidays are refused,
by their names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import holidays

from rules.errors import RuleError
from rules.french import french
from rules.paris import Month, french_date

SUNDAY = 7


class PortingTooSoon(RuleError):
    """Before the first day that the wholesaler accepts."""


class PortingTooLate(RuleError):
    """After the last day that the wholesaler accepts."""


class NotAWorkingDay(RuleError):
    """A Sunday or a public holiday."""


@dataclass(frozen=True)
class Window:
    """`after`, `before`: days from today, both excluded; `working_days`: whether Sundays and holidays are refused."""

    after: int = 5
    before: int = 59
    working_days: bool = True

    def first(self, today: date) -> date:
        """The first accepted day.

        >>> Window().first(date(2026, 11, 23)).isoformat()    # the 29th is a Sunday
        '2026-11-30'
        """
        return next(day for day in _days(today + timedelta(self.after + 1), 1) if not self.closed(day))

    def last(self, today: date) -> date:
        """The last accepted day.

        >>> Window().last(date(2026, 11, 23)).isoformat()
        '2027-01-20'
        """
        return next(day for day in _days(today + timedelta(self.before - 1), -1) if not self.closed(day))

    def closed(self, day: date) -> str:
        """Why nobody ports on that day; empty when they do.

        >>> Window().closed(date(2026, 12, 25)), Window().closed(date(2026, 11, 29))
        ('Noël', 'dimanche')
        """
        if not self.working_days:
            return ""
        return holiday(day) or ("dimanche" if day.isoweekday() == SUNDAY else "")

    def check(self, day: date, today: date) -> date:
        """The day, if it may be chosen today (Paris). Raises PortingTooSoon, PortingTooLate, NotAWorkingDay.

        >>> try: Window().check(date(2026, 12, 25), date(2026, 11, 24))
        ... except NotAWorkingDay as problem: print(str(problem).replace("\xa0", " "))
        Le 25 décembre 2026 est férié (Noël). Choisissez un jour ouvrable entre le 30 novembre 2026 et le 21 janvier 2027.
        """
        advice = f"Choisissez un jour ouvrable entre le {_tied(self.first(today))} et le {_tied(self.last(today))}."
        ahead = (day - today).days
        if ahead <= self.after:
            raise PortingTooSoon(f"Le {french_date(day)} est trop proche : il faut plus de {self.after} jours. {advice}")
        if ahead >= self.before:
            raise PortingTooLate(f"Le {french_date(day)} est trop loin : il faut moins de {self.before} jours. {advice}")
        if reason := self.closed(day):
            told = "est un dimanche" if reason == "dimanche" else f"est férié ({reason})"
            raise NotAWorkingDay(f"Le {french_date(day)} {told}. {advice}")
        return day

    def refusal(self, day: date, today: date) -> str:
        """In a few words, why a day of the calendar can't be chosen; empty when it can."""
        ahead = (day - today).days
        return self.closed(day) or ("trop tôt" if ahead <= self.after else "trop tard" if ahead >= self.before else "")

    def months(self, today: date) -> list[tuple[str, list[list[date | None]]]]:
        """The calendar from this week to that of the last accepted day: each month by its name, its weeks from Monday.

        >>> [(name, len(weeks)) for name, weeks in Window().months(date(2026, 11, 24))]
        [('novembre 2026', 2), ('décembre 2026', 5), ('janvier 2027', 4)]
        """
        found: list[tuple[str, list[list[date | None]]]] = []
        monday = today - timedelta(today.weekday())
        while monday <= self.last(today):
            week = [monday + timedelta(count) for count in range(7)]
            for month in sorted({Month.of(day) for day in week}):
                if not found or found[-1][0] != month.french:
                    found.append((month.french, []))
                found[-1][1].append([day if Month.of(day) == month else None for day in week])
            monday += timedelta(7)
        return found


def holiday(day: date, known: dict[int, dict[date, str]] = {}) -> str:  # noqa: B006 (a memory on purpose)
    """The French name of a public holiday of metropolitan France; empty on other days.

    >>> holiday(date(2027, 1, 1))
    'Jour de l’an'
    """
    if day.year not in known:
        known[day.year] = dict(holidays.country_holidays("FR", years=day.year, language="fr"))
    return french(known[day.year].get(day, ""))


def freezes_on(porting_date: date) -> date:
    """The day on which the request is frozen: the eve of the port, from which nobody cancels it any more."""
    return porting_date - timedelta(1)


def countdown(porting_date: date, today: date) -> str:
    """How far a request is from its freeze, then from its port; days of Paris.

    >>> [countdown(date(2026, 12, 3), date(2026, 12, day)) for day in (1, 2, 3, 4)]
    ['figée ce soir à minuit', 'portage demain', "portage aujourd'hui", 'date passée']
    >>> countdown(date(2026, 12, 3), date(2026, 11, 30)), countdown(date(2026, 12, 3), date(2026, 11, 25))
    ('figée demain à minuit', 'figée le 2 décembre 2026, dans 7 jours')
    """
    frozen = freezes_on(porting_date)
    near = {2: "figée demain à minuit", 1: "figée ce soir à minuit", 0: "portage demain", -1: "portage aujourd'hui"}
    ahead = (frozen - today).days
    return near.get(ahead) or (f"figée le {french_date(frozen)}, dans {ahead} jours" if ahead > 0 else "date passée")


def _days(start: date, step: int) -> Iterator[date]:
    return (start + timedelta(step * count) for count in range(366))


def _tied(day: date) -> str:
    return french_date(day).replace(" ", "\u00a0")
