"""What makes a password too usual: it is made of what everyone tries first. No list of stolen passwords is kept for it."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

SHORTEST, LONGEST = 12, 128
_USUAL = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
ROWS, WORDS = tuple(_USUAL["rows"].split()), frozenset(_USUAL["words"].split())
LEET = str.maketrans("013457@$!€", "oieastasie")
FREE = " .,;:!?-_/+*=@#&()'\"$%"
BUDGET = 4
"""Half-pieces that a password must exceed: two words, or a word and two walks, fall within it."""


def plain(text: str) -> str:
    """
    >>> plain("Été À LA Mer")
    'ete a la mer'
    """
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))


def usual(password: str, own: Iterable[str] = ()) -> bool:
    """Whether few guesses find it. `own`: names that everyone connects with the account, tried before any word.

    >>> [usual(text) for text in ("Azerty123456!", "P@ssw0rd2024", "aaaaaaaaaaaa", "abcABCabcABC", "Ligneclaire2026")]
    [True, True, True, True, False]
    >>> usual("Ligneclaire2026", ["Ligne Claire"]), usual("une phrase assez longue")
    (True, False)
    """
    names = {piece for name in own for piece in (*re.findall(r"\w{3,}", plain(name)), re.sub(r"\W", "", plain(name)))}
    words = dict.fromkeys(WORDS, 2) | dict.fromkeys(names, 1)
    text = _once(plain(password))
    costs = [0]
    for end in range(1, len(text) + 1):
        costs.append(min(costs[start] + cost for start, cost in _pieces(text, end, words)))
    return costs[-1] <= BUDGET


def _once(text: str) -> str:
    """What is repeated over and over, said once."""
    return next((text[:size] for size in range(1, len(text) // 2 + 1) if (text[:size] * len(text))[: len(text)] == text), text)


def _pieces(text: str, end: int, words: dict[str, int]) -> Iterator[tuple[int, int]]:
    """Where a piece that ends here may start, and what it costs in half-pieces."""
    yield end - 1, 0 if text[end - 1] in FREE else 2
    for start in range(max(0, end - 30), end - 2):
        piece = text[start:end]
        if _walk(piece) or re.fullmatch(r"(19|20)\d\d", piece):
            yield start, 1
        elif cost := words.get(piece) or words.get(piece.translate(LEET)):
            yield start, cost
        elif re.fullmatch(r"\d{3,4}", piece):
            yield start, 2


def _walk(piece: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in pairwise(piece)}
    return steps in ({0}, {1}, {-1}) or any(piece in row or piece in row[::-1] for row in ROWS)
