"""What makes one cell of the published default from a record, and what is noticed on the way."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import lru_cache

from rules.layouts import figures, instants, numbers
from rules.layouts.codes import Codes
from rules.layouts.layout import Field, Layout
from rules.layouts.sources import Cells, FileAt, Getter, Source, text_getter

LONGEST_ID = 64
_seconds = lru_cache(65_536)(figures.seconds)
_amount = lru_cache(65_536)(figures.amount)
_euros = lru_cache(65_536)(figures.euros)


@dataclass
class Tally:
    """What a reading noticed."""

    skipped: Counter[str] = field(default_factory=Counter)
    ambiguous: int = 0
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    currencies: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def miss(self, what: str, code: str) -> str:
        """A code that the layout does not know; what stands for it fits no column."""
        if len(self.unmapped) < 1000 or (what, code[:40]) in self.unmapped:
            self.unmapped[what, code[:40]] += 1
        return f"?{code[:40]}"

    @property
    def warnings(self) -> tuple[str, ...]:
        """French sentences."""
        told = [
            f"{count} ligne{'s' * (count > 1)} en {currency} : coût inconnu, aucun taux n'est donné."
            for currency, count in sorted(self.currencies.items())
        ]
        told += [
            f"{what} : le code « {code} » n'a pas de correspondance ({count} ligne{'s' * (count > 1)})."
            for (what, code), count in self.unmapped.most_common(20)
        ]
        return (*told, *self.notes)


class Maker:
    """Makes the readers of one file's cells. `cards`: IMSI and ICCID → number key."""

    def __init__(self, layout: Layout, columns: Mapping[str, int], tally: Tally, cards: Mapping[str, str]) -> None:
        self.layout, self.columns, self.tally, self.cards = layout, columns, tally, cards
        self.clocks: dict[str, instants.Clock] = {}
        self.tables: dict[str, dict[str, str]] = {}

    def text(self, source: Source | None, rule: Field | None = None, between: str = "") -> Getter:
        if not source:
            return lambda cells, file: ""
        return text_getter(source, self.columns, self.layout.fixed, between, (rule or {}).get("empty") or ())

    def only(self, rule: Field | None, read: Getter) -> Getter:
        codes = set((rule or {}).get("only") or ())
        return (lambda cells, file: read(cells, file) if file.code in codes or file.kind in codes else "") if codes else read

    def cell(self, target: str, rule: Field | None) -> Getter:
        if not rule or not rule["source"]:
            return lambda cells, file: ""
        return self.only(rule, getattr(self, f"_{target}")(rule))

    def kind(self, rule: Field) -> Callable[[Cells, FileAt], tuple[str, str]]:
        """Type and, when its code says it, direction; `-` = a row to leave out."""
        get, codes = self.text(rule["source"], rule), Codes(rule["map"])
        known: dict[str, tuple[str, str]] = {}

        def read(cells: Cells, file: FileAt) -> tuple[str, str]:
            code = file.kind = get(cells, file)
            if (found := known.get(code)) is None:
                meaning = codes.get(code) if codes else code.upper()
                kind, _, way = (meaning if meaning is not None else self.tally.miss("Type", code)).partition(" ")
                if meaning is None:
                    return kind, way
                found = known[code] = kind, way
            return found

        return read

    def _direction(self, rule: Field) -> Getter:
        get, codes = self.text(rule["source"], rule), Codes(rule["map"])

        def read(cells: Cells, file: FileAt) -> str:
            code = get(cells, file)
            found = codes.get(code) if codes else code.upper()
            return self.tally.miss("Sens", code) if found is None else found

        return read

    def _msisdn(self, rule: Field) -> Getter:
        if rule["by"] == "msisdn":
            return self._other_party(rule)
        get, cards = self.text(rule["source"], rule), self.cards
        return lambda cells, file: numbers.of_card(get(cells, file), cards)

    def _other_party(self, rule: Field) -> Getter:
        get, prefix, prefixes = self.text(rule["source"], rule), self.text(rule["prefix_source"]), Codes(rule["prefixes"])
        way = (rule["country"] or "", rule["bare"], rule["exits"], rule["remove"])

        def read(cells: Cells, file: FileAt) -> str:
            number = get(cells, file)
            if not number:
                return ""
            if prefixes and (added := prefixes.get(prefix(cells, file))) and not number.startswith("+"):
                return added + number
            return numbers.rewrite(number, *way)

        return read

    def _started_at(self, rule: Field) -> Getter:
        get, apart = self.text(rule["source"], rule, " "), self.text(rule["offset"])
        read_clock, table = instants.reader(rule["format"]), rule["offset_map"]
        name = rule["zone"] or self.layout.zone or "Europe/Paris"
        clock = self.clocks.setdefault(name, instants.Clock(instants.zone(name), self.layout.doubled_hour))

        def read(cells: Cells, file: FileAt) -> str:
            found = read_clock(get(cells, file))
            if found is None:
                return ""
            seconds, offset = found
            if offset is None and (said := apart(cells, file)):
                codes = self.tables.get(table["@"], {}) if "@" in table else table
                try:
                    offset = instants.offset(codes[said] if table else said)
                except (ValueError, KeyError):
                    return ""
            if offset is not None:
                return _iso(seconds - offset)
            told = clock.utc(seconds)
            if told is None:
                return ""
            self.tally.ambiguous += told[1]
            return _iso(told[0])

        return read

    def figures(self, source: Source, rule: Field | None = None) -> Callable[[Cells, FileAt], list[str]]:
        """The texts to add: those of the first alternative that has one."""
        choices = [[self.text(((part,),), rule) for part in parts] for parts in source]

        def read(cells: Cells, file: FileAt) -> list[str]:
            for getters in choices:
                if texts := [text for get in getters if (text := get(cells, file))]:
                    return texts
            return []

        return read

    def _figure(self, rule: Field, plain: str, convert: Callable[[str, str], Fraction | None]) -> Getter:
        texts, unit_of = self.figures(rule["source"], rule), self.text(rule["unit_source"])
        units, unit = Codes(rule["units"]), rule["unit"]

        def read(cells: Cells, file: FileAt) -> str:
            found, used = texts(cells, file), unit
            if not found:
                return ""
            if units:
                said = units.get(code := unit_of(cells, file))
                if said is None:
                    return self.tally.miss("Unité", code)
                if said == "-":
                    return ""
                used = said
            if used == plain and all(text.isdecimal() and text.isascii() and len(text) < 18 for text in found):
                return str(sum(map(int, found)))
            values = [value for text in found if (value := convert(text, used)) is not None]
            if len(values) < len(found):
                return "?"
            if min(values) < 0:
                return "-1"
            return str(figures.whole(sum(values, Fraction(0)), rule["rounding"]))

        return read

    def _duration_s(self, rule: Field) -> Getter:
        return self._figure(rule, "s", _seconds)

    def _volume_bytes(self, rule: Field) -> Getter:
        return self._figure(rule, "B", volume)

    def _visited_plmn(self, rule: Field) -> Getter:
        codes = Codes(rule["map"])
        pair = [self.text(((part,),), rule) for part in rule["source"][0]]
        get = self.text(rule["source"], rule)

        def read(cells: Cells, file: FileAt) -> str:
            if rule["by"] == "mcc-mnc":
                mcc, mnc = ([each(cells, file) for each in pair] + [""])[:2]
                code = numbers.network(mcc, mnc) if mcc or mnc else ""
            else:
                code = get(cells, file)
            if not code:
                return ""
            if (found := codes.get(code)) is not None:
                return "" if found == "HOME" else found
            digits = code.translate(_NETWORK)
            return digits if digits.isdecimal() and len(digits) in (5, 6) else self.tally.miss("Réseau visité", code)

        return read

    def _wholesale_cost(self, rule: Field) -> Getter:
        texts, rates = self.figures(rule["source"], rule), {code: figures.figure(rate) for code, rate in rule["rates"].items()}
        decimals, currency = rule["decimals"] or "0", rule["currency"] or ""
        decimals_of = None if isinstance(decimals, str) else self.text(decimals)
        currency_of = None if isinstance(currency, str) else self.text(currency)
        usual = self.layout.currency or "EUR"

        def read(cells: Cells, file: FileAt) -> str:
            found = texts(cells, file)
            if not found:
                return ""
            paid_in = (currency_of(cells, file).upper() if currency_of else currency) or usual
            rate = rates.get(paid_in)
            if rate is None and paid_in not in ("EUR", "€"):
                if len(self.tally.currencies) < 100:
                    self.tally.currencies[paid_in[:20]] += 1
                return ""
            implied = decimals_of(cells, file) if decimals_of else decimals
            if not (implied.isdecimal() and implied.isascii() and len(implied) <= 2):
                return "?"
            places = int(implied)
            if not places and not rate and rule["sign"] == "keep" and len(found) == 1 and _EUROS.fullmatch(found[0]):
                return found[0]
            values = [value for text in found if (value := _amount(text, places)) is not None]
            if len(values) < len(found):
                return "?"
            total = values[0] if len(values) == 1 else sum(values, Fraction(0))
            total = total * rate if rate else total
            return _euros({"keep": total, "absolute": abs(total), "invert": -total}[rule["sign"]])

        return read

    def _cdr_id(self, rule: Field) -> Getter:
        get, joined = self.text(rule["source"], rule), any(len(parts) > 1 for parts in rule["source"])

        def read(cells: Cells, file: FileAt) -> str:
            text = get(cells, file)
            return hashlib.sha256(text.encode()).hexdigest() if joined and len(text) > LONGEST_ID else text

        return read


_EUROS = re.compile(r"-?[0-9]{1,9}(?:[.,][0-9]{1,6})?")  # as the default format writes it
_NETWORK = str.maketrans("", "", " -/.")


@lru_cache(65_536)
def volume(text: str, unit: str) -> Fraction | None:
    value = figures.figure(text)
    return None if value is None else value * figures.BYTES[unit]


def _iso(seconds: int) -> str:
    if not 0 <= seconds < instants.LAST:
        return ""
    day, rest = divmod(seconds, 86_400)
    return f"{_day(day)}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}Z"


@lru_cache(4096)
def _day(days: int) -> str:
    return date.fromordinal(instants.EPOCH_DAY + days).isoformat()
