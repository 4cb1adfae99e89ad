"""The outbox and what a person does with it: a mail is written with the act that asks for it, and leaves later (sending.py)."""

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from piccolo.query.functions.aggregate import Count

from gateways.settings import SETTINGS
from jobs.face import Face, face
from jobs.words import LOGO, Words
from rules import mail as law
from rules.errors import RuleError
from rules.states import MAIL_ON_ITS_WAY, MAIL_TO_DO, MailKind, MailState, RunState
from tables.billing import BillingRun
from tables.engine import claim, transaction
from tables.mail import Mail
from tables.timeline import tell

Row = dict[str, Any]
BATCH = 100
LONGEST_SUBJECT = 300
SETTLED = (MailState.sent, MailState.failed, MailState.in_doubt, MailState.withheld, MailState.cancelled)


class UnknownMail(RuleError):
    status = 404


@dataclass(frozen=True)
class Attachment:
    """A file of the data folder, by reference; with a `cid`, an image that the HTML shows."""

    name: str
    path: str
    sha256: str
    cid: str = ""


@dataclass(frozen=True)
class NewMail:
    """What an act wants written to one address."""

    kind: MailKind
    recipient: str
    words: Words
    invoice: int | None = None
    attachments: tuple[Attachment, ...] = ()
    customer_order: int | None = None


async def enqueue(mails: Sequence[NewMail]) -> int:
    """Write mails in the transaction of the act; how many are new: one per (invoice, kind, recipient), however often it is asked.

    What can never leave (an address that cannot be one, an end of line in the subject) is kept as refused, for all to see.
    """
    sender, now, new = await face(), SETTINGS.now(), 0
    rows = [_row(mail, sender, now) for mail in mails]
    for start in range(0, len(rows), BATCH):
        inserted = Mail.insert(*rows[start : start + BATCH]).on_conflict(action="DO NOTHING").returning(Mail.id)
        new += len(await inserted)
    return new


async def trial(kind: MailKind, words: Words, recipient: str) -> None:
    """A mail to whoever writes its words, who sees it as a customer would."""
    async with transaction():
        await enqueue([NewMail(kind, recipient, words)])


def _row(mail: NewMail, sender: Face, now: datetime) -> Mail:
    state, answer, files = MailState.queued, "", mail.attachments
    domain = law.address(sender.sender_email).rpartition("@")[2] if sender.sender_email else "localhost"
    if f"cid:{LOGO}" in mail.words.html:
        files = (*files, Attachment("logo.png", f"logos/{sender.logo_sha256}.png", sender.logo_sha256, LOGO))
    try:
        law.address(mail.recipient)
        for text in (sender.sender_name, mail.words.subject, *(file.name + file.cid for file in files)):
            law.one_line(text)
    except RuleError as problem:
        state, answer = MailState.failed, str(problem)
    return Mail(
        kind=mail.kind, invoice=mail.invoice, customer_order=mail.customer_order,
        recipient=law.visible(mail.recipient)[: law.LONGEST_ADDRESS],
        sender_name=sender.sender_name, sender=sender.sender_email, subject=law.visible(mail.words.subject)[:LONGEST_SUBJECT],
        text=mail.words.text, html=mail.words.html, attachments=json.dumps([asdict(file) for file in files]),
        message_id=f"<{uuid4().hex}@{domain}>", state=state, answer=answer, next_at=now, created_at=now,
    )  # fmt: skip


async def resend(mail_id: int, attempts: int, actor: str) -> Row:
    """Put a settled mail back in the queue, for a person who saw it after so many attempts; a second press changes nothing."""
    values: dict[Any, Any] = {Mail.state: MailState.queued, Mail.retries: 0, Mail.next_at: SETTINGS.now(), Mail.answer: ""}
    law.address((await get(mail_id))["recipient"])
    return await _decide(mail_id, SETTLED, values, "resent", actor, attempts)


async def mark_sent(mail_id: int, actor: str) -> Row:
    """A person has made sure that a mail in doubt arrived."""
    values: dict[Any, Any] = {Mail.state: MailState.sent, Mail.sent_at: (await get(mail_id))["claimed_at"]}
    return await _decide(mail_id, (MailState.in_doubt,), values, "marked_sent", actor)


async def cancel(mail_id: int, actor: str) -> Row:
    """Give up a mail that has not left."""
    row = await _decide(mail_id, MAIL_TO_DO, {Mail.state: MailState.cancelled}, "cancelled", actor)
    await close_runs()
    return row


async def _decide(
    mail_id: int, sources: Sequence[MailState], values: dict[Any, Any], event: str, actor: str, attempts: int | None = None
) -> Row:
    before = await get(mail_id)
    seen = Mail.attempts == (before["attempts"] if attempts is None else attempts)
    async with transaction():
        if await claim(Mail, values, Mail.id == mail_id, Mail.state.is_in(list(sources)), seen):
            await tell(actor, event, "mail", mail_id, {"state": before["state"]}, at=SETTINGS.now())
    return await get(mail_id)


async def get(mail_id: int) -> Row:
    row = await Mail.select(*Mail.all_columns(), Mail.invoice.number).where(Mail.id == mail_id).first()
    if not row:
        raise UnknownMail("Aucun envoi de ce numéro.")
    return row


async def of_run(run_id: int) -> list[Row]:
    """The mails of a billing run, in the order of its documents."""
    columns = (*Mail.all_columns(), Mail.invoice.number)
    return await Mail.select(*columns).where(Mail.invoice.run == run_id).order_by(Mail.invoice, Mail.id)


def files(mail: Row) -> list[str]:
    """The names of what goes with a mail, its own pictures apart."""
    return [file["name"] for file in json.loads(mail["attachments"]) if not file["cid"]]


def shown(mail: Row) -> str:
    """The HTML with its own pictures in it, as a page may show it."""
    html = mail["html"]
    for file in json.loads(mail["attachments"]):
        path = SETTINGS.data_dir / file["path"]
        if file["cid"] and path.exists():
            html = html.replace(f"cid:{file['cid']}", f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}")
    return html


async def counts(*where: Any) -> dict[str, int]:
    """How many mails are in each state; every state is there."""
    found = await Mail.select(Mail.state, Count(alias="mails")).where(*where).group_by(Mail.state)
    return {str(state): 0 for state in MailState} | {row["state"]: row["mails"] for row in found}


async def close_runs() -> None:
    """A billing run is sent once none of its mails will move by itself."""
    async with transaction():
        moving = Mail.select(Mail.invoice.run).where(Mail.state.is_in(list(MAIL_ON_ITS_WAY)), Mail.invoice.is_not_null())
        busy = {row["invoice.run"] for row in await moving}
        for run in await BillingRun.select(BillingRun.id).where(BillingRun.state == RunState.sending):
            if run["id"] not in busy:
                await BillingRun.update({BillingRun.state: RunState.sent}).where(
                    BillingRun.id == run["id"], BillingRun.state == RunState.sending
                )
                await tell("", "sent", "billing_run", run["id"])
