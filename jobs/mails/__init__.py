"""The outbox and what a person does with it: a mail is written with the act that asks for it, and leaves later (sending.py)."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from gateways.settings import SETTINGS
from jobs import reseller
from jobs.words import Words
from rules import mail as law
from rules.errors import RuleError
from rules.states import MAIL_ON_ITS_WAY, MAIL_TO_DO, MailKind, MailState, RunState
from tables.billing import BillingRun
from tables.engine import transaction
from tables.mail import Mail
from tables.timeline import TimelineEntry

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


async def enqueue(mails: Sequence[NewMail]) -> int:
    """Write mails in the transaction of the act; how many are new: one per (invoice, kind, recipient), however often it is asked.

    What can never leave (an address that cannot be one, an end of line in the subject) is kept as refused, for all to see.
    """
    seller, now, new = await reseller.current(), SETTINGS.now(), 0
    domain = law.address(seller.email).rpartition("@")[2] if seller.email else "localhost"
    rows = [_row(mail, seller, domain, now) for mail in mails]
    for start in range(0, len(rows), BATCH):
        inserted = Mail.insert(*rows[start : start + BATCH]).on_conflict(action="DO NOTHING").returning(Mail.id)
        new += len(await inserted)
    return new


def _row(mail: NewMail, seller: Any, domain: str, now: datetime) -> Mail:
    state, answer = MailState.queued, ""
    try:
        law.address(mail.recipient)
        for text in (seller.name, mail.words.subject, *(file.name + file.cid for file in mail.attachments)):
            law.one_line(text)
    except RuleError as problem:
        state, answer = MailState.failed, str(problem)
    return Mail(
        kind=mail.kind, invoice=mail.invoice, recipient=law.visible(mail.recipient)[: law.LONGEST_ADDRESS],
        sender_name=seller.name, sender=seller.email, subject=law.visible(mail.words.subject)[:LONGEST_SUBJECT],
        text=mail.words.text, html=mail.words.html, attachments=json.dumps([asdict(file) for file in mail.attachments]),
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
        moved = (
            await Mail.update(values)
            .where(Mail.id == mail_id, Mail.state.is_in([str(state) for state in sources]), seen)
            .returning(Mail.id)
        )
        if moved:
            await TimelineEntry(
                actor=actor, subject="mail", subject_id=mail_id, event=event, at=SETTINGS.now(), before={"state": before["state"]}
            ).save()
    return await get(mail_id)


async def get(mail_id: int) -> Row:
    row = await Mail.select(*Mail.all_columns(), Mail.invoice.number).where(Mail.id == mail_id).first()
    if not row:
        raise UnknownMail("Aucun envoi de ce numéro.")
    return row


def files(mail: Row) -> list[str]:
    """The names of what goes with a mail."""
    return [file["name"] for file in json.loads(mail["attachments"])]


async def counts() -> dict[str, int]:
    """How many mails are in each state; every state is there."""
    found = await Mail.raw("SELECT state, count(*) AS mails FROM mail GROUP BY state")
    return {str(state): 0 for state in MailState} | {row["state"]: row["mails"] for row in found}


async def in_doubt_count() -> int:
    """Mails that wait for a person's decision."""
    return await Mail.count().where(Mail.state == MailState.in_doubt)


async def failed_count() -> int:
    """Mails refused for good, that nobody has taken up."""
    return await Mail.count().where(Mail.state == MailState.failed)


async def oldest_unsent() -> datetime | None:
    """Since when the oldest mail that should have left has been waiting, UTC."""
    row = await Mail.select(Mail.created_at).where(Mail.state.is_in(_texts(MAIL_TO_DO))).order_by(Mail.created_at).first()
    return row["created_at"] if row else None


async def close_runs() -> None:
    """A billing run is sent once none of its mails will move by itself."""
    async with transaction():
        moving = Mail.select(Mail.invoice.run).where(Mail.state.is_in(_texts(MAIL_ON_ITS_WAY)), Mail.invoice.is_not_null())
        busy = {row["invoice.run"] for row in await moving}
        for run in await BillingRun.select(BillingRun.id).where(BillingRun.state == RunState.sending):
            if run["id"] not in busy:
                await BillingRun.update({BillingRun.state: RunState.sent}).where(
                    BillingRun.id == run["id"], BillingRun.state == RunState.sending
                )
                await TimelineEntry(actor="", subject="billing_run", subject_id=run["id"], event="sent").save()


def _texts(states: Sequence[MailState]) -> list[str]:
    return [str(state) for state in states]
