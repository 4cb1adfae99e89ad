"""What the rows of a fleet refer to, and the lines that exist, loaded in a few queries."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from jobs.imports.store import named, select_in
from rules.files.rows import Row, Values
from rules.states import InvoiceState, LineState, OfferKind
from tables.catalogue import CommitmentType, Offer, RateTable
from tables.changes import LineChange
from tables.fleet import Discount, Line, LineItem, Sim
from tables.invoices import InvoiceLine
from tables.parties import Customer

IMPORTED = (LineState.pending, LineState.active, LineState.termination_scheduled, LineState.terminated)
PLAIN = ["id", "msisdn", "sim", "user_name", "state", "activated_on", "terminated_on", "commitment_start"]
Versions = dict[tuple[str, str], list[Values]]  # of a (kind, code), the oldest first


@dataclass(frozen=True)
class Books:
    """By the number or code that the file writes."""

    customers: dict[str, Values]
    sims: dict[str, Values]
    tables: dict[str, int]
    commitments: dict[str, int]
    offers: Versions
    lines: list[Values]

    def version(self, kind: str, code: str, *days: date) -> Values | None:
        """The version in force on the first of these days on which there is one."""
        return version_on(self.offers, kind, code, *days)


async def offer_versions() -> Versions:
    offers: Versions = defaultdict(list)
    for offer in await Offer.select().order_by(Offer.valid_from):
        offers[offer["kind"], offer["code"]].append(offer)
    return dict(offers)


def version_on(offers: Versions, kind: str, code: str, *days: date) -> Values | None:
    """The version of an offer or option in force on the first of these days on which there is one."""
    versions = offers.get((kind, code), [])
    for day in days:
        if rank := bisect_right(versions, day, key=lambda version: version["valid_from"]):
            return versions[rank - 1]
    return None


async def open_books(rows: list[Row]) -> Books:
    numbers = (row.values["customer_number"] for row in rows)
    customers = await select_in(named(Customer, ["id", "customer_number", "kind"]), Customer.customer_number, numbers)
    sims = await select_in(named(Sim, ["id", "iccid", "state"]), Sim.iccid, (row.values["iccid"] for row in rows))
    return Books(
        {customer["customer_number"]: customer for customer in customers},
        {sim["iccid"]: sim for sim in sims},
        {table["code"]: table["id"] for table in await RateTable.select()},
        {commitment["code"]: commitment["id"] for commitment in await CommitmentType.select()},
        await offer_versions(),
        await lines_of(row.values["msisdn"] for row in rows),
    )


async def lines_of(msisdns: Iterable[str]) -> list[Values]:
    """The lines of these numbers as the file would write them, with their `items`."""
    linked: list[Any] = [
        Line.sim.iccid.as_alias("iccid"),
        Line.customer.customer_number.as_alias("customer_number"),
        Line.rate_table.code.as_alias("rate_table"),
        Line.commitment_type.months.as_alias("commitment_months"),
    ]
    lines = await select_in([*named(Line, [*PLAIN, "billed_by_number", "billed_by_date"]), *linked], Line.msisdn, msisdns)
    code = LineItem.offer.code.as_alias("code")
    items = await select_in([*LineItem.all_columns(), code], LineItem.line, (line["id"] for line in lines))
    of_line: dict[int, list[Values]] = defaultdict(list)
    of_item: dict[int, list[Values]] = defaultdict(list)
    for discount in await select_in(Discount.all_columns(), Discount.item, (item["id"] for item in items)):
        of_item[discount["item"]].append(discount)
    for item in sorted(items, key=lambda item: (item["kind"], item["position"])):
        of_line[item["line"]].append(item | {"discounts": of_item[item["id"]]})
    return [_as_written(line, of_line[line["id"]]) for line in lines]


def _as_written(line: Values, items: list[Values]) -> Values:
    original = [item for item in items if item["starts_on"] == line["activated_on"]]
    offer = next((item for item in original if item["kind"] == OfferKind.offer), {})
    percents = [discount["percent"] for discount in offer.get("discounts", [])]
    return line | {
        "offer": offer.get("code", ""),
        "options": "+".join(item["code"] for item in original if item["kind"] == OfferKind.option),
        "billing_terms": offer.get("terms", ""),
        "billed_until": offer.get("taken_over_until"),
        "discount_percent": percents[0] if percents else None,
        "items": items,
    }


async def acted_on(lines: list[Values]) -> set[int]:
    """The ids of the lines to which something was done since."""
    return {
        row["line"] for row in await select_in([LineChange.line], LineChange.line, (line["id"] for line in lines), distinct=True)
    }


def lived(line: Values) -> bool:
    """Whether the line changed since it was taken over: another state, another item, an end, a discount of another kind."""
    if line["state"] not in IMPORTED:
        return True
    for item in line["items"]:
        plain = [discount for discount in item["discounts"] if discount["amount"] is None and discount["until"] is None]
        discounted = len(item["discounts"]) > len(plain) or len(plain) > (item["kind"] == OfferKind.offer)
        if discounted or item["ends_on"] or item["starts_on"] != line["activated_on"]:
            return True
    return False


async def billed(lines: list[Values]) -> set[int]:
    """The ids of the lines of which we have billed something. A draft bills nothing."""
    found = {line["id"] for line in lines if any(item["billed_until"] != item["taken_over_until"] for item in line["items"])}
    columns = [InvoiceLine.line, InvoiceLine.invoice.state.as_alias("state")]
    documents = await select_in(columns, InvoiceLine.line, (line["id"] for line in lines), distinct=True)
    return found | {document["line"] for document in documents if document["state"] == InvoiceState.validated}
