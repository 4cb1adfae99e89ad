"""Why donors refuse to let a number go, and what to do then (refusals.toml)."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from rules.files.form import fold

_SHIPPED = tomllib.loads((Path(__file__).parent / "refusals.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Refusal:
    """`words`: by which a reason that a network writes is known again, folded, any of them."""

    code: str
    label: str
    advice: str
    words: tuple[str, ...]


REFUSALS = tuple(Refusal(code, row["label"], row["advice"], tuple(row["words"])) for code, row in _SHIPPED["reasons"].items())
OTHER = "Appelez le support de l'opérateur avec le numéro et le motif, puis corrigez la demande ou annulez-la."


def advice(reason: str) -> str:
    """What to do about a reason, in whatever words it came.

    >>> advice("RIO incorrect")[:50]
    'Faites composer le 3179 depuis la ligne, recopiez '
    >>> advice("Motif 42") == OTHER
    True
    """
    said = fold(reason)
    return next((known.advice for known in REFUSALS if any(word in said for word in known.words)), OTHER)


def told(code: str, words: str) -> str:
    """The reason that is kept: the usual one's label, and the donor's own words beside it.

    >>> told("RIO", "code 12"), told("", "Refus métier"), told("RIO", "")
    ('RIO incorrect : code 12', 'Refus métier', 'RIO incorrect')
    """
    label = next((known.label for known in REFUSALS if known.code == code), "")
    return " : ".join(filter(None, (label, words.strip())))
