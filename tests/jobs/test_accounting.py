"""The sales journal balances, entry by entry, in the layout of the FEC, and is the same bytes for ever."""

import asyncio
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import billed_month
import month_samples
import pytest

from gateways.settings import SETTINGS
from jobs import accounting, documents
from jobs.accounting import NothingToExport, PeriodOpen
from rules import journal
from rules.journal import Family, Ledger, NoAccount, Unbalanced
from rules.period import Period
from tables.accounting import Account, AccountingExport
from tables.invoices import Invoice
from tables.timeline import TimelineEntry

NOVEMBER = Period.parse("2026-11-01", "2026-11-30")
LATER = datetime.fromisoformat("2026-12-05T09:00:00+01:00")
SHIPPED = Ledger(
    {
        (Family.journal, None): ("VE", "Ventes"),
        (Family.customers, None): ("411000", "Clients"),
        (Family.subscriptions, None): ("706000", "Prestations de services"),
        (Family.usage, None): ("706200", "Communications"),
        (Family.equipment, None): ("707000", "Ventes de matériel"),
        (Family.vat, None): ("445719", "TVA collectée, autres taux"),
        (Family.vat, Decimal(20)): ("445710", "TVA collectée 20 %"),
    }
)


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    return month_samples.make(tmp_path_factory.mktemp("accounts") / "one", customers=8, lines=16, cdrs=120)


@pytest.fixture
async def billed(database, source, monkeypatch):
    """A month validated on 2 November; it is December."""

    async def here(verb, *given):
        assert verb == "journal"
        return await accounting.write(*given)

    await billed_month.load(source, monkeypatch)
    run = await billed_month.draft()
    await month_samples.waive_all(run)
    await billed_month.runs.begin(run, "validate", "essai", month_samples.work)
    monkeypatch.setattr(SETTINGS, "clock", LATER)
    monkeypatch.setattr(accounting, "ask", here)


CUSTOMER, SALES, TAX = (
    "411000\tClients\tC00042\tSOCIETE ETE", "706000\tPrestations de services\t\t", "445710\tTVA collectée 20 %\t\t",
)  # fmt: skip


def bill(kind, number, *lines, vat=(), corrects=None, name="SOCIETE ETE", day="2026-11-30"):
    excl, tax = sum(cents for _, cents, _ in lines), sum(cents for _, cents in vat)
    return {
        "kind": kind, "number": number, "issued_on": day, "corrects": corrects,
        "buyer": {"customer_number": "C00042", "name": name},
        "lines": [{"section": section, "amount_cents": cents, "vat_rate": rate} for section, cents, rate in lines],
        "vat": [{"rate": rate, "vat_cents": cents} for rate, cents in vat], "incl_vat_cents": excl + tax,
    }  # fmt: skip


def read(data):
    header, *rows = [line.split("\t") for line in data.decode("iso-8859-15").removesuffix("\r\n").split("\r\n")]
    return [dict(zip(header, row, strict=True)) for row in rows]


def cents(text):
    return int(text.replace(",", ""))


def test_an_invoice_and_its_credit_note_are_written_as_accountants_know_them():
    """Two entries as published: 19,99 € excl. VAT at 20 %, then all of it credited; 18 columns, tabs, CRLF, ISO 8859-15."""
    invoice = bill("INVOICE", "F2026-000123", ("RECURRING", 1999, "20"), vat=[("20", 400)])
    credit = bill(
        "CREDIT_NOTE", "A2026-000001", ("RECURRING", -1999, "20"), vat=[("20", -400)], corrects={"number": "F2026-000123"}
    )
    rows = [*journal.rows(invoice, 1, SHIPPED), *journal.rows(credit, 2, SHIPPED)]
    assert b"".join(map(journal.line, [journal.HEADER, *rows])).decode("iso-8859-15") == (
        "JournalCode\tJournalLib\tEcritureNum\tEcritureDate\tCompteNum\tCompteLib\tCompAuxNum\tCompAuxLib\tPieceRef\tPieceDate\t"
        "EcritureLib\tDebit\tCredit\tEcritureLet\tDateLet\tValidDate\tMontantdevise\tIdevise\r\n"
        + "".join(
            f"VE\tVentes\t{number}\t20261130\t{account}\t{piece}\t20261130\t{label}\t{debit}\t{credit}\t\t\t20261130\t\t\r\n"
            for number, piece, label, postings in (
                ("000001", "F2026-000123", "Facture F2026-000123", (
                    (CUSTOMER, "23,99", "0,00"), (SALES, "0,00", "19,99"), (TAX, "0,00", "4,00"))),
                ("000002", "A2026-000001", "Avoir A2026-000001 sur F2026-000123", (
                    (SALES, "19,99", "0,00"), (TAX, "4,00", "0,00"), (CUSTOMER, "0,00", "23,99"))),
            )
            for account, debit, credit in postings
        )
    )  # fmt: skip


def test_what_is_below_zero_stands_on_the_other_side_and_an_invoice_of_zero_has_its_entry():
    refund = bill("INVOICE", "F1", ("USAGE", 1000, "20"), ("REFUND", -400, "8.5"), vat=[("20", 200), ("8.5", -34)])
    found = {row[4]: row[11:13] for row in journal.rows(refund, 1, SHIPPED)}
    assert found == {
        "411000": ("7,66", "0,00"), "706200": ("0,00", "10,00"), "706000": ("4,00", "0,00"),
        "445710": ("0,00", "2,00"), "445719": ("0,34", "0,00"),
    }  # fmt: skip
    (only,) = journal.rows(bill("INVOICE", "F2"), 1, SHIPPED)
    assert only[11:13] == ("0,00", "0,00")


