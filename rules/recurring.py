"""What an item held by a line costs in a run: charges, refunds, discounts, the fee of its first charge (billing law §§ 2, 3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from rules.money import MICRO_PER_CENT, cents, half_up, percent_of
from rules.paris import Month
from rules.states import Section, Terms

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Discount:
    """A percentage, or micro-euros a month, on the charges that begin by `until`."""

    percent: Decimal | None = None
    amount_micro: int | None = None
    until: date | None = None


@dataclass(frozen=True)
class RecurringItem:
    """`ends_on` knows the line's end; `billed_until`: last day billed so far; `taken_over`: the former system billed it first."""

    id: int
    label: str
    monthly_micro: int
    terms: str
    starts_on: date
    ends_on: date | None = None
    billed_until: date | None = None
    taken_over: bool = False
    activation_micro: int = 0
    discounts: tuple[Discount, ...] = ()


@dataclass(frozen=True)
class Charge:
    """An amount excl. VAT for the days [first, last] of one calendar month; `unit_micro`: the price from which it comes."""

    section: str
    label: str
    first: date
    last: date
    days_in_month: int
    amount_cents: int
    unit_micro: int | None = None
    quantity: int = 1

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


def charges(item: RecurringItem, month: Month, customer_percent: Decimal = Decimal(0)) -> list[Charge]:
    """The lines of one item in the run of a month, each followed by its discounts.

    >>> item = RecurringItem(1, "Solo", 4_158_300, "ARREARS", date(2026, 10, 11))
    >>> [(charge.first.day, charge.days, charge.amount_cents) for charge in charges(item, Month(2026, 10))]    # 4.1583 × 21/31
    [(11, 21, 282)]
    """
    found: list[Charge] = []
    start, end = due(item, month)
    for first, last in _by_month(start, end):
        found += discounted(_charge(Section.recurring, item, first, last), item.label, item.discounts, customer_percent)
    if found and item.billed_until is None and not item.taken_over and cents(item.activation_micro):
        fee = cents(item.activation_micro)
        found.append(Charge(Section.activation, f"Mise en service, {item.label}", start, start, 0, fee, item.activation_micro))
    if item.ends_on and item.billed_until and item.ends_on < item.billed_until:
        for first, last in _by_month(max(item.ends_on + DAY, item.starts_on), item.billed_until):
            found += discounted(_charge(Section.refund, item, first, last), item.label, item.discounts, customer_percent)
    return found


def due(item: RecurringItem, month: Month) -> tuple[date, date]:
    """First and last day to charge in the run of a month; first > last when nothing is due."""
    horizon = month.next.last if item.terms == Terms.advance else month.last
    start = item.starts_on if item.billed_until is None else max(item.starts_on, item.billed_until + DAY)
    return start, min(item.ends_on or horizon, horizon)


def billed_until(item: RecurringItem, month: Month) -> date | None:
    """Where `billed_until` stands once the run of a month is validated."""
    start, end = due(item, month)
    if start <= end:
        return end
    if item.ends_on and item.billed_until and item.ends_on < item.billed_until:
        return max(item.ends_on, item.starts_on - DAY)
    return item.billed_until


def _by_month(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        end = min(last, Month.of(first).last)
        yield first, end
        first = end + DAY


def _charge(section: str, item: RecurringItem, first: date, last: date) -> Charge:
    days = Month.of(first).days
    amount = half_up(item.monthly_micro * ((last - first).days + 1), days * MICRO_PER_CENT)
    amount = -amount if section == Section.refund else amount
    return Charge(section, item.label, first, last, days, amount, item.monthly_micro)


def discounted(charge: Charge, name: str, discounts: tuple[Discount, ...], customer_percent: Decimal) -> Iterator[Charge]:
    """The charge, then its discounts of the opposite sign: percentages, amounts, then the customer's own on what remains."""
    yield charge
    rest = charge.amount_cents
    sign = -1 if rest < 0 else 1

    def reduce(label: str, amount: int) -> Iterator[Charge]:
        nonlocal rest
        amount = sign * min(abs(amount), abs(rest))
        rest -= amount
        if amount:
            yield Charge(Section.discount, label, charge.first, charge.last, charge.days_in_month, -amount)

    valid = [discount for discount in discounts if discount.until is None or charge.first <= discount.until]
    for discount in valid:
        if discount.percent is not None:
            label = f"Remise de {french_percent(discount.percent)}, {name}"
            yield from reduce(label, percent_of(charge.amount_cents, discount.percent))
    for discount in valid:
        if discount.amount_micro is not None:
            part = half_up(discount.amount_micro * charge.days, charge.days_in_month * MICRO_PER_CENT)
            yield from reduce(f"Remise, {name}", part)
    if customer_percent:
        label = f"Remise client de {french_percent(customer_percent)}, {name}"
        yield from reduce(label, percent_of(rest, customer_percent))


def french_percent(percent: Decimal) -> str:
    """
    >>> french_percent(Decimal("15.50"))
    '15,5\\u202f%'
    """
    return f"{percent.normalize():f}".replace(".", ",") + "\u202f%"
