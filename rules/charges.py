"""What a service, a device, instalments or a fee cost in the run of a month (billing law §§ 2, 3)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from rules import recurring
from rules.money import MICRO_PER_CENT, cents
from rules.paris import Month
from rules.recurring import Charge, RecurringItem, discounted
from rules.states import ChargeKind, Section, Terms


@dataclass(frozen=True)
class Owed:
    """`unit_micro`: excl. VAT, a month if recurring; `count`: how many instalments; `ends_on` knows its line's end."""

    kind: str
    label: str
    unit_micro: int
    starts_on: date
    quantity: int = 1
    terms: str = Terms.advance
    count: int = 0
    ends_on: date | None = None
    billed_until: date | None = None
    invoiced: bool = False

    @property
    def price_micro(self) -> int:
        return self.unit_micro * self.quantity


def charges(owed: Owed, month: Month, customer_percent: Decimal = Decimal(0)) -> list[Charge]:
    """The lines of the run of a month; those that come each month are each followed by the customer's own discount.

    >>> goodwill = Owed("ONE_OFF", "Geste commercial", -5_000_000, date(2026, 10, 20))
    >>> [(charge.section.value, charge.amount_cents) for charge in charges(goodwill, Month(2026, 11), Decimal(10))]
    [('ONE_OFF', -500)]
    """
    if owed.kind == ChargeKind.one_off:
        return list(_once(owed, month))
    if owed.kind == ChargeKind.instalments:
        found = _instalments(owed, month)
        return [line for charge in found for line in discounted(charge, owed.label, (), customer_percent)]
    item = RecurringItem(0, owed.label, owed.price_micro, owed.terms, owed.starts_on, owed.ends_on, owed.billed_until)
    return [
        charge if charge.unit_micro is None else replace(charge, quantity=owed.quantity, unit_micro=owed.unit_micro)
        for charge in recurring.charges(item, month, customer_percent)
    ]


def _once(owed: Owed, month: Month) -> Iterator[Charge]:
    """On its day, or in the first run after; never discounted."""
    if not owed.invoiced and owed.starts_on <= month.last:
        day, amount = owed.starts_on, cents(owed.price_micro)
        yield Charge(Section.one_off, owed.label, day, day, 0, amount, owed.unit_micro, owed.quantity)


def _instalments(owed: Owed, month: Month) -> Iterator[Charge]:
    """One a calendar month from that of `starts_on`, never prorated; once the end has come, what remains as one line.

    >>> phone = Owed("INSTALMENTS", "Téléphone", 20_000_000, date(2026, 10, 15), terms="ARREARS", count=24)
    >>> [charge.label for charge in _instalments(phone, Month(2026, 11))]
    ['Téléphone, mensualité 1 sur 24', 'Téléphone, mensualité 2 sur 24']
    >>> ended = replace(phone, billed_until=date(2026, 11, 30), ends_on=date(2026, 12, 5))
    >>> [(charge.label, charge.amount_cents) for charge in _instalments(ended, Month(2026, 12))]
    [('Téléphone, mensualité 3 sur 24', 2000), ('Téléphone, solde de 21 mensualités', 42000)]
    """
    start, price = Month.of(owed.starts_on), cents(owed.price_micro)
    done = min(owed.count, months_between(start, Month.of(owed.billed_until)) + 1) if owed.billed_until else 0
    ended = owed.ends_on is not None and owed.ends_on <= month.last
    last = month.next if owed.terms == Terms.advance and not ended else month
    due = max(done, min(owed.count, months_between(start, last) + 1))
    for rank in range(done, due):
        own = start.back(-rank)
        label = f"{owed.label}, mensualité {rank + 1} sur {owed.count}"
        yield Charge(Section.recurring, label, own.first, own.last, own.days, price, owed.unit_micro, owed.quantity)
    if ended and (left := owed.count - due):
        first, end = start.back(-due).first, start.back(1 - owed.count).last
        label = f"{owed.label}, solde de {left} mensualité{'s' if left > 1 else ''}"
        yield Charge(Section.recurring, label, first, end, 0, left * price, price * MICRO_PER_CENT, left)


def months_between(one: Month, other: Month) -> int:
    """
    >>> months_between(Month(2026, 11), Month(2027, 1))
    2
    """
    return (other.year - one.year) * 12 + other.number - one.number
