"""A CSV file from bytes to a header and rows, or all that keeps it from being read (formats, « Rules common to every CSV »)."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rules.errors import RuleError

SEPARATORS = (";", ",", "\t")
LONGEST_FIELD = 65_536
BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
NOTE = "erreur"  # the column that a file of rejected rows has more: what was wrong, for the reader only
AS_UTF8 = "Enregistrez-le en UTF-8 : dans un tableur, « Enregistrer sous », puis le type ou le jeu de caractères UTF-8."

_FIELD = {mark: re.compile(rf'(?:"((?:[^"]++|"")*+)"|([^"{mark}\n]*+))({mark}|\Z)') for mark in SEPARATORS}


@dataclass(frozen=True)
class Error:
    """What is wrong at one place of a file. `line`: physical, 1 = the header; `column`: 1 = the first; `field`: its name."""

    file: str
    line: int
    column: int | None
    field: str | None
    value: str | None
    code: str
    message: str


class FormError(RuleError):
    """A file that cannot be read: nothing of it is loaded."""

    def __init__(self, errors: Iterable[Error]) -> None:
        self.errors = tuple(errors)
        super().__init__(self.errors)

    def __str__(self) -> str:
        first = self.errors[0]
        return f"{first.file}, ligne {first.line} : {first.message}"


@dataclass(frozen=True)
class Header:
    """`names`: one per field, as the format writes it when it is known; `positions`: of the known ones, from 0."""

    separator: str
    names: tuple[str, ...]
    positions: Mapping[str, int]
    unknown: tuple[str, ...] = field(default=())


def refusal(file: str, line: int, code: str, message: str, column: int | None = None, value: str | None = None) -> FormError:
    return FormError([Error(file, line, column, None, value, code, message)])


def line_at(data: bytes, place: int) -> int:
    """The physical line of a byte."""
    before = data[:place]
    return 1 + before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")


def decode(data: bytes, file: str = "") -> str:
    """The text of a file, without its BOM. Raises FormError.

    >>> decode(b"\\xef\\xbb\\xbfzone;mcc")
    'zone;mcc'
    """
    if data.startswith(UTF16_BOMS) or _looks_like_utf16(data):
        raise refusal(file, 1, "UTF16", f"Le fichier est en UTF-16. {AS_UTF8}")
    if (place := data.find(0)) >= 0:
        raise refusal(file, line_at(data, place), "NUL_BYTE", "Un octet nul : le fichier est abîmé. Exportez-le de nouveau.")
    body = data.removeprefix(BOM)
    try:
        text = body.decode()
    except UnicodeDecodeError as problem:
        byte = f"0x{body[problem.start]:02X}"
        found = "le fichier se lit en Windows-1252 (cp1252)" if _decodes(body, "cp1252") else "le fichier est abîmé"
        message = f"L'octet {byte} n'est pas de l'UTF-8 ; {found}. {AS_UTF8}"
        raise refusal(file, line_at(body, problem.start), "NOT_UTF8", message, value=byte) from None
    if not text.strip():
        raise refusal(file, 1, "EMPTY_FILE", "Le fichier est vide. Il faut une ligne d'en-tête, puis une ligne par objet.")
    return text


def _looks_like_utf16(data: bytes) -> bool:
    """Whether every other byte is nul, mostly: UTF-16 without BOM."""
    halves = data[:400:2], data[1:400:2]
    few, many = sorted(half.count(0) / max(1, len(half)) for half in halves)
    return many > 0.5 and few < 0.1


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        return bool(data.decode(encoding))
    except UnicodeDecodeError:
        return False


def physical_lines(text: str) -> list[str]:
    """Lines that end with LF, CR or CRLF, and with nothing else.

    >>> physical_lines("a\\r\\nb\\rc\\u2028d\\n")
    ['a', 'b', 'c\\u2028d']
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def fold(name: str) -> str:
    """A column name without case, accents or outer blanks.

    >>> fold(" Numéro_Client ")
    'numero_client'
    """
    letters = unicodedata.normalize("NFKD", name).strip().casefold()
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def find_header(line: str, columns: Mapping[str, bool], file: str = "") -> Header:
    """What the first line names. `columns`: each known name, and whether the file must have it. Raises FormError.

    >>> header = find_header("MCC;Note;zone", {"zone": True, "mcc": True})
    >>> header.separator, header.names, header.unknown
    (';', ('mcc', 'Note', 'zone'), ('Note',))
    """
    known = {fold(name): name for name in columns}
    found = {mark: _split(line, mark) for mark in SEPARATORS}
    read = [(mark, fields) for mark, fields in found.items() if isinstance(fields, list)]
    if not read:
        raise _bad_quote(file, 1, line, *max(place for place in found.values() if isinstance(place, tuple)))
    separator, fields = max(read, key=lambda found: sum(fold(name) in known for name in found[1]))
    names = tuple(known.get(fold(name), name.strip()) for name in fields)
    counts = {name: names.count(name) for name in columns}
    if not any(counts.values()):
        example = ";".join(name for name in columns if columns[name])
        message = f"La première ligne ne nomme aucune colonne connue. Écrivez-y les noms, séparés par « ; » : {example}."
        raise refusal(file, 1, "NO_HEADER", message)  # without its text: it may be a row with secrets
    missing = [name for name in columns if columns[name] and not counts[name]]
    doubled = [name for name in columns if counts[name] > 1]
    errors = [
        Error(file, 1, None, name, None, "MISSING_COLUMN", f"La colonne « {name} » manque. Ajoutez-la à l'en-tête.")
        for name in missing
    ]
    for name in doubled:
        again = names.index(name, names.index(name) + 1) + 1
        message = f"La colonne « {name} » est donnée {counts[name]} fois. N'en gardez qu'une."
        errors.append(Error(file, 1, again, name, name, "DOUBLED_COLUMN", message))
    if errors:
        raise FormError(errors)
    positions = {name: place for place, name in enumerate(names) if name in columns}
    return Header(separator, names, positions, tuple(name[:100] for name in names if name not in columns and fold(name) != NOTE))


