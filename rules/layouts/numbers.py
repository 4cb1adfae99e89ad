"""Numbers and networks as suppliers write them, rewritten into forms that the law of numbers reads."""

from collections.abc import Iterable, Mapping

# Countries whose mobile networks have codes of three digits.
THREE_DIGITS = {
    "302", "310", "311", "312", "313", "314", "315", "316", "334", "338", "342", "344", "346", "348", "352", "354", "356", "358",
    "360", "365", "366", "374", "376", "708", "714", "722", "732", "750",
}  # fmt: skip
_QUOTES = "'\"\u2019 \u00a0\t"


def rewrite(
    number: str, country: str = "", bare: str = "international", exits: Iterable[str] = (), remove: Iterable[str] = ()
) -> str:
    """A number, without the prefixes to `remove`; `exits`: what is dialled for abroad; `country`: whose national form it has.

    `bare`: what digits without 0, 00 or + are, beyond six. Short codes stay.
    >>> rewrite("0274290136", "43"), rewrite("0011447700900123", exits=["0011"]), rewrite("2025550143", "1", "national")
    ('+43274290136', '+447700900123', '+12025550143')
    >>> rewrite("612345678", "33", "national"), rewrite("3900", "43"), rewrite("'+33612345678")
    ('0612345678', '3900', '+33612345678')
    """
    number = number.strip(_QUOTES)
    for prefix in remove:
        if number.startswith(prefix):
            number = number[len(prefix) :]
            break
    for dialled in exits:
        if number.startswith(dialled):
            return "+" + number[len(dialled) :]
    if not country or number.startswith(("+", "00")) or len(number) <= 6:
        return number
    if number.startswith("0"):
        return number if country == "33" else f"+{country}{number[1:]}"
    if bare == "international":
        return number
    if country == "33":
        return "0" + number if len(number) == 9 else number
    return f"+{number}" if country == "1" and len(number) == 11 and number.startswith("1") else f"+{country}{number}"


def of_card(code: str, cards: Mapping[str, str]) -> str:
    """The number of the line that holds a card; one that no line holds is the number of no line. Empty or no digits: no number.

    `cards`: IMSI and ICCID → number key; an ICCID without its check digit too.
    >>> of_card("208019900000101", {"208019900000101": "33639980001"}), of_card("8933019900000009999F", {}), of_card("x", {})
    ('+33639980001', '000000000000000', '?')
    """
    digits = code.strip(_QUOTES).rstrip("Ff")
    if not (digits.isascii() and digits.isdigit()):
        return "?"
    found = cards.get(digits) or (cards.get(digits[:-1]) if len(digits) > 18 else None)
    return f"+{found}" if found else "0" * 15


def network(mcc: str, mnc: str) -> str:
    """An MCC and an MNC whose leading zeros were lost.

    >>> network("208", "1"), network("310", "41"), network("208", "")
    ('20801', '310041', '?')
    """
    if not (mcc.isdigit() and len(mcc) == 3 and mnc.isdigit() and len(mnc) <= 3):
        return "?"
    return mcc + mnc.zfill(3 if mcc in THREE_DIGITS else 2)
