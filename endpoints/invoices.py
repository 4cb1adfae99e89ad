"""The page of an issued document; the credit note made from it; the invoice made again."""

from typing import Any

from litestar import Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.response import Redirect, Template

from endpoints import scheduler
from endpoints.asked import Asked, Form
from endpoints.session import actor
from gateways.settings import SETTINGS
from jobs import invoices
from jobs.billing import overview, send
from jobs.billing.telling import label
from jobs.invoices import crediting, reinvoicing
from jobs.mails import overview as mails
from jobs.money.balances import paid_cents
from rules.errors import RuleError
from rules.files import cells
from rules.mail import addresses
from rules.paris import paris_date
from rules.receivables import standing
from rules.reinvoicing import Correction
from rules.rights import Right
from rules.states import InvoiceOrigin
from tables.parties import Customer

HOME = "/factures"
LINE, LABEL, QUANTITY, AMOUNT = "ligne-", "libelle-", "quantite-", "montant-"


@get(HOME + "/{number:str}", right=Right.see)
async def page(number: str) -> Template:
    issued = await invoices.get(number)
    row = issued.row
    customer = (await Customer.select(Customer.billing_email).where(Customer.id == row["customer"]))[0]
    context = {
        "issued": issued, "document": issued.document, "law": issued.invoiced, "papers": await invoices.papers(row["id"]),
        "mails": (await mails.of_invoices([row["id"]])).get(row["id"], []), "story": await invoices.history(row["id"]),
        "addresses": addresses(customer["billing_email"]), "label": label, "origin": InvoiceOrigin(row["origin"]),
    }  # fmt: skip
    if issued.is_invoice:
        context["paid"] = paid = await paid_cents(row["id"])
        context["standing"] = standing(row["incl_vat_cents"], paid, row["due_on"], paris_date(SETTINGS.now()))
    return Template("invoice.html", context=context)


@post(HOME + "/{number:str}/editer", right=Right.validate)
async def print_(number: str) -> Redirect:
    """The papers that are missing, of a document made by hand."""
    await invoices.seal(number)
    return _to(number)


@post(HOME + "/{number:str}/envoyer", right=Right.mails)
async def send_(request: Asked, number: str) -> Redirect:
    await send.send_one((await invoices.get(number)).row["id"], actor(request))
    return Redirect(f"{HOME}/{number}", status_code=303, background=BackgroundTask(scheduler.at_once, "send-mails"))


@get(HOME + "/{number:str}/avoir", right=Right.validate)
async def credit_form(number: str) -> Template:
    return await _credit(number)


@post(HOME + "/{number:str}/avoir", right=Right.validate, status_code=200)
async def credit_preview(number: str, data: Form) -> Template:
    """What the credit note would say; or what was typed, and why it cannot be."""
    try:
        wanted = None if data.get("geste") == "tout" else _amounts(data)
        found = await crediting.preview(number, wanted, data.get("motif", ""))
    except RuleError as refusal:
        if getattr(refusal, "status", 422) == 404:
            raise
        return await _credit(number, typed=data, problem=str(refusal))
    numbers = await overview.numbers(paris_date(SETTINGS.now()))
    return Template("invoice_credit_preview.html", context={"found": found, "label": label, "next": numbers[1]})


@post(HOME + "/{number:str}/avoir/emettre", right=Right.validate)
async def credit(request: Asked, number: str, data: Form) -> Redirect:
    seen = cells.signed_cents(data.get("vu", ""))
    made = await crediting.make(
        number, _amounts(data), data.get("motif", ""), seen, actor=actor(request), now=SETTINGS.now()
    )  # fmt: skip
    await invoices.seal(made)
    return _to(made)


@post(HOME + "/{number:str}/refacturer", right=Right.validate)
async def reinvoice(request: Asked, number: str, data: Form) -> Redirect:
    """The draft of a new invoice; nothing is issued."""
    draft = await reinvoicing.start(number, data.get("motif", ""), actor=actor(request), now=SETTINGS.now())
    return _to(f"brouillon/{draft}")


