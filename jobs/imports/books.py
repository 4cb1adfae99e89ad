"""What the rows of a fleet refer to, and the lines that exist, loaded in a few queries."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from jobs.imports.store import select_in
from rules.files.rows import Row, Values
from rules.states import InvoiceState, OfferKind
from tables.catalogue import CommitmentType, Offer, RateTable
from tables.fleet import Discount, Line, LineItem, Sim
from tables.invoices import InvoiceLine
from tables.parties import Customer

LINE_COLUMNS: list[Any] = [
    Line.id, Line.msisdn, Line.user_name, Line.state, Line.activated_on, Line.terminated_on, Line.commitment_start,
    Line.billed_by_number, Line.billed_by_date, Line.sim.as_alias("sim"), Line.sim.iccid.as_alias("iccid"),
    Line.customer.customer_number.as_alias("customer_number"), Line.rate_table.code.as_alias("rate_table"),
    Line.commitment_type.months.as_alias("commitment_months"),
]  # fmt: skip
ITEM_COLUMNS: list[Any] = [
    LineItem.id, LineItem.line, LineItem.kind, LineItem.position, LineItem.monthly_price, LineItem.terms, LineItem.starts_on,
    LineItem.ends_on, LineItem.billed_until, LineItem.taken_over_until, LineItem.offer, LineItem.offer.code.as_alias("code"),
]  # fmt: skip


@dataclass(frozen=True)
class Books:
    """By the number or code that the file writes. `offers`: the versions of a (kind, code), the oldest first."""

    customers: dict[str, Values]
    sims: dict[str, Values]
    tables: dict[str, int]
    commitments: dict[int, int]
    offers: dict[tuple[str, str], list[Values]]
    lines: list[Values]

    def version(self, kind: str, code: str, *days: date) -> Values | None:
        """The version in force on the first of these days on which there is one."""
        versions = self.offers.get((kind, code), [])
        for day in days:
            if rank := bisect_right(versions, day, key=lambda version: version["valid_from"]):
                return versions[rank - 1]
        return None


async def open_books(rows: list[Row]) -> Books:
    customers = await select_in(
        [Customer.id, Customer.customer_number, Customer.kind], Customer.customer_number, _values(rows, "customer_number")
    )
    sims = await select_in([Sim.id, Sim.iccid, Sim.state], Sim.iccid, _values(rows, "iccid"))
    offers: dict[tuple[str, str], list[Values]] = defaultdict(list)
    for offer in await Offer.select(Offer.id, Offer.kind, Offer.code, Offer.monthly_price, Offer.valid_from).order_by(
        Offer.valid_from
    ):
        offers[offer["kind"], offer["code"]].append(offer)
    return Books(
        {customer["customer_number"]: customer for customer in customers},
        {sim["iccid"]: sim for sim in sims},
        {table["code"]: table["id"] for table in await RateTable.select(RateTable.id, RateTable.code)},
        {
            kind["months"]: kind["id"]
            for kind in await CommitmentType.select().where(CommitmentType.code.is_in(["M0", "M12", "M24", "M36"]))
        },
        dict(offers),
        await _lines(_values(rows, "msisdn")),
    )


def _values(rows: list[Row], name: str) -> Iterable[str]:
    return (row.values[name] for row in rows)


async def _lines(msisdns: Iterable[str]) -> list[Values]:
    """The lines of these numbers as the file would write them, with their `items`."""
    lines = await select_in(LINE_COLUMNS, Line.msisdn, msisdns)
    items = await select_in(ITEM_COLUMNS, LineItem.line, (line["id"] for line in lines))
    discounts = await select_in(Discount.all_columns(), Discount.item, (item["id"] for item in items))
    of_item: dict[int, list[Values]] = defaultdict(list)
    for discount in discounts:
        of_item[discount["item"]].append(discount)
    of_line: dict[int, list[Values]] = defaultdict(list)
    for item in sorted(items, key=lambda item: (item["kind"], item["position"])):
        of_line[item["line"]].append(item | {"discounts": of_item[item["id"]]})
    return [_as_written(line, of_line[line["id"]]) for line in lines]


def _as_written(line: Values, items: list[Values]) -> Values:
    original = [item for item in items if item["starts_on"] == line["activated_on"]]
    offer = next((item for item in original if item["kind"] == OfferKind.offer), {})
    options = [item["code"] for item in original if item["kind"] == OfferKind.option]
    percents = [discount["percent"] for discount in offer.get("discounts", [])]
    return line | {
        "offer": offer.get("code", ""),
        "options": "+".join(options),
        "billing_terms": offer.get("terms", ""),
        "billed_until": offer.get("taken_over_until"),
        "discount_percent": percents[0] if percents else None,
        "items": items,
    }


def lived(line: Values) -> bool:
    """Whether the line changed since it was taken over: another item, an end, a discount of another kind."""
    for item in line["items"]:
        if item["ends_on"] or item["starts_on"] != line["activated_on"]:
            return True
        allowed = 1 if item["kind"] == OfferKind.offer else 0
        plain = [discount for discount in item["discounts"] if discount["amount"] is None and discount["until"] is None]
        if len(item["discounts"]) > allowed or len(plain) < len(item["discounts"]):
            return True
    return False


async def billed(lines: Iterable[Values]) -> set[int]:
    """The ids of the lines of which we have billed something."""
    found = {line["id"] for line in lines if any(item["billed_until"] != item["taken_over_until"] for item in line["items"])}
    rest = (line["id"] for line in lines if line["id"] not in found)
    # a draft bills nothing: only what stands on validated documents counts
    for row in await select_in(
        [InvoiceLine.line, InvoiceLine.invoice.state.as_alias("state")], InvoiceLine.line, rest, distinct=True
    ):
        if row["state"] == InvoiceState.validated:
            found.add(row["line"])
    return found
