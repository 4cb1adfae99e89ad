"""Undoing an import: everything is as before it, or nothing moves and the reason is said; on both engines."""

import asyncio
import json
from datetime import UTC, date, datetime
from pathlib import Path

import cdr_samples
import pytest
from import_samples import FILES, cell, change

from gateways.settings import SETTINGS
from jobs import cdrs
from jobs.imports import import_file
from jobs.imports.undo import CannotUndo, UnknownBatch, undo
from rules.states import FileState, ImportState, InvoiceState, RunState, SimState
from tables.billing import BillingRun
from tables.catalogue import Offer, Rate, RateTable, RateVersion, RoamingZone
from tables.engine import transaction
from tables.fleet import Discount, Line, LineItem, Sim
from tables.imports import ImportBatch
from tables.invoices import Invoice, InvoiceLine
from tables.parties import Customer
from tables.timeline import TimelineEntry
from tables.usage import CdrFile, CdrPart, CdrReject

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DATA = [Customer, Offer, RateTable, RateVersion, Rate, RoamingZone, Sim, Line, LineItem, Discount]


async def load(kind, text=None, **options):
    options = {"code": "STD", "valid_from": date(2026, 9, 1)} | options if kind == "rates" else options
    report = await import_file(kind, (text or FILES[kind]).encode(), f"{kind}.csv", mode="all", now=NOW, actor="essai", **options)
    assert not report.errors
    return report.batch_id


async def load_all():
    return {kind: await load(kind) for kind in FILES}


async def take_back(batch_id):
    await undo(batch_id, actor="essai", now=NOW)


async def why_not(batch_id):
    """The reasons, once it is sure that nothing moved."""
    before = await everything()
    with pytest.raises(CannotUndo) as refused:
        await take_back(batch_id)
    assert await everything() == before
    assert (await ImportBatch.objects().get(ImportBatch.id == batch_id)).state == ImportState.imported
    return " ".join(error["message"] for error in refused.value.errors)


async def everything():
    """Every row that imports write, as text."""
    return {table._meta.tablename: str(await table.select().order_by(table._meta.primary_key)) for table in DATA}


@pytest.mark.parametrize("kind", FILES)
async def test_what_an_import_created_goes_and_the_same_file_is_no_duplicate_then(database, kind):
    for before in list(FILES)[: list(FILES).index(kind)]:
        await load(before)
    stored = await everything()
    batch = await load(kind)
    assert await everything() != stored
    await take_back(batch)
    assert await everything() == stored
    await take_back(batch)  # a second press
    entries = await TimelineEntry.select().where(TimelineEntry.event == "undo")
    assert [(row["subject"], row["subject_id"], row["actor"]) for row in entries if row["subject"] == "import_batch"] == [
        ("import_batch", batch, "essai")
    ]
    again = await load(kind)
    assert again != batch


CHANGED = {
    "offers": change("offers", ("4,1583", "4,20"), ("Solo 1 h", "=Solo")),
    "rates": change("rates", ("0,06;", "0,05;"), ("HOME;SMS;OUT;*;SMS;SMS_FR;0,1;;;;;;\n", "")),
    "roaming_zones": change("roaming_zones", ("262+222+214", "262")),
    "sims": change("sims", ("1234;", "9999;"), ("LOT-1", "LOT-2")),
    "customers": change("customers", ("Société Imaginaire", "Société Nouvelle"), ("2026-01-05", "2026-01-06")),
    "lines": change(
        "lines",
        (
            "C1;8933099999000000017;Léa Essai;SOLO;OPT-SMS+OPT-MAIL;STD;2025-02-10;;24;2025-02-10;ADVANCE;15,5;2026-10-31",
            "C2;8933099999000000033;Léo Essai;SOLO;OPT-MAIL;STD;2025-02-10;2026-12-31;12;2025-02-10;ARREARS;;2026-09-30",
        ),
    ),
}


@pytest.mark.parametrize("kind", FILES)
async def test_what_an_import_changed_is_put_back_to_the_last_cell(database, kind):
    for before in list(FILES)[: list(FILES).index(kind) + 1]:
        await load(before)
    stored = await everything()
    batch = await load(kind, CHANGED[kind])
    assert await everything() != stored
    await take_back(batch)
    assert await everything() == stored
    told = [row for row in await TimelineEntry.select().where(TimelineEntry.event == "undo") if row["subject"] != "import_batch"]
    assert bool(told) == (kind != "rates")
    assert "9999" not in str(told)


