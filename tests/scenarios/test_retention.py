"""Calls go a year after their bill was paid; what was billed, and what it summed to, stays. A year of the demo reseller."""

from datetime import datetime

import billed_month
import month_samples
import pytest

from gateways import rated
from gateways.settings import SETTINGS
from jobs import retention
from jobs.billing import telling
from jobs.money import balances, payments
from tables.invoices import Invoice, SealedDocument
from tables.parties import Customer
from tables.usage import CdrPart, CdrReject


def paris(text):
    return datetime.fromisoformat(f"{text}T09:00:00+01:00")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return month_samples.make(tmp_path_factory.mktemp("year"), customers=6, lines=14, cdrs=160)


@pytest.fixture
async def billed(database, source, monkeypatch):
    """October billed and printed; every invoice but one paid on the 20th of November. The run's id and who still owes."""
    await billed_month.load(source, monkeypatch)
    run = await billed_month.draft()
    await billed_month.seal(run)
    monkeypatch.setattr(SETTINGS, "clock", paris("2026-11-20"))
    owing = None
    for debt in await balances.debts():
        if owing is None:
            owing = debt["customer"]
            continue
        number = (await Customer.select().where(Customer.id == debt["customer"]).first())["customer_number"]
        await payments.record(number, debt["left_cents"], "TRANSFER", paris("2026-11-20").date(), actor="x", now=SETTINGS.now())
    return run, owing


async def stored_lines():
    return rated.lines_in([SETTINGS.data_dir / row["path"] for row in await CdrPart.select(CdrPart.path)])


async def test_nothing_goes_before_its_day(billed, monkeypatch):
    for day in ("2026-11-21", "2027-10-31", "2027-11-19"):
        found = await retention.plan(paris(day))
        assert found.months == [], day


async def test_what_is_paid_goes_what_is_owed_stays_and_sums_are_kept(billed, monkeypatch):
    run, owing = billed
    before, usage = await stored_lines(), await telling.usage(run)
    kept = {row["name"]: row async for row in _papers()}
    monkeypatch.setattr(SETTINGS, "clock", paris("2027-11-20"))
    (month,) = (await retention.plan(SETTINGS.now())).months
    assert month.unpaid == 1
    report = await retention.purge()
    assert report.done >= len(month.lines) > 0
    after = await stored_lines()
    assert after == before - month.lines
    assert after, "the one who owes keeps its calls"
    assert await telling.usage(run) == usage
    calls = rated.calls(SETTINGS.data_dir / (await telling.runs.get(run))["usage_path"], month.lines)
    assert calls and not any(call["other"] or call["ts"] for call in calls)
    for name, row in kept.items():
        owner = (await Invoice.select(Invoice.customer).where(Invoice.id == row["invoice"]).first())["customer"]
        there = (SETTINGS.data_dir / row["path"]).exists()
        assert there == (row["kind"] != "DETAIL" or owner == owing), name
        if not there:
            with pytest.raises(retention.Purged):
                retention.check_kept(row)
    assert await CdrReject.count().where(CdrReject.raw_text != "") == 0
    assert not (await retention.plan(SETTINGS.now())).anything
    assert (await retention.purge()).done == 0


async def _papers():
    for row in await SealedDocument.select():
        yield row


async def test_a_purge_stopped_between_sums_and_calls_is_finished_by_the_next(billed, monkeypatch):
    run, _ = billed
    usage = await telling.usage(run)
    monkeypatch.setattr(SETTINGS, "clock", paris("2027-11-20"))

    def stopped(path, lines):
        raise OSError("stopped")

    with monkeypatch.context() as patch:
        patch.setattr(retention.cdr_purge, "take_out", stopped)
        with pytest.raises(OSError, match="stopped"):
            await retention.purge()
    await retention.purge()
    assert await telling.usage(run) == usage
    assert not (await retention.plan(SETTINGS.now())).anything
