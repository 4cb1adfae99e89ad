"""The first page: what waits for a person, then the month's figures."""

from dataclasses import dataclass
from typing import Any

from litestar import get
from litestar.response import Template

from gateways.settings import SETTINGS
from jobs import home
from rules.french import NARROW
from rules.paris import MONTHS, Month, paris_date
from rules.rights import Right

WEEKDAYS = ("Lundi", "Mardi", "Mercredi", "Jeudi", "Vendredi", "Samedi", "Dimanche")
SHORT = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")
LEFT, PITCH, FLOOR, HEIGHT = 40, 31, 170, 138  # of the drawing
THOUSANDS_FROM_CENTS = 1_000_000


@get("/", right=Right.see)
async def page() -> Template:
    now = SETTINGS.now()
    figures = await home.figures(now)
    today = paris_date(now)
    context: dict[str, Any] = {"day": await home.day(now), "figures": figures, "weekday": WEEKDAYS[today.weekday()]}
    context["month"] = Month.of(today)
    return Template("home.html", context=context | {"chart": drawn(figures.months, Month.of(today))})


@dataclass(frozen=True)
class Bar:
    name: str
    x: int
    height: float
    draft: bool


@dataclass(frozen=True)
class Chart:
    """`ticks`: what stands beside each line of the grid, and its height."""

    bars: list[Bar]
    ticks: list[tuple[str, float]]
    unit: str
    said: str


def drawn(months: list[dict[str, Any]], current: Month) -> Chart | None:
    """The last twelve months before the current one, and the current one; None when nothing is billed."""
    if not months:
        return None
    known = {row["month"]: row for row in months}
    top = max(1, *(row["totals"]["incl_vat_cents"] for row in months))
    step = next(size * 10**power for power in range(2, 16) for size in (1, 2, 5) if size * 10**power * 4 >= top)
    whole = max(top, step)
    unit = 100_000 if top >= THOUSANDS_FROM_CENTS else 100
    ticks = [
        (f"{step * rank / unit:,g}".replace(",", NARROW).replace(".", ","), FLOOR - HEIGHT * step * rank / whole)
        for rank in range(1, 5)
        if step * rank <= whole
    ]
    shown = [current.back(back) for back in range(11, -1, -1)]
    bars = []
    for rank, month in enumerate(shown):
        row = known.get(str(month))
        cents = max(0, row["totals"]["incl_vat_cents"]) if row else 0
        height = round(HEIGHT * cents / whole, 1)
        bars.append(Bar(SHORT[month.number - 1], LEFT + PITCH * rank, height, bool(row and row["draft"])))
    last = months[-1]
    said = f"{MONTHS[int(last['month'][5:]) - 1]} {last['month'][:4]}"
    return Chart(bars, ticks, "en milliers d'euros" if unit == 100_000 else "en euros", said)


HANDLERS = [page]
