"""Figures, dates and names as French readers write them; the spaces that must not break are here, not in the templates."""

from datetime import date, datetime
from decimal import Decimal
from math import cos, pi, sin, tau

from markupsafe import Markup

from rules import money, msisdn
from rules.french import NARROW, NO_BREAK, french
from rules.paris import PARIS, Month, french_date
from rules.seek import parts
from rules.states import MailState


def euros(amount_cents: int) -> str:
    """
    >>> euros(123_450)
    '1\\u202f234,50\\u202f€'
    """
    return money.french(amount_cents)


def price(euros_excl_vat: Decimal | str) -> str:
    """A unit price, with its six decimals."""
    return f"{Decimal(euros_excl_vat):.6f}".replace(".", ",").replace("-", "−") + f"{NARROW}€"


def micro_price(amount_micro: int) -> str:
    """Micro-euros as a unit price."""
    return price(Decimal(amount_micro) / money.MICRO)


def micro_euros(amount_micro: int) -> str:
    """Micro-euros to the cent."""
    return euros(money.cents(amount_micro))


def percent(value: Decimal) -> str:
    """A difference in per cent, with its sign.

    >>> percent(Decimal("-6.3")), percent(Decimal("1250.0"))
    ('−6,3\\u202f%', '+1\\u202f250,0\\u202f%')
    """
    return f"{value:+,}".replace(",", NARROW).replace(".", ",").replace("-", "−") + f"{NARROW}%"


def rate(value: Decimal | str) -> str:
    """A rate in per cent, without idle zeros.

    >>> rate(Decimal("8.50"))
    '8,5\\u202f%'
    """
    return f"{Decimal(value).normalize():f}".replace(".", ",") + f"{NARROW}%"


def number(value: int) -> str:
    """
    >>> number(-20_150)
    '−20\\u202f150'
    """
    return f"{value:,}".replace(",", NARROW).replace("-", "−")


def count(value: int, one: str, many: str = "") -> str:
    """A count and its noun; French keeps the singular below two.

    >>> count(1, "facture"), count(2, "avoir"), count(0, "cheval", "chevaux")
    ('1\\xa0facture', '2\\xa0avoirs', '0\\xa0cheval')
    """
    return f"{number(value)}{NO_BREAK}{one if abs(value) < 2 else many or one + 's'}"


def day(value: date | str) -> str:
    """1er novembre 2026; of a date, or of one as JSON keeps it."""
    return french_date(date.fromisoformat(value) if isinstance(value, str) else value)


def instant(value: datetime | str) -> str:
    """A UTC instant, or one as JSON keeps it, in Paris: 1er novembre 2026, 14 h 03."""
    local = (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(PARIS)
    return f"{french_date(local.date())}, {local.hour}{NO_BREAK}h{NO_BREAK}{local.minute:02d}"


def month(value: str) -> str:
    """
    >>> month("2026-10")
    'octobre 2026'
    """
    return Month.parse(value).french


def of_month(value: str) -> str:
    """
    >>> of_month("2026-10")
    'd’octobre 2026'
    """
    return french(Month.parse(value).of_french)


def size(octets: int) -> str:
    """
    >>> size(4_187_593_113), size(900)
    ('3,9\\xa0Go', '900\\xa0octets')
    """
    for power, unit in ((3, "Go"), (2, "Mo"), (1, "Ko")):
        if octets >= 1024**power:
            return f"{octets / 1024**power:.1f}".replace(".", ",") + NO_BREAK + unit
    return f"{octets}{NO_BREAK}octets"


def phone(text: str) -> str:
    """06 12 34 56 78, unbreakable."""
    return msisdn.format(text)


def mail_state(code: str) -> str:
    """
    >>> mail_state("in_doubt")
    'À vérifier'
    """
    return MailState(code).label


FLATS = {
    "good": "active completed done validated",
    "wait": "pending suspended_out suspended_full submitted in_progress held partial requested checked eligible blocked",
    "bad": "rejected refused lost faulty failed in_doubt",
    "info": "termination_scheduled frozen reserved planned",
    "off": "terminated ported_out cancelled expired retired",
}
FLAT = {code: flat for flat, codes in FLATS.items() for code in codes.split()}


def flat(code: str) -> str:
    """The flat colour of a state of a line, a card, an order, a port or a request.

    >>> flat("suspended_out"), flat("in_stock")
    ('wait', '')
    """
    return FLAT.get(code, "")


def marked(text: str, needles: list[str]) -> Markup:
    """What was looked for, highlighted wherever it stands.

    >>> marked("Noël <b>", ["noel"])
    Markup('<mark>Noël</mark> &lt;b&gt;')
    """
    pieces = (Markup("<mark>{}</mark>" if hit else "{}").format(part) for part, hit in parts(text, needles))
    return Markup("").join(pieces)


def sector(part: int, whole: int) -> str:
    """The SVG path of a part of a disc of radius 46 around (50, 50), from noon, clockwise.

    >>> sector(6, 24)
    'M50 50V4A46 46 0 0 1 96.00 50.00z'
    """
    angle = tau * min(part, whole) / whole if whole else 0
    if part >= whole:
        return "M50 4a46 46 0 1 1 0 92a46 46 0 1 1 0-92z"
    return f"M50 50V4A46 46 0 {int(angle > pi)} 1 {50 + 46 * sin(angle):.2f} {50 - 46 * cos(angle):.2f}z"


ALL = {
    each.__name__: each
    for each in (
        euros, price, micro_price, micro_euros, percent, rate, number, count, day, instant, month, of_month, size,
        phone, mail_state, flat, marked, french, sector,
    )
}  # fmt: skip
