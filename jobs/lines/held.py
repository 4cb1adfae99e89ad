"""Lines as they stand, many in few queries; held so that nobody else changes them meanwhile."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rules.commitment import Commitment, termination_fee
from rules.money import micro
from rules.states import ChangeState, OfferKind
from tables.changes import LineChange
from tables.engine import on_sqlite
from tables.fleet import Discount, Line, LineItem

Row = dict[str, Any]
_COMMITMENT = ("code", "label", "months", "percent_first_year", "percent_after")
_LINE: list[Any] = [
    *Line.all_columns(),
    *(Line.sim.iccid, Line.sim.state, Line.rate_table.code),
    *(Line.customer.customer_number, Line.customer.company_name, Line.customer.kind, Line.customer.discount_percent),
    *(getattr(Line.commitment_type, name) for name in _COMMITMENT),
]
_OFFER = ("code", "label", "vat_rate", "international", "activation_fee", "data_speed", "monthly_price")
_ITEM: list[Any] = [*LineItem.all_columns(), *(getattr(LineItem.offer, name) for name in _OFFER)]


@dataclass(frozen=True)
class Held:
    """A line as it stands: its row with what it refers to, its items with their offers, what is planned for it, by day."""

    row: Row
    items: list[Row]
    planned: list[Row]

    def on(self, day: date) -> list[Row]:
        """The items of a day, the subscription first."""
        live = [item for item in self.items if item["starts_on"] <= day and (item["ends_on"] is None or day <= item["ends_on"])]
        return sorted(live, key=lambda item: (item["kind"] != OfferKind.offer, item["position"]))

    def offer(self, day: date) -> Row:
        """The subscription of a day, else the nearest one before, else the first."""
        offers = [item for item in self.items if item["kind"] == OfferKind.offer and lives(item)]
        begun = [item for item in offers if item["starts_on"] <= day]
        return max(begun or offers[:1], key=lambda item: item["starts_on"], default={})

    @property
    def commitment(self) -> Commitment | None:
        row = self.row
        if not row["commitment_start"] or not row["commitment_type.months"]:
            return None
        percents = row["commitment_type.percent_first_year"], row["commitment_type.percent_after"]
        return Commitment(row["commitment_start"], row["commitment_type.months"], *percents)

    def fee_cents(self, last_day: date) -> int:
        """What ending on that day costs, excl. VAT (billing law § 3): none once the line has an end."""
        bound, offer = self.commitment, self.offer(last_day)
        if bound is None or not offer or self.row["terminated_on"]:
            return 0
        price = micro(offer["monthly_price"])
        return termination_fee(bound, price, last_day, self.row["customer.kind"], self.row["subsidised"])


def lives(item: Row) -> bool:
    """An item that was taken back before it began ends on the eve of its first day."""
    return item["ends_on"] is None or item["ends_on"] >= item["starts_on"]


async def hold(ids: Sequence[int]) -> None:
    """In the transaction under way: until it ends nobody else changes these lines."""
    if not on_sqlite():
        await Line.select(Line.id).where(Line.id.is_in(list(ids))).order_by(Line.id).lock_rows("UPDATE")


async def load(ids: Sequence[int]) -> dict[int, Held]:
    """Those of these lines that exist, by key; each item with its `discounts`."""
    wanted = list(ids)
    discounts: dict[int, list[Row]] = defaultdict(list)
    for discount in await Discount.select().where(Discount.item.line.is_in(wanted)).order_by(Discount.id):
        discounts[discount["item"]].append(discount)
    items: dict[int, list[Row]] = defaultdict(list)
    for item in await LineItem.select(*_ITEM).where(LineItem.line.is_in(wanted)).order_by(LineItem.id):
        items[item["line"]].append(item | {"discounts": discounts[item["id"]]})
    planned: dict[int, list[Row]] = defaultdict(list)
    waiting = LineChange.select().where(LineChange.line.is_in(wanted), LineChange.state == ChangeState.planned)
    for row in await waiting.order_by(LineChange.effective_on, LineChange.id):
        planned[row["line"]].append(row)
    rows = await Line.select(*_LINE).where(Line.id.is_in(wanted))
    return {row["id"]: Held(row, items[row["id"]], planned[row["id"]]) for row in rows}
