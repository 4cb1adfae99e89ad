"""The page « Comptabilité »: the sales journal and the summary of a period, and the accounts in which sales are entered."""

from typing import Any

from litestar import Response, get, post
from litestar.response import File, Redirect, Template

from endpoints.asked import Asked, Form
from endpoints.imports import csv_response
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import accounting, documents
from jobs.billing import export
from rules.journal import ENCODING
from rules.paris import Month, paris_date
from rules.period import Period
from rules.rights import Right

HOME = "/comptabilite"


@get(HOME, right=Right.see)
async def page(mois: str = "", du: str = "", au: str = "", fait: int = 0) -> Template:
    """A month, the last one that is over unless told, or any period."""
    today = paris_date(SETTINGS.now())
    month = Month.parse(mois) if mois else Month.of(today).previous
    period = Period.parse(du, au) if du or au else Period.of(month)
    exports = await accounting.exports()
    context: dict[str, Any] = {
        "period": period, "month": month, "totals": await documents.totals(period), "open": period.last >= today,
        "exports": exports, "accounts": await accounting.accounts(),
        "done": next((one for one in exports if one["id"] == fait), None),
        "known": next((one for one in exports if (one["first_day"], one["last_day"]) == (period.first, period.last)), None),
    }  # fmt: skip
    return Template("accounting.html", context=context)


@post(HOME + "/exporter", right=Right.billing)
async def export_(request: Asked, data: Form) -> Redirect:
    """Write the journal of a period; one that was written is found again."""
    period = Period.parse(data.get("du", ""), data.get("au", ""))
    made = await accounting.export(period, actor(request))
    query = {"du": str(period.first), "au": str(period.last), "fait": str(made)}
    return Redirect(HOME, query_params=query, status_code=303)


@get(HOME + "/journal/{export_id:int}", right=Right.billing)
async def journal(export_id: int) -> File:
    """The journal as it was handed over; always the same bytes."""
    name, path = await accounting.kept(export_id)
    return File(path, filename=name, media_type=f"text/plain; charset={ENCODING}")


@get(HOME + "/recapitulatif.csv", right=Right.billing)
async def summary(du: str, au: str) -> Response[str]:
    """The documents of a period, one a row."""
    period = Period.parse(du, au)
    text = await export.summary_csv(documents.issued_in(period))
    return csv_response(text, f"recapitulatif-{period.first}-{period.last}.csv")


HANDLERS = [page, export_, journal, summary]
