"""What a month is computed from: rows of the database as the values of the laws."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from gateways import rated, rating
from gateways.settings import SETTINGS
from jobs.cdrs import live_seconds
from rules import allowances
from rules.charges import Owed
from rules.errors import RuleError
from rules.money import micro
from rules.paris import Month
from rules.rates import Rate
from rules.rating import PeakHours, parse_peak
from rules.recurring import Discount, RecurringItem
from rules.states import ChargeKind, FileState, InvoiceState, LineState, OfferKind, ProductKind, RejectState
from rules.wallets import wallets_of
from tables import billing, catalogue, charges, face, fleet, invoices, parties, usage

Row = dict[str, Any]
Key = tuple[int, str, str, str]  # line, type, category, part
Billed = dict[Key, int]  # cents billed so far


@dataclass
class LateMonth:
    """A month already invoiced, of which CDRs came or got a rate since: it is rated again for the wallets concerned."""

    input: rating.MonthInput
    billed: Billed
    vat_rates: dict[int, Decimal]  # by line
    fresh: frozenset[int]  # the parts, by rank, that no run has counted yet


@dataclass(frozen=True)
class CustomerCharge:
    """What is owed beside subscriptions; `goods`: sold, not rented."""

    id: int
    line: int | None
    vat_rate: Decimal
    goods: bool
    owed: Owed


@dataclass
class Inputs:
    month: Month
    reseller: Row
    branding: Row
    template: Row
    customers: dict[int, Row]
    lines: dict[int, Row]
    lines_of: dict[int, list[Row]]  # by customer
    items: dict[int, list[RecurringItem]]  # by line
    charges: dict[int, list[CustomerCharge]]  # by customer
    vat_rates: dict[int, Decimal]  # by item
    offer_vat: dict[int, Decimal]  # of a line's usage: its offer's
    usage: rating.MonthInput
    late: list[LateMonth]
    broken: dict[int, Exception]  # customer → what keeps an item of its lines from being read
    done: set[int]  # customers whose document of this run is validated
    references: dict[int, tuple[str, date]]  # customer → last invoice of ours
    fresh_parts: list[int] = field(default_factory=list)  # those that this run counts
    file_totals: dict[str, Any] = field(default_factory=dict)


async def read(month: Month, run: Row | None = None) -> Inputs:
    """Read everything that a month needs; a few queries, whatever the size of the fleet."""
    reseller = await parties.Reseller.select().first() or {}
    customers = {row["id"]: row for row in await parties.Customer.select()}
    lines = {row["id"]: row for row in await fleet.Line.select().where(fleet.Line.state != LineState.cancelled)}
    broken: dict[int, Exception] = {}
    items = await _items(lines, broken)
    versions = await _versions()
    invoiced = await billing.BillingRun.select().where(billing.BillingRun.validated_at.is_not_null())
    common = _Common(lines, items, versions, parse_peak(reseller.get("peak_hours", "")))
    files = await fresh_files(run)
    part = usage.CdrPart
    parts = await part.select(part.id, part.month, part.path, part.rows, part.counted_in, part.counted_in.validated_at).where(
        part.file.state == FileState.loaded
    )
    fresh = _fresh(parts, run)
    late = [
        found
        for run in sorted(invoiced, key=lambda run: run["month"])
        if str(month.back(12)) <= run["month"] < str(month)
        and (found := await _late(run, common, parts, [part for part in fresh if part["month"] == run["month"]]))
    ]
    late_months = {run["month"] for run in invoiced if run["month"] < str(month)}
    return Inputs(
        month=month,
        reseller=reseller,
        branding=await face.Branding.select().first() or {},
        template=await face.InvoiceTemplate.select().first() or {},
        customers=customers,
        lines=lines,
        lines_of=_by_customer(lines),
        items=_recurring(lines, items, await _discounts(), broken),
        charges=await _charges(month, lines, broken),
        vat_rates={row["id"]: row["offer.vat_rate"] for row in items},
        offer_vat=offer_vat(items, month),
        usage=common.month_input(month, parts),
        late=late,
        broken=broken,
        done=await _done(run),
        references=await _references(),
        fresh_parts=[part["id"] for part in fresh],
        file_totals=await _file_totals(files)
        | {
            "late": sum(part["rows"] for part in fresh if part["month"] in late_months),
            "other_month": sum(part["rows"] for part in fresh if part["month"] != str(month)),
        },
    )


@dataclass
class _Common:
    lines: dict[int, Row]
    items: list[Row]
    versions: list[rating.Version]
    peak: PeakHours

    def month_input(self, month: Month, parts: Iterable[Row], only: frozenset[int] | None = None) -> rating.MonthInput:
        held = [
            allowances.Item(
                id=row["id"],
                line=row["line"],
                customer=self.lines[row["line"]]["customer"],
                kind=row["kind"],
                code=row["offer.code"],
                position=row["position"],
                starts_on=row["starts_on"],
                ends_on=row["ends_on"],
                buckets=row["buckets"],
            )
            for row in self.items
        ]
        counters, pots = allowances.counters(held, month)
        return rating.MonthInput(
            month=month,
            parts=[SETTINGS.data_dir / part["path"] for part in parts if part["month"] == str(month)],
            lines=[
                rating.RatedLine(
                    line["id"], line["customer"], line["rate_table"], *live_seconds(line["activated_on"], line["terminated_on"])
                )
                for line in self.lines.values()
            ],
            versions=self.versions,
            counters=counters,
            pots=pots,
            peak=self.peak,
            only=only,
        )


async def _items(lines: dict[int, Row], broken: dict[int, Exception]) -> list[Row]:
    """Items with their catalogue version; `ends_on` also knows the line's end, `buckets` are parsed."""
    item, offer = fleet.LineItem, fleet.LineItem.offer
    rows = await item.select(
        *(
            item.id,
            item.line,
            item.kind,
            item.position,
            item.monthly_price,
            item.terms,
            item.starts_on,
            item.ends_on,
            item.billed_until,
        ),
        *(item.taken_over_until, offer.code, offer.label, offer.vat_rate, offer.activation_fee, offer.allowances),
    ).order_by(item.id)
    parsed: dict[str, tuple[allowances.Bucket, ...]] = {}
    kept = []
    for row in rows:
        line = lines.get(row["line"])
        if line is None:
            continue
        ends = [day for day in (row["ends_on"], line["terminated_on"]) if day]
        row["ends_on"] = min(ends) if ends else None
        text = row["offer.allowances"]
        try:
            row["buckets"] = parsed[text] if text in parsed else parsed.setdefault(text, allowances.parse(text))
        except RuleError as reason:
            row["buckets"], broken[line["customer"]] = (), reason
        kept.append(row)
    return kept


