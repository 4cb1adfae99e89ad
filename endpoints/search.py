"""The search box of every page, and the same by API."""

from typing import Annotated, Any

from litestar import Router, get
from litestar.params import Parameter
from litestar.response import Redirect, Template

from jobs.search import Found, search, surely
from rules import seek
from rules.rights import Right

Text = Annotated[str, Parameter(query="q", description="Un numéro, un nom, un ICCID ou sa fin, un RIO.")]
TITLES = {
    "line": "Lignes", "customer": "Clients", "sim": "Cartes SIM", "order": "Commandes", "port": "Portabilités",
    "invoice": "Factures et avoirs",
}  # fmt: skip
TOLD = ("kind", "id", "label", "detail", "url")


@get("/recherche", right=Right.see)
async def page(q: str = "") -> Template | Redirect:
    """The finds by kind; a whole number that one thing bears leads straight to it."""
    found = await search(q)
    if place := surely(found, q):
        return Redirect(place, status_code=303)
    context: dict[str, Any] = {"found": found, "asked_for": seek.clean(q), "needles": seek.needles(q), "titles": TITLES}
    return Template("search.html", context=context)


@get(right=Right.see)
async def find(text: Text) -> dict[str, Any]:
    """At most twenty of each kind, numbers as programs write them; `total` counts them all."""
    found: Found = await search(text)
    hits = [hit for kind in TITLES for hit in found.hits.get(kind, [])]
    items = [{name: getattr(hit, name) for name in TOLD} for hit in hits]
    for item, hit in zip(items, hits, strict=True):
        item["label"] = hit.label if hit.kind == "customer" else hit.key
    return {"items": items, "total": found.total}


HANDLERS = [page]
router = Router("/api/search", route_handlers=[find], tags=["Recherche"])
