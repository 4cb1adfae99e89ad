"""What nobody may keep: calls, call annexes and rejects, purged a year after their bill was paid; first told, then done."""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gateways import cdr_purge, rated
from gateways.settings import SETTINGS
from jobs import reseller
from jobs.cdrs import RECEIVED
from jobs.report import Report
from rules.commitment import add_months
from rules.errors import RuleError
from rules.paris import Month, midnight, paris_date
from rules.retention import closed, purge_on
from rules.states import DocumentKind, RejectState
from tables.billing import BillingRun
from tables.engine import transaction
from tables.fleet import Line
from tables.invoices import Invoice, SealedDocument
from tables.timeline import tell
from tables.usage import CdrFile, CdrPart, CdrReject

Row = dict[str, Any]
SETTLED = """
    SELECT i.id, i.customer, i.incl_vat_cents, i.issued_on, COALESCE(a.cents, 0) AS paid_cents, a.last_on
    FROM invoice i LEFT JOIN (
        SELECT l.invoice, CAST(SUM(l.amount_cents) AS BIGINT) AS cents, MAX(COALESCE(p.received_on, c.issued_on)) AS last_on
        FROM allocation l LEFT JOIN payment p ON p.id = l.payment LEFT JOIN invoice c ON c.id = l.credit_note GROUP BY l.invoice
    ) a ON a.invoice = i.id
    WHERE i.run = {} AND i.state = 'validated'
"""


class Purged(RuleError):
    """Traffic data that the law no longer lets us keep."""

    status = 410


@dataclass(frozen=True)
class MonthToPurge:
    """The lines of a month whose calls go, the annexes that go with them, and how many customers still owe."""

    run: Row
    lines: frozenset[int]
    annexes: tuple[str, ...]
    unpaid: int

    @property
    def month(self) -> str:
        return str(self.run["month"])


@dataclass(frozen=True)
class Plan:
    """What a purge would do today. `rejects`, `originals`: ids and hashes."""

    months: list[MonthToPurge]
    rejects: list[int]
    originals: list[str]

    @property
    def anything(self) -> bool:
        return bool(self.months or self.rejects or self.originals)


async def plan(now: datetime) -> Plan:
    """Read only."""
    today, months = paris_date(now), (await reseller.current()).retention_months
    runs = await BillingRun.select().where(BillingRun.validated_at.is_not_null()).order_by(BillingRun.month)
    found = [one for run in runs if closed(Month.parse(run["month"]), today) and (one := await _month(run, today, months))]
    before = midnight(add_months(today, -months))
    rejects = CdrReject.select(CdrReject.id).where(CdrReject.file.created_at < before, CdrReject.raw_text != "")
    return Plan(found, await rejects.output(as_list=True), await _originals(before, {one.month: one.lines for one in found}))


async def _month(run: Row, today: date, months: int) -> MonthToPurge | None:
    present = await asyncio.to_thread(rated.lines_in, await _parts(run["month"]))
    annex, path = SealedDocument, SETTINGS.data_dir
    annexes = {
        row["invoice"]: row["path"]
        for row in await annex.select(annex.invoice, annex.path).where(
            annex.invoice.run == run["id"], annex.kind == DocumentKind.detail
        )
        if (path / row["path"]).exists()
    }
    if not present and not annexes:
        return None
    bills = {row["customer"]: row for row in await Invoice.raw(SETTLED, run["id"])}
    due: dict[int, bool] = {}
    for customer, bill in bills.items():
        day = purge_on(_settled(bill), months)
        due[customer] = day is not None and day <= today
    unbilled = purge_on(paris_date(run["validated_at"]), months)
    owners = {row["id"]: row["customer"] for row in await Line.select(Line.id, Line.customer)}
    lines = frozenset(line for line in present if due.get(owners.get(line, 0), unbilled is not None and unbilled <= today))
    gone = tuple(
        path for invoice, path in annexes.items() if any(due[row["customer"]] for row in bills.values() if row["id"] == invoice)
    )
    return MonthToPurge(run, lines, gone, sum(not one for one in due.values())) if lines or gone else None


def _settled(bill: Row) -> date | None:
    """The day of the payment that closed a bill; a credit note owes nothing."""
    if bill["incl_vat_cents"] <= 0:
        return bill["issued_on"]
    day = bill["last_on"]
    if bill["paid_cents"] < bill["incl_vat_cents"] or day is None:
        return None
    return day if isinstance(day, date) else date.fromisoformat(str(day)[:10])


async def _parts(month: str) -> list[Any]:
    rows = await CdrPart.select(CdrPart.path).where(CdrPart.month == month)
    return [SETTINGS.data_dir / row["path"] for row in rows if (SETTINGS.data_dir / row["path"]).exists()]


async def _originals(before: datetime, going: dict[str, frozenset[int]]) -> list[str]:
    """Files as they came, old enough, of which no call stays in the store once the plan is done."""
    found = []
    file = CdrFile
    for row in await file.select(file.id, file.received_sha256).where(file.created_at < before, file.received_sha256 != ""):
        if not (SETTINGS.data_dir / RECEIVED / row["received_sha256"]).exists():
            continue
        parts = await CdrPart.select(CdrPart.month, CdrPart.path).where(CdrPart.file == row["id"])
        paths = [(part["month"], SETTINGS.data_dir / part["path"]) for part in parts]
        left = [rated.lines_in([path]) - going.get(month, frozenset()) for month, path in paths if path.exists()]
        if not any(left):
            found.append(row["received_sha256"])
    return found


async def purge() -> Report:
    """The job: do what `plan` tells. Can be stopped anywhere and called again."""
    now = SETTINGS.now()
    found, done = await plan(now), 0
    for one in found.months:
        await asyncio.to_thread(_purge_calls, one, await _parts(one.month))
        for path in one.annexes:
            (SETTINGS.data_dir / path).unlink(missing_ok=True)
        async with transaction():
            told = {"lines": len(one.lines), "annexes": len(one.annexes)}
            await tell("", "purged", "billing_run", one.run["id"], after=told, at=now)
        done += len(one.lines)
    for start in range(0, len(found.rejects), 1_000):
        ids = found.rejects[start : start + 1_000]
        async with transaction():
            values: dict[Any, Any] = {CdrReject.raw_text: "", CdrReject.state: RejectState.ignored}
            await CdrReject.update(values).where(CdrReject.id.is_in(ids), CdrReject.state == RejectState.open)
            await CdrReject.update({CdrReject.raw_text: ""}).where(CdrReject.id.is_in(ids))
            await tell("", "purged", "cdr_reject", ids[0], after={"rejects": len(ids)}, at=now)
    for name in found.originals:
        (SETTINGS.data_dir / RECEIVED / name).unlink(missing_ok=True)
    return Report(done + len(found.rejects) + len(found.originals), sum(one.unpaid for one in found.months), ())


def _purge_calls(one: MonthToPurge, parts: list[Any]) -> None:
    """Sums first: a crash between the two leaves calls to take out, never sums to make."""
    if one.lines and one.run["usage_path"]:
        cdr_purge.sum_up(SETTINGS.data_dir / one.run["usage_path"], one.lines)
    for path in parts:
        if rated.lines_in([path]) & one.lines:
            cdr_purge.take_out(path, one.lines)


def check_kept(row: Row) -> None:
    """Raises Purged for a call annex whose year is over; its seal stays, its content is gone."""
    if row["kind"] == DocumentKind.detail and not (SETTINGS.data_dir / row["path"]).exists():
        raise Purged("Le détail des communications n'est plus gardé : il est effacé un an après le règlement de la facture.")