def _by_customer(lines: dict[int, Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for line in sorted(lines.values(), key=lambda line: (line["msisdn"], line["activated_on"])):
        found.setdefault(line["customer"], []).append(line)
    return found


async def _discounts() -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in await fleet.Discount.select().order_by(fleet.Discount.id):
        found.setdefault(row["item"], []).append(row)
    return found


def _recurring(
    lines: dict[int, Row], items: list[Row], discounts: dict[int, list[Row]], broken: dict[int, Exception]
) -> dict[int, list[RecurringItem]]:
    found: dict[int, list[RecurringItem]] = {}
    for row in sorted(items, key=lambda row: (row["line"], row["kind"] != OfferKind.offer, row["position"], row["starts_on"])):
        try:
            found.setdefault(row["line"], []).append(recurring_item(row, discounts.get(row["id"], [])))
        except (ArithmeticError, ValueError) as reason:
            broken[lines[row["line"]]["customer"]] = reason
    return found


def recurring_item(row: Row, discounts: list[Row]) -> RecurringItem:
    """An item with its offer, as the law of the month reads it."""
    return RecurringItem(
        id=row["id"],
        label=row["offer.label"],
        monthly_micro=micro(row["monthly_price"]),
        terms=row["terms"],
        starts_on=row["starts_on"],
        ends_on=row["ends_on"],
        billed_until=row["billed_until"],
        taken_over=row["taken_over_until"] is not None,
        activation_micro=micro(row["offer.activation_fee"]),
        discounts=tuple(
            Discount(found["percent"], None if found["amount"] is None else micro(found["amount"]), found["until"])
            for found in discounts
        ),
    )


async def _charges(month: Month, lines: dict[int, Row], broken: dict[int, Exception]) -> dict[int, list[CustomerCharge]]:
    """What customers owe beside their items, by line, then as it came; a line's end ends what it bears."""
    charge, found = charges.Charge, dict[int, list[CustomerCharge]]()
    rows = await charge.select().where(charge.starts_on <= month.next.last, charge.invoiced.eq(False)).order_by(charge.id)
    for row in sorted(rows, key=lambda row: lines.get(row["line"], {}).get("msisdn", "~")):
        if row["line"] and row["line"] not in lines:
            continue
        ends = [day for day in (row["ends_on"], lines.get(row["line"], {}).get("terminated_on")) if day]
        try:
            found.setdefault(row["customer"], []).append(charge_of(row, min(ends) if ends else None))
        except (ArithmeticError, ValueError) as reason:
            broken[row["customer"]] = reason
    return found


def charge_of(row: Row, ends_on: date | None) -> CustomerCharge:
    """Raises TooManyDecimals, ValueError."""
    owed = Owed(
        kind=ChargeKind(row["kind"]),
        label=row["label"],
        unit_micro=micro(row["unit_price"]),
        quantity=row["quantity"],
        terms=row["terms"],
        count=row["instalments"] or 0,
        starts_on=row["starts_on"],
        ends_on=ends_on,
        billed_until=row["billed_until"],
        invoiced=row["invoiced"],
    )
    goods = row["nature"] == ProductKind.equipment and owed.kind != ChargeKind.recurring
    return CustomerCharge(row["id"], row["line"], row["vat_rate"], goods, owed)


def offer_vat(items: list[Row], month: Month) -> dict[int, Decimal]:
    """The VAT rate of each line's offer: the last one begun by the end of the month."""
    found: dict[int, tuple[date, Decimal]] = {}
    for row in items:
        if row["kind"] == OfferKind.offer and (row["ends_on"] is None or row["starts_on"] <= row["ends_on"]):
            known = found.get(row["line"])
            if known is None or known[0] < row["starts_on"] <= month.last:
                found[row["line"]] = row["starts_on"], row["offer.vat_rate"]
    return {line: rate for line, (_, rate) in found.items()}


async def _versions() -> list[rating.Version]:
    rates: dict[int, list[Rate]] = {}
    for row in await catalogue.Rate.select().order_by(catalogue.Rate.id):
        rates.setdefault(row["version"], []).append(Rate.of(row, row["id"]))
    versions = await catalogue.RateVersion.select()
    return [rating.Version(row["rate_table"], row["valid_from"], rates.get(row["id"], [])) for row in versions]


async def _late(run: Row, common: _Common, parts: list[Row], new: list[Row]) -> LateMonth | None:
    """The wallets of an invoiced month that have new CDRs, or CDRs that had no rate then."""
    month = Month.parse(run["month"])
    paths = [SETTINGS.data_dir / part["path"] for part in new]
    lines = rated.lines_in(paths)
    if json.loads(run["totals"]).get("unrated"):
        lines |= rated.unrated_lines(SETTINGS.data_dir / run["usage_path"])
    if not lines:
        return None
    whole = common.month_input(month, parts)
    only = wallets_of(lines, whole.counters)
    line = invoices.InvoiceLine
    rows = (
        await line.select(line.line, line.type, line.category, line.part, line.amount_cents, line.vat_rate)
        .where(line.usage_month == str(month), line.invoice.state == InvoiceState.validated)
        .order_by(line.id)
    )
    billed: Billed = {}
    vat_rates = offer_vat(common.items, month)
    for row in rows:
        key = (row["line"], row["type"], row["category"], row["part"] or "")
        billed[key] = billed.get(key, 0) + row["amount_cents"]
        vat_rates[row["line"]] = row["vat_rate"]
    kept = {key: cents for key, cents in billed.items() if key[0] in only}
    again = common.month_input(month, parts, only)
    return LateMonth(again, kept, vat_rates, frozenset(again.parts.index(path) for path in paths))


async def _done(run: Row | None) -> set[int]:
    if run is None:
        return set()
    invoice = invoices.Invoice
    rows = await invoice.select(invoice.customer).where(invoice.run == run["id"], invoice.state == InvoiceState.validated)
    return {row["customer"] for row in rows}


async def _references() -> dict[int, tuple[str, date]]:
    invoice = invoices.Invoice
    rows = (
        await invoice.select(invoice.customer, invoice.number, invoice.issued_on)
        .where(invoice.state == InvoiceState.validated, invoice.kind == "INVOICE")
        .order_by(invoice.id)
    )
    return {row["customer"]: (row["number"], row["issued_on"]) for row in rows}


async def fresh_files(run: Row | None) -> dict[int, Row]:
    """The CDR files that a run counts: those that came since the run before was validated; once validated, the same for ever."""
    file = usage.CdrFile
    rows = await file.select(file.id, file.rows, file.loaded, file.rejected, file.counted_in, file.counted_in.validated_at).where(
        file.state == FileState.loaded
    )
    return {row["id"]: row for row in _fresh(rows, run)}


def _fresh(rows: list[Row], run: Row | None) -> list[Row]:
    """Of files or parts, those that a run counts: a part can come after its file was counted, by a replay."""
    if run and run["validated_at"]:
        return [row for row in rows if row["counted_in"] == run["id"]]
    return [row for row in rows if row["counted_in"] is None or row["counted_in.validated_at"] is None]


async def _file_totals(files: dict[int, Row]) -> dict[str, Any]:
    causes: dict[str, int] = {}
    reject = usage.CdrReject
    for row in await reject.select(reject.file, reject.cause).where(reject.state != RejectState.replayed):
        if row["file"] in files:
            causes[row["cause"]] = causes.get(row["cause"], 0) + 1
    return {
        "cdrs_read": sum(row["rows"] for row in files.values()),
        "loaded": sum(row["loaded"] for row in files.values()),
        "rejected": sum(row["rejected"] for row in files.values()),
        "rejects_by_cause": dict(sorted(causes.items())),
    }
