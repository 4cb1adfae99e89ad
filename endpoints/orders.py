"""The pages « Commandes »: the list, a draft written line by line or pasted, submitted once, and what became of it."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from litestar import Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import UploadFile
from litestar.exceptions import NotFoundException
from litestar.response import Redirect, Template

from endpoints import order_form, scheduler
from endpoints.asked import Asked, Form, Sheet
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import ports, sims
from jobs.orders import cards, case, drafts, opening, pasting, submitting, telling
from jobs.orders.case import Case, Row
from jobs.orders.refusing import OrderIncomplete
from jobs.words import customers
from rules import iccid, order_rows, order_words, orders
from rules.order_bill import first_bill
from rules.order_reading import read
from rules.order_shape import differences, shaped
from rules.paris import paris_date
from rules.rights import Right
from rules.states import (
    OrderItemKind,
    OrderItemState,
    OrderState,
    PortState,
    PurchaseMode,
    RequestState,
    SaleMode,
    SimState,
    Terms,
)  # fmt: skip

HOME = "/commandes"
WORDS = {"order_words": order_words, "OrderState": OrderState, "ItemState": OrderItemState}
MOODS = {
    "draft": "", "submitted": "wait", "in_progress": "wait", "held": "wait", "partial": "bad", "completed": "good",
    "rejected": "bad", "cancelled": "off", "requested": "wait", "done": "good", "refused": "bad", "queued": "info",
    "sent": "wait", "accepted": "wait", "in_doubt": "bad", "checked": "info", "eligible": "wait", "frozen": "wait",
    "expired": "bad",
}  # fmt: skip
STARTED = {"kind": "LINE", "commitment_type": "M0", "billing_terms": "ADVANCE", "quantity": "1"}


@get(HOME, right=Right.see)
async def page(etat: str = "", client: str = "", feuille: Sheet = 1) -> Template:
    rows, found = await telling.listing(etat, client, offset=telling.ON_A_PAGE * (feuille - 1))
    context = {"rows": rows, "found": found, "counts": await telling.counts(), "state": etat, "search": client.strip()}
    context |= {"sheet": feuille, "sheets": -(-found // telling.ON_A_PAGE), "moods": MOODS, **WORDS}
    return Template("orders.html", context=context)


@get(HOME + "/nouvelle", right=Right.orders)
async def new(client: str = "") -> Template:
    return Template("order_new.html", context={"client": client, "customers": await customers(), "once": uuid4().hex})


@post(HOME + "/nouvelle", right=Right.orders)
async def create(request: Asked, data: Form) -> Redirect:
    given = {"salesperson": data.get("vendeur", ""), "once": data.get("once", "")}
    key = await drafts.create(data.get("client", ""), [], actor=actor(request), now=SETTINGS.now(), **given)
    return Redirect(f"{HOME}/{key}", query_params={"ajouter": "ligne"}, status_code=303)


@get(HOME + "/{order_id:int}", right=Right.see)
async def order(order_id: int, ligne: int = 0, ajouter: str = "", fait: str = "", feuille: Sheet = 1) -> Template:
    """A draft, with one item open to be written; or what became of a submitted order."""
    found = await case.load(order_id, SETTINGS.now())
    opened = await _open(found, ligne, ajouter) if ligne or ajouter else None
    if not found.draft:
        return _shown("order_followed.html", found, **await telling.followed(found), open=opened, done=fait)
    return _shown("order_draft.html", found, open=opened, done=fait, sheet=feuille)


@post(HOME + "/{order_id:int}/ligne/{rank:int}", right=Right.orders)
async def save(request: Asked, order_id: int, rank: int, data: Form) -> Response[Any]:
    """Save one item of a draft, the new one at rank 0; « ajouter » opens the next."""
    found = await case.load(order_id, SETTINGS.now())
    items = [row["asked"] for row in found.items]
    typed = await _meant(order_form.asked(data), _item(found, rank)["asked"] if rank else {})
    items = [*items[: rank - 1], typed, *items[rank:]] if rank else [*items, typed]
    try:
        await drafts.save(order_id, items, actor=actor(request), now=SETTINGS.now(), version=_version(data))
    except (drafts.ChangedMeanwhile, orders.SimReserved) as problem:
        if rank or not items[:-1] or items[-2] != await _meant(typed, items[-2]):
            return await _again(order_id, rank, typed, problem)
        items.pop()  # the same press, come twice
    place = rank or len(items)
    judged = (await case.load(order_id, SETTINGS.now())).readings[place - 1]
    if data.get("do") == "add" and not judged.faults:
        return _to(order_id, ajouter="ligne", fait="ligne")
    return _to(order_id, **({"ligne": place} if judged.faults else {"fait": "ligne"}))


@post(HOME + "/{order_id:int}/essai", status_code=200, right=Right.orders)
async def trial(order_id: int, data: Form) -> Template:
    """The pieces that follow what is typed: the answer to the RIO, free cards, the first bill."""
    typed = order_form.asked(data)
    found = await case.load(order_id, SETTINGS.now())
    context = await _open(found, 0, typed=typed, batch=data.get("lot", ""))
    return _shown("order_pieces.html", found, open=context, trial=True)


@post(HOME + "/{order_id:int}/dupliquer", right=Right.orders)
async def duplicate(request: Asked, order_id: int, data: Form) -> Redirect:
    """The same item once more, without what only one line can have."""
    return await _reordered(request, order_id, data, lambda items, rank: [*items, _copy(items[rank])])


@post(HOME + "/{order_id:int}/retirer", right=Right.orders)
async def remove(request: Asked, order_id: int, data: Form) -> Redirect:
    return await _reordered(request, order_id, data, lambda items, rank: [*items[:rank], *items[rank + 1 :]])


@post(HOME + "/{order_id:int}/coller", status_code=200, right=Right.orders)
async def paste(request: Asked, order_id: int) -> Response[Any]:
    """Many lines at once, from a table pasted or sent."""
    form = await request.form()
    file, text = form.get("fichier"), str(form.get("lignes", ""))
    data = await file.read() if isinstance(file, UploadFile) else b""
    name = file.filename if isinstance(file, UploadFile) and data else "collage"
    how: Row = {"version": _version(form), "actor": actor(request), "now": SETTINGS.now(), "only_good": bool(form.get("justes"))}
    pasted = await pasting.paste(order_id, data or text.encode(), name, **how)
    if not pasted.errors:
        return _to(order_id, fait="lignes")
    found = await case.load(order_id, SETTINGS.now())
    return _shown("order_draft.html", found, open=None, done="", sheet=1, pasted=pasted, pasted_text=text, status=422)


@post(HOME + "/{order_id:int}/valider", right=Right.orders)
async def submit(request: Asked, order_id: int, data: Form) -> Response[Any]:
    """Check everything again and ask for it, once."""
    try:
        await submitting.submit(order_id, actor=actor(request), now=SETTINGS.now(), version=_version(data))
    except (OrderIncomplete, orders.SimReserved, orders.NumberTaken, drafts.ChangedMeanwhile) as problem:
        found = await case.load(order_id, SETTINGS.now())
        status = getattr(problem, "status", 422)
        return _shown("order_draft.html", found, open=None, done="", sheet=1, refusal=str(problem), status=status)
    answer = _to(order_id, fait="validee")
    answer.background = BackgroundTask(scheduler.at_once, "send-mails")
    return answer


@get(HOME + "/{order_id:int}/annuler", right=Right.orders)
async def confirm_cancel(order_id: int) -> Template:
    return _shown("order_cancel.html", await case.load(order_id, SETTINGS.now()))


@post(HOME + "/{order_id:int}/annuler", right=Right.orders)
async def cancel(request: Asked, order_id: int, data: Form) -> Redirect:
    await drafts.cancel(order_id, actor=actor(request), now=SETTINGS.now(), reason=data.get("motif", ""))
    return _to(order_id)


@post(HOME + "/{order_id:int}/recommencer", right=Right.orders)
async def again(request: Asked, order_id: int, data: Form) -> Redirect:
    """A copy as a draft: a rejected order itself stays as it ended."""
    return _to(await drafts.again(order_id, actor(request), SETTINGS.now(), data.get("once")))


@post(HOME + "/{order_id:int}/redemander/{rank:int}", right=Right.orders)
async def retry(request: Asked, order_id: int, rank: int, data: Form) -> Response[Any]:
    """Ask the network again for a refused line, corrected."""
    row = _item(await case.load(order_id, SETTINGS.now()), rank)
    typed = await _meant(order_form.asked(data), row["asked"])
    try:
        await opening.retry(row["id"], typed, actor=actor(request), now=SETTINGS.now())
    except (OrderIncomplete, orders.SimReserved, orders.NumberTaken) as problem:
        return await _again(order_id, rank, typed, problem)
    return _to(order_id, fait="redemandee")


@post(HOME + "/{order_id:int}/abandonner/{rank:int}", right=Right.orders)
async def give_up(request: Asked, order_id: int, rank: int, data: Form) -> Redirect:
    """Cancel the port of one line, until its eve."""
    row = _item(await case.load(order_id, SETTINGS.now()), rank)
    reason = data.get("motif", "").strip()[:200] or "Abandonnée par le client"
    await ports.cancel(await ports.of_item(row["id"]), reason=reason, actor=actor(request), now=SETTINGS.now())
    return _to(order_id)


@post(HOME + "/{order_id:int}/clore", right=Right.orders)
async def close(request: Asked, order_id: int) -> Redirect:
    """Give up the lines that the network refused."""
    await opening.close(order_id, actor=actor(request), now=SETTINGS.now())
    return _to(order_id)


@get(HOME + "/{order_id:int}/recapitulatif.pdf", right=Right.see)
async def summary(order_id: int) -> Response[bytes]:
    found = await case.find(order_id)
    if not found["summary"]:
        raise NotFoundException
    headers = {"content-disposition": f'inline; filename="{found["number"]}.pdf"'}
    return Response((SETTINGS.data_dir / found["summary"]).read_bytes(), media_type="application/pdf", headers=headers)


def _to(order_id: int, **query: Any) -> Redirect:
    return Redirect(f"{HOME}/{order_id}", query_params=query, status_code=303)


def _version(data: Any) -> int:
    text = str(data.get("version", ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _item(found: Case, rank: int) -> Row:
    if not 1 <= rank <= len(found.items):
        raise NotFoundException
    return found.items[rank - 1]


async def _meant(typed: Row, known: Row) -> Row:
    """An item as it is kept, its card found by the end that was typed."""
    found = shaped(typed)
    return found | ({"iccid": await cards.meant(found["iccid"], known.get("iccid", ""))} if "iccid" in found else {})


def _copy(item: Row) -> Row:
    kept = {name: value for name, value in item.items() if name not in ("user_name", "iccid", "porting")}
    return kept | ({"device": {**item["device"], "imei": ""}} if "device" in item else {})


async def _reordered(request: Asked, order_id: int, data: Form, change: Callable[[list[Row], int], list[Row]]) -> Redirect:
    found = await case.load(order_id, SETTINGS.now())
    rank = int(data.get("rang", "0")) if data.get("rang", "").isdigit() else 0
    _item(found, rank)
    items = change([row["asked"] for row in found.items], rank - 1)
    await drafts.save(order_id, items, actor=actor(request), now=SETTINGS.now(), version=_version(data))
    return _to(order_id, **({"ligne": len(items)} if len(items) > len(found.items) else {}))


async def _again(order_id: int, rank: int, typed: Row, problem: Exception) -> Template:
    """The form as it was typed, with why it was not saved; what someone else saved meanwhile stands beside it."""
    found = await case.load(order_id, SETTINGS.now())
    opened = await _open(found, rank if rank <= len(found.items) else 0, typed=typed)
    stored = found.items[rank - 1]["asked"] if 1 <= rank <= len(found.items) else {}
    clash = differences(stored, typed) if rank else ({}, {})
    moved = isinstance(problem, drafts.ChangedMeanwhile)
    name = "order_draft.html" if found.draft else "order_followed.html"
    more = {} if found.draft else await telling.followed(found)
    status = getattr(problem, "status", 422)
    return _shown(
        name, found, open=opened, done="", sheet=1, refusal=str(problem), clash=clash if moved else None, status=status, **more
    )


async def _open(found: Case, rank: int, add: str = "", typed: Row | None = None, batch: str | None = None) -> Row:
    """The item under the pen, with all that its form offers."""
    options = list(found.shelf.options)
    item: Row = typed or (_item(found, rank)["asked"] if rank else STARTED | {"kind": "SERVICE" if add == "service" else "LINE"})
    shelf = await case.stock(found.customer, [item], paris_date(SETTINGS.now()), found.order["id"])
    reading = read(item, shelf)
    faults = list(reading.faults) if typed is not None or rank else []
    porting = item.get("porting") or {}
    end = "" if iccid.is_valid(item.get("iccid", "")) else item.get("iccid", "")
    return {
        "rank": rank,
        "shelf": shelf,
        "discounts": max(2, len(item.get("discounts") or ()) + 1),
        "kind": item["kind"],
        "values": order_form.values(item, options),
        "errors": order_form.bubbles(faults, item, options),
        "item": reading.item,
        "warnings": reading.warnings,
        "bill": first_bill(reading.item, found.customer["discount_percent"]),
        "rio": order_words.rio_answer(porting.get("rio") or "", porting.get("msisdn") or "", found.customer["kind"]),
        "cards": await cards.free(end, batch or ""),
        "batch": batch or "",
        "batches": [one.name for one in await sims.stock() if one.left and one.name][:100] if batch is None else [],
        "end": end,
    }


def _shown(name: str, found: Case, *, status: int = 200, open: Row | None = None, **context: Any) -> Template:
    percent = found.customer["discount_percent"]
    bills = [first_bill(reading.item, percent) for reading in found.readings]
    lines = sum(row["kind"] == OrderItemKind.line for row in found.items)
    known = {
        "case": found, "order": found.order, "customer": found.customer, "bills": bills, "open": open, "moods": MOODS,
        "total_cents": sum(line.amount_cents for bill in bills for line in bill), "shelf": found.shelf,
        "title": order_words.count(lines, len(found.items) - lines) or "Commande vide", "once": uuid4().hex, "per_page": 50,
        "in_force": orders.in_force, "choices": {"sale": SaleMode, "purchase": PurchaseMode, "terms": Terms},
        "states": {"request": RequestState, "port": PortState, "sim": SimState},
        "columns": ";".join(order_rows.COLUMNS), "refusal": "", "clash": None, "pasted": None, "pasted_text": "", "sheet": 1,
        "trial": False,
    }  # fmt: skip
    return Template(name, context=known | WORDS | context, status_code=status)


HANDLERS = [
    page, new, create, order, save, trial, duplicate, remove, paste, submit, confirm_cancel, cancel, again, retry, give_up, close,
    summary,
]  # fmt: skip
