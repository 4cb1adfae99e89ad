"""Durations, volumes and prices as suppliers write them, exact until they are rounded once."""

import re
from fractions import Fraction

_FIGURE = re.compile(r"([+-]?)(\d{0,40})(?:[.,](\d{0,40}))?", re.ASCII)
_WRAPPING = str.maketrans("", "", "$€£  \u00a0\u202f'")
_SPELLED = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6}(?:\.\d{1,9})?)s)?", re.ASCII)
SECONDS = {
    "s": Fraction(1),
    "min": Fraction(60),
    "h": Fraction(3600),
    "ds": Fraction(1, 10),
    "cs": Fraction(1, 100),
    "ms": Fraction(1, 1000),
}
CLOCKS = ("m:s", "hhmmss", "hhmmsscc", "1h2m3s")
BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "kB": 1000, "MB": 1000**2, "GB": 1000**3}


def figure(text: str) -> Fraction | None:
    """A figure with a point or a comma; None when it is none. When it has both marks, the last is the decimal one.

    >>> figure("0,003483") == Fraction(3483, 10**6), figure("-1"), figure("1.234,50") == Fraction(12345, 10), figure("1e5")
    (True, Fraction(-1, 1), True, None)
    """
    if "," in text and "." in text:
        text = text.replace("," if text.rfind(".") > text.rfind(",") else ".", "")
    found = _FIGURE.fullmatch(text)
    if not found or not (found[2] or found[3]):
        return None
    decimals = found[3] or ""
    value = Fraction(int(found[2] + decimals or "0"), 10 ** len(decimals))
    return -value if found[1] == "-" else value


def seconds(text: str, unit: str) -> Fraction | None:
    """
    >>> seconds("2:05", "m:s"), seconds("00102000", "hhmmsscc"), seconds("30.4", "s"), seconds("2m5s", "1h2m3s")
    (Fraction(125, 1), Fraction(620, 1), Fraction(152, 5), Fraction(125, 1))
    """
    if unit in SECONDS:
        value = figure(text)
        return None if value is None else value * SECONDS[unit]
    if unit == "m:s":
        parts = [figure(part) for part in text.lstrip("-").split(":")]
        if not 2 <= len(parts) <= 3 or any(part is None or part < 0 for part in parts) or any(part >= 60 for part in parts[1:]):  # type: ignore[operator]
            return None
        total = sum((part * 60**rank for rank, part in enumerate(reversed(parts))), Fraction(0))  # type: ignore[operator]
        return -total if text.startswith("-") else total
    if unit == "1h2m3s":
        found = _SPELLED.fullmatch(text)
        return sum((Fraction(found[rank] or 0) * 60 ** (3 - rank) for rank in (1, 2, 3)), Fraction(0)) if found and text else None
    digits = text + ("" if unit == "hhmmsscc" else "00")
    if not re.fullmatch(r"[0-9]{3,20}", digits) or int(digits[-4:-2]) > 59 or int(digits[-6:-4] or 0) > 59:
        return None
    return Fraction(int(digits[:-6] or 0) * 3600 + int(digits[-6:-4] or 0) * 60) + Fraction(int(digits[-4:]), 100)


def amount(text: str, decimals: int = 0) -> Fraction | None:
    """A price in units of its currency. `decimals`: those that its figure implies (2 = cents).

    >>> amount("$ 1.50"), amount("00000009", 3), amount("12-")
    (Fraction(3, 2), Fraction(9, 1000), Fraction(-12, 1))
    """
    text = text.translate(_WRAPPING)
    value = figure("-" + text[:-1] if text.endswith("-") else text)
    return None if value is None else value / 10**decimals


def whole(value: Fraction, rounding: str = "half") -> int:
    """Half up by default; `up` or `down` toward zero otherwise.

    >>> whole(Fraction(5, 2)), whole(Fraction(-5, 2)), whole(Fraction(1, 10), "up"), whole(Fraction(9, 10), "down")
    (3, -3, 1, 0)
    """
    size = abs(value)
    rounded = int(size + Fraction(1, 2)) if rounding == "half" else int(size) + (rounding == "up" and size.denominator > 1)
    return -rounded if value < 0 else rounded


def euros(value: Fraction) -> str:
    """Rounded half up to the micro-euro, once, as the default format writes it.

    >>> euros(Fraction("0.0034835")), euros(Fraction(-1, 2))
    ('0.003484', '-0.500000')
    """
    micro = abs(whole(value * 10**6))
    return f"{'-' if value < 0 and micro else ''}{micro // 10**6}.{micro % 10**6:06d}"