@get(HOME + "/brouillon/{draft_id:int}", right=Right.see)
async def draft(draft_id: int) -> Template:
    return await _draft(draft_id)


@post(HOME + "/brouillon/{draft_id:int}", right=Right.validate, status_code=200)
async def correct(request: Asked, draft_id: int, data: Form) -> Response[Any]:
    try:
        await reinvoicing.correct(draft_id, _corrections(data), actor=actor(request), now=SETTINGS.now())
    except RuleError as refusal:
        if getattr(refusal, "status", 422) == 404:
            raise
        return await _draft(draft_id, typed=data, problem=str(refusal))
    return _to(f"brouillon/{draft_id}")


@post(HOME + "/brouillon/{draft_id:int}/valider", right=Right.validate, status_code=200)
async def validate(request: Asked, draft_id: int, data: Form) -> Response[Any]:
    """Issue what was seen; else show what it has become."""
    seen = cells.signed_cents(data.get("vu", ""))
    try:
        made = await reinvoicing.validate(draft_id, _corrections(data), seen, actor=actor(request), now=SETTINGS.now())
    except invoices.SeenBefore as changed:
        return await _draft(draft_id, said=str(changed))
    except RuleError as refusal:
        if getattr(refusal, "status", 422) == 404:
            raise
        return await _draft(draft_id, typed=data, problem=str(refusal))
    await invoices.seal(made)
    return _to(made)


@post(HOME + "/brouillon/{draft_id:int}/abandonner", right=Right.validate)
async def abandon(request: Asked, draft_id: int) -> Redirect:
    return _to(await reinvoicing.abandon(draft_id, actor=actor(request), now=SETTINGS.now()))


async def _credit(number: str, typed: dict[str, str] | None = None, problem: str = "") -> Template:
    issued = await invoices.get(number)
    context = {"issued": issued, "law": issued.invoiced, "label": label, "typed": typed or {}, "problem": problem}
    return Template("invoice_credit.html", context=context)


async def _draft(draft_id: int, typed: dict[str, str] | None = None, problem: str = "", said: str = "") -> Template:
    row, issued = await reinvoicing.draft(draft_id)
    numbers = await overview.numbers(paris_date(SETTINGS.now()))
    context = {"row": row, "issued": issued, "label": label, "typed": typed or {}, "problem": problem, "said": said}
    return Template("invoice_draft.html", context=context | {"next": numbers[0]})


def _amounts(data: dict[str, str]) -> dict[int, int]:
    """Cents by the rank of the line, of the fields that are filled. Raises NotAFigure and its neighbours."""
    return {rank: cells.signed_cents(data[f"{LINE}{rank}"]) for rank in _ranks(data, LINE)}


def _corrections(data: dict[str, str]) -> dict[int, Correction]:
    found = {}
    for rank in _ranks(data, AMOUNT):
        words = cells.clean(data.get(f"{LABEL}{rank}", ""), 300)
        if not words:
            raise cells.EmptyCell(f"Ligne {rank} : le libellé est vide. Remplissez-le.")
        pieces = cells.integer(0, 999_999)(cells.clean(data.get(f"{QUANTITY}{rank}", ""), 12))
        found[rank] = Correction(words, pieces, cells.signed_cents(data[f"{AMOUNT}{rank}"]))
    return found


def _ranks(data: dict[str, str], prefix: str) -> list[int]:
    names = [name.removeprefix(prefix) for name, value in data.items() if name.startswith(prefix) and value.strip()]
    return [int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 7]


def _to(place: str) -> Redirect:
    return Redirect(f"{HOME}/{place}", status_code=303)


HANDLERS = [
    page, print_, send_, credit_form, credit_preview, credit, reinvoice, draft, correct, validate, abandon,
]  # fmt: skip
