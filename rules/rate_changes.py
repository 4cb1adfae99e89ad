"""What a version of a rate table changes for those who pay, against the one before it.

A row is a dict with the columns of rates.csv, typed (formats.md): prices Decimal, `offpeak_unit_price` Decimal or None.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from rules.states import Word

Row = Mapping[str, Any]
IDENTITY = ("origin", "type", "direction", "prefix")
FIGURES = (
    "unit_price", "offpeak_unit_price", "setup_fee", "first_increment", "next_increment",
    "service_per_call", "service_per_minute",
)  # fmt: skip
WORDS = ("destination", "category")


class ChangeKind(Word):
    dearer = "dearer", "Plus cher"
    cheaper = "cheaper", "Moins cher"
    other = "other", "Autre changement"
    new = "new", "Nouveau"
    gone = "gone", "Disparu"


@dataclass(frozen=True)
class Change:
    """`before`, `after`: the columns that differ (all of them when new or gone). `percent`: of the unit price, one decimal;
    None when that price stays, or rises from zero."""

    kind: ChangeKind
    origin: str
    type: str
    direction: str
    prefix: str
    destination: str
    before: dict[str, Any]
    after: dict[str, Any]
    percent: Decimal | None = None


@dataclass(frozen=True)
class Loss:
    """A destination that sells under its wholesale cost, at the calls seen. `units`: seconds, messages or KB as sold;
    `price_micro`, `cost_micro`, `loss_micro`: a minute, a message or a MB; `total_micro`: over all those calls."""

    origin: str
    type: str
    direction: str
    prefix: str
    destination: str
    calls: int
    units: int
    price_micro: int
    cost_micro: int
    loss_micro: int
    total_micro: int


def key(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in IDENTITY)


def name(row: Row) -> dict[str, Any]:
    """What a row is called by: its key and its destination."""
    return {column: row[column] for column in (*IDENTITY, "destination")}


def percent(before: Decimal, after: Decimal) -> Decimal | None:
    """By how much a price rises, in per cent, half-up to one decimal; from zero there is no such figure.

    >>> percent(Decimal("0.48"), Decimal("0.45")), percent(Decimal(0), Decimal("0.1"))
    (Decimal('-6.3'), None)
    """
    return ((after - before) * 100 / before).quantize(Decimal("0.1"), ROUND_HALF_UP) if before else None


def compare(before: Iterable[Row], after: Iterable[Row]) -> list[Change]:
    """Every row that differs, in the order of its key. Dearer: no figure that counts went down, and one went up.

    >>> row = dict.fromkeys(FIGURES, Decimal(1)) | dict.fromkeys((*IDENTITY, *WORDS), "") | {"prefix": "33"}
    >>> [(change.kind.value, change.percent) for change in compare([row], [row | {"unit_price": Decimal("1.2")}])]
    [('dearer', Decimal('20.0'))]
    """
    old, new = {key(row): row for row in before}, {key(row): row for row in after}
    found = (_change(old.get(each), new.get(each)) for each in sorted({*old, *new}))
    return [change for change in found if change]


def _change(old: Row | None, new: Row | None) -> Change | None:
    columns = (*WORDS, *FIGURES)
    if old is None or new is None:
        kind = ChangeKind.gone if new is None else ChangeKind.new
        before, after = ({column: row[column] for column in columns} if row else {} for row in (old, new))
        return Change(kind=kind, before=before, after=after, **name(new or old or {}))
    differs = [column for column in columns if old[column] != new[column] and _said(old, column) != _said(new, column)]
    if not differs:
        return None
    ways = {_figure(new, column) > _figure(old, column) for column in FIGURES if _figure(new, column) != _figure(old, column)}
    kind = ChangeKind.other if len(ways) != 1 else ChangeKind.dearer if True in ways else ChangeKind.cheaper
    moved = old["unit_price"] != new["unit_price"]
    return Change(
        kind=kind,
        before={column: old[column] for column in differs},
        after={column: new[column] for column in differs},
        percent=percent(old["unit_price"], new["unit_price"]) if moved else None,
        **name(new),
    )


def _figure(row: Row, column: str) -> Any:
    """What counts: an empty off-peak price is the unit price."""
    return row["unit_price"] if row[column] is None else row[column]


def _said(row: Row, column: str) -> Any:
    """What is written, save an off-peak price that only repeats the unit price."""
    return None if column == "offpeak_unit_price" and row[column] == row["unit_price"] else row[column]
