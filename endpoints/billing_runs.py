"""Billing runs by API: start, follow, waive, validate, print, redo, and what comes out."""

from typing import Any

from litestar import Response, Router, get, post
from litestar.background_tasks import BackgroundTask
from litestar.exceptions import NotFoundException
from litestar.response import Stream
from msgspec import Struct

from endpoints import scheduler
from endpoints.imports import csv_response
from endpoints.lists import MOST, Limit, Offset, page
from gateways.settings import SETTINGS
from jobs import retention
from jobs.billing import export, runs, send, telling
from rules.paris import Month
from tables.invoices import Invoice, SealedDocument

ACTOR = "API"


class StartBody(Struct, forbid_unknown_fields=True):
    month: str


class WaiverBody(Struct, forbid_unknown_fields=True):
    code: str
    reason: str
    customer_number: str | None = None
    msisdn: str | None = None


def brief(run: dict[str, Any]) -> dict[str, Any]:
    return {"id": run["id"], "state": run["state"]}


@post(status_code=202)
async def start(data: StartBody, dry_run: bool = False) -> Response[dict[str, Any]]:
    """Start the run of a month (202), or find it (200). 409 while one computes. `dry_run`: all at once, nothing written."""
    month = Month.parse(data.month)
    if dry_run:
        return Response(await telling.dry_run(month), status_code=200)
    run, new = await runs.start(month, ACTOR)
    return Response(brief(run), status_code=202 if new else 200)


@get("/{run_id:int}")
async def read(run_id: int) -> dict[str, Any]:
    """State, progress, totals, controls, parked customers."""
    return await telling.describe(run_id)


@post("/{run_id:int}/waivers", status_code=202)
async def waive(run_id: int, data: WaiverBody) -> dict[str, Any]:
    """Let a finding pass, with a reason."""
    await runs.waive(run_id, data.code, data.customer_number, data.msisdn, data.reason, ACTOR)
    return brief(await runs.get(run_id))


@post("/{run_id:int}/validate", status_code=202)
async def validate(run_id: int) -> dict[str, Any]:
    """Number and freeze every draft. 409 with the open blocking findings."""
    return brief(await runs.begin(run_id, "validate", ACTOR))


@post("/{run_id:int}/print", status_code=202)
async def print_(run_id: int) -> dict[str, Any]:
    """Make the PDFs that are still missing."""
    return brief(await runs.begin(run_id, "print", ACTOR))


@post("/{run_id:int}/send", status_code=202)
async def send_(run_id: int) -> Response[dict[str, Any]]:
    """Write the mails of the printed documents that have none yet, and let them leave."""
    return Response(brief(await send.send(run_id, ACTOR)), background=BackgroundTask(scheduler.at_once, "send-mails"))


@post("/{run_id:int}/redraft", status_code=202)
async def redraft(run_id: int) -> dict[str, Any]:
    """Make drafts and parked customers again; validated documents are left alone."""
    return brief(await runs.begin(run_id, "draft", ACTOR))


@post("/{run_id:int}/resume", status_code=202)
async def resume(run_id: int) -> dict[str, Any]:
    """Take up a run that was interrupted or failed."""
    return brief(await runs.resume(run_id))


@post("/{run_id:int}/cancel", status_code=202)
async def cancel(run_id: int) -> dict[str, Any]:
    """Give up a run of which nothing is validated."""
    return brief(await runs.cancel(run_id, ACTOR))


@get("/{run_id:int}/invoices")
async def invoices(run_id: int, limit: Limit = MOST, offset: Offset = 0) -> dict[str, Any]:
    """The run's documents with their lines, by customer number."""
    await runs.get(run_id)
    items, total = await telling.invoices(run_id, limit, offset)
    return {"items": items, "total": total}


@get("/{run_id:int}/usage")
async def usage(run_id: int, limit: Limit = MOST, offset: Offset = 0) -> dict[str, Any]:
    """Usage of the run's month per line, type and category."""
    return page(await telling.usage(run_id), limit, offset)


@get("/{run_id:int}/summary.csv")
async def summary(run_id: int) -> Response[str]:
    """The summary for the accountant."""
    run = await runs.get(run_id)
    return csv_response(await export.summary_csv(Invoice.run == run_id), f"recapitulatif-{run['month']}.csv")


@get("/{run_id:int}/invoices.zip")
async def archive(run_id: int) -> Stream:
    """Every PDF of the run, streamed."""
    run = await runs.get(run_id)
    headers = {"content-disposition": f'attachment; filename="factures-{run["month"]}.zip"'}
    return Stream(export.zip_of(await export.documents_of(run_id)), media_type="application/zip", headers=headers)


@get("/{name:str}")
async def document(name: str) -> Response[bytes]:
    """A sealed document by its name: `F2026-000123.pdf`, `F2026-000123-detail.pdf`, `F2026-000123.xml`; always the same bytes."""
    return await sealed(name)


MEDIA = {"pdf": "application/pdf", "xml": "application/xml"}


async def sealed(name: str, inline: bool = True) -> Response[bytes]:
    row = await SealedDocument.select(SealedDocument.kind, SealedDocument.path).where(SealedDocument.name == name).first()
    if not row:
        raise NotFoundException
    retention.check_kept(row)
    place = "inline" if inline else "attachment"
    headers = {"content-disposition": f'{place}; filename="{name}"'}
    return Response((SETTINGS.data_dir / row["path"]).read_bytes(), media_type=MEDIA[name.rpartition(".")[2]], headers=headers)


router = Router(
    "/api/billing-runs",
    route_handlers=[start, read, waive, validate, print_, send_, redraft, resume, cancel, invoices, usage, summary, archive],
    tags=["Facturation"],
)
documents_router = Router("/api/invoices", route_handlers=[document], tags=["Documents"])
