"""What goes wrong in a billing run stays where it is: set aside, refused, or stopped, and what is issued never changes."""

import json
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import month_samples
import pytest
from month_samples import work
from piccolo.columns import JSON, BigInt, Boolean, Date, ForeignKey, Integer, Numeric, Serial, Timestamptz
from pypdf import PdfReader

from gateways import paper
from gateways.settings import SETTINGS
from jobs import cdrs, folder
from jobs.billing import export, runs, telling
from jobs.billing import paper as printing
from rules.errors import RuleError
from rules.paris import Month
from rules.states import InvoiceState, RunState
from tables.billing import Waiver
from tables.catalogue import Offer
from tables.engine import on_sqlite
from tables.fleet import Line, LineItem
from tables.invoices import Invoice, InvoiceLine, NumberSeries, SealedDocument
from tables.parties import Customer, Reseller
from tables.piccolo_app import TABLES
from tables.timeline import TimelineEntry

OCTOBER, NOVEMBER = Month(2026, 10), Month(2026, 11)
HOSTILE = '#panic("x") *gras* <b> 漢 🎉'
PRINTED = '#panic("x") *gras* <b> □ □'


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    return month_samples.make(tmp_path_factory.mktemp("small") / "two", months=2, customers=8, lines=20, cdrs=160)


@pytest.fixture
async def loaded(database, source, monkeypatch):
    """The fleet imported and the CDRs of October loaded; it is 2 November."""
    monkeypatch.setattr(SETTINGS, "clock", datetime.fromisoformat(month_samples.CLOCKS["2026-10"]))
    await folder.import_reference(source, OCTOBER, SETTINGS.now(), "essai")
    await load(source, OCTOBER)


async def load(source: Path, month: Month) -> None:
    """The CDR files of a month, those of one header as one file."""
    by_header: dict[bytes, list[bytes]] = {}
    for name in month_samples.files_of(source, str(month)):
        header, rows = (source / folder.CDRS / name).read_bytes().split(b"\n", 1)
        by_header.setdefault(header, []).append(rows)
    merged = []
    for number, (header, files) in enumerate(by_header.items()):
        merged.append((SETTINGS.data_dir / f"{month}-{number}.csv", f"{number}.csv"))
        merged[-1][0].write_bytes(header + b"\n" + b"".join(files))
    await cdrs.load_files(merged, now=SETTINGS.now())


async def drafted(month: Month = OCTOBER) -> int:
    run, _ = await runs.start(month, "essai", work)
    return run["id"]


async def validated(run: int) -> None:
    await month_samples.waive_all(run)
    assert (await runs.begin(run, "validate", "essai", work))["state"] == "validated"


async def printed(run: int) -> None:
    assert (await runs.begin(run, "print", "essai", work))["state"] == "printed"


async def documents(run: int) -> dict[str, dict[str, Any]]:
    """Each customer's document as it stands, without its number and dates."""
    rows = await Invoice.select(Invoice.document).where(Invoice.run == run)
    found = [json.loads(row["document"]) for row in rows]
    return {
        one["buyer"]["customer_number"]: {name: one[name] for name in one if name not in ("number", "issued_on", "due_on")}
        for one in found
    }


async def numbers(run: int) -> dict[str, str | None]:
    rows = await Invoice.select(Invoice.customer.customer_number, Invoice.number).where(Invoice.run == run)
    return {row["customer.customer_number"]: row["number"] for row in rows}


async def everything() -> dict[str, list[Any]]:
    """Every row of every table."""
    return {
        table._meta.tablename: sorted(map(str, await table.select(*table.all_columns()).order_by(table.id))) for table in TABLES
    }


async def issued() -> dict[str, list[Any]]:
    """What must never change: validated documents with their lines, papers, series."""
    invoice, line = Invoice, InvoiceLine
    return {
        "invoices": await invoice.select().where(invoice.state == InvoiceState.validated).order_by(invoice.id),
        "lines": await line.select().where(line.invoice.state == InvoiceState.validated).order_by(line.id),
        "papers": await SealedDocument.select().order_by(SealedDocument.id),
    }