async def test_a_change_since_is_never_lost(database):
    batches = await load_all()
    async with transaction():
        await Line.update({Line.user_name: "Zoé"}).where(Line.msisdn == "+33639980001")
    assert "Lignes mobiles : 1 a changé depuis (+33639980001, Active)." in await why_not(batches["lines"])


async def test_what_others_hold_stays(database):
    batches = await load_all()
    for kind, reason in {
        "offers": "Abonnements et options des lignes : 4 s'en servent",
        "rates": "Lignes mobiles : 2 s'en servent (+33639980001, Active).",
        "sims": "Cartes SIM : 2 ont changé depuis (8933099999000000017, Active).",
        "customers": "Lignes mobiles : 2 s'en servent",
    }.items():
        assert reason in await why_not(batches[kind])
    for kind in reversed(FILES):
        await take_back(batches[kind])
    assert not any([await table.exists() for table in DATA])


async def test_undoing_a_fleet_puts_its_cards_back_in_stock(database):
    batches = await load_all()
    await take_back(batches["lines"])
    assert {sim["state"] for sim in await Sim.select()} == {SimState.in_stock}
    assert not await Line.exists()


async def test_a_line_of_which_a_day_is_billed_keeps_what_was_billed_and_may_lose_a_name(database):
    batches = await load_all()
    renamed = await load("lines", cell("lines", 2, "user_name", "Léo"))
    ended = await load("lines", cell("lines", 2, "terminated_on", "2026-12-31").replace("Léa", "Zoé"))
    async with transaction():
        invoice = Invoice(customer=(await Customer.objects().first()).id, kind="INVOICE")
        await invoice.save()
        line = await Line.objects().get(Line.msisdn == "+33639980001")
        await InvoiceLine(invoice=invoice.id, line=line.id, section="USAGE", label="Appels").save()
        await Invoice.update({Invoice.state: InvoiceState.validated}).where(Invoice.id == invoice.id)
    assert "Lignes mobiles : 1 a des jours facturés (+33639980001)." in await why_not(ended)
    assert "a changé depuis" in await why_not(renamed)
    assert "a changé depuis" in await why_not(batches["lines"])
    alone = await load("lines", cell("lines", 2, "terminated_on", "2026-12-31").replace("Léa", "Léon"))
    await take_back(alone)
    assert (await Line.objects().get(Line.msisdn == "+33639980001")).user_name == "Zoé Essai"


async def test_a_version_with_which_a_month_was_invoiced_stays_and_a_later_one_goes(database):
    batches = await load_all()
    later = await load("rates", change("rates", ("0,06;", "0,05;")), valid_from=date(2026, 12, 1))
    await BillingRun(month="2026-11", state=RunState.printed, validated_at=NOW).save()
    await take_back(later)
    changed = await load("rates", change("rates", ("0,06;", "0,05;")), valid_from=date(2026, 11, 30))
    assert "La facturation de novembre 2026 est validée avec cette version" in await why_not(changed)
    assert "s'en servent" in await why_not(batches["rates"])


async def test_nothing_is_undone_while_a_run_computes(database):
    batches = await load_all()
    await BillingRun(month="2026-11", state=RunState.rating).save()
    assert "La facturation de novembre 2026 est en cours" in await why_not(batches["lines"])


async def test_what_was_replaced_and_can_no_longer_return_is_said(database):
    batches = await load_all()
    moved = await load("lines", cell("lines", 3, "customer_number", "C1"))
    async with transaction():  # the customer that the line would return to has gone meanwhile
        await Customer.delete().where(Customer.customer_number == "C2")
    assert "ne peut plus revenir" in str(await refusal(moved))
    assert batches


async def refusal(batch_id):
    with pytest.raises(CannotUndo) as refused:
        await take_back(batch_id)
    return refused.value


async def test_an_unknown_batch_is_named_and_a_waiting_one_has_nothing_to_undo(database):
    with pytest.raises(UnknownBatch):
        await take_back(99)
    batch = ImportBatch(kind="sims", state=ImportState.previewed)
    await batch.save()
    assert "rien enregistré" in str(await refusal(batch.id))


