"""The number of a device: 15 digits of which the last is a Luhn check digit (3GPP TS 23.003, annex B)."""

from stdnum import imei
from stdnum.exceptions import InvalidChecksum, ValidationError

from rules.errors import RuleError


class BadImei(RuleError):
    """A text that is no IMEI."""


def validate(text: str) -> str:
    """The digits alone; blanks and hyphens are accepted. Raises BadImei.

    >>> validate("49 015420 323751-8")
    '490154203237518'
    """
    try:
        digits = str(imei.validate(text))
    except InvalidChecksum:
        raise BadImei(f"La clé de l'IMEI « {text} » est fausse : un chiffre est mal copié. Composez *#06#, relisez-le.") from None
    except ValidationError:
        raise BadImei(f"« {text} » n'est pas un IMEI : il faut 15 chiffres. Composez *#06# sur le terminal.") from None
    if len(digits) != 15:
        kind = "un IMEISV, qui n'a pas de clé" if len(digits) == 16 else "un IMEI sans sa clé"
        raise BadImei(f"« {text} » a {len(digits)} chiffres : c'est {kind}. Donnez les 15 chiffres que montre *#06#.")
    return digits