# Set aside


async def with_usage(run: int) -> list[str]:
    """Customers whose document has usage lines, those with most first."""
    found = await documents(run)
    usage = {number: sum(line["section"] == "USAGE" for line in one["lines"]) for number, one in found.items()}
    return sorted((number for number in usage if usage[number]), key=lambda number: (-usage[number], number))


async def test_customers_that_cannot_be_billed_are_set_aside_and_billed_once_mended(loaded):
    run = await drafted()
    sound = await documents(run)
    homeless, lawless, offerless, misread = (await with_usage(run))[:4]
    of = {row["customer_number"]: row for row in await Customer.select()}
    lines = {number: [row["id"] for row in await Line.select(Line.id).where(Line.customer == of[number]["id"])] for number in of}
    held = await LineItem.select(LineItem.id).where(LineItem.line.is_in(lines[offerless]), LineItem.kind == "OFFER")
    offers = [item["id"] for item in held]
    misread_items = await LineItem.select(LineItem.id, LineItem.offer).where(LineItem.line.is_in(lines[misread]))
    offer = Offer(kind="OFFER", code="ILLISIBLE", label="x", allowances="VOIX:60", valid_from=date(2026, 1, 1))
    await offer.save()

    where = Customer.customer_number
    await Customer.update({Customer.city: "", Customer.billing_city: ""}).where(where == homeless)
    await Customer.update({Customer.vat_regime: "INCONNU"}).where(where == lawless)
    await LineItem.update({LineItem.kind: "OPTION", LineItem.position: LineItem.position + 90}).where(LineItem.id.is_in(offers))
    await LineItem.update({LineItem.offer: offer.id}).where(LineItem.id == misread_items[0]["id"])

    assert (await runs.begin(run, "draft", "essai", work))["state"] == "controlled"
    told = await telling.describe(run)
    reasons = {row["customer_number"]: row["reason"] for row in told["parked"]}
    assert reasons.keys() == {homeless, lawless, offerless, misread}
    assert reasons[homeless] == ("Aucune adresse de facturation. Complétez la fiche du client, puis refaites les brouillons.")
    assert reasons[misread] == "Forfait « VOIX:60 » : écrivez TYPE:quantité:catégories, suivi ou non de :POOL."
    assert reasons[lawless] == "Le régime de TVA « INCONNU » n'est pas en vigueur. Corrigez la fiche du client."
    assert reasons[offerless].startswith("Le calcul s'est arrêté (")
    assert reasons[offerless].endswith("Vérifiez la fiche du client, ses lignes et ses offres, puis refaites les brouillons.")
    others = {number: one for number, one in sound.items() if number not in reasons}
    assert (await documents(run), told["totals"]["parked"]) == (others, 4)

    await validated(run)
    await printed(run)
    first = await numbers(run)
    invoices = sorted(number for number in others if others[number]["kind"] == "INVOICE")
    assert [first[number] for number in invoices] == [f"F2026-{rank:06}" for rank in range(1, len(invoices) + 1)]
    before = await issued()

    await Customer.update({Customer.city: of[homeless]["city"], Customer.billing_city: of[homeless]["billing_city"]}).where(
        where == homeless
    )
    await Customer.update({Customer.vat_regime: of[lawless]["vat_regime"]}).where(where == lawless)
    await LineItem.update({LineItem.kind: "OFFER", LineItem.position: LineItem.position - 90}).where(LineItem.id.is_in(offers))
    await LineItem.update({LineItem.offer: misread_items[0]["offer"]}).where(LineItem.id == misread_items[0]["id"])
    assert (await runs.begin(run, "draft", "essai", work))["state"] == "controlled"
    assert ((await telling.describe(run))["parked"], await documents(run)) == ([], sound)
    assert await issued() == before
    await validated(run)
    await printed(run)
    after = await numbers(run)
    assert {number: after[number] for number in first} == first
    assert [after[number] for number in sorted(reasons)] == [
        f"F2026-{rank:06}" for rank in range(len(invoices) + 1, len(invoices) + 5)
    ]
    known = await issued()
    assert {name: known[name][: len(before[name])] for name in ("invoices", "papers")} == {
        name: before[name] for name in ("invoices", "papers")
    }


