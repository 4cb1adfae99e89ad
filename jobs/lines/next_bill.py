"""What a change of offer does to the bill: the lines of the first bill that it changes, without it and with it."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from jobs.billing.inputs import recurring_item
from jobs.lines.deeds import Act, Deed
from jobs.lines.ground import ground_of
from jobs.lines.held import Held, Row, load
from jobs.lines.verbs import UnknownLine, foresee, read
from rules import recurring
from rules.paris import Month, paris_date
from rules.recurring import RecurringItem
from tables.billing import BillingRun
from tables.parties import Reseller

AHEAD = 3  # months: within them a change of an item is on a bill


@dataclass(frozen=True)
class BillLine:
    label: str
    first: date
    last: date
    amount_cents: int


@dataclass(frozen=True)
class NextBill:
    """The bill of `month`, excl. VAT and calls; with equal sides the change costs nothing."""

    month: Month
    before: list[BillLine]
    after: list[BillLine]

    @property
    def difference_cents(self) -> int:
        return sum(line.amount_cents for line in self.after) - sum(line.amount_cents for line in self.before)


async def next_bill(act: Act, line: int, now: datetime) -> NextBill:
    """The first bill on which the change of offer shows, as the law will make it. Raises what the act raises."""
    act = read(act)
    held = (await load([line])).get(line)
    if held is None:
        raise UnknownLine("Cette ligne n'existe plus. Revenez au parc.")
    deed = foresee(act, held, await ground_of(act, paris_date(now)))
    before = [_recurring(held, item) for item in held.items]
    after = [_recurring(held, item) for item in _changed(deed)]
    percent, month = held.row["customer.discount_percent"], await to_bill(paris_date(now))
    last = max(Month.of(act.effective_on), month)
    for _ in range(AHEAD):
        last = last.next
    while True:
        bill = NextBill(month, _lines(before, month, percent), _lines(after, month, percent))
        if bill.before != bill.after or month >= last:
            return bill
        before, after = _billed(before, month), _billed(after, month)
        month = month.next


async def to_bill(today: date) -> Month:
    """The month after the last that was validated, else the first of all, else this one."""
    run = BillingRun.select(BillingRun.month).where(BillingRun.validated_at.is_not_null())
    if found := await run.order_by(BillingRun.month, ascending=False).first():
        return Month.parse(found["month"]).next
    seller = await Reseller.select(Reseller.first_month).first()
    return Month.parse(seller["first_month"]) if seller and seller["first_month"] else Month.of(today)


def _changed(deed: Deed) -> list[Row]:
    """The items as the deed leaves them; those that begin have no key yet, theirs are below zero."""
    stay = [item | {"ends_on": deed.ended.get(item["id"], item["ends_on"])} for item in deed.held.items]
    return [*stay, *(item | {"id": -rank} for rank, item in enumerate(deed.begun, 1))]


def _recurring(held: Held, item: Row) -> RecurringItem:
    ends = [day for day in (item["ends_on"], held.row["terminated_on"]) if day]
    return recurring_item(item | {"ends_on": min(ends) if ends else None}, item["discounts"])


def _lines(items: list[RecurringItem], month: Month, percent: Decimal) -> list[BillLine]:
    found = [charge for item in items for charge in recurring.charges(item, month, percent)]
    return [BillLine(one.label, one.first, one.last, one.amount_cents) for one in found]


def _billed(items: list[RecurringItem], month: Month) -> list[RecurringItem]:
    """As they stand once the run of that month is validated."""
    return [replace(item, billed_until=recurring.billed_until(item, month)) for item in items]
