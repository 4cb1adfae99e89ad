"""CDR files: good ones to write, and a corpus of bad ones with the words that refuse them."""

import gzip
import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

COLUMNS = (
    "cdr_id", "type", "direction", "msisdn", "other_party", "started_at", "duration_s", "volume_bytes", "visited_plmn",
    "wholesale_cost",
)  # fmt: skip
GOOD = {
    "cdr_id": "", "type": "VOICE", "direction": "OUT", "msisdn": "06 39 98 00 01", "other_party": "06 39 98 00 99",
    "started_at": "2026-10-31T23:59:58+01:00", "duration_s": "65", "volume_bytes": "0", "visited_plmn": "",
    "wholesale_cost": "0.01",
}  # fmt: skip


def row(**values: str) -> dict[str, str]:
    return GOOD | values


def csv(*rows: Mapping[str, str], columns: Iterable[str] = COLUMNS, separator: str = ";", end: str = "\n") -> bytes:
    """Rows as they stand, without quotes."""
    columns = tuple(columns)
    lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    return "".join(separator.join(line) + end for line in lines).encode()


def linked(target: bytes) -> bytes:
    """A zip whose one member is a link."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        member = zipfile.ZipInfo("cdr.csv")
        member.create_system, member.external_attr = 3, 0o120777 << 16
        archive.writestr(member, target)
    return packed.getvalue()


def zipped(*members: bytes, name: str = "cdr{}.csv", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for number, member in enumerate(members):
            archive.writestr(name.format(number), member)
    return target.getvalue()


@dataclass(frozen=True)
class Bad:
    data: bytes
    line: int
    code: str
    message: str


AS_UTF8 = "Enregistrez-le en UTF-8 : dans un tableur, « Enregistrer sous », puis le type ou le jeu de caractères UTF-8."
EMPTY = "Le fichier est vide. Il faut une ligne d'en-tête, puis une ligne par objet."
UTF16 = f"Le fichier est en UTF-16. {AS_UTF8}"
NUL = "Un octet nul : le fichier est abîmé. Exportez-le de nouveau."
CP1252 = f"L'octet 0xE9 n'est pas de l'UTF-8 ; le fichier se lit en Windows-1252 (cp1252). {AS_UTF8}"
UNCLOSED = "Un guillemet s'ouvre ici et ne se referme pas. Fermez-le, ou retirez-le."
STRAY = 'Un guillemet est mal placé. Mettez tout le champ entre guillemets, et doublez ceux du texte : "écran 5""".'
NO_HEADER = "La première ligne ne nomme aucune colonne connue. Écrivez-y les noms, séparés par « ; » : type;msisdn;started_at."
TOO_LONG = "Un champ dépasse 64 ko : il manque un guillemet."
BROKEN = "L'archive est abîmée, incomplète ou protégée : elle ne s'ouvre pas. Téléchargez-la de nouveau."
TOO_LARGE = "L'archive dépasse 4 Mo une fois ouverte. Découpez le fichier."
ELSEWHERE = "L'archive contient un lien ou un chemin, pas un simple fichier. Refaites-la avec le seul fichier de CDR."
MEMBERS = "L'archive doit contenir un fichier de CDR et rien d'autre. Éléments trouvés : {}."


def _count(found: int) -> str:
    return f"{found} champs au lieu de 10 : la ligne est tronquée, ou un séparateur est en trop."


def _missing(name: str) -> str:
    return f"La colonne « {name} » manque. Ajoutez-la à l'en-tête."


def _encrypted(data: bytes) -> bytes:
    """The same archive, said to be protected by a password."""
    return data.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01").replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"
    )


