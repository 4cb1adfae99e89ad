"""Reminders: one level at a time, by mail, from the reseller's own words; a restriction is proposed to a person, never made."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gateways.settings import SETTINGS
from jobs import mails, reseller
from jobs.mails import NewMail
from jobs.money import balances, debits
from jobs.report import Report
from jobs.words import composer
from rules import money
from rules.mail import addresses
from rules.paris import french_date, paris_date
from rules.receivables import LEVELS, next_level, parse_days
from rules.states import DebitState, LineState, MailKind
from tables.engine import transaction
from tables.fleet import Line
from tables.mail import Mail
from tables.money import Debit
from tables.parties import Customer
from tables.timeline import tell

Row = dict[str, Any]


@dataclass(frozen=True)
class Late:
    """An invoice past its due date. `level`: the reminder due today, if any; `sent`: those that left, by their day."""

    debt: Row
    customer: Row
    days: int
    sent: dict[MailKind, date]
    level: MailKind | None
    collecting: bool = False

    @property
    def reachable(self) -> bool:
        return bool(addresses(self.customer["billing_email"]))


async def late(now: datetime) -> list[Late]:
    """Every invoice past its due date, the oldest first. What is being collected at the bank is not reminded of."""
    today, seller = paris_date(now), await reseller.current()
    days = parse_days(seller.reminder_days)
    owed = [row for row in await balances.debts() if row["due_on"] < today]
    named = {row["id"]: row for row in await _named({row["customer"] for row in owed})}
    sent = await _sent()
    running = set(
        await Debit.select(Debit.invoice).where(Debit.state.is_in([DebitState.prepared, DebitState.sent])).output(as_list=True)
    )
    found = []
    for row in owed:
        told = sent.get(row["id"], {})
        level = None if row["id"] in running else next_level(row["due_on"], today, days, told)
        found.append(Late(row, named[row["customer"]], (today - row["due_on"]).days, told, level, row["id"] in running))
    return found


async def _named(ids: Iterable[int]) -> list[Row]:
    customer = Customer
    columns = (
        customer.id, customer.customer_number, customer.company_name, customer.billing_email, customer.billing_contact_name,
        customer.purchase_order,
    )  # fmt: skip
    return await customer.select(*columns).where(customer.id.is_in(list(ids) or [0]))


async def _sent() -> dict[int, dict[MailKind, date]]:
    rows = await Mail.select(Mail.invoice, Mail.kind, Mail.created_at).where(
        Mail.kind.is_in(list(LEVELS)), Mail.invoice.is_not_null()
    )
    found: dict[int, dict[MailKind, date]] = {}
    for row in rows:
        found.setdefault(row["invoice"], {})[MailKind(row["kind"])] = paris_date(row["created_at"])
    return found


async def remind() -> Report:
    """The job: what banks collected by today is paid; then each late invoice gets the reminder whose day has come, once."""
    now = SETTINGS.now()
    collected = await debits.collect(now)
    await debits.net_all("", now)
    done, problems = collected, []
    skipped = 0
    for one in await late(now):
        if one.level is None:
            skipped += 1
        elif not one.reachable:
            problems.append(f"{one.debt['number']} : {one.customer['company_name']} n'a pas d'e-mail de facturation.")
        else:
            done += await send(one, now)
    return Report(done, skipped, tuple(problems))


async def send(one: Late, now: datetime, actor: str = "") -> int:
    """Write the reminder of one invoice; how many mails are new: a level leaves once to each address."""
    assert one.level is not None
    words = (await composer(one.level))(_values(one, now))
    new = [NewMail(one.level, address, words, one.debt["id"]) for address in addresses(one.customer["billing_email"])]
    async with transaction():
        written = await mails.enqueue(new)
        if written:
            await tell(actor, "reminded", "invoice", one.debt["id"], after={"level": one.level.label}, at=now)
    return written


def _values(one: Late, now: datetime) -> Row:
    debt, customer = one.debt, one.customer
    return {
        "customer_name": customer["company_name"], "customer_number": customer["customer_number"],
        "contact_name": customer["billing_contact_name"], "purchase_order": customer["purchase_order"],
        "number": debt["number"], "issued_on": french_date(debt["issued_on"]), "due_on": french_date(debt["due_on"]),
        "incl_vat": money.french(debt["incl_vat_cents"]), "amount_due": money.french(debt["left_cents"]),
        "days_late": str(one.days), "pay_before": french_date(date.fromordinal(paris_date(now).toordinal() + 8)),
    }  # fmt: skip


async def to_suspend(rows: Iterable[Late], after_days: int) -> list[tuple[Row, int, int]]:
    """Whom a person may want to restrict: customers long late after a formal notice, their cents and their free lines."""
    owed: dict[int, tuple[Row, int]] = {}
    for one in rows:
        if after_days and one.days >= after_days and MailKind.formal_notice in one.sent:
            owed[one.customer["id"]] = (one.customer, owed.get(one.customer["id"], (one.customer, 0))[1] + one.debt["left_cents"])
    found = []
    for id_, (customer, cents) in owed.items():
        free = await Line.count().where(Line.customer == id_, Line.state == LineState.active)
        if free:
            found.append((customer, cents, free))
    return found