async def test_a_customer_set_aside_takes_no_usage_from_the_others_totals(loaded):
    """The usage of a month is that of all its CDRs, whoever could be billed."""
    run = await drafted()
    before = (await telling.describe(run))["totals"]
    first = (await with_usage(run))[0]
    missing = (await documents(run))[first]
    await Customer.update({Customer.city: "", Customer.billing_city: ""}).where(Customer.customer_number == first)
    await runs.begin(run, "draft", "essai", work)
    after = (await telling.describe(run))["totals"]
    assert (before["rated"], before["amount_micro"]) == (after["rated"], after["amount_micro"])
    assert before["incl_vat_cents"] - after["incl_vat_cents"] == missing["incl_vat_cents"]
    assert (after["parked"], before["invoices"] - after["invoices"]) == (1, 1)


async def test_numbers_go_by_customer_number_whatever_the_order_of_the_drafts_and_credit_notes_come_last(loaded):
    """By code point: « A » stands before every other number here, « a » after."""
    await Reseller.update({Reseller.credit_note_pattern: "F{year}-{counter:06}"}, force=True)
    run = await drafted()
    rows = await Invoice.select(Invoice.kind, Invoice.customer.customer_number).where(Invoice.run == run).order_by(Invoice.id)
    kinds = {row["customer.customer_number"]: row["kind"] for row in rows}
    invoices = sorted(number for number, kind in kinds.items() if kind == "INVOICE")
    notes = sorted(number for number, kind in kinds.items() if kind == "CREDIT_NOTE")
    for old, new in ((invoices[0], "a"), (notes[0], "A")):
        await Customer.update({Customer.customer_number: new}).where(Customer.customer_number == old)
    await validated(run)
    expected = [*invoices[1:], "a", "A", *notes[1:]]
    assert await numbers(run) == {number: f"F2026-{rank:06}" for rank, number in enumerate(expected, 1)}


# Twice


async def test_the_same_month_started_twice_is_the_same_run_and_makes_no_new_document(loaded):
    run, new = await runs.start(OCTOBER, "essai", work)
    assert new
    await month_samples.waive_all(run["id"])
    for stage in ("draft", "validate", "print"):
        await runs.begin(run["id"], stage, "essai", work)
        before = await everything()
        again, new = await runs.start(OCTOBER, "quelqu'un", work)
        assert (again["id"], new) == (run["id"], False)
        assert await everything() == before


async def test_each_stage_can_be_asked_again_and_does_nothing_more(loaded):
    run = await drafted()
    await validated(run)
    await printed(run)
    before = await everything()
    assert (await runs.begin(run, "print", "essai", work))["state"] == "printed"
    assert (await runs.resume(run, work))["state"] == "printed"
    await runs.perform(run, SETTINGS.now())
    assert await everything() == before
    with pytest.raises(runs.RunBusy, match="dans l'état « édité » : ce n'est pas le moment"):
        await runs.begin(run, "validate", "essai", work)


async def test_making_drafts_again_replaces_drafts_and_nothing_else(loaded):
    run = await drafted()
    number = (await with_usage(run))[0]
    ids = {row["id"] for row in await Invoice.select(Invoice.id)}
    await Customer.update({Customer.company_name: "Nouveau Nom"}).where(Customer.customer_number == number)
    count = await Invoice.count(), await InvoiceLine.count()
    await runs.begin(run, "draft", "essai", work)
    assert (await documents(run))[number]["buyer"]["name"] == "Nouveau Nom"
    assert (await Invoice.count(), await InvoiceLine.count()) == count
    assert not ids & {row["id"] for row in await Invoice.select(Invoice.id)}

    await validated(run)
    await printed(run)
    before, series = await issued(), await NumberSeries.select()
    await Customer.update({Customer.company_name: "Encore Un"}).where(Customer.customer_number == number)
    await runs.begin(run, "draft", "essai", work)
    assert (await issued(), await NumberSeries.select()) == (before, series)
    assert await Invoice.count().where(Invoice.state == InvoiceState.draft) == 0
    assert (await telling.describe(run))["state"] == "controlled"
    await validated(run)
    await printed(run)
    assert (await issued(), await NumberSeries.select()) == (before, series)


