"""The page « Changement de carte SIM »: a line by its number, a free card by the end of its own, then both are shown again."""

from typing import Any

from litestar import get
from litestar.response import Template

from gateways.settings import SETTINGS
from jobs import sims
from jobs.lines.sheet import sheet
from rules.paris import paris_date
from rules.rights import Right
from rules.states import SimKind, SimState

SHOWN = 10


@get("/changement-sim", right=Right.lines)
async def page(numero: str = "", carte: str = "") -> Template:
    """The confirmation is that of every act on a line: /lignes/{msisdn}/effet."""
    now = SETTINGS.now()
    context: dict[str, Any] = {"number": numero, "end": carte, "today": paris_date(now), "kinds": SimKind, "line": None}
    if numero.strip():
        cards, free = await sims.listing(sims.Search(state=SimState.in_stock, iccid=carte.strip()), SHOWN)
        context |= {"line": await sheet(numero.strip(), now), "cards": cards, "free": free}
    return Template("swap.html", context=context)


HANDLERS = [page]
