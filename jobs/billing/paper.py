"""Validated documents get their PDFs: rendered on both cores, published whole, and told to the database with their hash."""

import asyncio
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from gateways import logos, paper, rated
from gateways.files import publish_bytes
from gateways.settings import SETTINGS
from jobs.billing.draft import Progress
from jobs.seals.chain import seal_papers
from rules import einvoice
from rules.paris import PARIS
from rules.rates import FREE_OF_CHARGE
from rules.states import DocumentKind, InvoiceState
from tables.billing import BillingRun
from tables.catalogue import Rate
from tables.engine import NOT_UNIQUE, insert_many, transaction
from tables.fleet import Line
from tables.invoices import Invoice, SealedDocument

BATCH = 100
THREADS = 2


async def print_run(run: dict[str, Any], progress: Progress) -> int:
    """The PDFs that validated documents of the run still lack. Can be stopped anywhere and called again.

    Raises PaperRefused once all the others are made.
    """
    sealed = {
        row["invoice"]
        for row in await SealedDocument.select(SealedDocument.invoice).where(SealedDocument.invoice.run == run["id"])
    }
    rows = (
        await Invoice.select(Invoice.id)
        .where(Invoice.run == run["id"], Invoice.state == InvoiceState.validated)
        .order_by(Invoice.id)
    )
    waiting = [row["id"] for row in rows if row["id"] not in sealed]
    destinations = {row["id"]: row["destination"] for row in await Rate.select(Rate.id, Rate.destination)}
    refused: list[str] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(waiting), BATCH):
            await progress(start, len(waiting))
            refused += await _batch(waiting[start : start + BATCH], run, destinations, pool)
    if refused:
        raise paper.PaperRefused(" ".join(refused))
    return len(waiting)


async def _batch(ids: list[int], run: dict[str, Any], destinations: dict[int, str], pool: ThreadPoolExecutor) -> list[str]:
    """Seal what can be made of these; what is wrong with the rest."""
    rows = await Invoice.select(Invoice.id, Invoice.customer, Invoice.document).where(Invoice.id.is_in(ids))
    calls = await _calls(rows, run, destinations)
    documents = [json.loads(row["document"]) for row in rows]
    jobs = [
        pool.submit(_make, row["id"], document, calls.get(row["customer"], []), run["month"])
        for row, document in zip(rows, documents, strict=True)
    ]
    sealed: list[tuple] = []
    refused = []
    for document, job in zip(documents, jobs, strict=True):
        try:
            made = await asyncio.wrap_future(job)
            sealed += made
        except (paper.PaperRefused, logos.LogoLost) as reason:
            refused.append(f"{document['number']} : {reason}")
    await _keep(sealed)
    return refused


async def seal(invoice_id: int) -> None:
    """The papers of a document made by hand, with the calls of the month that it corrects or replaces; again changes nothing."""
    if await SealedDocument.exists().where(SealedDocument.invoice == invoice_id):
        return
    row = (await Invoice.select(Invoice.id, Invoice.customer, Invoice.document).where(Invoice.id == invoice_id))[0]
    document = json.loads(row["document"])
    run = await BillingRun.select().where(BillingRun.month == document["month"], BillingRun.validated_at.is_not_null()).first()
    destinations = {rate["id"]: rate["destination"] for rate in await Rate.select(Rate.id, Rate.destination)}
    calls = (await _calls([row], run, destinations)).get(row["customer"], []) if run else []
    made = await asyncio.to_thread(_make, invoice_id, document, calls, document["month"])
    with suppress(*NOT_UNIQUE):  # sealed meanwhile, with the same bytes
        await _keep(made)


async def _keep(sealed: list[tuple]) -> None:
    if not sealed:
        return
    columns = SealedDocument
    async with transaction():
        await insert_many(
            SealedDocument,
            [
                *(columns.invoice, columns.kind, columns.name, columns.path, columns.sha256, columns.size_bytes),
                *(columns.replaced_characters, columns.created_at),
            ],
            [(*row, datetime.now(UTC)) for row in sealed],
        )
        await seal_papers({row[0] for row in sealed})


def _make(id: int, document: dict[str, Any], calls: list[dict], month: str) -> list[tuple]:
    """Render and publish the invoice, and its annex when it has calls to show."""
    logo = logos.kept(document["seller"].get("logo", ""))
    xml = einvoice.xml(document)
    papers = [
        (DocumentKind.invoice, f"{document['number']}.pdf", paper.invoice(document, logo, xml)),
        (DocumentKind.xml, f"{document['number']}.xml", paper.Paper(xml, 0)),
    ]
    if document["detailed_bill"] and calls:
        papers.append((DocumentKind.detail, f"{document['number']}-detail.pdf", paper.detail(document, calls)))
    found = []
    for kind, name, made in papers:
        path = f"documents/{month}/{name}"
        publish_bytes(SETTINGS.data_dir / path, made.pdf)
        found.append((id, str(kind), name, path, hashlib.sha256(made.pdf).hexdigest(), len(made.pdf), made.replaced))
    return found


async def _calls(rows: list[dict[str, Any]], run: dict[str, Any], destinations: dict[int, str]) -> dict[int, list[dict]]:
    """The calls to print, by customer: those of customers who want the detail, without emergency and free numbers."""
    wanted = [row["customer"] for row in rows if json.loads(row["document"])["detailed_bill"]]
    lines = (
        await Line.select(Line.id, Line.customer, Line.msisdn, Line.user_name).where(Line.customer.is_in(wanted))
        if wanted
        else []
    )
    if not lines or not run["usage_path"]:
        return {}
    by_id = {line["id"]: line for line in lines}
    found: dict[int, list[dict]] = {}
    for call in rated.calls(SETTINGS.data_dir / run["usage_path"], by_id):
        if call["category"] in FREE_OF_CHARGE:
            continue
        line = by_id[call["line_id"]]
        found.setdefault(line["customer"], []).append(
            {
                "msisdn": line["msisdn"],
                "user_name": line["user_name"],
                "at": datetime.fromtimestamp(call["ts"], PARIS).replace(tzinfo=None).isoformat(),
                "type": call["type"],
                "direction": call["direction"],
                "category": call["category"],
                "unlimited": call.get("unlimited", False),
                "destination": destinations[call["rate"]],
                "other": call["other"],
                "units": call["units"],
                "covered": call["covered"],
                "amount_micro": call["amount_micro"] + call["service_micro"],
            }
        )
    return found
