"""A mail as blocks, from which both of its parts are made with the same words.

A value is sealed before the text is cut into paragraphs: whatever it holds, it cannot pass for a sign of the language.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rules.french import french

OPEN, SHUT, LINKED = "\ue000", "\ue001", "\ue002"  # around a sealed value; after OPEN when it is a link
EMPTY = (OPEN + SHUT, OPEN + LINKED + SHUT)
_SEALED = re.compile(f"({OPEN}{LINKED}?[0-9a-f]*{SHUT})")
_STRONG = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_BUTTON = re.compile(rf"(?:(?P<label>[^{OPEN}*]+?)\s*:\s*)?(?P<link>{OPEN}{LINKED}[0-9a-f]*{SHUT})")
_ADDRESS = re.compile(r"https?://[^\s<>\"']+")
_SIGNS = {"# ": "title", "> ": "frame"}


@dataclass(frozen=True)
class Piece:
    text: str
    strong: bool = False
    href: str = ""


@dataclass(frozen=True)
class Block:
    """`kind`: title, frame, text or button. A button has one line of one piece, a title one line."""

    kind: str
    lines: tuple[tuple[Piece, ...], ...]


class Link(str):
    """A value that may become a link."""


def seal(value: str) -> str:
    """A value as nothing in a text can be: hexadecimal between two private signs."""
    return f"{OPEN}{LINKED if isinstance(value, Link) else ''}{value.encode('utf-8', 'surrogatepass').hex()}{SHUT}"


def opened(text: str) -> str:
    """A text with its values in their places.

    >>> opened("Bonjour " + seal("Zoé"))
    'Bonjour Zoé'
    """
    return "".join(_open(part) if part.startswith(OPEN) else french(part) for part in _SEALED.split(text))


def _open(sealed: str) -> str:
    return bytes.fromhex(sealed.strip(OPEN + LINKED + SHUT)).decode("utf-8", "surrogatepass")


def blocks(text: str) -> Iterator[Block]:
    """
    >>> [block.kind for block in blocks("# Titre\\n\\nBonjour,\\n> **12 €**\\n\\nVoir : " + seal(Link("https://a.example")))]
    ['title', 'text', 'frame', 'button']
    """
    for empty in EMPTY:
        text = text.replace(empty, "")
    for paragraph in re.split(r"\n[ \t]*\n", text):
        kind, lines = "", list[tuple[Piece, ...]]()
        for line in filter(None, (line.strip() for line in paragraph.split("\n"))):
            found, pieces = _line(line)
            if lines and (found != kind or found in ("title", "button")):
                yield Block(kind, tuple(lines))
                lines = []
            kind = found
            lines.append(pieces)
        if lines:
            yield Block(kind, tuple(lines))


def _line(line: str) -> tuple[str, tuple[Piece, ...]]:
    """What a line is, and its pieces."""
    if found := _SIGNS.get(line[:2]):
        return found, tuple(_pieces(line[2:].strip()))
    button = _BUTTON.fullmatch(line)
    if button and _ADDRESS.fullmatch(address := _open(button["link"])):
        return "button", (Piece(french(button["label"] or address), href=address),)
    return "text", tuple(_pieces(line))


def _pieces(line: str) -> Iterator[Piece]:
    for place, run in enumerate(_STRONG.split(line)):
        for part in filter(None, _SEALED.split(run)):
            text = _printable(_open(part)) if part.startswith(OPEN) else french(part)
            address = text if part.startswith(OPEN + LINKED) and _ADDRESS.fullmatch(text) else ""
            yield Piece(text, strong=place % 2 == 1, href=address)


def _printable(value: str) -> str:
    """A value as a mail can carry it: what is no character becomes �."""
    return "".join("�" if unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\t" else sign for sign in lf(value))


def lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def plain(letter: Sequence[Block]) -> str:
    """The text part: the same words, the address of a button after its label."""
    return "\n\n".join("\n".join(_plain_line(block, line) for line in block.lines) for block in letter)


def _plain_line(block: Block, line: tuple[Piece, ...]) -> str:
    if block.kind == "button" and line[0].text != line[0].href:
        return f"{line[0].text}\u00a0: {line[0].href}"
    return "".join(piece.text for piece in line)
