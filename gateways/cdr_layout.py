"""A file in a supplier's own layout, streamed into the cells of the published default; each row keeps its line and its text."""

import codecs
import csv
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from gateways.cdr_file import CELL_SEPARATOR, CdrText
from rules.files import form
from rules.layouts.cells import Tally
from rules.layouts.layout import Layout
from rules.layouts.reading import Reader
from rules.layouts.sources import Cells

CHUNK = 256 * 1024
LONGEST_RECORD = 65_536
_ONE_LINE = str.maketrans({"\n": " ", "\r": " ", CELL_SEPARATOR: " "})
_STYLES = {
    "double": {"strict": True},
    "none": {"quoting": csv.QUOTE_NONE},
    "backslash": {"quoting": csv.QUOTE_NONE, "escapechar": "\\"},
}


def rewrite(source: Path, name: str, layout: Layout, cards: Mapping[str, str], folder: Path) -> tuple[CdrText, Tally]:
    """Line number, raw text and cells of the default format, one record a line, and what the reading noticed.

    `cards`: IMSI and ICCID → number key. Raises FormError: bad form, truncated, totals that do not hold.
    """
    sha, complete = _inspect(source, name)
    reader, target = Reader(layout, name.translate(_ONE_LINE), cards), folder / "rewritten.txt"
    skip, named = layout.skip_lines, not layout.header
    with open(source, encoding=_codec(layout.encoding)) as file, open(target, "w", encoding="utf-8", newline="") as out:
        try:
            for line, raw, cells in _records(file, layout, name):
                if line <= skip:
                    reader.tally.skipped["ligne passée"] += 1
                elif not named:
                    reader.names([str(cell) for cell in cells], line)
                    named = True
                    reader.tally.skipped["noms de colonnes"] += 1
                elif row := reader.row(cells, line):
                    out.write(f"{line}{CELL_SEPARATOR}{raw}{CELL_SEPARATOR}{CELL_SEPARATOR.join(row)}\n")
        except UnicodeDecodeError:
            raise _undecodable(source, name, layout.encoding) from None
    if not named:
        raise form.refusal(
            name, 1, "NO_HEADER", "La ligne de noms de colonnes manque : le fichier n'a pas la forme que décrit ce format."
        )
    reader.end(complete)
    return CdrText(target, name, sha, False, form.Header("", (), {}), 0), reader.tally


def _codec(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _inspect(path: Path, name: str) -> tuple[str, bool]:
    """The hash of the bytes, and whether they end a line. Raises FormError: empty, NUL bytes, UTF-16, a line without end."""
    digest, line, last, blank = hashlib.sha256(), 1, b"", True
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            if b"\0" in chunk:
                form.decode(chunk if line == 1 else chunk[chunk.find(b"\0") - 1 :], name)
                raise form.refusal(name, line, "NUL_BYTE", "Un octet nul : le fichier est abîmé. Exportez-le de nouveau.")
            if len(chunk) == CHUNK and b"\n" not in chunk and b"\r" not in chunk:
                raise form.refusal(name, line, "LINE_TOO_LONG", "Une ligne dépasse 256 ko : ce n'est pas un fichier de CDR.")
            line += chunk.count(b"\n")
            last, blank = chunk[-1:], blank and not chunk.strip()
    if blank:
        raise form.refusal(name, 1, "EMPTY_FILE", "Le fichier est vide.")
    return digest.hexdigest(), last in (b"\n", b"\r")


def _undecodable(path: Path, name: str, encoding: str) -> form.FormError:
    """Where the bytes stop being text."""
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    with open(path, "rb") as file:
        for part in file:
            try:
                decoder.decode(part)
            except UnicodeDecodeError as problem:
                byte = f"0x{part[min(problem.start, len(part) - 1)]:02X}"
                message = f"L'octet {byte} ne se lit pas en {encoding}. Changez l'encodage du format, ou exportez de nouveau."
                return form.refusal(name, line, "BAD_ENCODING", message, value=byte)
            line += 1
    return form.refusal(name, line, "BAD_ENCODING", f"La fin du fichier ne se lit pas en {encoding} : il est tronqué.")


def _records(file: IO[str], layout: Layout, name: str) -> Iterator[tuple[int, str, Cells]]:
    """Physical line, text and fields of each record that is no blank line and no comment."""
    mark, comment, skip = {"tab": "\t"}.get(layout.separator, layout.separator), layout.comment, layout.skip_lines
    plain = layout.quoting == "none"
    special = "\\" if layout.quoting == "backslash" else '"'
    numbered = enumerate((line.rstrip("\n") for line in file), 1)
    for number, text in numbered:
        if number <= skip:
            yield number, text, []
        elif not text.strip() or (comment and text.startswith(comment)):
            continue
        elif layout.fixed:
            text = text.translate(_ONE_LINE) if CELL_SEPARATOR in text else text
            yield number, text, text
        elif plain or special not in text:
            if CELL_SEPARATOR in text:
                text = text.translate(_ONE_LINE)
            yield number, text, text.split(mark)
        else:
            yield _quoted(number, text, numbered, mark, layout.quoting, name)


def _quoted(
    number: int, text: str, numbered: Iterator[tuple[int, str]], mark: str, quoting: str, name: str
) -> tuple[int, str, list[str]]:
    """A record with quotes or escapes, over several lines when a quote stays open."""
    taken = [text]

    def lines() -> Iterator[str]:
        yield text + "\n"
        for _, following in numbered:
            taken.append(following)
            if sum(map(len, taken[-2:])) > LONGEST_RECORD or len(taken) > 200:
                return
            yield following + "\n"

    try:
        cells = next(csv.reader(lines(), delimiter=mark, **_STYLES[quoting]))  # type: ignore[arg-type]
    except (csv.Error, StopIteration) as reason:
        unclosed = len(taken) > 1 or "unexpected end" in str(reason)
        message = "Un guillemet s'ouvre ici et ne se referme pas." if unclosed else "Un guillemet est mal placé."
        if "field limit" in str(reason):
            message = "Un champ dépasse 128 ko : il manque un guillemet."
        raise form.refusal(
            name, number, "BAD_QUOTE", f"{message} S'ils n'ont pas de sens ici, dites « ordinaires » dans le format."
        ) from None
    raw = "\n".join(taken)
    if len(taken) > 1 or CELL_SEPARATOR in raw:
        return number, raw.translate(_ONE_LINE), [cell.translate(_ONE_LINE) for cell in cells]
    return number, raw, cells
