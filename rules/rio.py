"""The RIO by which a number is ported: OO Q RRRRRR CCC (ARCEP, decision 2012-0576, art. 13 and annex).

OO: operator, Q: P or E for a mobile, RRRRRR: the contract, CCC: a key over all of it and the number. The key must be checked by
whoever receives the number when the request is made (art. 13 III). Its algorithm: three registers modulo 37.
"""

import re

from rules import msisdn as numbers
from rules.errors import RuleError
from rules.states import CustomerKind

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+"
SHAPE = re.compile(r"[A-Z0-9]{2}[A-Z][A-Z0-9]{6}[A-Z0-9+]{3}")
NATIONAL = re.compile(r"0[67]\d{8}")
OPERATORS = {"01": "Orange", "02": "SFR", "03": "Bouygues Telecom", "04": "Free Mobile"}  # a name to show, never a filter
LETTERS = {"P": CustomerKind.consumer, "E": CustomerKind.business}


class BadRio(RuleError):
    """A text that is no RIO of a mobile."""


class WrongKey(BadRio):
    """A well-written RIO that does not belong to the number."""


def compact(text: str) -> str:
    return re.sub(r"[\s\-.\u00a0\u202f]", "", text).upper()


def key(body: str, national: str) -> str:
    """The three characters that close a RIO.

    >>> key("01PA1B2C3", "0612345678")
    'NLF'
    """
    registers = [0, 0, 0]
    for character in body + national:
        place = ALPHABET.index(character)
        registers = [(held * factor + place) % 37 for held, factor in zip(registers, (1, 2, 4), strict=True)]
    return "".join(ALPHABET[held] for held in registers)


def validate(rio: str, msisdn: str) -> str:
    """The twelve characters, upper case, without blanks. Raises BadRio, WrongKey.

    `msisdn`: any 06 or 07 number, national or international.

    >>> validate("01 p a1b2c3 nlf", "+33612345678")
    '01PA1B2C3NLF'
    """
    written = compact(rio)
    if len(written) != 12:
        raise BadRio(f"Un RIO a 12 caractères, celui-ci en a {len(written)}. Recopiez-le du SMS du 3179.")
    if not SHAPE.fullmatch(written):
        raise BadRio(f"« {written} » n'est pas un RIO : il s'écrit comme 01PA1B2C3NLF. Recopiez-le du SMS du 3179.")
    if written[2] not in LETTERS:
        raise BadRio(f"Le RIO {written} n'est pas celui d'un mobile : sa troisième lettre est P ou E. Redemandez-le au 3179.")
    national = national_form(msisdn)
    if written[9:] != key(written[:9], national):
        shown = " ".join(national[start : start + 2] for start in range(0, 10, 2)).replace(" ", "\u00a0")
        raise WrongKey(
            f"Ce RIO est bien écrit, mais sa clé ne va pas avec le {shown}."
            " Vérifiez les douze caractères, ou redemandez le RIO au 3179."
        )
    return written


def national_form(msisdn: str) -> str:
    """A mobile number as its holder dials it. Raises BadRio.

    >>> national_form("+262692123456"), national_form("0033 6 12 34 56 78")
    ('0692123456', '0612345678')
    """
    digits = re.sub(r"[^\d+]", "", numbers.compact(msisdn))
    national = re.sub(r"^(\+|00)?(33|262|590|594|596)0?(?=[67]\d{8}$)", "0", digits)
    national = f"0{national}" if re.fullmatch(r"[67]\d{8}", national) else national
    if not NATIONAL.fullmatch(national):
        raise BadRio(f"« {msisdn} » n'est pas un numéro mobile à dix chiffres. Donnez le 06 ou le 07 que l'on porte.")
    return national


def is_valid(rio: str, msisdn: str) -> bool:
    try:
        validate(rio, msisdn)
    except BadRio:
        return False
    return True


def operator(rio: str) -> str:
    """The donor's name, when it is known."""
    return OPERATORS.get(compact(rio)[:2], "")


def warning(rio: str, kind: str) -> str:
    """What to know of a letter that does not go with the kind of customer; empty when it does. It never forbids.

    >>> warning("01EA1B2C3D6J", "CONSUMER")
    'Ce RIO est celui d’un contrat professionnel (lettre E), et le client est un particulier. Vérifiez qui est le titulaire.'
    """
    told = LETTERS.get(compact(rio)[2:3])
    if told is None or told == kind:
        return ""
    words = {CustomerKind.consumer: ("d’un particulier (lettre P)", "un particulier"),
             CustomerKind.business: ("d’un contrat professionnel (lettre E)", "un professionnel")}  # fmt: skip
    return f"Ce RIO est celui {words[told][0]}, et le client est {words[CustomerKind(kind)][1]}. Vérifiez qui est le titulaire."


def format(rio: str) -> str:
    """
    >>> format("01PA1B2C3NLF")
    '01 P A1B2C3 NLF'
    """
    return f"{rio[:2]} {rio[2:3]} {rio[3:9]} {rio[9:]}"
