"""What an ordered item will owe, and how much of it stands on the first bill (billing law §§ 2, 3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from rules.charges import Owed
from rules.charges import charges as charged
from rules.money import cents, micro
from rules.orders import Agreed, Handset, Item
from rules.paris import Month
from rules.recurring import Charge, Discount, RecurringItem, charges
from rules.states import ChargeKind, ProductKind, PurchaseMode, SaleMode, Terms


@dataclass(frozen=True)
class Debt:
    """What is billed beside the subscription. `unit_price`: a month's when recurring, an instalment's, or the whole."""

    kind: ChargeKind
    nature: str
    label: str
    unit_price: Decimal
    vat_rate: Decimal
    starts_on: date
    quantity: int = 1
    terms: Terms = Terms.advance
    ends_on: date | None = None
    instalments: int | None = None


def debts(item: Item, start: date) -> list[Debt]:
    """What the item owes beside its subscription once it is there, on `start`."""
    if item.service:
        sold = item.service
        kind = ChargeKind.recurring if sold.recurring else ChargeKind.one_off
        return [Debt(kind, sold.nature, sold.label, item.price, sold.vat_rate, start, item.quantity, ends_on=item.ends_on)]
    return list(_of_handset(item.handset, item.terms, start)) if item.handset and item.handset.version else []


def _of_handset(handset: Handset, terms: Terms, start: date) -> Iterator[Debt]:
    """Instalments are whole cents: what the division leaves over is due with the first one."""
    version = handset.version
    if version is None or handset.sale == SaleMode.own:
        return
    whole = (ProductKind.equipment, version.label)
    if handset.sale == SaleMode.rented:
        yield Debt(ChargeKind.recurring, whole[0], f"Location, {version.label}", handset.price, version.vat_rate, start, 1, terms)
    elif handset.purchase == PurchaseMode.instalments and handset.instalments:
        part, rest = divmod(cents(micro(handset.price)), handset.instalments)
        yield Debt(
            ChargeKind.instalments, *whole, Decimal(part) / 100, version.vat_rate, start, 1, terms, None, handset.instalments
        )
        if rest:
            label = f"{version.label}, reste de la division en mensualités"
            yield Debt(ChargeKind.one_off, whole[0], label, Decimal(rest) / 100, version.vat_rate, start)
    else:
        yield Debt(ChargeKind.one_off, *whole, handset.price, version.vat_rate, start)


def first_bill(item: Item, customer_percent: Decimal = Decimal(0)) -> list[Charge]:
    """The lines of the first bill that the item is on: that of the month in which it begins. Nothing while its day is not known.

    >>> from rules.orders import Version
    >>> from rules.states import OfferKind, OrderItemKind
    >>> solo = Version(1, "SOLO", "Solo", Decimal("9.30"), Decimal(20), date(2026, 1, 1), fee=Decimal(10))
    >>> item = Item(OrderItemKind.line, date(2026, 12, 22), held=(Agreed(OfferKind.offer, solo, Decimal("9.30")),))
    >>> [(line.label, line.first.day, line.last.day, line.amount_cents) for line in first_bill(item)]    # 9.30 × 10/31 = 3.00
    [('Solo', 22, 31, 300), ('Solo', 1, 31, 930), ('Mise en service, Solo', 22, 22, 1000)]
    """
    start = item.starts_on
    if start is None:
        return []
    month, found = Month.of(start), []
    for agreed in item.held:
        found += charges(recurring(agreed, item.terms, start), month, customer_percent)
    for debt in debts(item, start):
        found += _first(debt, month, customer_percent)
    return found


def recurring(agreed: Agreed, terms: Terms, start: date) -> RecurringItem:
    """The item of a line, as the billing law takes it."""
    promised = tuple(
        Discount(one.percent, None if one.amount is None else micro(one.amount), one.ends_on(start)) for one in agreed.discounts
    )
    return RecurringItem(
        id=0, label=agreed.version.label, monthly_micro=micro(agreed.price), terms=terms, starts_on=start,
        activation_micro=micro(agreed.version.fee), discounts=promised,
    )  # fmt: skip


def _first(debt: Debt, month: Month, customer_percent: Decimal) -> list[Charge]:
    owed = Owed(
        debt.kind, debt.label, micro(debt.unit_price), debt.starts_on, debt.quantity, debt.terms, debt.instalments or 0,
        debt.ends_on,
    )  # fmt: skip
    return charged(owed, month, customer_percent)


def told(lines: list[Charge]) -> list[dict[str, str | int]]:
    """The lines as programs read them."""
    return [
        {"label": line.label, "from": line.first.isoformat(), "to": line.last.isoformat(), "amount_cents": line.amount_cents}
        for line in lines
    ]
