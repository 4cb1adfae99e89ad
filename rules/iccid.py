"""The number of a SIM card: 19 or 20 digits of which the last is a Luhn check digit (ITU-T E.118)."""

from stdnum import luhn

from rules.errors import RuleError


class BadIccid(RuleError):
    """A text that is no SIM card number."""


def compact(text: str) -> str:
    return "".join(text.split()).replace("\u00a0", "")


def validate(text: str) -> str:
    """The digits alone; blanks are accepted. Raises BadIccid.

    >>> validate("8933 0100 0000 0000 010")
    '8933010000000000010'
    """
    digits = compact(text)
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in (19, 20):
        raise BadIccid(f"« {text} » n'est pas un ICCID : il faut 19 ou 20 chiffres. Relisez-le sur la carte.")
    if not luhn.is_valid(digits):
        raise BadIccid(f"La clé de l'ICCID {digits} est fausse : un chiffre est mal copié. Relisez-le sur la carte.")
    return digits


def is_valid(text: str) -> bool:
    try:
        validate(text)
    except BadIccid:
        return False
    return True


def format(digits: str) -> str:
    """In groups of four.

    >>> format("8933010000000000010")
    '8933 0100 0000 0000 010'
    """
    return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))
