"""The page « Facturation »: a month from its CDRs to its numbered invoices."""

from typing import Any

from litestar import Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.exceptions import NotFoundException
from litestar.response import Redirect, Stream, Template

from endpoints import scheduler
from endpoints.asked import Asked, Form, Sheet
from endpoints.billing_runs import archive, sealed, summary
from endpoints.session import actor
from gateways import logos
from gateways.press import PRESS
from gateways.settings import SETTINGS
from jobs import reseller
from jobs.billing import overview, runs, send, telling
from jobs.mails import counts
from jobs.mails import overview as mails
from rules.paris import Month, paris_date
from rules.rights import Right
from rules.states import COMPUTING, RunState
from tables.mail import Mail

HOME = "/facturation"
STAGES = (
    # word, the states in which it is under way, what it counts
    ("Valorisation", (RunState.queued, RunState.rating), "rated"),
    ("Brouillons", (RunState.drafting,), "documents"),
    ("Contrôles", (RunState.controlled,), ""),
    ("Validation", (RunState.validating,), ""),
    ("Édition", (RunState.validated, RunState.printing), ""),
    ("Envoi", (RunState.printed, RunState.sending), ""),
)


@get(HOME, right=Right.see)
async def page(mois: str = "", client: str = "", feuille: Sheet = 1) -> Template:
    today = paris_date(SETTINGS.now())
    month = await overview.month_to_show(mois, today)
    run = await overview.run_of(month)
    context: dict[str, Any] = {"month": month, "today": today, "run": run, "search": client, "sheet": feuille}
    context["stored"] = await overview.stored(month)
    context["missing"] = reseller.missing(await reseller.current())
    if run:
        rows, found = await overview.documents(run["id"], client, feuille)
        groups = overview.grouped(run["controls"])
        context |= {
            "rows": rows,
            "found": found,
            "sheets": -(-found // overview.ON_A_PAGE),
            "groups": groups,
            "blocking": sum(group.open for group in groups if group.severity == "blocking"),
            "parked": await overview.parked(run["id"]),
            "mails": await mails.of_invoices([row["id"] for row in rows]),
            "mail_states": await counts(Mail.invoice.run == run["id"]),
            "numbers": await overview.numbers(today),
            "stages": _stages(run),
            "computing": RunState(run["state"]) in COMPUTING and not run["interrupted"],
            "documents": run["totals"].get("invoices", 0) + run["totals"].get("credit_notes", 0),
        }
    return Template("billing.html", context=context)


def _stages(run: dict[str, Any]) -> list[dict[str, str]]:
    """Each stage with its mark: done, current or to come."""
    state = RunState(run["state"])
    place = next((rank for rank, (_, states, _) in enumerate(STAGES) if state in states), len(STAGES))
    if state == RunState.failed:
        place = {"draft": 0, "validate": 3, "print": 4}[run["progress"]["stage"]]
    marks = ["done" if rank < place else "current" if rank == place else "to come" for rank in range(len(STAGES))]
    return [{"word": word, "mark": mark, "counts": counts} for (word, _, counts), mark in zip(STAGES, marks, strict=True)]


@get(HOME + "/{run_id:int}/avancement", right=Right.see)
async def progress(run_id: int) -> Template:
    """The piece that moves; empty once the work is done, and the page is read anew."""
    run = await telling.describe(run_id)
    moving = RunState(run["state"]) in COMPUTING and not run["interrupted"]
    return Template("billing_progress.html", context={"run": run, "computing": moving})


@post(HOME + "/lancer", right=Right.billing)
async def start(request: Asked, data: Form) -> Redirect:
    """Start the month; a second press finds it started."""
    month = Month.parse(data.get("mois", ""))
    if not await runs.find(month):
        await runs.start(month, actor(request))
    return _back(str(month))


@get(HOME + "/{run_id:int}/valider", right=Right.validate)
async def confirm(run_id: int) -> Template:
    run = await telling.describe(run_id)
    today = paris_date(SETTINGS.now())
    context = {"run": run, "today": today, "numbers": await overview.numbers(today)}
    return Template("billing_confirm.html", context=context)


@post(HOME + "/{run_id:int}/valider", right=Right.validate)
async def validate(request: Asked, run_id: int) -> Redirect:
    """Validate, then print, in one go."""
    await runs.begin(run_id, "validate", actor(request), work=lambda run: runs.spawn(run, "print"))
    return _back((await runs.get(run_id))["month"])


@post(HOME + "/{run_id:int}/editer", right=Right.validate)
async def print_(request: Asked, run_id: int) -> Redirect:
    await runs.begin(run_id, "print", actor(request))
    return _back((await runs.get(run_id))["month"])


@get(HOME + "/{run_id:int}/envoyer", right=Right.mails)
async def confirm_send(run_id: int) -> Template:
    """How many mails, to whom, and who has no address."""
    context = {"run": await runs.get(run_id), "plan": await send.plan(run_id), "settings": SETTINGS}
    return Template("billing_send.html", context=context)


@post(HOME + "/{run_id:int}/envoyer", right=Right.mails)
async def send_(request: Asked, run_id: int, data: Form) -> Redirect:
    """Send what is not sent yet: all documents, or the one that is named."""
    if one := data.get("facture", ""):
        await send.send_one(int(one) if one.isdigit() else 0, actor(request))
    else:
        await send.send(run_id, actor(request))
    answer = _back((await runs.get(run_id))["month"])
    answer.background = BackgroundTask(scheduler.at_once, "send-mails")
    return answer


@post(HOME + "/{run_id:int}/refaire", right=Right.billing)
async def redraft(request: Asked, run_id: int) -> Redirect:
    await runs.begin(run_id, "draft", actor(request))
    return _back((await runs.get(run_id))["month"])


@post(HOME + "/{run_id:int}/reprendre", right=Right.billing)
async def resume(run_id: int) -> Redirect:
    return _back((await runs.resume(run_id))["month"])


@post(HOME + "/{run_id:int}/deroger", right=Right.billing)
async def waive(request: Asked, run_id: int, data: Form) -> Redirect:
    """Waive one finding, or every open one of a code."""
    for row in await runs.controls(run_id):
        wanted = row["code"] == data.get("code") and not row["waived"]
        if wanted and (
            "msisdn" not in data or (row["msisdn"] or "", row["customer_number"] or "") == (data["msisdn"], data["client"])
        ):
            await runs.waive(run_id, row["code"], row["customer_number"], row["msisdn"], data.get("motif", ""), actor(request))
    return _back((await runs.get(run_id))["month"])


@get(HOME + "/document/{name:str}", right=Right.see)
async def document(name: str, telecharger: bool = False) -> Response[bytes]:
    """A sealed PDF by its name, or a draft by its id, made on the spot."""
    stem, _, ending = name.rpartition(".")
    if ending == "pdf" and stem.isdigit():
        draft = await overview.draft_document(int(stem), paris_date(SETTINGS.now()))
        if draft is None:
            raise NotFoundException
        made = await PRESS.ask("invoice", draft, logos.kept(draft["seller"].get("logo", "")))
        headers = {"content-disposition": f'inline; filename="brouillon-{stem}.pdf"'}
        return Response(made.pdf, media_type="application/pdf", headers=headers)
    return await sealed(name, inline=not telecharger)


@get(HOME + "/{run_id:int}/factures.zip", right=Right.see)
async def zip_(run_id: int) -> Stream:
    return await archive.fn(run_id)


@get(HOME + "/{run_id:int}/recapitulatif.csv", right=Right.see)
async def csv(run_id: int) -> Response[str]:
    return await summary.fn(run_id)


def _back(month: str) -> Redirect:
    return Redirect(HOME, query_params={"mois": month}, status_code=303)


HANDLERS = [page, progress, start, confirm, validate, print_, confirm_send, send_, redraft, resume, waive, document, zip_, csv]
