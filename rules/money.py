"""Money is integer: micro-euros when rated, cents when invoiced (1 € = 1 000 000 µ€ = 100 c)."""

from decimal import Decimal

from rules.errors import RuleError

MICRO = 1_000_000
MICRO_PER_CENT = 10_000


class TooManyDecimals(RuleError):
    """An amount finer than the micro-euro."""


def half_up(numerator: int, denominator: int) -> int:
    """The quotient rounded to the nearest integer, away from zero at exactly one half (billing law, introduction).

    >>> half_up(5, 10), half_up(-5, 10), half_up(4, 10), half_up(-15, 10)
    (1, -1, 0, -2)
    """
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def micro(euros: Decimal) -> int:
    """Euros of at most six decimals as micro-euros, exactly. Raises TooManyDecimals rather than round.

    >>> micro(Decimal("0.083333"))
    83333
    """
    scaled = euros * MICRO
    if scaled != int(scaled):
        raise TooManyDecimals(f"{euros} a plus de six décimales. Arrondissez vous-même : nous n'arrondissons jamais un prix.")
    return int(scaled)


def cents(amount_micro: int) -> int:
    """Micro-euros to cents, half-up.

    >>> cents(5_000), cents(4_999), cents(-5_000)
    (1, 0, -1)
    """
    return half_up(amount_micro, MICRO_PER_CENT)


def percent_of(amount_cents: int, percent: Decimal) -> int:
    """A percentage (at most two decimals) of cents, half-up to cents.

    >>> percent_of(833, Decimal("50")), percent_of(-833, Decimal("50")), percent_of(30, Decimal("8.5"))
    (417, -417, 3)
    """
    hundredths = percent * 100
    if hundredths != int(hundredths):
        raise TooManyDecimals(f"{percent} % a plus de deux décimales.")
    return half_up(amount_cents * int(hundredths), 10_000)


def french(amount_cents: int) -> str:
    """Cents as a clerk reads them: narrow no-break spaces, true minus.

    >>> french(-123_450)
    '−1\u202f234,50\u202f€'
    """
    whole, part = divmod(abs(amount_cents), 100)
    return f"{'−' if amount_cents < 0 else ''}{whole:,}".replace(",", "\u202f") + f",{part:02d}\u202f€"