def test_a_name_breaks_no_row_and_keeps_what_the_charset_holds():
    hostile = bill("INVOICE", "F1", ("USAGE", 1, "0"), name='=cmd|\t"Zoé\r\nŁódź" & 漢 Œuvre 5 €\x85')
    (first, _) = [journal.line(row) for row in journal.rows(hostile, 1, SHIPPED)]
    assert first.count(b"\t") == 17 and first.count(b"\r\n") == 1 and first.endswith(b"\r\n")
    assert first.decode("iso-8859-15").split("\t")[7] == '=cmd| "Zoé  ?ódz" & ? Œuvre 5 € '


def test_what_has_no_account_or_does_not_add_up_is_refused_by_name():
    with pytest.raises(NoAccount, match="Services"):
        list(journal.rows(bill("INVOICE", "F1", ("ONE_OFF", 100, "20")), 1, SHIPPED))
    with pytest.raises(Unbalanced, match="F9"):
        list(journal.rows(bill("INVOICE", "F9", ("USAGE", 100, "20")) | {"incl_vat_cents": 121}, 1, SHIPPED))


async def test_a_period_is_exported_once_and_given_again_byte_for_byte(billed):
    first = await accounting.export(NOVEMBER, "Camille")
    name, path = await accounting.kept(first)
    data = path.read_bytes()
    rows = read(data)
    entries = {}
    for row in rows:
        entries.setdefault(row["EcritureNum"], []).append(row)
    assert list(entries) == [f"{number:06}" for number in range(1, len(entries) + 1)], "gapless, in order"
    dates = [row["EcritureDate"] for row in rows]
    assert dates == sorted(dates)
    for entry in entries.values():
        assert sum(cents(row["Debit"]) for row in entry) == sum(cents(row["Credit"]) for row in entry)
        assert sum(row["CompteNum"] == "411000" for row in entry) == 1
        assert all(not row["Debit"].startswith("-") and not row["Credit"].startswith("-") for row in entry)
    told = await documents.totals(NOVEMBER)
    assert len(entries) == told["documents"] == told["invoices"] + told["credit_notes"] > 5
    owed = sum(cents(row["Debit"]) - cents(row["Credit"]) for row in rows if row["CompteNum"] == "411000")
    tax = sum(cents(row["Credit"]) - cents(row["Debit"]) for row in rows if row["CompteNum"].startswith("4457"))
    assert (owed, tax) == (told["incl_vat_cents"], told["vat_cents"])
    kept = await AccountingExport.select().first()
    assert (kept["name"], kept["actor"], kept["rows"]) == (name, "Camille", len(rows))
    assert kept["debit_cents"] == sum(cents(row["Debit"]) for row in rows)
    assert name.endswith("FEC20261130.txt")

    await Account.update({Account.number: "706999"}).where(Account.family == Family.usage)
    assert await accounting.export(NOVEMBER, "Zoé") == first
    assert (await accounting.kept(first))[1].read_bytes() == data
    assert await TimelineEntry.count().where(TimelineEntry.event == "exported") == 1


async def test_the_numbers_of_entries_run_on_from_one_period_to_the_next(billed):
    day = (await Invoice.select(Invoice.issued_on).where(Invoice.number.is_not_null()).first())["issued_on"]
    half = await documents.totals(Period(day, day))
    third = Period.parse("2026-12-01", "2026-12-01")
    with pytest.raises(NothingToExport):
        await accounting.export(third, "Camille")
    lone = bill("INVOICE", "F2026-000999", ("USAGE", 100, "20"), vat=[("20", 20)], day="2026-12-01")
    made = Invoice(customer=1, kind="INVOICE", origin="MANUAL", state="validated", number=lone["number"], issued_on=third.first)
    made.document = json.dumps(lone)
    await made.save()
    _, path = await accounting.kept(await accounting.export(third, "Camille"))
    assert [row["EcritureNum"] for row in read(path.read_bytes())] == [f"{half['documents'] + 1:06}"] * 3


async def test_a_period_that_is_not_over_is_not_exported(billed):
    with pytest.raises(PeriodOpen, match="5 décembre"):
        await accounting.export(Period.parse("2026-11-01", "2026-12-05"), "Camille")
    assert await AccountingExport.count() == 0
    assert not any((SETTINGS.data_dir / accounting.FOLDER).glob("*"))


async def test_two_who_export_at_once_find_one_journal(billed, monkeypatch):
    """Both find none, both write; the one that comes second is given the first's. Without the unique index there are two."""
    both, fill = asyncio.Barrier(2), accounting.fill

    async def together(*given):
        told = await fill(*given)
        await both.wait()
        return told

    monkeypatch.setattr(accounting, "fill", together)
    first, second = await asyncio.gather(*(accounting.export(NOVEMBER, name) for name in ("Camille", "Zoé")))
    assert first == second
    assert await AccountingExport.count() == 1
    kept = await AccountingExport.select(AccountingExport.sha256).output(as_list=True)
    assert [path.name for path in (SETTINGS.data_dir / accounting.FOLDER).iterdir()] == kept
    with pytest.raises(Exception, match="frozen: un journal"):
        await AccountingExport.delete(force=True)
    with pytest.raises(Exception, match="frozen: un journal"):
        await AccountingExport.update({AccountingExport.sha256: ""}, force=True)


async def test_a_kept_journal_that_has_changed_is_not_served(billed):
    export = await accounting.export(NOVEMBER, "Camille")
    path: Path = (await accounting.kept(export))[1]
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(accounting.JournalLost):
        await accounting.kept(export)
