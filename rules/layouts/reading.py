"""A file read through its layout, record by record: which are usage, what each says, and whether the file's own totals hold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from rules.files import form
from rules.files.form import fold
from rules.layouts.cells import Maker, Tally, volume
from rules.layouts.codes import Codes
from rules.layouts.figures import amount, figure, seconds
from rules.layouts.layout import TOTALS, Field, Ignored, Layout, RecordType, Total, column_names, sources_in
from rules.layouts.sources import Cells, FileAt, Source, every
from rules.layouts.words import TARGETS

COLUMNS = ("cdr_id", *(target for target in TARGETS if target != "cdr_id"))
VARIABLE = "Si des lignes plus courtes sont normales, dites « nombre de champs variable » dans le format."
MOST_CODES = 1000
SUMMED = {"seconds": "duration_s", "bytes": "volume_bytes", "amount": "wholesale_cost"}  # the column of each total
Cut = Callable[[Cells, FileAt], list[str] | None]


class Reader:
    """Reads one file; `row` gives the cells of the published default, or None when the record is no usage. Raises FormError."""

    def __init__(self, layout: Layout, name: str, cards: Mapping[str, str]) -> None:
        self.layout, self.cards, self.tally = layout, cards, Tally()
        self.file = FileAt(name)
        self.width = 0
        self.widths: dict[str, int] = {}
        self.narrowed = 0
        self.counted = {"lines": 0, "rows": 0, "usage": 0}
        self.sums: list[Fraction | None] = [Fraction(0)] * len(layout.totals)
        if not layout.header:
            self._compile({})

    def names(self, cells: Sequence[str], line: int) -> None:
        """The line that names the columns."""
        columns: dict[str, int] = {}
        for index, name in enumerate(map(fold, cells)):
            again = sum(other == name for other in map(fold, cells[:index])) + 1
            columns.setdefault(name, index)
            columns[f"{name}#{again}"] = index
        missing = [name for name in column_names(self.layout) if fold(name) not in columns]
        if missing:
            shown = ", ".join(f"« {name} »" for name in missing)
            message = f"Colonnes absentes de la ligne de noms : {shown}. Le fichier n'a pas la forme que décrit ce format."
            raise form.refusal(self.file.name, line, "MISSING_COLUMN", message)
        self.width = len(cells)
        self._compile(columns)

    def row(self, cells: Cells, line: int) -> list[str] | None:
        file = self.file
        file.line = line
        self.counted["lines"] += 1
        if self.code:
            file.code = code = self.code(cells, file)
            cut = self.cuts.get(code)
            if cut is None:
                cut = self._cut(code)
                if len(self.cuts) < MOST_CODES:
                    self.cuts[code] = cut
            return cut(cells, file)
        return self.cuts[""](cells, file)

    def end(self, complete: bool = True) -> None:
        """After the last record. `complete`: the file ends with an end of line. Raises FormError: truncated, other totals."""
        name = self.file.name
        if not complete and self.narrowed == self.file.line and self.layout.row_width != "any" and self.narrowed:
            raise form.refusal(
                name, self.narrowed, "TRUNCATED", f"La dernière ligne est coupée : le fichier est tronqué. {VARIABLE}"
            )
        missing = [
            role
            for role in ("header", "trailer")
            if any(one.role == role for one in self.layout.records) and role not in self.file.records
        ]
        if missing:
            word = "d'en-tête" if "header" in missing else "de fin"
            message = f"L'enregistrement {word} manque : le fichier est tronqué. Demandez-le de nouveau."
            raise form.refusal(name, max(1, self.file.line), "TRUNCATED", message)
        for total, found in zip(self.layout.totals, self.sums, strict=True):
            self._hold(total, Fraction(self.counted[total.what]) if total.what in self.counted else found)

    def _hold(self, total: Total, found: Fraction | None) -> None:
        text = self.maker.text(total.source)((), self.file)
        said = self._convert(total, text, {}) if total.what not in self.counted else figure(text)
        if found is None:
            self.tally.notes.append(f"Le total « {TOTALS[total.what]} » n'est pas vérifié : une ligne ne se lit pas.")
        elif said != found:
            line = self.file.lines.get(every(total.source)[0].record, 1)
            message = (
                f"Total « {TOTALS[total.what]} » : {_plain(said)} annoncé, {_plain(found)} trouvé."
                " Le fichier est tronqué ou abîmé : rien n'est chargé. Demandez-le de nouveau."
            )
            raise form.refusal(self.file.name, line, "BAD_TOTAL", message, value=text[:60])

    def _convert(self, total: Total, text: str, fields: Mapping[str, Field]) -> Fraction | None:
        field = fields.get(SUMMED[total.what]) or self.layout.fields.get(SUMMED[total.what], {})
        if total.what == "seconds":
            return seconds(text, total.unit or field.get("unit", "s"))
        if total.what == "bytes":
            return volume(text, total.unit or field.get("unit", "B"))
        implied = total.unit or field.get("decimals") or "0"
        return amount(text, int(implied) if isinstance(implied, str) else 0)

    def _compile(self, columns: Mapping[str, int]) -> None:
        self.maker = maker = Maker(self.layout, columns, self.tally, self.cards)
        self.filters = [self._filter(one) for one in self.layout.ignored]
        self.code = maker.text(self.layout.record) if self.layout.record else None
        self.kinds = Codes({code: str(rank) for rank, one in enumerate(self.layout.records) for code in one.codes})
        self.cuts: dict[str, Cut] = {} if self.code else {"": self._usage(self.layout.fields)}

    def _cut(self, code: str) -> Cut:
        """What becomes of the records of a code."""
        found = self.kinds.get(code)
        if found is not None:
            one = self.layout.records[int(found)]
            return self._usage({**self.layout.fields, **one.fields}) if one.role == "usage" else self._other(one)
        if self.layout.other_records == "usage":
            return self._usage(self.layout.fields)
        if self.layout.other_records == "skip":
            return self._other(RecordType((), "skip"))

        def reject(cells: Cells, file: FileAt) -> list[str]:
            self.counted["rows"] += 1
            return ["", self.tally.miss("Type d'enregistrement", file.code), *[""] * (len(COLUMNS) - 2)]

        return reject

    def _other(self, one: RecordType) -> Cut:
        key, value = self.maker.text(one.key), self.maker.text(one.value)
        word = {"skip": "type ignoré", "header": "en-tête", "trailer": "fin", "table": "table"}[one.role]

        def keep(cells: Cells, file: FileAt) -> None:
            self.tally.skipped[word] += 1
            if one.role == "skip":
                self.counted["rows"] += 1
            elif one.role == "table":
                table = self.maker.tables.setdefault(one.name, {})
                if len(table) < MOST_CODES:
                    table[key(cells, file)] = value(cells, file)
            else:
                file.records[one.role], file.lines[one.role] = cells, file.line

        return keep

    def _usage(self, fields: Mapping[str, Field]) -> Cut:
        maker, filters, skipped = self.maker, self.filters, self.tally.skipped
        kind, way = maker.kind(fields["type"]), maker.cell("direction", fields.get("direction"))
        given = fields.get("direction", {}).get("source")
        rest = [maker.cell(target, fields.get(target)) for target in COLUMNS[3:]]
        identity, need, check = maker.cell("cdr_id", fields.get("cdr_id")), self._needed(fields), self._check
        sums = [
            (rank, total if total.of else replace(total, unit=""), maker.figures(self._summed(total, fields)))
            for rank, total in enumerate(self.layout.totals)
            if total.what not in self.counted
        ]

        def read(cells: Cells, file: FileAt) -> list[str] | None:
            check(len(cells), need, file)
            self.counted["rows"] += 1
            self.counted["usage"] += 1
            for rank, total, texts in sums:
                self._add(rank, [self._convert(total, text, fields) for text in texts(cells, file)])
            for leave in filters:
                if leave(cells, file):
                    skipped["ligne écartée"] += 1
                    return None
            found, direction = kind(cells, file)
            if found == "-":
                skipped["ligne écartée"] += 1
                return None
            if given:
                direction = way(cells, file) or direction
            return [identity(cells, file), found, direction, *[get(cells, file) for get in rest]]

        return read

    def _summed(self, total: Total, fields: Mapping[str, Field]) -> Source:
        return total.of or fields.get(SUMMED[total.what], {}).get("source") or ()

    def _add(self, rank: int, values: list[Fraction | None]) -> None:
        before, known = self.sums[rank], [value for value in values if value is not None]
        self.sums[rank] = None if before is None or len(known) < len(values) else sum(known, before)

    def _needed(self, fields: Mapping[str, Field]) -> int:
        """How many fields (or characters) a record must have."""
        used = [
            part
            for one in fields.values()
            for _, source in sources_in(one)
            for part in every(source)
            if part.record == "row" and part.kind in ("place", "range")
        ]
        return max((part.end or abs(part.start) for part in used), default=0)

    def _check(self, width: int, need: int, file: FileAt) -> None:
        wanted = self.layout.row_width
        if wanted == "any":
            return
        code, unit = file.code if len(self.widths) < MOST_CODES else "", "caractères" if self.layout.fixed else "champs"
        first = self.widths.setdefault(code, width)
        if width < first:
            self.narrowed = file.line
        expected = self.width or (first if wanted == "same" else 0)
        if (expected and width != expected) or width < need:
            message = f"{width} {unit} au lieu de {expected or need} : la ligne est tronquée, ou d'une autre forme. {VARIABLE}"
            raise form.refusal(file.name, file.line, "FIELD_COUNT", message)

    def _filter(self, one: Ignored) -> Callable[[Cells, FileAt], bool]:
        get, values, unless = self.maker.text(one.source), one.values, one.unless

        def leave(cells: Cells, file: FileAt) -> bool:
            text = get(cells, file).casefold()
            among = (
                text in values or ("vide" if not text else "zéro" if "0" in text and not text.strip("0.,:") else "*") in values
            )
            return among != unless

        return leave


def _plain(value: Fraction | None) -> str:
    if value is None:
        return "rien de lisible"
    return (
        str(value.numerator)
        if value.denominator == 1
        else f"{Decimal(value.numerator) / value.denominator:.6f}".rstrip("0").replace(".", ",")
    )