async def test_a_run_given_up_leaves_no_draft_and_its_month_can_be_started_again(loaded):
    run = await drafted()
    first = await documents(run)
    assert (await runs.cancel(run, "essai"))["state"] == "cancelled"
    assert (await Invoice.count(), await InvoiceLine.count(), await NumberSeries.count()) == (0, 0, 0)
    again = await drafted()
    assert again != run
    assert await documents(again) == first
    await validated(again)
    with pytest.raises(runs.RunBusy, match=r"ne s'annule pas\. Un avoir corrige une facture validée"):
        await runs.cancel(again, "essai")


# Refused


async def test_validation_is_refused_while_a_blocking_finding_is_open_and_takes_no_number(loaded):
    run = await drafted()
    blocking = [row for row in await runs.controls(run) if row["severity"] == "blocking"]
    assert blocking
    with pytest.raises(runs.BlockingFindings) as refused:
        await runs.begin(run, "validate", "essai", work)
    assert str(refused.value) == f"{len(blocking)} anomalies bloquantes restent à lever ou à déroger."
    told = [(error["code"], error["field"], error["value"], error["message"]) for error in refused.value.errors]
    assert told == [(row["code"], "msisdn", row["msisdn"], row["message"]) for row in blocking]
    assert ((await runs.get(run))["state"], await NumberSeries.count()) == ("controlled", 0)

    first = (run, *(blocking[0][name] for name in ("code", "customer_number", "msisdn")))
    with pytest.raises(RuleError, match="Une dérogation a besoin d'un motif"):
        await runs.waive(*first, "  ", "essai")
    with pytest.raises(RuleError, match="Aucune anomalie de ce nom"):
        await runs.waive(run, "AUTRE", None, None, "essai", "essai")
    for row in blocking[1:]:
        await runs.waive(run, row["code"], row["customer_number"], row["msisdn"], "essai", "essai")
    with pytest.raises(runs.BlockingFindings, match=r"^1 anomalie"):
        await runs.begin(run, "validate", "essai", work)
    for _ in range(2):
        await runs.waive(*first, "accord du client", "essai")
    assert await Waiver.count() == len(blocking)
    assert (await runs.begin(run, "validate", "essai", work))["state"] == "validated"


async def test_validation_is_refused_while_the_seller_is_incomplete(loaded):
    run = await drafted()
    await month_samples.waive_all(run)
    await Reseller.update({Reseller.siren: "", Reseller.iban: ""}, force=True)
    with pytest.raises(runs.BlockingFindings, match=r"La fiche de l'intégrateur est incomplète : SIREN, IBAN\."):
        await runs.begin(run, "validate", "essai", work)
    assert await NumberSeries.count() == 0


async def test_a_run_that_fails_says_why_and_is_taken_up(loaded, monkeypatch):
    run = await drafted()
    await month_samples.waive_all(run)
    real, calls = runs.validate.__globals__["take_number"], []

    async def fail_once(*values):
        number = await real(*values)
        calls.append(number)
        if len(calls) == 3:
            raise RuntimeError("la base ne répond plus")
        return number

    monkeypatch.setitem(runs.validate.__globals__, "take_number", fail_once)
    with pytest.raises(RuntimeError):
        await runs.begin(run, "validate", "essai", work)
    told = await telling.describe(run)
    assert (told["state"], told["error"]) == ("failed", "la base ne répond plus")
    assert sorted(number for number in (await numbers(run)).values() if number) == calls[:2]
    assert (await runs.resume(run, work))["state"] == "validated"
    assert calls[2] == calls[3]  # the number that was not used is taken by the next
    assert sorted(calls[:2] + calls[3:]) == sorted((await numbers(run)).values())


# Printed