def records(lines: Iterable[str], separator: str, file: str = "", first: int = 1) -> Iterator[tuple[int, list[str]]]:
    """Each record and the physical line on which it begins; empty lines are passed over. Raises FormError at the first bad quote.

    >>> list(records(['a;"b', 'c";d', "e;f"], ";"))
    [(1, ['a', 'b\\nc', 'd']), (3, ['e', 'f'])]
    """
    numbered = enumerate(lines, first)
    for number, text in numbered:
        if '"' not in text:
            fields = text.split(separator)
        else:
            quotes = text.count('"')
            while quotes % 2 and len(text) <= LONGEST_FIELD and (following := next(numbered, None)):
                text += "\n" + following[1]
                quotes += following[1].count('"')
            found = _split(text, separator)
            if not isinstance(found, list):
                raise _bad_quote(file, number, text, *found)
            fields = found
        if len(text) > LONGEST_FIELD and max(map(len, fields)) > LONGEST_FIELD:
            raise refusal(file, number, "FIELD_TOO_LONG", "Un champ dépasse 64 ko : il manque un guillemet.")
        if text:
            yield number, fields


def _split(record: str, separator: str) -> list[str] | tuple[int, int]:
    """The fields of a record, or where it leaves RFC 4180: the offset and the rank of the field."""
    fields: list[str] = []
    place = 0
    while found := _FIELD[separator].match(record, place):
        quoted, plain, mark = found.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        place = found.end()
        if not mark:
            return fields
    return place, len(fields) + 1


def _bad_quote(file: str, number: int, record: str, place: int, column: int) -> FormError:
    line = number + record.count("\n", 0, place)
    if record.startswith('"', place) and record.count('"') % 2:
        message = "Un guillemet s'ouvre ici et ne se referme pas. Fermez-le, ou retirez-le."
        return refusal(file, line, "UNCLOSED_QUOTE", message, column)
    message = 'Un guillemet est mal placé. Mettez tout le champ entre guillemets, et doublez ceux du texte : "écran 5""".'
    return refusal(file, line, "STRAY_QUOTE", message, column)


def check_width(fields: list[str], header: Header, file: str, line: int) -> Error | None:
    """An error when a record has not as many fields as the header."""
    width = len(header.names)
    if len(fields) == width:
        return None
    found = f"{len(fields)} champ{'s' if len(fields) > 1 else ''}"
    message = f"{found}, {width} attendus. Ajoutez ou retirez des séparateurs, ou mettez le champ entre guillemets."
    if len(fields) == 1:
        for mark in SEPARATORS:
            if fields[0].count(mark) >= width - 1:
                message = f"Séparateur « {_shown(mark)} » ici, « {_shown(header.separator)} » dans l'en-tête. Prenez le même."
    return Error(file, line, None, None, str(len(fields)), "WRONG_FIELD_COUNT", message)


def _shown(mark: str) -> str:
    return "tabulation" if mark == "\t" else mark


def read(data: bytes, columns: Mapping[str, bool], file: str = "") -> tuple[Header, list[tuple[int, list[str]]]]:
    """The header and the rows with their physical lines. Raises FormError with every error of form."""
    lines = physical_lines(decode(data, file))
    header = find_header(lines[0], columns, file)
    rows = []
    errors: list[Error] = []
    try:
        for number, fields in records(lines[1:], header.separator, file, 2):
            error = check_width(fields, header, file, number)
            if error:
                errors.append(error)
            else:
                rows.append((number, fields))
    except FormError as stop:
        errors += stop.errors
    if errors:
        raise FormError(errors)
    return header, rows
