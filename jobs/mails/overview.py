"""What the page « Envois » shows: the mails that a clerk looks for, and those of the documents of a run."""

from dataclasses import dataclass
from typing import Any

from rules.paris import Month, midnight
from rules.states import MailKind, MailState
from tables.mail import Mail

Row = dict[str, Any]
ON_A_PAGE = 50


@dataclass(frozen=True)
class Sought:
    """What the clerk asks for; empty = all."""

    state: str = ""
    kind: str = ""
    month: str = ""
    recipient: str = ""

    @property
    def anything(self) -> bool:
        return any((self.state, self.kind, self.month, self.recipient))


async def found(sought: Sought, page: int) -> tuple[list[Row], int]:
    """A page of mails, the latest first, and how many there are. Raises NotAMonth."""
    conditions: list[Any] = []
    if sought.state in set(map(str, MailState)):
        conditions.append(Mail.state == sought.state)
    if sought.kind in set(map(str, MailKind)):
        conditions.append(Mail.kind == sought.kind)
    if sought.month:
        month = Month.parse(sought.month)
        conditions += [Mail.created_at >= midnight(month.first), Mail.created_at < midnight(month.next.first)]
    if sought.recipient:
        word = f"%{sought.recipient}%"
        conditions.append(Mail.recipient.ilike(word) | Mail.subject.ilike(word))
    shown = (
        Mail.id, Mail.kind, Mail.recipient, Mail.subject, Mail.state, Mail.attempts, Mail.next_at, Mail.answer, Mail.sent_at,
        Mail.created_at, Mail.invoice.number,
    )  # fmt: skip
    rows = Mail.select(*shown).where(*conditions).order_by(Mail.id, ascending=False)
    return await rows.limit(ON_A_PAGE).offset(ON_A_PAGE * (page - 1)), await Mail.count().where(*conditions)


async def of_invoices(invoices: list[int]) -> dict[int, list[Row]]:
    """The mails of each of these documents."""
    mails: dict[int, list[Row]] = {}
    shown = (Mail.id, Mail.invoice, Mail.recipient, Mail.state, Mail.answer, Mail.attempts, Mail.next_at, Mail.sent_at)
    for row in await Mail.select(*shown).where(Mail.invoice.is_in(invoices or [0])).order_by(Mail.id):
        mails.setdefault(row["invoice"], []).append(row)
    return mails
