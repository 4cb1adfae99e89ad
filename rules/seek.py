"""How a person looks for something: words without case or accents, telephone numbers in any written form."""

import re
import unicodedata
from functools import cache, lru_cache

from rules.msisdn import compact
from rules.wholesaler_form import wholesaler_form

LONGEST, MOST_WORDS, SHORTEST = 80, 6, 2
DIGRAPHS = ("oe", "œ"), ("ae", "æ"), ("ss", "ß")


def clean(text: str) -> str:
    """What was typed, without what no name or number holds."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text[:LONGEST]).split())


@lru_cache(4096)
def fold(sign: str) -> str:
    """A letter without case or accent, a ligature in its letters; nothing for a space or a mark.

    >>> fold("É"), fold("œ"), fold("-"), fold("ж")
    ('e', 'oe', '', 'ж')
    """
    plain = "" if sign == "&" else wholesaler_form(sign).lower()
    return plain or (sign.lower() if sign.isalnum() else "")


def folded(text: str) -> str:
    """
    >>> folded("06 39 98"), folded("L’Œuvre")
    ('063998', 'loeuvre')
    """
    return "".join(map(fold, unicodedata.normalize("NFC", text)))


@cache
def _written() -> dict[str, str]:
    """Folded letter → every Latin letter that folds to it."""
    found: dict[str, str] = {}
    for sign in map(chr, range(0x30, 0x180)):
        if sign.isalnum():
            found[fold(sign)] = found.get(fold(sign), "") + sign
    return found


def spellings(word: str) -> list[list[str]]:
    """The ways of writing a word, sign by sign: the letters that may stand there; none = any sign.

    >>> [["".join(letters[:2]) for letters in way] for way in spellings("so-Œ")]
    [['Ss', 'Oo', '', 'Oo', 'Ee'], ['Ss', 'Oo', '', 'Œœ']]
    """
    plain = "".join(fold(sign) or "-" for sign in unicodedata.normalize("NFC", word))
    joined = plain
    for letters, ligature in DIGRAPHS:
        joined = joined.replace(letters, ligature)
    return [[_letters(sign) for sign in way] for way in dict.fromkeys((plain, joined))]


def _letters(sign: str) -> str:
    if sign == "-":
        return ""
    known = _written()
    return known.get(sign) or known.get(fold(sign)) or sign + sign.upper()


def like(word: str) -> str:
    """A word as a LIKE pattern over a name without accents: what is neither letter nor digit may be any sign.

    >>> like("d'Ormé")
    '%d_orme%'
    """
    return f"%{''.join(fold(sign) or '_' for sign in unicodedata.normalize('NFC', word))}%"


def words(text: str) -> list[str]:
    """The words that must all be found.

    >>> words("Dupré et  Fils & Cie")
    ['Dupré', 'Fils', 'Cie']
    """
    return [word for word in clean(text).split() if folded(word) not in ("", "et")][:MOST_WORDS]


def digits(text: str) -> str:
    """The digits of a number written in any form; empty when it is something else.

    >>> digits("06.39.98 40 17"), digits("+33 (0)6 39 98"), digits("C2026-1")
    ('0639984017', '3363998', '')
    """
    written = compact(clean(text).replace("(0)", ""))
    return written.removeprefix("+") if re.fullmatch(r"\+?[0-9]{2,22}", written) else ""


def line_patterns(number: str) -> list[str]:
    """LIKE patterns of the lines whose number holds these digits, or begins with them as one dials it.

    >>> line_patterns("0639984017"), line_patterns("0033639984017"), line_patterns("4017")
    (['%0639984017%', '+__639984017%', '+___639984017%'], ['%0033639984017%', '+33639984017%'], ['%4017%'])
    """
    found = [f"%{number}%"]
    if number.startswith("00"):
        found += [f"+{number[2:]}%"] if len(number) > 5 else []
    elif number.startswith("0"):
        found += [f"+__{number[1:]}%", f"+___{number[1:]}%"]
    return found


def needles(text: str) -> list[str]:
    """What to highlight: the words, or the digits as they may stand in the number shown.

    >>> needles("+33 6 39 98 40 17"), needles("Noël & Fils")
    (['33639984017', '639984017'], ['noel', 'fils'])
    """
    if number := digits(text):
        return list(dict.fromkeys([number, re.sub(r"^(00)?(33|0)", "", number)]))
    return [folded(word) for word in words(text)]


def parts(text: str, needles: list[str]) -> list[tuple[str, bool]]:
    """The text in pieces, and whether each is what was looked for.

    >>> parts("06 39 98 40 17", ["399840"])
    [('06 ', False), ('39 98 40', True), (' 17', False)]
    >>> parts("Inès Lesœur", ["lesoeur"])
    [('Inès ', False), ('Lesœur', True)]
    """
    places = [place for place, sign in enumerate(text) for _ in fold(sign)]
    plain = "".join(map(fold, text))
    hit = [False] * len(text)
    for needle in needles:
        start = plain.find(needle) if needle else -1
        if start >= 0:
            first, last = places[start], places[start + len(needle) - 1]
            hit[first : last + 1] = [True] * (last + 1 - first)
    found: list[tuple[str, bool]] = []
    for sign, marked in zip(text, hit, strict=True):
        if found and found[-1][1] == marked:
            found[-1] = (found[-1][0] + sign, marked)
        else:
            found.append((sign, marked))
    return found
