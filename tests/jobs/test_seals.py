"""A document once issued: whatever becomes of its rows or its files, the verification names it; nothing else is ever named."""

import itertools
import json
import sqlite3
from datetime import date, datetime, timedelta
from decimal import Decimal

import asyncpg
import billed_month
import month_samples
import pytest
from piccolo.columns import JSON, BigInt, Date, ForeignKey, Integer, Numeric, Serial, Timestamptz, Varchar

from gateways.settings import SETTINGS
from jobs.billing.validate import take_number
from jobs.seals import chain, verify
from rules.states import InvoiceState
from tables.engine import on_sqlite, transaction
from tables.invoices import Invoice, InvoiceLine, NumberSeries, SealedDocument
from tables.parties import Customer
from tables.seals import Seal
from tables.timeline import TimelineEntry

TABLES = (Invoice, InvoiceLine, SealedDocument, Seal, NumberSeries)


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    return month_samples.make(tmp_path_factory.mktemp("seals") / "one", customers=6, lines=12, cdrs=60)


@pytest.fixture
async def sealed(database, source, monkeypatch):
    """A month validated and printed."""
    await billed_month.load(source, monkeypatch)
    await billed_month.seal(await billed_month.draft())


class Intruder:
    """Someone with the keys of the database: triggers and foreign keys do not hold him, and what he does is undone after."""

    def __init__(self, env):
        self.url, self.path = env["DATABASE_URL"], f"{env['DATA_DIR']}/ligne_claire.sqlite"

    async def run(self, *statements):
        if self.url:
            connection = await asyncpg.connect(self.url)
            await connection.execute("SET session_replication_role = replica")
            for statement in statements:
                await connection.execute(statement)
            await connection.close()
            return
        connection = sqlite3.connect(self.path, isolation_level=None)
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        connection.close()

    async def keep(self, *tables):
        """The statements that bring these tables back."""
        await self.run(*(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}" for table in tables))
        return [text for name in tables for text in (f"DELETE FROM {name}", f"INSERT INTO {name} SELECT * FROM kept_{name}")]


@pytest.fixture
def intruder(database_env):
    return Intruder(database_env)


async def problems():
    return list((await verify.verify()).problems)


def sql(column, value):
    """Another value of the column's type, as SQL."""
    if isinstance(column, (Serial, ForeignKey)):
        return str((value or 0) + 100_000)
    if isinstance(column, (Integer, BigInt)):
        return str((value or 0) + 1_000)
    if isinstance(column, Numeric):
        return str(Decimal(value or 0) + Decimal("0.01"))
    if isinstance(column, Date):
        return f"'{(value or date(2026, 1, 1)) + timedelta(days=1)}'"
    if isinstance(column, Timestamptz):
        return f"'{(value or datetime(2026, 1, 1)) + timedelta(seconds=1)}'"
    if isinstance(column, JSON):
        return "'" + json.dumps(json.loads(value) | {"number": "X"}).replace("'", "''") + "'"
    return f"'{(value or '')[:-1]}{'y' if (value or '').endswith('x') else 'x'}'"


async def test_a_month_is_chained_and_nothing_of_it_is_named(sealed):
    documents = await Invoice.count().where(Invoice.state == InvoiceState.validated)
    papers = await SealedDocument.count()
    report = await verify.verify(files=True)
    assert (report.done, report.problems) == (documents + papers, ())
    assert documents > 4 and papers > documents
    rows = await Seal.select().order_by(Seal.series, Seal.rank)
    for _, series in itertools.groupby(rows, lambda row: row["series"]):
        chained = list(series)
        assert [row["rank"] for row in chained] == list(range(1, len(chained) + 1))
        assert [row["previous"] for row in chained] == ["", *(row["sha256"] for row in chained[:-1])]
    found = await verify.last()
    assert found["heads"] == {row["series"]: [row["rank"], row["sha256"]] for row in rows}
    assert (found["files"], found["broken"]) == (True, 0)


async def test_every_column_of_every_table_is_held(sealed, intruder):
    """One figure of one row is changed at a time, the triggers and keys gone: the document is named each time."""
    assert await problems() == []
    back = await intruder.keep(*(table._meta.tablename for table in TABLES))
    first = await Invoice.select().where(Invoice.number == "F2026-000002").first()
    papers = await SealedDocument.select().where(SealedDocument.invoice == first["id"]).order_by(SealedDocument.id)
    targets = {
        Invoice: (first, "F2026-000002"),
        InvoiceLine: (await InvoiceLine.select().where(InvoiceLine.invoice == first["id"]).first(), "F2026-000002"),
        SealedDocument: (papers[0], papers[0]["name"]),
        Seal: (await Seal.select().where(Seal.invoice == first["id"]).first(), "F2026-000002"),
        NumberSeries: (await NumberSeries.select().where(NumberSeries.name == "F2026-{counter:06}").first(), "F2026-"),
    }
    tried = 0
    for table, (row, name) in targets.items():
        for column in table._meta.columns:
            if (table, column._meta.name) == (NumberSeries, "id"):
                continue  # nothing refers to it
            own, key = column._meta.db_column_name, row["id"]
            change = f"UPDATE {table._meta.tablename} SET {own} = {sql(column, row[column._meta.name])} WHERE id = {key}"
            await intruder.run(change)
            found = await problems()
            assert found, change
            wanted = sql(column, name).strip("'") if (table, own) == (SealedDocument, "name") else name
            assert any(wanted in problem for problem in found[:2]), (change, found)
            await intruder.run(*back)
            tried += 1
    assert tried > 45
    assert await problems() == []


async def test_rows_that_go_come_or_change_places_are_named(sealed, intruder):
    back = await intruder.keep(*(table._meta.tablename for table in TABLES))
    numbered = await Invoice.select(Invoice.id, Invoice.number).where(Invoice.number.is_not_null()).order_by(Invoice.number)
    ids = {row["number"]: row["id"] for row in numbered if row["number"].startswith("F")}
    second, third, head = ids["F2026-000002"], ids["F2026-000003"], list(ids.values())[-1]
    columns = ", ".join(c._meta.db_column_name for c in Invoice._meta.columns if c._meta.name not in ("id", "number", "origin"))
    swap = "UPDATE {0} SET {1} = {2} WHERE {3}"
    for what, name, *statements in (
        ("a document goes", "F2026-000002", f"DELETE FROM invoice WHERE id = {second}"),
        ("its lines go", "F2026-000002", f"DELETE FROM invoice_line WHERE invoice = {second}"),
        ("its seal goes", "F2026-000002", f"DELETE FROM seal WHERE invoice = {second}"),
        ("the whole document goes", "F2026-000002", *(
            f"DELETE FROM {table} WHERE {key} = {second}" for table, key in (("seal", "invoice"), ("invoice", "id")))),
        ("the last goes", list(ids)[-1], f"DELETE FROM seal WHERE invoice = {head}", f"DELETE FROM invoice WHERE id = {head}",
            "UPDATE number_series SET last_number = last_number - 1 WHERE name LIKE 'F%'"),
        ("a document comes", "F2026-000099",
            f"INSERT INTO invoice ({columns}, number, origin)"
            f" SELECT {columns}, 'F2026-000099', 'MANUAL' FROM invoice WHERE id = {second}"),
        ("a line comes", "F2026-000002",
            f"INSERT INTO invoice_line (invoice, position, section, label) VALUES ({second}, 99, 'ONE_OFF', 'x')"),
        ("two change places", "F2026-000002", swap.format("invoice", "id", 0, f"id = {second}"),
            swap.format("invoice", "id", second, f"id = {third}"), swap.format("invoice", "id", third, "id = 0")),
        ("two lines change places", "F2026-000002",
            swap.format("invoice_line", "invoice", 0, f"invoice = {second}"),
            swap.format("invoice_line", "invoice", second, f"invoice = {third}"),
            swap.format("invoice_line", "invoice", third, "invoice = 0")),
        ("two seals change places", "F2026-000002", swap.format("seal", "rank", 0, f"invoice = {second}"),
            swap.format("seal", "rank", 2, f"invoice = {third}"), swap.format("seal", "rank", 3, f"invoice = {second}")),
        ("a paper goes", "PDF, rang 1",
            "DELETE FROM sealed_document WHERE id = (SELECT paper FROM seal WHERE series = 'PDF' AND rank = 1)"),
        ("a paper comes", "F2026-000099.pdf", "INSERT INTO sealed_document (invoice, kind, name, path, created_at)"
            " SELECT invoice, 'OTHER', 'F2026-000099.pdf', 'x', created_at FROM sealed_document"
            f" WHERE invoice = {second} AND kind = 'XML'"),
        ("a series goes", "F2026-", "DELETE FROM number_series WHERE name LIKE 'F%'"),
    ):  # fmt: skip
        assert await problems() == [], what
        await intruder.run(*statements)
        found = await problems()
        assert any(problem.startswith(name) for problem in found[:1]), (what, found)
        await intruder.run(*back)
        if not on_sqlite():
            await intruder.run("SELECT setval('invoice_id_seq', 1000)", "SELECT setval('invoice_line_id_seq', 9000)")


async def test_a_chain_made_anew_is_not_the_one_that_was_verified(sealed, intruder):
    """Whoever can write everything can compute new seals: those of the last verification tell him apart."""
    assert await problems() == []
    (first,) = await Invoice.select(Invoice.id).where(Invoice.number == "F2026-000001")
    await intruder.run(f"UPDATE invoice SET corrects = 'F2025-1' WHERE id = {first['id']}", "DELETE FROM seal")
    async with transaction():
        for series in await NumberSeries.select(NumberSeries.name):
            await chain._adopt(series["name"])
        await chain.seal_papers([row["id"] for row in await Invoice.select(Invoice.id)])
    assert any("n'est plus celui qui a été vérifié" in problem for problem in await problems())


async def test_a_file_that_changes_is_named_when_files_are_read(sealed):
    rows = await SealedDocument.select(SealedDocument.name, SealedDocument.path).order_by(SealedDocument.id)
    changed, lost = (SETTINGS.data_dir / row["path"] for row in rows[:2])
    changed.write_bytes(changed.read_bytes() + b" ")
    lost.unlink()
    assert await problems() == []
    assert list((await verify.verify(files=True)).problems) == [
        f"{rows[0]['name']} : le fichier n'est plus celui qui a été scellé.",
        f"{rows[1]['name']} : le fichier manque.",
    ]


async def test_what_was_issued_before_there_were_seals_is_chained_once(sealed, intruder):
    before = [{**row} for row in await Seal.select().where(Seal.series != "PDF").order_by(Seal.id)]
    await intruder.run("DELETE FROM seal", "DELETE FROM timeline_entry WHERE subject = 'seal'")
    await chain.begin()
    assert await Seal.select().where(Seal.series != "PDF").order_by(Seal.id) == before
    assert await problems() == []
    await intruder.run("DELETE FROM seal")
    await chain.begin()
    assert await Seal.count() == 0, "what is missing later is never made good"
    assert (await problems())[0].startswith(("A2026-000001", "F2026-000001"))


async def test_a_document_made_by_hand_is_chained_by_the_same_verb(sealed):
    customer = await Customer.select(Customer.id).first()
    day = date(2026, 11, 2)
    async with transaction():
        number = await take_number("A{year}-{counter:06}", day)
        made = Invoice(customer=customer["id"], kind="CREDIT_NOTE", origin="MANUAL", number=number, issued_on=day)
        made.document, made.sha256 = "{}", "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        await made.save()
        await InvoiceLine(invoice=made.id, position=1, section="ONE_OFF", label="Geste", amount_cents=-100).save()
        await Invoice.update({Invoice.state: InvoiceState.validated}).where(Invoice.id == made.id)
        await chain.seal(made.id, "A{year}-{counter:06}")
    assert await problems() == []
    head = await chain.head_of("A2026-{counter:06}")
    assert number == f"A2026-{head['rank']:06}"


async def test_a_seal_never_changes_by_any_road(sealed):
    row, before = (
        await Seal.select().where(Seal.rank == 1, Seal.invoice.is_not_null()).first(),
        await Seal.select().order_by(Seal.id),
    )
    statements = [
        *(Seal.update({column: "x" if isinstance(column, Varchar) else 7}).where(Seal.id == row["id"])
          for column in Seal._meta.columns),
        Seal.delete().where(Seal.id == row["id"]),
        Seal.raw("DELETE FROM seal"),
        (await Seal.objects().get(Seal.id == row["id"])).remove(),
        Seal.raw("UPDATE seal SET sha256 = sha256"),
    ]  # fmt: skip
    if on_sqlite():
        columns = ", ".join(column._meta.db_column_name for column in Seal._meta.columns)
        statements.append(Seal.raw(f"INSERT OR REPLACE INTO seal ({columns}) SELECT {columns} FROM seal WHERE id = {row['id']}"))
        for key, value in (("id", row["id"]), ("invoice", row["invoice"]), ("series", f"'{row['series']}'")):
            rank = row["rank"] if key == "series" else 99
            statements.append(Seal.raw(f"INSERT OR REPLACE INTO seal (rank, {key}) VALUES ({rank}, {value})"))
    else:
        statements.append(Seal.raw("TRUNCATE seal"))
    for statement in statements:
        with pytest.raises(Exception, match="frozen: un sceau"):
            await statement
    assert await Seal.select().order_by(Seal.id) == before


def test_the_law_names_every_column():
    """A column that a later migration adds must be sealed too, in a layout of its own."""
    from rules import seals

    kept = {Invoice: {*seals.DOCUMENT, "document"}, InvoiceLine: {*seals.LINE}, SealedDocument: {*seals.PAPER}}
    for table, names in kept.items():
        assert {column._meta.db_column_name for column in table._meta.columns} == names, table


async def test_the_journal_keeps_each_verification(sealed):
    await verify.verify()
    entry = await TimelineEntry.select().where(TimelineEntry.event == "verified").first()
    assert set(json.loads(entry["after"])) == {"heads", "seals", "broken", "files", "problems"}