async def text_of(run: int, name: str) -> str:
    paths = dict(await export.documents_of(run))
    pages = PdfReader(BytesIO(paths[name].read_bytes())).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


async def test_a_hostile_name_is_printed_as_text_and_the_run_goes_on(loaded):
    run = await drafted()
    number = (await with_usage(run))[0]
    customer = await Customer.select(Customer.id).where(Customer.customer_number == number).first()
    await Customer.update({Customer.company_name: HOSTILE, Customer.street: HOSTILE, Customer.detailed_bill: True}).where(
        Customer.id == customer["id"]
    )
    await Line.update({Line.user_name: HOSTILE}).where(Line.customer == customer["id"])
    await runs.begin(run, "draft", "essai", work)
    await validated(run)
    await printed(run)
    name = (await numbers(run))[number]
    sealed = await SealedDocument.select().where(SealedDocument.invoice.number == name).order_by(SealedDocument.kind)
    assert [row["name"] for row in sealed] == [f"{name}-detail.pdf", f"{name}.pdf", f"{name}.xml"]
    papers = sealed[:2]
    assert all(row["replaced_characters"] >= 2 for row in papers)
    for row in papers:
        assert PRINTED in await text_of(run, row["name"])
    assert len({row["invoice"] for row in await SealedDocument.select()}) == await Invoice.count()
    frozen = json.loads((await Invoice.select(Invoice.document).where(Invoice.number == name).first())["document"])
    assert frozen["buyer"]["name"] == HOSTILE
    assert f'"{HOSTILE.replace(chr(34), chr(34) * 2)}"' in await export.summary_csv(Invoice.run == run)


async def test_a_paper_that_cannot_be_made_keeps_no_other_from_being_made(loaded, monkeypatch):
    run = await drafted()
    await validated(run)
    real = paper.invoice

    def refuse_one(document: dict[str, Any], *rest: Any) -> paper.Paper:
        if document["number"] == "F2026-000002":
            raise paper.PaperRefused("La mise en page invoice.typ s'est arrêtée : trop large")
        return real(document, *rest)

    with monkeypatch.context() as broken:
        broken.setattr(printing.paper, "invoice", refuse_one)
        with pytest.raises(paper.PaperRefused):
            await runs.begin(run, "print", "essai", work)
    told = await telling.describe(run)
    assert (told["state"], told["error"]) == (
        "failed",
        "F2026-000002 : La mise en page invoice.typ s'est arrêtée : trop large",
    )
    missing = set((await numbers(run)).values()) - {
        row["invoice.number"] for row in await SealedDocument.select(SealedDocument.invoice.number)
    }
    assert missing == {"F2026-000002"}
    before = await issued()
    assert (await runs.resume(run, work))["state"] == "printed"
    known = await issued()
    assert known["papers"][: len(before["papers"])] == before["papers"]
    assert month_samples.stored() == await month_samples.named()


# E-invoices that their rules refuse


async def test_a_document_that_its_rules_refuse_is_parked_takes_no_number_and_is_billed_once_mended(loaded):
    await Reseller.update({Reseller.einvoice_sample: 100}, force=True)
    run = await drafted()
    number = (await with_usage(run))[0]
    mine = Customer.customer_number == number
    before = await Customer.select(Customer.siren, Customer.einvoice_address).where(mine).first()
    await Customer.update({Customer.siren: "", Customer.siret: ""}).where(mine)
    await runs.begin(run, "draft", "essai", work)
    drafts = await Invoice.count()
    await validated(run)
    told = await telling.describe(run)
    assert [row["customer_number"] for row in told["parked"]] == [number]
    assert "BR-FR-11" in told["parked"][0]["reason"]
    assert told["totals"]["parked"] == 1
    assert told["totals"]["invoices"] + told["totals"]["credit_notes"] == drafts - 1 == await Invoice.count()
    taken = sorted(row["number"] for row in await Invoice.select(Invoice.number).where(Invoice.kind == "INVOICE"))
    assert taken == [f"F2026-{rank:06}" for rank in range(1, len(taken) + 1)]
    await Customer.update({Customer.siren: before["siren"]}).where(mine)
    await runs.begin(run, "draft", "essai", work)
    await validated(run)
    assert (await telling.describe(run))["parked"] == []
    assert await Invoice.count().where(Invoice.number.is_not_null()) == drafts


