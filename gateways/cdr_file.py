"""A CDR file as it comes: plain, gz or zip; unpacked within bounds, read once for its hash and its form."""

import codecs
import errno
import gzip
import hashlib
import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rules.files import form
from rules.files.form import Header

UNPACKED_LIMIT = 200 * 1024 * 1024
RATIO_LIMIT = 100
CHUNK = 4 * 1024 * 1024
LONGEST_LIST = 65_536  # bytes of an archive's list of members: one is enough, and a million would fill the memory
CELL_SEPARATOR = "\x1f"
LONE_CR = re.compile(rb"\r(?!\n|\Z)")
DAMAGED = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError, NotImplementedError)
OUR_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO)
_ONE_LINE = {ord("\n"): " ", ord("\r"): " ", ord(CELL_SEPARATOR): " "}


@dataclass(frozen=True)
class CdrText:
    """An unpacked file, found sound. `plain`: one record a line, no quotes; else it is rewritten before it is read in sets.

    `marks`: how many separators it holds.
    """

    path: Path
    name: str
    sha256: str
    plain: bool
    header: Header
    marks: int


def unpack(source: Path, name: str, folder: Path) -> Path:
    """The text inside; the file itself when it is not packed. Raises FormError: several members, a bomb, a damaged archive."""
    with open(source, "rb") as file:
        magic = file.read(4)
    try:
        if magic[:2] == b"\x1f\x8b":
            with gzip.open(source) as packed:
                return _copy(packed, source, name, folder)
        if magic in (b"PK\x03\x04", b"PK\x05\x06"):
            _check_list(source, name)
            with zipfile.ZipFile(source) as archive:
                members = archive.infolist()
                if len(members) != 1 or members[0].is_dir():
                    raise _members(name, len(members))
                if _leads_elsewhere(members[0]):
                    message = (
                        "L'archive contient un lien ou un chemin, pas un simple fichier. Refaites-la avec le seul fichier de CDR."
                    )
                    raise form.refusal(name, 1, "ARCHIVE_PATH", message)
                with archive.open(members[0]) as packed:
                    return _copy(packed, source, name, folder)
    except form.FormError:
        raise
    except DAMAGED as reason:
        if isinstance(reason, OSError) and reason.errno in OUR_DISK:
            raise
        message = "L'archive est abîmée, incomplète ou protégée : elle ne s'ouvre pas. Téléchargez-la de nouveau."
        raise form.refusal(name, 1, "BAD_ARCHIVE", message) from reason
    return source


def _check_list(source: Path, name: str) -> None:
    """What a zip says of itself in its last bytes, before its list of members is read. Raises FormError."""
    with open(source, "rb") as file:
        file.seek(max(0, source.stat().st_size - 65_557))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end >= 0 and int.from_bytes(tail[end + 12 : end + 16], "little") > LONGEST_LIST:
        raise _members(name, int.from_bytes(tail[end + 10 : end + 12], "little"))


def _members(name: str, number: int) -> form.FormError:
    message = f"L'archive doit contenir un fichier de CDR et rien d'autre. Éléments trouvés : {number}."
    return form.refusal(name, 1, "ARCHIVE_MEMBERS", message)


def _leads_elsewhere(member: zipfile.ZipInfo) -> bool:
    """A link, or a name that is a path out of its folder; we never write under such a name, but nobody honest sends one."""
    path = member.filename.replace("\\", "/")
    return stat.S_ISLNK(member.external_attr >> 16) or path.startswith("/") or ".." in path.split("/") or ":" in path


def _copy(packed: IO[bytes] | gzip.GzipFile, source: Path, name: str, folder: Path) -> Path:
    limit = min(UNPACKED_LIMIT, max(CHUNK, source.stat().st_size * RATIO_LIMIT))
    target, size = folder / "unpacked.csv", 0
    with open(target, "wb") as file:
        while chunk := packed.read(CHUNK):
            size += len(chunk)
            if size > limit:
                message = f"L'archive dépasse {limit // 1024**2} Mo une fois ouverte. Découpez le fichier."
                raise form.refusal(name, 1, "ARCHIVE_TOO_LARGE", message)
            file.write(chunk)
    return target


def inspect(path: Path, name: str, columns: Mapping[str, bool]) -> CdrText:
    """One pass over the bytes, then the header. Raises FormError: empty, not UTF-8, UTF-16, NUL bytes, a bad header."""
    digest, decoder, plain, last = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")(), True, b"\n"
    counts = dict.fromkeys((*form.SEPARATORS, "\n", "\r\n"), 0)
    with open(path, "rb") as file:
        try:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                if b"\0" in chunk:
                    raise UnicodeError
                decoder.decode(chunk)
                plain = plain and _is_plain(last + chunk)
                for mark in counts:
                    counts[mark] += (last[-1:] * (len(mark) - 1) + chunk).count(mark.encode())
                last = chunk[-2:]
            decoder.decode(b"", final=True)
        except UnicodeError:
            form.decode(path.read_bytes(), name)
    with open(path, encoding="utf-8-sig") as file:
        first = file.readline(form.LONGEST_FIELD)
    if not first.strip():
        form.decode(path.read_bytes(), name)
    header = form.find_header(first.rstrip("\n"), columns, name)
    plain = plain and last[-1:] != b"\r" and counts["\r\n"] in (0, counts["\n"])
    return CdrText(path, name, digest.hexdigest(), plain, header, counts[header.separator])


def _is_plain(data: bytes) -> bool:
    """Whether a line number is a record's rank: no quotes, no empty lines, no lone CR (nor a mix of ends, see `inspect`)."""
    return b'"' not in data and b"\n\n" not in data and b"\n\r\n" not in data and not LONE_CR.search(data)


def records(text: CdrText) -> Iterator[tuple[int, list[str]]]:
    """Each record after the header, with its physical line. Raises FormError: bad quotes, a long field, a wrong field count."""
    width = len(text.header.names)
    with open(text.path, encoding="utf-8-sig") as file:
        lines = (line.rstrip("\n") for line in file)
        for line, cells in form.records(lines, text.header.separator, text.name):
            if len(cells) != width:
                message = f"{len(cells)} champs au lieu de {width} : la ligne est tronquée, ou un séparateur est en trop."
                raise form.refusal(text.name, line, "FIELD_COUNT", message)
            if line > 1:
                yield line, cells


def rewrite(text: CdrText, folder: Path) -> Path:
    """The records of a file that is not plain: line number and cells, one record a line. Raises FormError."""
    target = folder / "rewritten.txt"
    with open(target, "w", encoding="utf-8", newline="") as file:
        for line, cells in records(text):
            file.write(CELL_SEPARATOR.join([str(line), *map(one_line, cells)]) + "\n")
    return target


def one_line(cell: str) -> str:
    """A cell without what would end its record."""
    return cell.translate(_ONE_LINE)


def raw_line(cells: list[str], separator: str) -> str:
    """The text of a record, written again as CSV."""
    if not any(mark in cell for cell in cells for mark in (separator, '"')):
        return separator.join(cells)
    return separator.join('"' + cell.replace('"', '""') + '"' for cell in cells)
