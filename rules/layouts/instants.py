"""Instants: the date formats that a clerk writes, zones, offsets, and the hour that comes twice in October."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from rules.errors import RuleError
from rules.files.form import fold

EPOCH_DAY = date(1970, 1, 1).toordinal()
LAST = 253_402_300_800  # the year 10000
_MONTHS = ("jan", "feb fev", "mar", "apr avr", "may mai", "jun juin", "jul juil", "aug aou", "sep", "oct", "nov", "dec")
_NAMES = {"z": 0, "utc": 0, "gmt": 0, "wet": 0, "cet": 1, "bst": 1, "west": 1, "cest": 2, "eet": 2, "eest": 3}
_TOKEN = re.compile(
    r"epoch-ms|epoch|excel|mois|mon(?![a-z])|j{1,2}|d{1,2}|aaaa|yyyy|aa|yy|h{1,2}|m{1,4}|s{1,3}|cc|f+|ap|z|\*|'[^']*'|\s+|.",
    re.IGNORECASE | re.DOTALL,
)
_PATTERNS = {
    "epoch-ms": ("milli", r"(\d{1,15})"), "epoch": ("epoch", r"(\d{1,12})(?:\.\d+)?"),
    "excel": ("excel", r"(\d{1,6}(?:[.,]\d{0,20})?|[.,]\d{1,20})"),
    "mois": ("name", r"([^\W\d]{3,12})\.?"), "mon": ("name", r"([^\W\d]{3,12})\.?"), "aaaa": ("year", r"(\d{4})"),
    "yyyy": ("year", r"(\d{4})"), "aa": ("short", r"(\d{2})"), "yy": ("short", r"(\d{2})"), "cc": ("", r"\d{2}"),
    "f": ("", r"\d{1,9}"), "ap": ("half", r"([ap])\.?\s?m\.?"), "*": ("", r".*?"),
    "z": ("offset", r"([+-]\d{1,2}(?::?\d{2})?|[a-z]{1,4})(?: [a-z]{3,4})?"),
}  # fmt: skip
_USUAL = ["day", "hour", "minute", "month", "second", "year"]
_ONE_OR_TWO = {1: r"(\d{1,2})", 2: r"(\d{2})"}


class BadFormat(RuleError):
    """A text that is no date format."""


class BadZone(RuleError):
    """A text that names no time zone."""


Naive = tuple[int, int | None]  # seconds of the clock since 1970, and the offset when the text says it


def reader(formats: str) -> Callable[[str], Naive | None]:
    """Reads a text by the first format that takes it; `sinon` separates several. `mm` after hours is minutes. Raises BadFormat.

    >>> read = reader("jj/mm/aaaa h:mm:ss ap")
    >>> read("13/07/2016 2:40:32 p.m.") == (1468420832, None), read("31/09/2026 1:00:00 am"), reader("excel excel")("46296 0.25")
    (True, None, (1790834400, None))
    >>> reader("dd-MMM-yyyy HH:mm:ss.SSS")("01-Oct-2026 06:00:00.250")
    (1790834400, None)
    """
    known = [_compile(one.strip()) for one in re.split(r"\s+sinon\s+|\|", formats, flags=re.IGNORECASE)]
    usual = [sorted(names) == _USUAL and [names.index(name) for name in _USUAL] for _, names in known]

    def read(text: str) -> Naive | None:
        for (pattern, names), places in zip(known, usual, strict=True):
            if found := pattern.fullmatch(text):
                try:
                    if places:
                        texts = found.groups()
                        day, hour, minute, month, second, year = (int(texts[place]) for place in places)
                        if hour < 24 and minute < 60 and second < 60:
                            return _days(year, month, day) + hour * 3600 + minute * 60 + second, None
                        continue
                    return _seconds(list(zip(names, found.groups(), strict=True)))
                except ValueError:
                    continue
        return None

    return read


def _compile(text: str) -> tuple[re.Pattern[str], list[str]]:
    names: list[str] = []
    pattern, before = "", ""
    for token in _TOKEN.findall(text):
        low = token.lower()
        if (word := {"mmm": "mois", "mmmm": "mois", "sss": "f"}.get(low, low)) in _PATTERNS:
            name, piece = _PATTERNS[word]
        elif low[0] in "jdhms" and low.strip(low[0]) == "":
            name = {"j": "day", "d": "day", "h": "hour", "s": "second"}.get(low[0]) or ("minute" if before == "hour" else "month")
            piece = _ONE_OR_TWO[len(low)]
        elif low.strip("f") == "":
            name, piece = "", rf"\d{{1,{max(len(low), 9)}}}"
        else:
            name, piece = "", r"\s+" if token.isspace() else re.escape(token.strip("'") or "'")
        before = name or before
        names += [name] if name else []
        pattern += piece
    whole = {"epoch", "milli", "excel"} & set(names) or ({"day", "hour"} <= set(names) and {"year", "short"} & set(names))
    if not whole or text.count("*") > 3 or any(names.count(name) > 1 for name in names if name != "excel"):
        raise BadFormat(
            f"« {text} » n'est pas un format de date et d'heure. Écrivez-le ainsi : jj/mm/aaaa hh:mm:ss, aaaammjjhhmmss,"
            " jj mois aaaa h:mm ap (12 heures), aaaa-mm-jj hh:mm:ss z (décalage), epoch, excel."
        )
    return re.compile(pattern, re.IGNORECASE | re.ASCII if "name" not in names else re.IGNORECASE), names


@lru_cache(4096)
def _days(year: int, month: int, day: int) -> int:
    return (date(year, month, day).toordinal() - EPOCH_DAY) * 86_400


def _seconds(found: list[tuple[str, str]]) -> Naive:
    """Raises ValueError: no such day or hour."""
    got = dict(found)
    if "epoch" in got:
        return int(got["epoch"]), 0
    if "milli" in got:
        return int(got["milli"]) // 1000, 0
    if "excel" in got:
        serial, *hours = (float(text.replace(",", ".")) for name, text in found if name == "excel")
        if any(hour >= 1 for hour in hours):
            raise ValueError(hours)
        serial += sum(hours)
        days = int(serial)
        base = (days + date(1899, 12, 30).toordinal() - EPOCH_DAY) * 86_400 + round((serial - days) * 86_400)
    else:
        year = int(got["year"]) if "year" in got else 2000 + int(got["short"])
        base = _days(year, _month(got["name"]) if "name" in got else int(got.get("month", 1)), int(got["day"]))
    hour, minute, second = int(got.get("hour", 0)), int(got.get("minute", 0)), int(got.get("second", 0))
    if "half" in got:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + 12 * (got["half"].lower() == "p")
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(hour)
    clock = base + hour * 3600 + minute * 60 + second
    return clock, offset(got["offset"]) if "offset" in got else None


def _month(name: str) -> int:
    word = fold(name)
    for rank, starts in enumerate(_MONTHS, 1):
        if word.startswith(tuple(starts.split())):
            return rank
    raise ValueError(name)


@lru_cache(1024)
def offset(text: str) -> int:
    """Seconds east of UTC. Raises ValueError.

    >>> offset("+0200"), offset("-04:00"), offset("7"), offset("Z")
    (7200, -14400, 25200, 0)
    """
    if text.lower() in _NAMES:
        return _NAMES[text.lower()] * 3600
    found = re.fullmatch(r"([+-]?)(\d{1,2})(?::?(\d{2}))?", text, re.ASCII)
    if not found or int(found[2]) > 14 or int(found[3] or 0) > 59:
        raise ValueError(text)
    return (int(found[2]) * 3600 + int(found[3] or 0) * 60) * (-1 if found[1] == "-" else 1)


def zone(name: str) -> tzinfo:
    """Raises BadZone.

    >>> zone("+02:00").utcoffset(None), zone("UTC")
    (datetime.timedelta(seconds=7200), datetime.timezone.utc)
    """
    try:
        return UTC if name.upper() == "UTC" else timezone(timedelta(seconds=offset(name)))
    except ValueError:
        pass
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise BadZone(f"« {name} » n'est pas un fuseau. Écrivez Europe/Paris, UTC, ou un décalage : +02:00.") from None


class Clock:
    """From the time of a place to UTC. `doubled`: which of October's two hours: `first`, `second`, or by `order` of the file."""

    def __init__(self, place: tzinfo, doubled: str = "first") -> None:
        self.place, self.doubled = place, doubled
        self.offsets: dict[int, tuple[int, int]] = {}  # by quarter of an hour: before and after a change, the same elsewhere
        self.last, self.second = 0, False

    def utc(self, clock: int) -> tuple[int, bool] | None:
        """Unix seconds, and whether the hour comes twice; None when it does not exist.

        >>> from datetime import datetime
        >>> told = Clock(zone("Europe/Paris")).utc(int(datetime(2026, 10, 25, 2, 30, tzinfo=UTC).timestamp()))
        >>> datetime.fromtimestamp(told[0], UTC).isoformat(), told[1]
        ('2026-10-25T00:30:00+00:00', True)
        """
        if not 86_400 <= clock < LAST - 86_400:
            return None
        quarter = clock // 900
        if (found := self.offsets.get(quarter)) is None:
            local = datetime.fromtimestamp(quarter * 900, UTC).replace(tzinfo=self.place)
            both = local.utcoffset(), local.replace(fold=1).utcoffset()
            first, second = (int(one.total_seconds()) if one else 0 for one in both)
            found = self.offsets[quarter] = first, second
        first, second = found
        if first < second:
            return None
        twice = first > second
        if self.doubled == "order":
            self.second = twice and (self.second or (self.last // 3600 == clock // 3600 and clock < self.last))
            self.last = clock
        return clock - (second if twice and (self.doubled == "second" or self.second) else first), twice
