"""The fleet: lines found by what they are, a page at a time, and the same lines as a file."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from piccolo.columns import Column
from piccolo.query.functions.aggregate import Count

from jobs.imports.store import select_in
from jobs.search import written
from jobs.sims import ends_with, whole_number
from rules import seek
from rules.commitment import add_months
from rules.files.written import csv_rows
from rules.states import OfferKind
from tables.catalogue import CommitmentType, Offer
from tables.fleet import Line, LineItem
from tables.parties import Customer

Row = dict[str, Any]
ON_A_PAGE = 50
EXPORTED = 1_000_000
EXPORTED_AT_ONCE = 2_000
DAY = timedelta(days=1)
SHOWN = (
    Line.id, Line.msisdn, Line.user_name, Line.state, Line.international, Line.activated_on, Line.terminated_on,
    Line.commitment_start, Line.commitment_type.months.as_alias("months"),
    Line.customer.customer_number.as_alias("customer_number"),
    Line.customer.company_name.as_alias("company_name"),
)  # fmt: skip
FILED = (*SHOWN, Line.sim.iccid.as_alias("iccid"), Line.rate_table.code.as_alias("rate_table"))
COLUMNS = (
    "msisdn", "customer_number", "company_name", "user_name", "state", "iccid", "offer", "options", "monthly_price", "rate_table",
    "international", "activated_on", "terminated_on", "commitment_months", "commitment_ends_on",
)  # fmt: skip
ITEM = [
    LineItem.id,
    LineItem.line,
    LineItem.kind,
    LineItem.position,
    LineItem.monthly_price,
    LineItem.starts_on,
    LineItem.ends_on,
]


@dataclass(frozen=True)
class Search:
    """What the fleet is narrowed to, on `today`. `customer`: a number, or a part of a name; `number`: an end, in any writing.

    `bound_until`: the commitment ends on that day at the latest. Empty = all.
    """

    today: date
    customer: str = ""
    state: str = ""
    offer: str = ""
    user: str = ""
    number: str = ""
    batch: str = ""
    profile: str = ""
    bound_until: date | None = None

    async def conditions(self) -> list[Any]:
        exact = ((Line.state, self.state), (Line.international, self.profile))
        found: list[Any] = [column == value for column, value in exact if value]
        if self.number:
            found.append(ends_with(Line.msisdn, whole_number(self.number)))
        if self.user:
            found.append(holds(Line.user_name, self.user))
        if self.batch:
            found.append(Line.sim.batch == self.batch)
        if self.customer:
            named = (Customer.customer_number == self.customer) | holds(Customer.company_name, self.customer)
            found.append(Line.customer.is_in(await Customer.select(Customer.id).where(named).output(as_list=True) or [0]))
        if self.offer:
            versions = Offer.select(Offer.id).where(Offer.kind == OfferKind.offer, Offer.code == self.offer).output(as_list=True)
            sold = LineItem.offer.is_in(await versions or [0])
            found.append(Line.id.is_in(LineItem.select(LineItem.line).where(sold, held_on(self.today))))
        if self.bound_until:
            found.append(_bound_until(self.bound_until, await CommitmentType.select().where(CommitmentType.months > 0)))
        return found


def holds(column: Column, text: str) -> Any:
    """Whether a column holds every word of a text, whatever the case and the accents of either; no word finds nothing."""
    words = seek.words(text[:60])
    return written(column, words=words) if words else column.is_null() & column.is_not_null()


def held_on(day: date) -> Any:
    """Whether an item is held on a day; the items of a line to come are."""
    begun = (LineItem.starts_on <= day) | (LineItem.line.activated_on > day)
    return begun & (LineItem.ends_on.is_null() | (LineItem.ends_on >= day))


def _bound_until(day: date, kinds: list[Row]) -> Any:
    """Whether a commitment is over at the end of a day: for each length, those that began early enough."""
    found: Any = Line.id == 0
    for kind in kinds:
        latest = add_months(day + DAY, -kind["months"])
        while add_months(latest + DAY, kind["months"]) <= day + DAY:  # the 30th and the 31st may end on one day
            latest += DAY
        found |= (Line.commitment_type == kind["id"]) & (Line.commitment_start <= latest)
    return found


async def listing(search: Search, offset: int = 0) -> tuple[list[Row], dict[str, int]]:
    """A page of lines, each with its `offer` and the end of its commitment; and how many there are of each state."""
    conditions = await search.conditions()
    rows = await Line.select(*SHOWN).where(*conditions).order_by(Line.msisdn, Line.id).limit(ON_A_PAGE).offset(offset)
    counts = await Line.select(Line.state, Count(alias="lines")).where(*conditions).group_by(Line.state)
    return await _told(rows, search.today), {row["state"]: row["lines"] for row in counts}


async def ids_of(search: Search, limit: int) -> list[int]:
    """The lines of a search, at most so many."""
    query = Line.select(Line.id).where(*await search.conditions()).order_by(Line.msisdn, Line.id)
    return await query.limit(limit).output(as_list=True)


async def customer(number: str) -> Row | None:
    """The one customer of that number, when a search names it whole."""
    return (
        await Customer.select(Customer.customer_number, Customer.company_name).where(Customer.customer_number == number).first()
    )


async def offers() -> dict[str, str]:
    """The subscriptions of the catalogue: code → label of the latest version."""
    rows = await Offer.select(Offer.code, Offer.label).where(Offer.kind == OfferKind.offer).order_by(Offer.valid_from, Offer.id)
    return {row["code"]: row["label"] for row in rows}


async def export(ids: Iterable[int], today: date) -> AsyncIterator[str]:
    """Those lines as CSV, in pieces: the names of the files that are imported, and what a reader looks for beside."""
    wanted = list(ids)
    yield "\ufeff" + csv_rows([COLUMNS])
    for start in range(0, len(wanted), EXPORTED_AT_ONCE):
        chunk = wanted[start : start + EXPORTED_AT_ONCE]
        rows = {row["id"]: row for row in await Line.select(*FILED).where(Line.id.is_in(chunk))}
        told = await _told([rows[id_] for id_ in chunk if id_ in rows], today)
        yield csv_rows([_cell(row[name]) for name in COLUMNS] for row in told)


def _cell(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else f"{value.normalize():f}" if isinstance(value, Decimal) else value


async def _told(rows: list[Row], today: date) -> list[Row]:
    """Lines with what their items and their dates say."""
    items: dict[int, list[Row]] = {row["id"]: [] for row in rows}
    columns = [*ITEM, LineItem.offer.code, LineItem.offer.label]
    for item in await select_in(columns, LineItem.line, items):
        items[item["line"]].append(item)
    return [row | _summed(row, items[row["id"]], today) for row in rows]


def _summed(row: Row, items: list[Row], today: date) -> Row:
    held = [item for item in items if _held(item, row, today)]
    offer = next((item for item in held if item["kind"] == OfferKind.offer), None)
    options = sorted((item for item in held if item["kind"] == OfferKind.option), key=lambda item: item["position"])
    months, start = row["months"] or 0, row["commitment_start"]
    return {
        "offer": offer["offer.code"] if offer else "",
        "offer_label": offer["offer.label"] if offer else "",
        "monthly_price": offer["monthly_price"] if offer else None,
        "options": "+".join(item["offer.code"] for item in options),
        "commitment_months": months,
        "commitment_ends_on": add_months(start, months) - DAY if months and start else None,
    }


def _held(item: Row, row: Row, today: date) -> bool:
    """As `held_on`; of a line that is over, what it held on its last day."""
    day = min(today, row["terminated_on"] or today)
    return (item["starts_on"] <= day or row["activated_on"] > day) and (item["ends_on"] or day) >= day