async def test_out_of_the_sample_only_the_form_of_an_e_invoice_is_checked(loaded):
    await Reseller.update({Reseller.einvoice_sample: 0}, force=True)
    run = await drafted()
    await Customer.update({Customer.siren: "", Customer.siret: ""}, force=True)
    await runs.begin(run, "draft", "essai", work)
    await validated(run)
    assert (await telling.describe(run))["parked"] == []


# Never changed


def other_value(column, value: Any) -> Any:
    """Some value of the column's type that is not its own."""
    if isinstance(column, (Serial, Integer, BigInt, ForeignKey, Numeric)):
        return (value or 0) + 1
    if isinstance(column, Boolean):
        return not value
    if isinstance(column, Date):
        return date(2020, 1, 1)
    if isinstance(column, Timestamptz):
        return datetime.fromisoformat("2020-01-01T00:00:00+00:00")
    if isinstance(column, JSON):
        return '{"a": 1}'
    return "draft" if column._meta.name == "state" else "x"


@pytest.fixture
async def frozen_rows(loaded):
    """One row of each table that never changes, of a printed month."""
    run = await drafted()
    await validated(run)
    await printed(run)
    invoice = await Invoice.select().where(Invoice.number == "F2026-000001").first()
    return {
        Invoice: invoice,
        InvoiceLine: await InvoiceLine.select().where(InvoiceLine.invoice == invoice["id"]).first(),
        SealedDocument: await SealedDocument.select().where(SealedDocument.invoice == invoice["id"]).first(),
        TimelineEntry: await TimelineEntry.select().first(),
    }


async def test_the_database_refuses_every_change_of_what_is_issued(frozen_rows):
    before = await everything()
    for table, known in frozen_rows.items():
        name = table._meta.tablename
        columns = table._meta.columns
        assert {column._meta.name for column in columns} == known.keys()
        for column in columns:
            own = column._meta.db_column_name
            statements = [
                table.update({column: other_value(column, known[column._meta.name])}).where(table.id == known["id"]),
                table.raw(f"UPDATE {name} SET {own} = {own} WHERE id = {known['id']}"),
                table.raw(f"UPDATE {name} SET {own} = {own}"),
            ]
            for statement in statements:
                with pytest.raises(Exception, match="frozen: "):
                    await statement
        row = await table.objects().get(table.id == known["id"])
        statements = [
            row.save(),
            row.remove(),
            table.delete().where(table.id == known["id"]),
            table.raw(f"DELETE FROM {name} WHERE id = {known['id']}"),
            table.raw(f"DELETE FROM {name}"),
        ]
        for statement in statements:
            with pytest.raises(Exception, match="frozen: "):
                await statement
    assert await everything() == before


async def test_a_line_can_neither_join_nor_leave_an_issued_document(frozen_rows):
    """Nor be taken from a draft to it."""
    issued_id, line = frozen_rows[Invoice]["id"], frozen_rows[InvoiceLine]
    draft = Invoice(customer=frozen_rows[Invoice]["customer"], kind="INVOICE", origin="MANUAL")
    await draft.save()
    loose = InvoiceLine(invoice=draft.id, position=1, section="ONE_OFF", label="x", amount_cents=1)
    await loose.save()
    before = await everything()
    for statement in (
        InvoiceLine.insert(InvoiceLine(invoice=issued_id, position=99, section="ONE_OFF", label="x", amount_cents=1)),
        InvoiceLine.update({InvoiceLine.invoice: issued_id}).where(InvoiceLine.id == loose.id),
        InvoiceLine.update({InvoiceLine.invoice: draft.id}).where(InvoiceLine.id == line["id"]),
    ):
        with pytest.raises(Exception, match="frozen: "):
            await statement
    assert await everything() == before


