"""A run's documents leave by mail: to each address of the customer, with their PDFs or, when these are heavy, with links."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gateways import secrets
from gateways.settings import SETTINGS
from jobs import mails, reseller
from jobs.billing import runs, telling
from jobs.mails import Attachment, NewMail
from jobs.words import Words, composer
from rules.mail import addresses
from rules.paris import Month
from rules.states import DocumentKind, InvoiceState, MailKind, RunState
from rules.words import invoice_values
from tables.billing import BillingRun
from tables.engine import claim, transaction
from tables.invoices import Invoice, SealedDocument
from tables.mail import Mail
from tables.timeline import tell

Row = dict[str, Any]
LINK = "document"
LINK_LASTS = timedelta(days=60)
BREATH = 25  # mails written before pages get their turn
SOURCES = (RunState.printed, RunState.sending, RunState.sent)


@dataclass
class Plan:
    """What sending would do: (document, address) still to write, documents already written, documents without an address."""

    to_write: list[tuple[Row, str]] = field(default_factory=list)
    written: int = 0
    without: list[Row] = field(default_factory=list)

    @property
    def documents(self) -> int:
        return len({row["id"] for row, _ in self.to_write})


async def plan(run_id: int | None, only: int | None = None) -> Plan:
    """For the printed documents of a run, or for one document alone."""
    customer, found = Invoice.customer, Plan()

    def chosen(invoice: Any) -> Any:
        return invoice.run == run_id if only is None else invoice.id == only

    rows = (
        await Invoice.select(Invoice.id, Invoice.number, customer.company_name, customer.customer_number, customer.billing_email)
        .where(chosen(Invoice), Invoice.state == InvoiceState.validated)
        .order_by(Invoice.number)
    )
    paper = SealedDocument
    papers = await paper.select(paper.invoice).where(chosen(paper.invoice), paper.kind == DocumentKind.invoice)
    printed = {row["invoice"] for row in papers}
    known = await Mail.select(Mail.invoice, Mail.recipient).where(chosen(Mail.invoice), Mail.kind == MailKind.invoice_issued)
    written = {(row["invoice"], row["recipient"].casefold()) for row in known}
    for row in rows:
        wanted = addresses(row["customer.billing_email"]) if row["id"] in printed else []
        new = [address for address in wanted if (row["id"], address.casefold()) not in written]
        found.to_write += [(row, address) for address in new]
        found.written += bool(wanted) and not new
        found.without += [row] if row["id"] in printed and not wanted else []
    return found


async def send(run_id: int, actor: str) -> Row:
    """Write the mails of a printed run that are not written yet, all in one transaction; repeating it changes nothing.

    Raises RunBusy.
    """
    run = await runs.get(run_id)
    if run["state"] not in SOURCES:
        now = RunState(run["state"]).label.lower()
        raise runs.RunBusy(
            f"La facturation {Month.parse(run['month']).of_french} est dans l'état « {now} » : éditez d'abord les PDF."
        )
    new = await _mails(await plan(run_id))
    async with transaction():
        sending = {BillingRun.state: RunState.sending, BillingRun.stage: "send", BillingRun.error: ""}
        moved = await claim(BillingRun, sending, BillingRun.id == run_id, BillingRun.state.is_in(list(SOURCES)))
        written = await mails.enqueue(new) if moved else 0
        if written:
            await tell(actor, "send", "billing_run", run_id, after={"mails": written}, at=SETTINGS.now())
    await mails.close_runs()
    return await runs.get(run_id)


async def send_one(invoice_id: int, actor: str) -> int:
    """Write the mails of one document; how many are new."""
    new = await _mails(await plan(None, invoice_id))
    async with transaction():
        written = await mails.enqueue(new)
        if written:
            await tell(actor, "send", "invoice", invoice_id, after={"mails": written}, at=SETTINGS.now())
    return written


async def _mails(found: Plan) -> list[NewMail]:
    seller, made = await reseller.current(), []
    compose = await composer(MailKind.invoice_issued)
    ids = sorted({row["id"] for row, _ in found.to_write})
    papers: dict[int, dict[str, Row]] = {}
    for start in range(0, len(ids), telling.PAGE):
        part = ids[start : start + telling.PAGE]
        for paper in await SealedDocument.select().where(SealedDocument.invoice.is_in(part)):
            papers.setdefault(paper["invoice"], {})[paper["kind"]] = paper
        documents = {
            row["id"]: json.loads(row["document"])
            for row in await Invoice.select(Invoice.id, Invoice.document).where(Invoice.id.is_in(part))
        }
        for row, address in found.to_write:
            if row["id"] in documents:
                document, room = documents[row["id"]], seller.mail_attachment_kb
                made.append(_mail(row["id"], address, document, papers[row["id"]], room, compose))
                if len(made) % BREATH == 0:
                    await asyncio.sleep(0)
    return made


def _mail(
    invoice_id: int, address: str, document: Row, papers: dict[str, Row], limit_kb: int, compose: Callable[[Row], Words]
) -> NewMail:
    """The annex goes along when the customer wants it; what would pass the limit goes as a link, the annex first."""
    room, attached = limit_kb * 1000, []
    links = {"link": "", "detail_link": ""}
    until = datetime.now(UTC) + LINK_LASTS
    for kind, name in ((DocumentKind.invoice, "link"), (DocumentKind.detail, "detail_link")):
        paper = papers.get(str(kind))
        if not paper:
            continue
        if paper["size_bytes"] <= room:
            room -= paper["size_bytes"]
            attached.append(Attachment(paper["name"], paper["path"], paper["sha256"]))
        else:
            links[name] = f"{SETTINGS.public_url}/document/{secrets.sign(paper['name'], LINK, until)}"
    words = compose({**invoice_values(document), **links})
    return NewMail(MailKind.invoice_issued, address, words, invoice_id, tuple(attached))


def linked_document(token: str) -> str | None:
    """The name of the document that a link of ours opens today; else None."""
    return secrets.signed(token, LINK, datetime.now(UTC))