def _damaged(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


_TWO = csv(row(), row(duration_s="66"))
_BOMB = b"type;msisdn;started_at\n" + b"0" * 30_000_000
_HUGE = "0" * 20_000_000

BAD = {
    "empty": Bad(b"", 1, "EMPTY_FILE", EMPTY),
    "blank lines": Bad(b"\n\n \r\n", 1, "EMPTY_FILE", EMPTY),
    "a BOM and nothing": Bad(b"\xef\xbb\xbf", 1, "EMPTY_FILE", EMPTY),
    "truncated in a row": Bad(_TWO[:-20], 3, "FIELD_COUNT", _count(6)),
    "truncated in a character": Bad(
        csv(row(cdr_id="é")).split(b"\xa9")[0],
        2,
        "NOT_UTF8",
        f"L'octet 0xC3 n'est pas de l'UTF-8 ; le fichier se lit en Windows-1252 (cp1252). {AS_UTF8}",
    ),
    "truncated gz": Bad(gzip.compress(_TWO)[:-12], 1, "BAD_ARCHIVE", BROKEN),
    "truncated zip": Bad(zipped(_TWO)[:-30], 1, "BAD_ARCHIVE", BROKEN),
    "UTF-16 little endian with BOM": Bad(b"\xff\xfe" + _TWO.decode().encode("utf-16-le"), 1, "UTF16", UTF16),
    "UTF-16 big endian with BOM": Bad(b"\xfe\xff" + _TWO.decode().encode("utf-16-be"), 1, "UTF16", UTF16),
    "UTF-16 little endian without BOM": Bad(_TWO.decode().encode("utf-16-le"), 1, "UTF16", UTF16),
    "UTF-16 big endian without BOM": Bad(_TWO.decode().encode("utf-16-be"), 1, "UTF16", UTF16),
    "cp1252": Bad(_TWO + csv(row(cdr_id="é")).decode().encode("cp1252").split(b"\n")[1], 4, "NOT_UTF8", CP1252),
    "no encoding at all": Bad(
        _TWO.replace(b";66;", b";\x81;"), 3, "NOT_UTF8", f"L'octet 0x81 n'est pas de l'UTF-8 ; le fichier est abîmé. {AS_UTF8}"
    ),
    "a NUL byte": Bad(_TWO.replace(b";66;", b";6\x006;"), 3, "NUL_BYTE", NUL),
    "NUL bytes at the end": Bad(_TWO + bytes(512), 4, "NUL_BYTE", NUL),
    "a binary": Bad(b"\x89PNG\r\n\x1a\n" + bytes(range(256)), 3, "NUL_BYTE", NUL),
    "an unclosed quote": Bad(_TWO.replace(b";66;", b';"66;') + _TWO, 3, "UNCLOSED_QUOTE", UNCLOSED),
    "an unclosed quote in the last field": Bad(csv(row(wholesale_cost='"0.01')), 2, "UNCLOSED_QUOTE", UNCLOSED),
    "an unclosed quote far from the end": Bad(
        csv(row(), row(cdr_id='"x')) + b"".join(_TWO.splitlines(True)[1:]) * 2000, 3, "UNCLOSED_QUOTE", UNCLOSED
    ),
    "an unclosed quote in the header": Bad(_TWO.replace(b"duration_s", b'"duration_s'), 1, "UNCLOSED_QUOTE", UNCLOSED),
    "a stray quote": Bad(csv(row(), row(other_party='06"39')), 3, "STRAY_QUOTE", STRAY),
    "text after a quote": Bad(csv(row(), row(other_party='"06"39')), 3, "STRAY_QUOTE", STRAY),
    "a missing column": Bad(_TWO.replace(b"msisdn", b"numero", 1), 1, "MISSING_COLUMN", _missing("msisdn")),
    "a doubled column": Bad(
        _TWO.replace(b"direction", b"TYPE", 1), 1, "DOUBLED_COLUMN", "La colonne « type » est donnée 2 fois. N'en gardez qu'une."
    ),
    "no header": Bad(_TWO.split(b"\n", 1)[1], 1, "NO_HEADER", NO_HEADER),
    "an empty line for a header": Bad(b"\n" + _TWO, 1, "NO_HEADER", NO_HEADER),
    "an unknown separator": Bad(_TWO.replace(b";", b"|"), 1, "NO_HEADER", NO_HEADER),
    "a web page": Bad(b"<!doctype html>\n<title>Session expir\xc3\xa9e</title>\n", 1, "NO_HEADER", NO_HEADER),
    "another separator in a row": Bad(csv(row()) + csv(row(), separator=",").split(b"\n")[1], 3, "FIELD_COUNT", _count(1)),
    "a field too many": Bad(_TWO.replace(b";66;", b";6;6;"), 3, "FIELD_COUNT", _count(11)),
    "an empty field too many": Bad(_TWO.rstrip() + b";\n", 3, "FIELD_COUNT", _count(11)),
    "an empty field too many before a line end of Windows": Bad(
        _TWO.rstrip().replace(b"\n", b"\r\n") + b";\r\n", 3, "FIELD_COUNT", _count(11)
    ),
    "a field too few": Bad(_TWO.replace(b";66;", b";"), 3, "FIELD_COUNT", _count(9)),
    "a line of blanks": Bad(_TWO + b"   \n", 4, "FIELD_COUNT", _count(1)),
    "a field too many among quotes": Bad(csv(row(cdr_id='"1"'), row(cdr_id="2;3")), 3, "FIELD_COUNT", _count(11)),
    "a field of 20 MB": Bad(csv(row(), row(other_party=_HUGE)), 3, "FIELD_TOO_LONG", TOO_LONG),
    "a field of 20 MB in quotes": Bad(csv(row(), row(other_party=f'"{_HUGE}"')), 3, "FIELD_TOO_LONG", TOO_LONG),
    "a column name of 20 MB": Bad(_TWO.replace(b"duration_s", _HUGE.encode(), 1), 1, "FIELD_TOO_LONG", TOO_LONG),
    "a zip with two files": Bad(zipped(_TWO, _TWO), 1, "ARCHIVE_MEMBERS", MEMBERS.format(2)),
    "a zip with nothing": Bad(zipped(), 1, "ARCHIVE_MEMBERS", MEMBERS.format(0)),
    "a zip with a folder": Bad(zipped(b"", name="cdr/"), 1, "ARCHIVE_MEMBERS", MEMBERS.format(1)),
    "a zip with a password": Bad(_encrypted(zipped(_TWO)), 1, "BAD_ARCHIVE", BROKEN),
    "a zip with a wrong sum": Bad(_damaged(zipped(_TWO, method=zipfile.ZIP_STORED), 60), 1, "BAD_ARCHIVE", BROKEN),
    "a gz with a wrong sum": Bad(_damaged(gzip.compress(_TWO), -6), 1, "BAD_ARCHIVE", BROKEN),
    "a zip in a zip": Bad(zipped(zipped(_TWO, method=zipfile.ZIP_STORED)), 1, "NUL_BYTE", NUL),
    "a zip with 101 files": Bad(zipped(*[_TWO] * 101), 1, "ARCHIVE_MEMBERS", MEMBERS.format(101)),
    "a zip with 5 000 files": Bad(zipped(*[b""] * 5_000), 1, "ARCHIVE_MEMBERS", MEMBERS.format(5_000)),
    "a zip that leads out of its folder": Bad(zipped(_TWO, name="../../etc/cdr.csv"), 1, "ARCHIVE_PATH", ELSEWHERE),
    "a zip with a name from the root": Bad(zipped(_TWO, name="/etc/cdr.csv"), 1, "ARCHIVE_PATH", ELSEWHERE),
    "a zip with a name of Windows": Bad(zipped(_TWO, name="C:cdr.csv"), 1, "ARCHIVE_PATH", ELSEWHERE),
    "a zip with a link": Bad(linked(b"/etc/passwd"), 1, "ARCHIVE_PATH", ELSEWHERE),
    "a zip bomb": Bad(zipped(_BOMB), 1, "ARCHIVE_TOO_LARGE", TOO_LARGE),
    "a gz bomb": Bad(gzip.compress(_BOMB), 1, "ARCHIVE_TOO_LARGE", TOO_LARGE),
}
