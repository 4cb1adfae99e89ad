"""The detailed bill tells no number in full unless its holder has asked, on a day that is kept."""

import io
import json
import re
from datetime import date, datetime

import billed_month
import duckdb
import month_samples
import pytest
from pypdf import PdfReader

from gateways.settings import SETTINGS
from jobs import customers
from jobs.lawful import NotLawful
from rules.states import DocumentKind
from tables.billing import BillingRun
from tables.fleet import Line
from tables.invoices import SealedDocument
from tables.parties import Customer
from tables.timeline import TimelineEntry

NOW = datetime.fromisoformat("2026-11-02T09:00:00+01:00")


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    return month_samples.make(tmp_path_factory.mktemp("detail") / "one", customers=8, lines=20, cdrs=600)


async def called():
    """By customer, the numbers that its lines called in the month, at least eight figures long, its own lines apart."""
    path = SETTINGS.data_dir / (await BillingRun.select(BillingRun.usage_path).first())["usage_path"]
    rows = duckdb.execute("SELECT DISTINCT line_id, other FROM read_parquet(?) WHERE length(other) >= 8", [str(path)]).fetchall()
    lines = {row["id"]: row for row in await Line.select(Line.id, Line.customer, Line.msisdn)}
    own = {row["msisdn"].lstrip("+") for row in lines.values()}
    found = {}
    for line, other in rows:
        if other not in own:
            found.setdefault(lines[line]["customer"], set()).add(other)
    return found


def figures(data, name):
    """All the text of a document, its figures only."""
    text = data.decode() if name.endswith(".xml") else "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    return re.sub(r"[^0-9]", "", re.sub(r"\s", "", text).replace("+33", "0"))


async def test_no_paper_of_a_month_tells_a_number_in_full_unless_its_holder_asked(database, source, monkeypatch):
    """Each called number is looked for in all that its customer is sent: whole, national, or without its prefix."""
    await billed_month.load(source, monkeypatch)
    await Customer.update({Customer.hide_digits: True, Customer.digits_shown_on: None, Customer.detailed_bill: True}, force=True)
    asked, dateless = [row["id"] for row in await Customer.select(Customer.id).order_by(Customer.id).limit(2)]
    shown = {Customer.hide_digits: False, Customer.digits_shown_on: date(2026, 10, 15)}
    await Customer.update(shown).where(Customer.id == asked)
    await Customer.update({Customer.hide_digits: False}).where(Customer.id == dateless)
    await billed_month.seal(await billed_month.draft())
    numbers, papers = await called(), SealedDocument
    rows = await papers.select(papers.name, papers.path, papers.kind, papers.invoice.customer)
    seen, shown = 0, set()
    for row in rows:
        text = figures((SETTINGS.data_dir / row["path"]).read_bytes(), row["name"])
        for number in numbers.get(row["invoice.customer"], ()):
            leaked = number[2:] in text if number.startswith("33") else number in text
            if row["invoice.customer"] == asked:
                shown |= {number} if leaked else set()
            else:
                assert not leaked, (row["name"], number)
                seen += 1
    assert seen > 100 and shown, "there were numbers to hide, and those that were asked for are there"
    assert sum(row["kind"] == DocumentKind.detail for row in rows) > 4
    annexes = [row for row in rows if row["kind"] == DocumentKind.detail and row["invoice.customer"] != asked]
    for row in annexes:
        text = " ".join(PdfReader(SETTINGS.data_dir / row["path"]).pages[0].extract_text().split())
        assert "Les quatre derniers chiffres des numéros sont masqués" in text, row["name"]
    assert "••" in text


async def test_whole_numbers_are_asked_for_on_a_day_and_told_to_the_journal(database):
    sheet = customers.blank() | {
        "customer_number": "C1",
        "company_name": "Essai",
        "street": "1 rue X",
        "postcode": "69001",
        "city": "Lyon",
    }
    await customers.create(sheet, confirmed=False, actor="Zoé", now=NOW)

    async def show(shown, asked_on=""):
        typed = sheet | {"hide_digits": "no" if shown else "yes", "digits_shown_on": asked_on}
        version = customers.version_of(await customers.get("C1"))
        return await customers.change("C1", typed, version, confirmed=True, actor="Camille", now=NOW)

    for wrong in ("", "2026-11-03"):
        with pytest.raises(NotLawful):
            await show(True, wrong)
    assert await show(True, "2026-10-15")
    row = await Customer.select().first()
    assert (row["hide_digits"], row["digits_shown_on"]) == (False, date(2026, 10, 15))
    assert await show(False, "2026-10-15")
    row = await Customer.select().first()
    assert (row["hide_digits"], row["digits_shown_on"]) == (True, None)
    told = await TimelineEntry.select().where(TimelineEntry.event == "changed").order_by(TimelineEntry.id)
    assert [json.loads(one["after"]) for one in told] == [
        {"hide_digits": "no", "digits_shown_on": "2026-10-15"},
        {"hide_digits": "yes", "digits_shown_on": ""},
    ]


async def test_a_file_that_asks_for_whole_numbers_is_the_request_of_its_day(database, source, monkeypatch):
    await billed_month.load(source, monkeypatch)
    rows = await Customer.select(Customer.hide_digits, Customer.digits_shown_on)
    assert {row["hide_digits"] for row in rows} == {True, False}
    assert all(row["digits_shown_on"] == (None if row["hide_digits"] else date(2026, 11, 2)) for row in rows)