async def test_two_undoings_at_once_are_one(database):
    batch = await load("customers")
    await asyncio.gather(take_back(batch), take_back(batch))
    assert await TimelineEntry.count().where(TimelineEntry.event == "undo") == 1


# CDRs


async def load_cdrs(*rows):
    path = Path(SETTINGS.data_dir) / "CDR.csv"
    path.write_bytes(cdr_samples.csv(*rows))
    (report,) = await cdrs.load_files([(path, "CDR.csv")], now=NOW)
    return report


def parquet():
    return sorted(path.name for path in (SETTINGS.data_dir / "cdr").rglob("*.parquet"))


async def test_a_cdr_file_backed_out_no_longer_counts_and_may_come_again(database):
    await load_all()
    rows = cdr_samples.row(cdr_id="1"), cdr_samples.row(msisdn="x")
    report = await load_cdrs(*rows)
    await take_back(report.batch_id)
    assert parquet() == []
    assert not await CdrPart.exists()
    assert [file["state"] for file in await CdrFile.select()] == [FileState.backed_out]
    assert [reject["state"] for reject in await CdrReject.select()] == ["ignored"]
    again = await load_cdrs(*rows)
    assert (again.created, again.duplicate_file, len(parquet())) == (1, False, 1)
    assert (await load_cdrs(*rows)).batch_id == again.batch_id != report.batch_id
    await take_back(again.batch_id)
    assert (await load_cdrs(*rows)).created == 1


async def test_a_call_that_a_backed_out_file_held_is_no_duplicate(database):
    await load_all()
    report = await load_cdrs(cdr_samples.row(cdr_id="1"))
    assert (await load_cdrs(cdr_samples.row(cdr_id="1"), cdr_samples.row(cdr_id="2"))).rejected == 1
    await take_back(report.batch_id)
    assert (await load_cdrs(cdr_samples.row(cdr_id="1"), cdr_samples.row(cdr_id="3"))).created == 2


async def test_a_file_that_an_invoice_may_hold_stays_and_the_run_is_named(database):
    await load_all()
    report = await load_cdrs(cdr_samples.row(cdr_id="1"))
    october = BillingRun(month="2026-10", state=RunState.controlled)
    november = BillingRun(month="2026-11", state=RunState.controlled)
    await october.save()
    await november.save()
    await CdrFile.update({CdrFile.counted_in: october.id}, force=True)
    await BillingRun.update({BillingRun.state: RunState.validated, BillingRun.validated_at: NOW}).where(
        BillingRun.id == october.id
    )
    named = f"Ses CDR comptent dans la facturation d’octobre 2026 (n° {october.id}), qui est validée.".replace("’", "'")
    assert named in str(await refusal(report.batch_id)).replace("’", "'")
    await CdrFile.update({CdrFile.counted_in: november.id}, force=True)  # the draft of the next month counts it anew
    assert named in str(await refusal(report.batch_id)).replace("’", "'")
    assert len(parquet()) == 1


async def test_a_late_file_that_no_run_has_counted_may_go_and_none_while_one_computes(database):
    await load_all()
    await BillingRun(month="2026-10", state=RunState.printed, validated_at=datetime(2026, 11, 2, tzinfo=UTC)).save()
    report = await load_cdrs(cdr_samples.row(cdr_id="1"))
    run = BillingRun(month="2026-11", state=RunState.rating)
    await run.save()
    assert "Une facturation est en cours" in str(await refusal(report.batch_id))
    await BillingRun.delete().where(BillingRun.id == run.id)
    await take_back(report.batch_id)
    assert parquet() == []


async def test_a_line_with_calls_and_a_zone_with_calls_stay(database):
    batches = await load_all()
    report = await load_cdrs(cdr_samples.row(cdr_id="1", visited_plmn="26201"))
    assert "Lignes mobiles : 1 a des CDR chargés (+33639980001)." in await why_not(batches["lines"])
    assert "Des CDR sont chargés dans la zone EU." in await why_not(batches["roaming_zones"])
    await take_back(report.batch_id)
    await take_back(batches["lines"])
    await take_back(batches["roaming_zones"])
    assert json.loads((await ImportBatch.select(ImportBatch.errors).first())["errors"]) == []
