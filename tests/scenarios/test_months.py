"""Months billed from the published files, whole: the demo exactly as expected, and late CDRs regularised on the next invoice."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateways import rating
from jobs import folder
from jobs.billing import runs, telling
from jobs.billing.inputs import read
from jobs.imports import import_file
from jobs.month import found_of
from rules.money import cents
from rules.paris import Month
from tables.invoices import Invoice, InvoiceLine

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 12, 2, 9, tzinfo=UTC)
OCTOBER = Month(2026, 10)


async def work(run_id: int) -> None:
    await runs.perform(run_id, NOW)


async def bill(month: Month) -> int:
    run, _ = await runs.start(month, "essai", work)
    for row in await runs.controls(run["id"]):
        await runs.waive(run["id"], row["code"], row["customer_number"], row["msisdn"], "essai", "essai")
    await runs.begin(run["id"], "validate", "essai", work)
    return run["id"]


@pytest.fixture(scope="module")
def two_months(tmp_path_factory):
    """October and November of a small fleet; October's late file arrives once October is billed."""
    out = tmp_path_factory.mktemp("made")
    command = [
        sys.executable,
        str(ROOT / "tools/make_month.py"),
        "--seed",
        "31",
        "--months",
        "2",
        "--customers",
        "20",
        "--lines",
        "70",
    ]
    subprocess.run([*command, "--cdrs", "900", "--rates", "small", "--out", str(out)], check=True)
    return out


def names(made: Path, late: bool) -> list[str]:
    """October's files, with or without the one that comes late."""
    found = [
        path.name
        for path in (made / folder.CDRS).iterdir()
        if "_202610" in path.name or path.name.startswith("CDR_MOBILE_202611")
    ]
    october = [name for name in found if "_202610" in name or name.endswith("ROAMING_TARDIF.csv")]
    return october + [name for name in found if late and name.endswith("TARDIF_2026-10.csv")]


async def usage_billed(month: str) -> dict[tuple, int]:
    """(number, type, category, part) → cents issued for a month of usage."""
    line = InvoiceLine
    rows = await line.select(line.line.msisdn, line.type, line.category, line.part, line.amount_cents).where(
        line.usage_month == month
    )
    found: dict[tuple, int] = {}
    for row in rows:
        key = row["line.msisdn"], row["type"], row["category"], row["part"] or ""
        found[key] = found.get(key, 0) + row["amount_cents"]
    return {key: amount for key, amount in found.items() if amount}


async def test_the_demo_month_comes_out_as_expected(database, data_dir):
    await folder.import_reference(ROOT / "demo", OCTOBER, NOW, "essai")
    await folder.load_cdrs(ROOT / "demo", NOW)
    run_id = await bill(OCTOBER)
    assert await found_of(run_id) == json.loads((ROOT / "demo/expected.json").read_text(encoding="utf-8"))


async def test_late_cdrs_are_regularised_to_the_cent_of_the_enlarged_month(database, data_dir, two_months):
    await folder.import_reference(two_months, OCTOBER, NOW, "essai")
    await folder.load_cdrs(two_months, NOW, names(two_months, late=False))
    await bill(OCTOBER)
    issued = await Invoice.select(Invoice.number, Invoice.sha256).order_by(Invoice.id)
    await folder.load_cdrs(
        two_months, NOW, [name for name in names(two_months, late=True) if name.endswith("TARDIF_2026-10.csv")]
    )
    november = await bill(OCTOBER.next)
    told = await telling.describe(november)
    assert told["totals"]["late"] > 0
    assert told["totals"]["regularised_cents"] != 0
    assert issued == await Invoice.select(Invoice.number, Invoice.sha256).where(Invoice.run != november).order_by(Invoice.id)
    # the law on the whole of October, late calls included
    inputs = await read(OCTOBER)
    lawful = {}
    for row in rating.rate(inputs.usage).usage:
        number = inputs.lines[row.line]["msisdn"]
        lawful[number, row.type, row.category, ""] = cents(row.amount_micro)
        lawful[number, row.type, row.category, "S"] = cents(row.service_micro)
    assert await usage_billed("2026-10") == {key: amount for key, amount in lawful.items() if amount}


async def test_a_late_month_is_regularised_once(database, data_dir, two_months):
    await folder.import_reference(two_months, OCTOBER, NOW, "essai")
    await folder.load_cdrs(two_months, NOW, names(two_months, late=False))
    await bill(OCTOBER)
    await folder.load_cdrs(two_months, NOW)  # all the rest: the late file of October and November's own
    await bill(OCTOBER.next)
    december = await telling.describe(await bill(OCTOBER.next.next))
    assert december["totals"]["regularised_cents"] == 0
    assert december["totals"]["late"] == 0
    assert december["totals"]["cdrs_read"] == 0


async def test_a_waived_call_is_billed_once_it_has_a_rate(database, data_dir, two_months):
    """UNRATED in October, waived; a rate valid from October comes before November is billed."""
    await folder.import_reference(two_months, OCTOBER, NOW, "essai")
    await folder.load_cdrs(two_months, NOW, names(two_months, late=False))
    run_id = await bill(OCTOBER)
    unrated = (await telling.describe(run_id))["totals"]["unrated"]
    assert unrated > 0
    rates = (two_months / "rates.csv").read_text(encoding="utf-8-sig")
    rates += "".join(f"HOME;{type_};OUT;*;Autres destinations;OTHER;1;;;;;;\n" for type_ in ("VOICE", "SMS"))
    report = await import_file(
        "rates", rates.encode(), "rates.csv", mode="all", now=NOW, code="STD", valid_from=OCTOBER.first, actor="essai"
    )
    assert not report.errors
    november = await telling.describe(await bill(OCTOBER.next))
    assert november["totals"]["late"] == 0
    assert november["totals"]["regularised_cents"] > 0
    line = InvoiceLine
    labels = [row["label"] for row in await line.select(line.label).where(line.category == "OTHER")]
    assert labels
    assert all("Régularisation octobre 2026" in label for label in labels)
