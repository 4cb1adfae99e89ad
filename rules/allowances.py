"""What an offer or an option includes: buckets, their share of a month, and the pots that calls draw from (billing law § 1.6)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from rules.errors import RuleError
from rules.paris import Month
from rules.states import CallType, OfferKind

UNITS = {"VOICE": 60, "SMS": 1, "MMS": 1, "DATA": 1024}  # units in one minute, one message, one MB
CATEGORY = re.compile(r"[A-Z0-9_]{1,32}")


class BadAllowance(RuleError):
    """A text that describes no allowance."""


@dataclass(frozen=True)
class Bucket:
    """`units`: seconds, messages or KB a month; None = unlimited. `pool`: shared by the lines of one customer."""

    type: str
    units: int | None
    categories: frozenset[str]
    pool: bool = False


def parse(text: str) -> tuple[Bucket, ...]:
    """The published notation, in the order of use. Raises BadAllowance.

    >>> [bucket.units for bucket in parse("VOICE:120:FR_FIXED+FR_MOBILE|SMS:*:SMS_FR|DATA:5:DATA_HOME:POOL")]
    [7200, None, 5120]
    """
    return tuple(_bucket(part) for part in text.split("|")) if text else ()


def _bucket(text: str) -> Bucket:
    parts = text.split(":")
    if len(parts) not in (3, 4) or parts[3:] not in ([], ["POOL"]):
        raise BadAllowance(f"Forfait « {text} » : écrivez TYPE:quantité:catégories, suivi ou non de :POOL.")
    type_, amount, categories = parts[:3]
    if type_ not in set(CallType):
        raise BadAllowance(f"Forfait « {text} » : le type est VOICE, SMS, MMS ou DATA.")
    if not re.fullmatch(r"\*|[0-9]{1,9}", amount):
        raise BadAllowance(f"Forfait « {text} » : la quantité est un entier, ou * sans limite.")
    names = categories.split("+")
    if not all(CATEGORY.fullmatch(name) for name in names):
        raise BadAllowance(f"Forfait « {text} » : les catégories sont des codes en majuscules joints par +.")
    units = None if amount == "*" else int(amount) * UNITS[type_]
    return Bucket(type_, units, frozenset(names), len(parts) == 4)


@dataclass(frozen=True)
class Item:
    """An offer or option held by a line from `starts_on` to `ends_on`, both included; `ends_on` knows the line's end."""

    id: int
    line: int
    customer: int
    kind: str
    code: str
    position: int
    starts_on: date
    ends_on: date | None
    buckets: tuple[Bucket, ...]


Pot = tuple[str | int, ...]


@dataclass(frozen=True)
class Counter:
    """A pot from which a line may draw on the days [first, last] of the month."""

    pot: Pot
    type: str
    categories: frozenset[str]
    first: date
    last: date

    def serves(self, type_: str, category: str, day: date) -> bool:
        return type_ == self.type and category in self.categories and self.first <= day <= self.last


def counters(items: Iterable[Item], month: Month) -> tuple[dict[int, list[Counter]], dict[Pot, int | None]]:
    """For each line its counters in the order in which they are drawn, and what each pot holds (None = unlimited).

    Each item gives `floor(units × days live / days of the month)`; a pool is the sum of its members, each floored alone.
    """
    of_line: dict[int, list[Counter]] = {}
    pots: dict[Pot, int | None] = {}
    ordered = sorted(items, key=lambda item: (item.line, item.kind != OfferKind.offer, item.position, item.starts_on, item.id))
    for item in ordered:
        days = month.overlap(item.starts_on, item.ends_on)
        if not days:
            continue
        first, last = max(item.starts_on, month.first), min(item.ends_on or month.last, month.last)
        for rank, bucket in enumerate(item.buckets):
            pot: Pot = (item.customer, item.kind, item.code, rank) if bucket.pool else (item.id, rank)
            share = None if bucket.units is None else bucket.units * days // month.days
            held = pots.get(pot, 0)
            pots[pot] = None if share is None or held is None else held + share
            of_line.setdefault(item.line, []).append(Counter(pot, bucket.type, bucket.categories, first, last))
    return of_line, pots
