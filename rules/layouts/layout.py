"""How a supplier's file is read, as plain values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rules.layouts.sources import Source, every
from rules.layouts.words import FILE_OPTIONS

TOTALS = {
    "lines": "toutes les lignes",
    "rows": "lignes hors en-tête et fin",
    "usage": "lignes d'usage",
    "seconds": "durées",
    "bytes": "volumes",
    "amount": "montants",
}
SETTINGS = {option.name: option for option in FILE_OPTIONS}
Field = Mapping[str, Any]  # option → its value; sources parsed


@dataclass(frozen=True)
class RecordType:
    """Records that begin with one of `codes` (`t*` = by its beginning). `fields`: what differs from the layout's own."""

    codes: tuple[str, ...]
    role: str
    fields: Mapping[str, Field] = field(default_factory=dict)
    name: str = ""
    key: Source | None = None
    value: Source | None = None


@dataclass(frozen=True)
class Ignored:
    """Rows left out: those whose `source` is among `values`, or is not when `unless`. `vide` and `zéro` are values too."""

    source: Source
    values: frozenset[str]
    unless: bool


@dataclass(frozen=True)
class Total:
    """What the file says of itself: `what` it counts, where it says it, and in which unit."""

    what: str
    source: Source
    unit: str
    of: Source | None


@dataclass(frozen=True)
class Layout:
    """How a supplier's file is read."""

    settings: Mapping[str, Any]
    fields: Mapping[str, Field]
    records: tuple[RecordType, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    totals: tuple[Total, ...] = ()

    def __getattr__(self, name: str) -> Any:
        if name in SETTINGS:
            return self.settings.get(name)
        raise AttributeError(name)

    @property
    def fixed(self) -> bool:
        return self.settings["separator"] == "fixed"

    @property
    def by_card(self) -> bool:
        """Whether a line is known by its card in some of the records."""
        return any(
            one.get("msisdn", {}).get("by", "msisdn") != "msisdn"
            for one in (self.fields, *(each.fields for each in self.records))
        )


def sources_in(one: Field) -> Iterator[tuple[str, Source]]:
    """The options of a field that say where something is taken."""
    return ((name, value) for name, value in one.items() if isinstance(value, tuple) and value and isinstance(value[0], tuple))


def sources_of(layout: Layout) -> Iterator[tuple[str, Source]]:
    """Each source, and its place in the JSON form."""
    places = [("fields", layout.fields), *((f"records[{rank}].fields", one.fields) for rank, one in enumerate(layout.records, 1))]
    for place, fields in places:
        for target, one in fields.items():
            yield from ((f"{place}.{target}.{name}", source) for name, source in sources_in(one))
    for rank, record in enumerate(layout.records, 1):
        yield from ((f"records[{rank}]", source) for source in (record.key, record.value) if source)
    yield from (("record", one) for one in [layout.record] if one)
    yield from ((f"ignore[{rank}].source", one.source) for rank, one in enumerate(layout.ignored, 1))
    for rank, total in enumerate(layout.totals, 1):
        yield from ((f"totals[{rank}]", source) for source in (total.source, total.of) if source)


def column_names(layout: Layout) -> list[str]:
    """The names of columns that the header line must hold."""
    parts = [part for _, source in sources_of(layout) for part in every(source)]
    return list(dict.fromkeys(part.text for part in parts if part.kind == "name"))
