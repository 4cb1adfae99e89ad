"""The numbers of invoices: a pattern with the year and a counter, one gapless series per pattern and year.

Source: CGI annexe II, art. 242 nonies A, I-7°; the character set and length of BR-FR-01 and BR-FR-02.
"""

import re

from rules.errors import RuleError

PATTERN = re.compile(r"(?P<before>[A-Za-z0-9_-]|\{year\})*\{counter(:0\d{1,2})?\}[A-Za-z0-9_-]*")
LONGEST = 35


class BadPattern(RuleError):
    """A pattern from which no lawful number can be made."""


def check(pattern: str) -> None:
    """Raises BadPattern unless the pattern has one counter, the year, and lawful characters.

    >>> check("F{year}-{counter:06}")
    """
    if not PATTERN.fullmatch(pattern) or pattern.count("{year}") != 1:
        raise BadPattern(
            f"Modèle « {pattern} » : des lettres sans accent, des chiffres, - ou _,"
            " avec {year} puis {counter:06}, une fois chacun."
        )
    if len(number(pattern, 2026, 10**9)) > LONGEST:
        raise BadPattern(f"Modèle « {pattern} » : le numéro passerait {LONGEST} caractères. Raccourcissez-le.")


def series(pattern: str, year: int) -> str:
    """The name of the series: the pattern with its year, the counter left open.

    >>> series("F{year}-{counter:06}", 2026)
    'F2026-{counter:06}'
    """
    return pattern.replace("{year}", str(year))


def number(pattern: str, year: int, counter: int) -> str:
    """
    >>> number("F{year}-{counter:06}", 2026, 123)
    'F2026-000123'
    """
    return series(pattern, year).format(counter=counter)


def counter(name: str, number: str) -> int | None:
    """The place of a number in the series of that name; None when it is not of the series.

    >>> counter("F2026-{counter:06}", "F2026-000123"), counter("F2026-{counter:06}", "A2026-000123")
    (123, None)
    """
    before, after = re.split(r"\{counter.*?\}", name)
    figures = number[len(before) : len(number) - len(after)]
    if not (figures.isdecimal() and name.format(counter=int(figures)) == number):
        return None
    return int(figures)


def may_meet(one: str, other: str) -> bool:
    """Whether two series could give the same number one day: alike but for figures that touch their counters.

    >>> may_meet("F2026-{counter:06}", "F2026-{counter:05}"), may_meet("F2026-{counter:06}", "F2027-{counter:06}")
    (True, False)
    """
    (before, after), (before2, after2) = (re.split(r"\{counter.*?\}", name) for name in (one, other))
    return _alike(before, before2) and _alike(after[::-1], after2[::-1])


def _alike(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and (long == short or long[len(short) :].isdecimal())