async def test_no_other_way_of_writing_gets_round_the_refusal(frozen_rows):
    """SQLite replaces rows without asking their triggers, PostgreSQL empties tables without looking at rows: not here."""
    draft = Invoice(customer=frozen_rows[Invoice]["customer"], kind="INVOICE", origin="MANUAL")
    await draft.save()
    loose = InvoiceLine(invoice=draft.id, position=1, section="ONE_OFF", label="x", amount_cents=1)
    await loose.save()
    before = await everything()
    series = await NumberSeries.select().first()
    statements = [
        NumberSeries.delete().where(NumberSeries.id == series["id"]),
        NumberSeries.update({NumberSeries.last_number: 0}).where(NumberSeries.id == series["id"]),
        NumberSeries.update({NumberSeries.name: "x"}).where(NumberSeries.id == series["id"]),
    ]
    if on_sqlite():
        for table, known in frozen_rows.items():
            columns = ", ".join(column._meta.db_column_name for column in table._meta.columns if column._meta.name != "id")
            name, spare = table._meta.tablename, {Invoice: draft.id, InvoiceLine: loose.id}.get(table)
            statements.append(
                table.raw(
                    f"INSERT OR REPLACE INTO {name} (id, {columns}) SELECT id, {columns} FROM {name} WHERE id = {known['id']}"
                )
            )
            if spare:
                statements.append(table.raw(f"UPDATE OR REPLACE {name} SET id = {known['id']} WHERE id = {spare}"))
        statements += [
            Invoice.raw(f"UPDATE OR REPLACE invoice SET number = 'F2026-000001' WHERE id = {draft.id}"),
            InvoiceLine.raw(
                "INSERT OR REPLACE INTO invoice_line (id, invoice, position, section)"
                f" VALUES ({frozen_rows[InvoiceLine]['id']}, {draft.id}, 5, 'ONE_OFF')"
            ),
            NumberSeries.raw("INSERT OR REPLACE INTO number_series (name, last_number) VALUES ({}, 0)", series["name"]),
        ]
    else:
        statements += [
            table.raw(f"TRUNCATE {table._meta.tablename} CASCADE")
            for table in (Invoice, InvoiceLine, SealedDocument, TimelineEntry, NumberSeries, Customer)
        ]
    for statement in statements:
        with pytest.raises(Exception, match="frozen: "):
            await statement
    assert await everything() == before


# Dry


async def same_as_dry(month: Month) -> int:
    """The run of a month, once its dry run has been found equal and to have written nothing."""
    before, stored = await everything(), month_samples.stored()
    dry = await telling.dry_run(month)
    assert (await everything(), month_samples.stored()) == (before, stored)
    run = await drafted(month)
    told = await telling.describe(run)
    assert {name: dry[name] for name in ("totals", "month", "state")} == {
        name: told[name] for name in ("totals", "month", "state")
    }
    for name in ("controls", "parked"):
        assert sorted(json.dumps(row, sort_keys=True) for row in dry[name]) == sorted(
            json.dumps(row, sort_keys=True) for row in told[name]
        )
    made, total = await telling.invoices(run, 1000, 0)
    assert [invoice | {"id": None} for invoice in made] == dry["invoices"]
    assert total == len(dry["invoices"]) > 0
    return run


async def test_a_dry_run_equals_the_real_one_to_the_cent_and_writes_nothing(loaded, source, monkeypatch):
    """Also for the month after, with its regularisations of the first."""
    await Customer.update({Customer.city: "", Customer.billing_city: ""}).where(
        Customer.customer_number
        == (await Customer.select(Customer.customer_number).order_by(Customer.customer_number).first())["customer_number"]
    )
    run = await same_as_dry(OCTOBER)
    assert (await telling.describe(run))["totals"]["parked"] == 1
    await validated(run)
    monkeypatch.setattr(SETTINGS, "clock", datetime.fromisoformat(month_samples.CLOCKS["2026-11"]))
    await load(source, NOVEMBER)
    run = await same_as_dry(NOVEMBER)
    assert (await telling.describe(run))["totals"]["regularised_cents"] != 0
    assert (await runs.get(run))["state"] == RunState.controlled
