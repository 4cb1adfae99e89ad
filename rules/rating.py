"""What a wallet's calls cost, one after the other: the law in plain Python (billing law §§ 1.5–1.7).

A wallet is a line, or all the lines that share a pool. The engine in sets (gateways/rating.py) must agree with this file to the
micro-euro; this one explains a charge on a screen, and is the oracle of the tests.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import holidays

from rules.allowances import Counter, Pot
from rules.errors import RuleError
from rules.money import half_up
from rules.paris import PARIS
from rules.rates import FREE_OF_CHARGE, Rate

MINUTE_S, KB_PER_MB = 60, 1024
NO_PEAK: "PeakHours" = {}
PeakHours = Mapping[int, tuple[int, int]]  # ISO weekday → [from hour, to hour) in Paris


class BadPeakHours(RuleError):
    """A text that names no peak hours."""


@dataclass(frozen=True)
class Cdr:
    """A loaded CDR. `key`: its id or fingerprint; `started_at`: Unix seconds; `day`: its Paris date."""

    line: int
    key: str
    type: str
    started_at: int
    day: date
    duration_s: int
    volume_bytes: int


@dataclass(frozen=True)
class Rated:
    """`units`: seconds, messages or KB; amounts in micro-euros; `draws`: what each pot gave."""

    cdr: Cdr
    rate: Rate
    units: int
    covered: int
    amount_micro: int
    service_micro: int
    draws: tuple[tuple[Pot, int], ...]


def units(cdr: Cdr, rate: Rate) -> int:
    """What is counted: seconds or KB by the rate's increments, or one message."""
    if cdr.type in ("SMS", "MMS"):
        return 1
    size = cdr.duration_s if cdr.type == "VOICE" else -(-cdr.volume_bytes // KB_PER_MB)
    if size <= 0:
        return 0
    beyond = max(0, size - rate.first_increment)
    return rate.first_increment + -(-beyond // rate.next_increment) * rate.next_increment


def peak_seconds(start: int, end: int, peak: PeakHours) -> int:
    """How many of the seconds [start, end) lie in peak hours; public holidays of metropolitan France are off-peak."""
    total = 0
    while start < end:
        stop = min(end, (start // 3600 + 1) * 3600)
        if is_peak(start, peak):
            total += stop - start
        start = stop
    return total


def is_peak(instant: int, peak: PeakHours) -> bool:
    """Whether the hour of an instant (Unix seconds) is a peak hour in Paris."""
    local = datetime.fromtimestamp(instant, PARIS)
    first, last = peak.get(local.isoweekday(), (0, 0))
    return first <= local.hour < last and local.date() not in _holidays(local.year)


def _holidays(year: int, known: dict[int, frozenset[date]] = {}) -> frozenset[date]:  # noqa: B006 (a memory on purpose)
    if year not in known:
        known[year] = frozenset(holidays.country_holidays("FR", years=year))
    return known[year]


def parse_peak(text: str) -> PeakHours:
    """Peak hours from the reseller's setting; empty = none. Raises BadPeakHours.

    >>> parse_peak("1-5:8-20 6:9-12")[6]
    (9, 12)
    """
    hours: dict[int, tuple[int, int]] = {}
    for part in text.split():
        try:
            days, span = part.split(":")
            first_day, _, last_day = days.partition("-")
            start, end = (int(hour) for hour in span.split("-"))
            for weekday in range(int(first_day), int(last_day or first_day) + 1):
                hours[weekday] = (start, end)
            if not (set(hours) <= set(range(1, 8)) and 0 <= start < end <= 24):
                raise ValueError
        except ValueError:
            message = f"Heures pleines « {part} » : écrivez par exemple 1-5:8-20 (du lundi au vendredi, 8 h à 20 h)."
            raise BadPeakHours(message) from None
    return hours


def amount(cdr: Cdr, rate: Rate, counted: int, covered: int, peak: PeakHours) -> int:
    """Micro-euros for what no allowance covers."""
    rest = counted - covered
    if not rest:
        return 0
    if cdr.type == "DATA":
        return half_up(rest * rate.unit_micro, KB_PER_MB)
    setup = 0 if covered else rate.setup_micro
    if cdr.type != "VOICE":
        return rest * rate.unit_micro + setup
    full = peak_seconds(cdr.started_at + covered, cdr.started_at + counted, peak) if peak else rest
    return half_up(full * rate.unit_micro + (rest - full) * rate.offpeak_micro, MINUTE_S) + setup


def service(cdr: Cdr, rate: Rate) -> int:
    """Micro-euros of the publisher's part S, on real seconds; no allowance covers it."""
    if cdr.type == "DATA":
        return 0
    if cdr.type != "VOICE":
        return rate.service_call_micro
    if cdr.duration_s <= 0:
        return 0
    return rate.service_call_micro + half_up(rate.service_minute_micro * cdr.duration_s, MINUTE_S)


def rate_wallet(
    cdrs: Iterable[Cdr],
    rate_of: Callable[[Cdr], Rate | None],
    counters: Mapping[int, Sequence[Counter]],
    pots: Mapping[Pot, int | None],
    peak: PeakHours = NO_PEAK,
) -> list[Rated]:
    """Every rated CDR of one wallet in the law's total order (instant, key). UNRATED ones are left out.

    `counters` and `pots` as allowances.counters gives them.
    """
    left = dict(pots)
    rated = []
    for cdr in sorted(cdrs, key=lambda cdr: (cdr.started_at, cdr.key)):
        rate = rate_of(cdr)
        if rate is None:
            continue
        counted = units(cdr, rate)
        if rate.category in FREE_OF_CHARGE:
            rated.append(Rated(cdr, rate, counted, 0, 0, 0, ()))
            continue
        draws = []
        rest = counted
        for counter in counters.get(cdr.line, ()):
            if rest and counter.serves(cdr.type, rate.category, cdr.day):
                held = left[counter.pot]
                drawn = rest if held is None else min(rest, held)
                if held is not None:
                    left[counter.pot] = held - drawn
                rest -= drawn
                if drawn:
                    draws.append((counter.pot, drawn))
        covered = counted - rest
        charged = amount(cdr, rate, counted, covered, peak)
        rated.append(Rated(cdr, rate, counted, covered, charged, service(cdr, rate), tuple(draws)))
    return rated
