"""Rate rows, and which of them prices a call (billing law §§ 1.3, 1.4)."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rules.money import micro

FALLBACK = "*"
FREE_OF_CHARGE = frozenset({"EMERGENCY", "FREE"})


@dataclass(frozen=True)
class Rate:
    """One row of a rate table version. Prices in micro-euros a minute, a message or a MB; increments in seconds or KB."""

    id: int
    origin: str
    type: str
    direction: str
    prefix: str
    category: str
    unit_micro: int
    offpeak_micro: int
    setup_micro: int = 0
    first_increment: int = 60
    next_increment: int = 1
    service_call_micro: int = 0
    service_minute_micro: int = 0

    @classmethod
    def of(cls, row: Mapping[str, Any], id: int) -> "Rate":
        """From the columns of rates.csv, typed."""
        unit, offpeak = row["unit_price"], row["offpeak_unit_price"]
        return cls(
            *(id, row["origin"], row["type"], row["direction"], row["prefix"], row["category"]),
            *(micro(unit), micro(unit if offpeak is None else offpeak), micro(row["setup_fee"])),
            *(row["first_increment"], row["next_increment"]),
            *(micro(row["service_per_call"]), micro(row["service_per_minute"])),
        )


def pick(rates: Iterable[Rate], key: str) -> Rate | None:
    """The row that prices a key among the rows of its (origin, type, direction); None = UNRATED.

    `key`: E.164 digits, `=` and a short code, or empty (DATA, withheld caller). The plain reading of the law.

    >>> row = lambda prefix: Rate(1, "HOME", "VOICE", "OUT", prefix, "FR", 0, 0)
    >>> [pick([row("33"), row("336"), row("=15"), row("*")], key).prefix for key in ("33612", "331", "15", "=15", "=17", "")]
    ['336', '33', '*', '=15', '*', '*']
    """
    rows = {rate.prefix: rate for rate in rates}
    if key and not key.startswith("="):
        for length in range(len(key), 0, -1):
            if key[:length] in rows:
                return rows[key[:length]]
        return rows.get(FALLBACK)
    return rows.get(key) or rows.get(FALLBACK)


def tried(key: str, found: Rate | None) -> list[str]:
    """The prefixes of a key, the longest first, that no row has before the one that prices it.

    >>> tried("447911", Rate(1, "HOME", "VOICE", "OUT", "447", "INTL", 0, 0)), tried("=3900", None)
    (['447911', '44791', '4479'], ['=3900'])
    """
    if key.startswith("="):
        return [] if found and found.prefix == key else [key]
    shortest = len(found.prefix) if found and found.prefix != FALLBACK else 0
    return [key[:length] for length in range(len(key), shortest, -1)]


# The same law for engines that work in sets: each prefix is an interval of integers, nested intervals are flattened once,
# and the longest prefix becomes a search in sorted numbers. A key of n digits is its digits padded to 15 by zeros, then n.

WIDTH = 15
SHORT, DATA, WITHHELD, END = (n * 10 ** (WIDTH + 2) for n in (5, 7, 8, 9))


def key_number(key: str, data: bool = False) -> int:
    """A key as an integer in which every prefix is one interval.

    >>> key_number("33612"), key_number("=15")
    (33612000000000005, 515000000000000002)
    """
    if not key:
        return DATA if data else WITHHELD
    if key.startswith("="):
        return SHORT + key_number(key[1:])
    return int(key.ljust(WIDTH, "0")) * 100 + len(key)


def interval(rate: Rate) -> tuple[int, int]:
    """The keys [low, high) that a row covers."""
    if rate.prefix == FALLBACK:
        return 0, END
    low = key_number(rate.prefix, rate.type == "DATA")
    if not rate.prefix or rate.prefix.startswith("="):
        return low, low + 1
    return low, (int(rate.prefix) + 1) * 10 ** (WIDTH - len(rate.prefix) + 2)


def flatten(rates: Iterable[Rate]) -> tuple[list[int], list[int | None]]:
    """Nested intervals as disjoint ones: sorted lower bounds, and the id of the row from each on (None = no row).

    >>> row = lambda id, prefix: Rate(id, "HOME", "VOICE", "OUT", prefix, "FR", 0, 0)
    >>> lows, ids = flatten([row(1, "33"), row(2, "336")])
    >>> ids
    [None, 1, 2, 1, None]
    """
    lows, ids = [0], [None]  # type: tuple[list[int], list[int | None]]
    open_: list[tuple[int, int]] = []

    def emit(low: int, id: int | None) -> None:
        if lows[-1] == low:
            ids[-1] = id
        else:
            lows.append(low)
            ids.append(id)

    def close() -> None:
        high, _ = open_.pop()
        emit(high, open_[-1][1] if open_ else None)

    for low, high, id in sorted(((*interval(rate), rate.id) for rate in rates), key=lambda row: (row[0], -row[1])):
        while open_ and open_[-1][0] <= low:
            close()
        emit(low, id)
        open_.append((high, id))
    while open_:
        close()
    return lows, ids


def find(lows: Sequence[int], ids: Sequence[int | None], number: int) -> int | None:
    """The row id that covers a key number."""
    return ids[bisect_right(lows, number) - 1]
