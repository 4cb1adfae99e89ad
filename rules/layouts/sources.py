"""Where a value is taken: what a person writes in one cell, as `Call Date + Call Time`, `10 sinon 11`, `fichier + "#" + 1-10`.

Column name (in brackets when it holds + or |, `#2` for the second of its name) · field from 1, from the end when negative ·
`start-end` in fixed widths · `en-tête:4`, `fin:142-149` in the file's own records · `fichier`, or the part of its name at `{}` in
a pattern · `ligne` · `"text"`, or `=text` alone. `+` joins, or adds figures; `sinon` takes the next when empty.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rules.errors import RuleError
from rules.files.form import fold

Cells = Sequence[str]  # the fields of a record; in fixed widths, its text
_PIECE = re.compile(r'\s*(?:"([^"]*)"|\[([^\]]+)\]|([^+|"\[\]]+?))\s*(\+|\||(?<=[\s\]"])sinon(?=\s)|\Z)', re.IGNORECASE)
_PLACE = re.compile(r"(-?[1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?")
_RECORDS = {"en-tete": "header", "entete": "header", "header": "header", "fin": "trailer", "trailer": "trailer"}
_WORDS = {"fichier": "file", "file": "file", "ligne": "line", "line": "line"}


class BadSource(RuleError):
    """A text that names no place in a file."""


@dataclass(frozen=True)
class Part:
    """`kind`: constant, name, place, range, file or line; `record`: row, header or trailer."""

    kind: str
    text: str = ""
    start: int = 0
    end: int = 0
    record: str = "row"


@dataclass
class FileAt:
    """The file being read: its name, the line, the codes of its record and type, the file's own records and their lines."""

    name: str
    line: int = 0
    code: str = ""
    kind: str = ""
    records: dict[str, Cells] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


Source = tuple[tuple[Part, ...], ...]
Getter = Callable[[Cells, FileAt], str]


def parse(text: str) -> Source:
    """Alternatives, each of the parts to join. Raises BadSource.

    >>> parse("10 sinon 11")
    ((Part(kind='place', text='', start=10, end=0, record='row'),), (Part(kind='place', text='', start=11, end=0, record='row'),))
    """
    text = text.strip()
    if text.startswith("="):
        return ((Part("constant", text[1:].strip()),),)
    found: list[tuple[Part, ...]] = []
    parts: list[Part] = []
    place = 0
    while piece := _PIECE.match(text, place):
        quoted, name, bare, mark = piece.groups()
        parts.append(Part("constant", quoted) if quoted is not None else Part("name", name.strip()) if name else _bare(bare))
        place = piece.end()
        if mark != "+":
            found.append(tuple(parts))
            parts = []
        if not mark:
            return tuple(found)
    raise BadSource(
        f"« {text} » ne désigne pas une colonne. Écrivez son nom, son numéro (5), des positions (31-50), ou =VALEUR ;"
        " « + » joint, « sinon » prend la suivante quand elle est vide. Un nom qui contient + ou | se met entre crochets."
    )


def _bare(text: str) -> Part:
    text = text.strip()
    word, colon, rest = text.partition(":")
    if colon and (record := _RECORDS.get(fold(word))):
        part = _bare(rest)
        if part.kind not in ("place", "range"):
            raise BadSource(f"« {text} » : après « {word}: », mettez un numéro de champ (4) ou des positions (142-149).")
        return Part(part.kind, "", part.start, part.end, record)
    if kind := _WORDS.get(fold(word)):
        if rest and (rest.count("{}") != 1 or rest.count("*") > 4):
            raise BadSource(f"« {text} » : le modèle du nom contient une fois {{}} à l'endroit à prendre, et * pour le reste.")
        if not colon or kind == "file":
            return Part(kind, rest.strip())
    if place := _PLACE.fullmatch(text):
        start, end = int(place[1]), place[2]
        if end is None:
            return Part("place", start=start)
        if 0 < start <= int(end):
            return Part("range", start=start, end=int(end))
        raise BadSource(f"« {text} » : la première position est 1, et la dernière vient après elle.")
    return Part("name", text)


def every(source: Source) -> list[Part]:
    return [part for parts in source for part in parts]


def name_pattern(pattern: str) -> re.Pattern[str]:
    """What takes the part at `{}` of a file name.

    >>> name_pattern("CDR_{}_*.csv").fullmatch("CDR_202610_7.csv")[1]
    '202610'
    """
    pieces = {"{}": "(.*?)", "*": ".*?", "?": "."}
    return re.compile(
        "".join(pieces.get(piece) or re.escape(piece) for piece in re.split(r"(\{\}|[*?])", pattern)), re.IGNORECASE
    )


def getter(part: Part, columns: Mapping[str, int], fixed: bool) -> Getter:
    """What reads one part, stripped. `columns`: folded name → index. A field that the record lacks is empty. Raises KeyError."""
    text, start, end, record = part.text, part.start, part.end, part.record
    if part.kind == "constant":
        return lambda cells, file: text
    if part.kind == "line":
        return lambda cells, file: str(file.line)
    if part.kind == "file":
        if not text:
            return lambda cells, file: file.name
        pattern = name_pattern(text)
        return lambda cells, file: found[1] if (found := pattern.fullmatch(file.name)) else ""
    if fixed:
        take = slice(start - 1, max(start, end))
        read: Callable[[Cells], str] = lambda cells: str(cells[take]).strip()  # noqa: E731
    else:
        index = columns[fold(text)] if part.kind == "name" else start - (start > 0)
        read = lambda cells: cells[index].strip() if -len(cells) <= index < len(cells) else ""  # noqa: E731
    if record == "row":
        return lambda cells, file: read(cells)
    return lambda cells, file: read(file.records.get(record, ""))


def text_getter(source: Source, columns: Mapping[str, int], fixed: bool, between: str = "", empty: Sequence[str] = ()) -> Getter:
    """The first alternative that is not empty, its parts joined. `empty`: what means nothing."""
    nothing = {word.casefold() for word in empty}

    def joined(parts: Sequence[Part]) -> Getter:
        getters = [getter(part, columns, fixed) for part in parts]
        if len(getters) == 1:
            first = getters[0]
            return first if not nothing else lambda cells, file: "" if (got := first(cells, file)).casefold() in nothing else got

        def join(cells: Cells, file: FileAt) -> str:
            got = [each(cells, file) for each in getters]
            if all(not text or part.kind == "constant" for text, part in zip(got, parts, strict=True)):
                return ""
            return between.join("" if text.casefold() in nothing else text for text in got).strip()

        return join

    choices = [joined(parts) for parts in source]
    if len(choices) == 1:
        return choices[0]

    def first_filled(cells: Cells, file: FileAt) -> str:
        for choice in choices:
            if got := choice(cells, file):
                return got
        return ""

    return first_filled
