"""The content of a cell: each parser takes a text that is not empty, and gives its value or raises a RuleError in French."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException
from stdnum.eu import vat
from stdnum.exceptions import ValidationError
from stdnum.fr import siren as sirens
from stdnum.fr import siret as sirets

from rules import allowances as buckets
from rules.errors import RuleError
from rules.money import TooManyDecimals
from rules.states import Word

Parser = Callable[[str], Any]

HIGHEST_PRICE = Decimal("999999")
YEARS = range(1990, 2101)
BLANKS = " \u00a0\u202f"
NATIONAL_KEY = ("FR", "MC")  # the countries whose IBAN holds the French RIB key

_EMAIL = re.compile(r"[^@\s<>,;:\"()\[\]]{1,64}@[^@\s<>,;:\"()\[\]]+\.[^@\s<>,;:\"()\[\].]{2,}")


class EmptyCell(RuleError):
    """Nothing where something is needed."""


class NotAFigure(RuleError):
    """A text that is no figure of the format."""


class OutOfRange(RuleError):
    """A figure or a date that cannot be meant."""


class NotADate(RuleError):
    """A text that is no ISO date."""


class UnknownCode(RuleError):
    """A code that is not in its list."""


class BadText(RuleError):
    """A text too long, with a character that does not print, or without the shape of its column."""


class BadIdentifier(RuleError):
    """An official number whose shape or key is wrong."""


def clean(text: str, longest: int) -> str:
    """The cell without outer blanks. Raises BadText."""
    text = text.strip(BLANKS)
    if len(text) > longest:
        raise BadText(f"{len(text)} caractères, {longest} au plus. Raccourcissez.")
    if not text.isprintable() and any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in text):
        raise BadText("La case contient un retour à la ligne ou un caractère invisible. Retirez-le.")
    return text


def text(cell: str) -> str:
    return cell


def name(cell: str) -> str:
    """A name as it is written, each letter with its accent one sign (NFC)."""
    return unicodedata.normalize("NFC", cell)


def matching(pattern: str, shape: str, secret: bool = False) -> Parser:
    """A text of one shape; `shape` completes « il faut … ». The sentence does not repeat a secret."""
    compiled = re.compile(pattern)

    def parse(cell: str) -> str:
        if not compiled.fullmatch(cell):
            raise BadText(f"{'Ce code' if secret else f'« {cell} »'} ne convient pas : il faut {shape}.")
        return cell

    return parse


def decimal(decimals: int, highest: Decimal = HIGHEST_PRICE) -> Parser:
    """A figure from 0 with one mark, `.` or `,`, and no more decimals than that.

    >>> decimal(4)("8,325")
    Decimal('8.325')
    """

    def parse(cell: str) -> Decimal:
        if not re.fullmatch(r"-?[0-9]+([.,][0-9]+)?", cell):
            raise NotAFigure(f"« {cell} » n'est pas un nombre. Écrivez des chiffres sans espace et une seule virgule : 1234,50.")
        value = Decimal(cell.replace(",", ".")) + 0
        if (given := len(cell.replace(",", ".").partition(".")[2])) > decimals:
            raise TooManyDecimals(
                f"{given} décimales, {decimals} au plus. Arrondissez vous-même : nous n'arrondissons jamais un prix."
            )
        if not 0 <= value <= highest:
            raise OutOfRange(f"{cell} est hors limites. Donnez un nombre de 0 à {highest}.")
        return value

    return parse


def signed_cents(cell: str) -> int:
    """An amount in euros with its sign, as cents.

    >>> signed_cents("−12,5"), signed_cents("3")
    (-1250, 300)
    """
    figure = cell.strip(BLANKS)
    value = decimal(2)(figure.lstrip("-−").strip(BLANKS))
    return int(value * 100) * (-1 if figure[:1] in ("-", "−") else 1)


def integer(lowest: int, highest: int = 999_999_999) -> Parser:
    def parse(cell: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", cell):
            raise NotAFigure(f"« {cell} » n'est pas un nombre entier. Écrivez des chiffres seulement : {max(lowest, 60)}.")
        if not lowest <= int(cell) <= highest:
            raise OutOfRange(f"{cell} est hors limites. Donnez un entier de {lowest} à {highest}.")
        return int(cell)

    return parse


def iso_date(cell: str) -> date:
    """
    >>> iso_date("31/10/2026")
    Traceback (most recent call last):
    rules.files.cells.NotADate: « 31/10/2026 » n'est pas une date. Écrivez l'année, le mois, le jour : 2026-10-31.
    """
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell):
            raise ValueError
        day = date.fromisoformat(cell)
    except ValueError:
        raise NotADate(f"« {cell} » n'est pas une date. Écrivez l'année, le mois, le jour : 2026-10-31.") from None
    if day.year not in YEARS:
        raise OutOfRange(f"L'année {day.year} est hors limites. Donnez une date de {YEARS[0]} à {YEARS[-1]}.")
    return day


def choice(*codes: str) -> Parser:
    """One of a list of codes, written as in the list."""
    names = f"{', '.join(codes[:-1])} ou {codes[-1]}"

    def parse(cell: str) -> str:
        if cell in codes:
            return cell
        twin = [code for code in codes if code.casefold() == cell.casefold()]
        raise UnknownCode(f"« {cell} » n'est pas prévu. Écrivez {twin[0] if twin else names}{', tel quel' if twin else ''}.")

    return parse


def one_of(words: type[Word]) -> Parser:
    return choice(*(word.value for word in words if word.value))


def yes_no(cell: str) -> bool:
    return choice("yes", "no")(cell) == "yes"


def months(cell: str) -> int:
    return int(choice("0", "12", "24", "36")(cell))


def allowances(cell: str) -> str:
    """Allowances as written, once they are understood."""
    buckets.parse(cell)
    return cell


def codes(cell: str) -> str:
    """Codes joined by `+`, in the order written."""
    if not all(cell.split("+")):
        raise BadText(f"« {cell} » : un code manque autour d'un +. Écrivez par exemple OPT1+OPT2.")
    return cell


def mccs(cell: str) -> str:
    """Country codes of three digits joined by `+`, each given once."""
    parts = cell.split("+")
    if not all(re.fullmatch("[0-9]{3}", part) for part in parts) or len(set(parts)) < len(parts):
        raise BadText(f"« {cell} » ne convient pas : il faut des codes de trois chiffres, chacun une fois : 262+222.")
    return cell


def email(cell: str) -> str:
    if not _EMAIL.fullmatch(cell) or ".." in cell:
        raise BadText(f"« {cell} » n'est pas une adresse e-mail. Écrivez-en une seule, de la forme nom@domaine.fr.")
    return cell


def emails(cell: str) -> str:
    """Several addresses, each once.

    >>> emails("a@x.example; b@x.example,a@x.example")
    'a@x.example, b@x.example'
    """
    return ", ".join(dict.fromkeys(email(part) for part in re.split("[,; ]+", cell) if part))


def identifier(name: str, validate: Parser, shape: str) -> Parser:
    """An official number without its separators, its key checked by a library."""

    def parse(cell: str) -> str:
        try:
            return str(validate(cell))
        except (ValidationError, SchwiftyException):
            raise BadIdentifier(f"« {cell} » n'est pas un {name} : {shape}. Recopiez-le depuis le document d'origine.") from None

    return parse


def _iban(cell: str) -> str:
    compact = "".join(cell.split()).upper()
    return IBAN(compact, validate_bban=compact.startswith(NATIONAL_KEY)).compact


siren = identifier("SIREN", sirens.validate, "neuf chiffres, dont une clé")
siret = identifier("SIRET", sirets.validate, "quatorze chiffres, dont une clé")
vat_number = identifier("numéro de TVA", vat.validate, "pour la France, FR, une clé de deux signes et le SIREN")
iban = identifier("IBAN", _iban, "sa clé, ou la clé RIB, est fausse")
bic = identifier("BIC", lambda cell: BIC(cell).compact, "huit ou onze lettres et chiffres")
