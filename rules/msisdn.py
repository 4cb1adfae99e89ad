"""Telephone numbers: the key by which calls are rated, and the mobile numbers that a line may hold.

Source: billing law § 1.3; numbering plan (Arcep decision 2018-0881 and amendments) for the ranges.
"""

import re

from rules.errors import RuleError

SEPARATORS = " \u00a0\u202f.-/()"
OVERSEAS = {
    **dict.fromkeys(("0262", "0263", "0269", "0639", "0692", "0693"), "262"),
    **dict.fromkeys(("0590", "0690", "0691"), "590"),
    **dict.fromkeys(("0594", "0694"), "594"),
    **dict.fromkeys(("0596", "0696", "0697"), "596"),
}
FICTION = "063998"
LONGEST = 15

_MOBILE = re.compile(
    r"33(63998\d{4}|6(?!39|9[0-4]|9[67])\d{8}|7[3-9]\d{7})|262(639|69[23])\d{6}|590(690|691)\d{6}|594694\d{6}|596(696|697)\d{6}"
)
_MACHINE = re.compile(r"33700\d{10}")


class UnusableNumber(RuleError):
    """A text that is no telephone number."""


class NotAMobile(RuleError):
    """A telephone number that no French mobile line can hold."""


def compact(text: str) -> str:
    """The number without its separators."""
    return text.translate(dict.fromkeys(map(ord, SEPARATORS)))


def key(text: str) -> str:
    """The key of a number as dialled: E.164 digits, or `=` and the digits of a short code. Raises UnusableNumber.

    >>> key("06 12.34-56 78"), key("0033612345678"), key("0692123456"), key("3900"), key("0639981234")
    ('33612345678', '33612345678', '262692123456', '=3900', '33639981234')
    """
    number = compact(text)
    if not re.fullmatch(r"\+?[0-9]+", number):
        raise UnusableNumber(f"« {text} » n'est pas un numéro. Il faut des chiffres, précédés ou non de +.")
    if number.startswith("+"):
        digits = number[1:]
    elif number.startswith("00"):
        digits = number[2:]
    elif number.startswith("0") and len(number) == 10:
        code = None if number.startswith(FICTION) else OVERSEAS.get(number[:4])
        digits = (code or "33") + number[1:]
    elif len(number) <= 6 and not number.startswith("0"):
        return f"={number}"
    else:
        digits = number
    if not 1 <= len(digits) <= LONGEST:
        raise UnusableNumber(f"« {text} » a {len(digits)} chiffres. Un numéro international en a {LONGEST} au plus.")
    return digits


def validate(text: str) -> str:
    """A mobile number of France or its overseas departments as `+33…`; blanks are accepted. Raises UnusableNumber, NotAMobile.

    >>> validate("06 12 34 56 78"), validate("0692 12 34 56"), validate("+33 (0)6 12 34 56 78")
    ('+33612345678', '+262692123456', '+33612345678')
    """
    number = compact(text.strip().replace("(0)", ""))
    digits = key("0" + number if re.fullmatch(r"[67]\d{8}", number) else number)
    if not _MOBILE.fullmatch(digits):
        raise NotAMobile(
            f"« {text} » n'est pas un numéro mobile français. Il commence par 06 ou 07, ou par l'indicatif d'outre-mer."
        )
    return f"+{digits}"


def line_number(text: str) -> str:
    """The number of a line: a mobile, or a machine number of 14 digits (0700). Raises UnusableNumber, NotAMobile."""
    digits = key(text)
    return f"+{digits}" if _MACHINE.fullmatch(digits) else validate(text)


def is_valid(text: str) -> bool:
    try:
        validate(text)
    except RuleError:
        return False
    return True


def format(number: str) -> str:
    """As a French reader writes it, with no-break spaces.

    >>> format("+33612345678"), format("+262692123456")
    ('06\\xa012\\xa034\\xa056\\xa078', '+262\\xa0692\\xa012\\xa034\\xa056')
    """
    digits = number.lstrip("+")
    if digits.startswith("33") and len(digits) == 11:
        national = "0" + digits[2:]
        return "\u00a0".join(national[i : i + 2] for i in range(0, 10, 2))
    if len(digits) == 12 and digits[:3] in OVERSEAS.values():
        return "\u00a0".join(["+" + digits[:3], digits[3:6], digits[6:8], digits[8:10], digits[10:]])
    return f"+{digits}" if digits.isdigit() else number
