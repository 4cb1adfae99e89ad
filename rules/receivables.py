"""What is still owed: how an invoice stands, whom a payment pays, how old a debt is, which reminder comes next."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from rules.errors import RuleError
from rules.states import InvoiceStanding, MailKind

AGES = (0, 30, 60, 90)
AGE_LABELS = ("À échoir", "1 à 30 jours", "31 à 60 jours", "61 à 90 jours", "Plus de 90 jours")
LEVELS = (MailKind.reminder_1, MailKind.reminder_2, MailKind.reminder_3, MailKind.formal_notice)


class BadReminderDays(RuleError):
    """A text that names no days of reminder."""


@dataclass(frozen=True)
class Debt:
    """An invoice and what is left of it, in cents."""

    invoice: int
    due_on: date
    left_cents: int


def standing(total_cents: int, paid_cents: int, due_on: date, today: date) -> InvoiceStanding:
    """How an invoice stands today (Paris).

    >>> due_on = date(2026, 11, 30)
    >>> standing(1200, 0, due_on, date(2026, 12, 1)).label, standing(1200, 200, due_on, due_on).label
    ('En retard', 'Payée en partie')
    """
    if paid_cents >= total_cents:
        return InvoiceStanding.paid
    if today > due_on:
        return InvoiceStanding.overdue
    return InvoiceStanding.partly_paid if paid_cents else InvoiceStanding.due


def allocate(amount_cents: int, debts: Iterable[Debt]) -> list[tuple[int, int]]:
    """Which invoices an amount pays, oldest due date first: (invoice, cents). What is over stays with the customer.

    >>> allocate(1500, [Debt(2, date(2026, 12, 1), 1000), Debt(1, date(2026, 11, 1), 700)])
    [(1, 700), (2, 800)]
    """
    found = []
    for debt in sorted(debts, key=lambda debt: (debt.due_on, debt.invoice)):
        part = min(amount_cents, debt.left_cents)
        if part > 0:
            found.append((debt.invoice, part))
            amount_cents -= part
    return found


def aged(debts: Iterable[Debt], today: date) -> list[int]:
    """Cents still due by age, in the order of AGE_LABELS.

    >>> aged([Debt(1, date(2026, 11, 1), 700), Debt(2, date(2026, 12, 1), 1000)], date(2026, 12, 15))
    [0, 1000, 700, 0, 0]
    """
    sums = [0] * len(AGE_LABELS)
    for debt in debts:
        late = (today - debt.due_on).days
        sums[sum(late > age for age in AGES)] += debt.left_cents
    return sums


def parse_days(text: str) -> tuple[int, ...]:
    """After how many days late each reminder leaves, from the reseller's setting. Raises BadReminderDays.

    >>> parse_days("5 15 30 45")
    (5, 15, 30, 45)
    """
    days = tuple(int(part) for part in text.split() if part.isdigit() and len(part) < 4)
    if len(days) != len(text.split()) or len(days) > len(LEVELS) or list(days) != sorted(set(days)) or 0 in days:
        raise BadReminderDays(f"« {text} » : écrivez au plus quatre nombres de jours qui croissent, par exemple 5 15 30 45.")
    return days


def next_level(due_on: date, today: date, days: Sequence[int], sent: Mapping[MailKind, date]) -> MailKind | None:
    """The one reminder that is due today: the level after the last one sent, when its day has come; never two on one day.

    >>> next_level(date(2026, 11, 1), date(2026, 12, 10), (5, 15, 30, 45), {MailKind.reminder_1: date(2026, 11, 6)}).label
    'Relance 2'
    """
    rank = sum(level in sent for level in LEVELS)
    if rank >= len(days) or today in sent.values():
        return None
    return LEVELS[rank] if (today - due_on).days >= days[rank] else None
