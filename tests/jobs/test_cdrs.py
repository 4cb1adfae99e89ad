"""CDR files loaded for good: all of a file or nothing, once, with its rejects kept."""

import errno
import gzip
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import month_samples
import pytest
from cdr_samples import BAD, csv, row, zipped

from gateways import cdr_store
from gateways.settings import SETTINGS
from jobs import cdrs, layouts
from jobs.cdrs import CdrReport
from jobs.layouts import UnknownLayout
from rules.files.form import Error, FormError
from rules.states import LineState, RunState
from tables.billing import BillingRun
from tables.catalogue import RateTable, RoamingZone
from tables.fleet import Line
from tables.imports import ImportBatch
from tables.parties import Customer, Reseller
from tables.usage import CdrFile, CdrPart, CdrReject

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
SETTLED = (CdrFile, CdrPart, CdrReject, ImportBatch)


@pytest.fixture
async def fleet(database):
    """One line from 2025 on, one that ended in September 2026, one that was cancelled."""
    customer, table = Customer(customer_number="C1", login="C1", company_name="Essai"), RateTable(code="STD")
    await customer.save()
    await table.save()
    for msisdn, state, last in (
        ("+33639980001", LineState.active, None),
        ("+33639980002", LineState.terminated, date(2026, 9, 30)),
        ("+33639980003", LineState.cancelled, None),
    ):
        line = Line({Line.msisdn: msisdn, Line.customer: customer.id, Line.rate_table: table.id, Line.state: state})
        line.activated_on, line.terminated_on = date(2025, 1, 1), last
        await line.save()
    await RoamingZone(zone="EU", mcc="262+222").save()


@pytest.fixture
def load(fleet, tmp_path):
    """Loads bytes under a name."""

    async def load_one(data: bytes, name: str = "CDR.csv", **options) -> CdrReport:
        path = tmp_path / "upload"
        path.write_bytes(data)
        (report,) = await cdrs.load_files([(path, name)], now=NOW, **options)
        return report

    return load_one


async def rows_of(*tables) -> list[int]:
    return [await table.count() for table in tables]


async def test_a_file_of_bad_form_loads_nothing_and_leaves_nothing_behind(load, tmp_path):
    report = await load(csv(row(cdr_id="before")))
    before, stored = await rows_of(*SETTLED), month_samples.stored()
    for name, bad in BAD.items():
        with pytest.raises(FormError) as refused:
            await load(bad.data, name)
        assert (refused.value.errors[0].file, refused.value.errors[0].line) == (name, bad.line)
    assert (await rows_of(*SETTLED), month_samples.stored()) == (before, stored)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["cdr", "received"]
    assert (await load(csv(row(cdr_id="before")))).cdr_file_id == report.cdr_file_id


async def test_the_files_before_one_of_bad_form_are_kept_and_those_after_it_wait(load, tmp_path):
    paths = []
    for name, data in (("1.csv", csv(row(cdr_id="1"))), ("2.csv", b""), ("3.csv", csv(row(cdr_id="3")))):
        paths.append((tmp_path / name, name))
        paths[-1][0].write_bytes(data)
    with pytest.raises(FormError, match=r"2\.csv, ligne 1 : Le fichier est vide"):
        await cdrs.load_files(paths, now=NOW)
    assert [row["name"] for row in await CdrFile.select(CdrFile.name)] == ["1.csv"]
    assert month_samples.stored() == await month_samples.named()


async def test_what_a_load_answers_and_writes(load):
    report = await load(
        csv(
            *(row(cdr_id="1"), row(cdr_id="1"), row(type="FAX"), row(cdr_id="2", started_at="2026-11-01T00:00:00+01:00")),
            *(
                row(msisdn="0639980002"),
                row(msisdn="0639980003"),
                row(cdr_id="3", visited_plmn="26201"),
                row(cdr_id="4", visited_plmn="20801"),
            ),
        ),
        "Octobre.csv",
    )
    causes = {"BAD_TYPE": 1, "DUPLICATE": 1, "LINE_NOT_ACTIVE": 1, "UNKNOWN_LINE": 1, "UNKNOWN_PLMN": 1}
    assert (report.rows, report.created, report.rejected, report.rejects_by_cause) == (8, 3, 5, causes)
    assert (report.changed, report.unchanged, report.duplicate_file) == (0, 0, False)
    text = "1;VOICE;OUT;06 39 98 00 01;06 39 98 00 99;2026-10-31T23:59:58+01:00;65;0;;0.01"
    assert report.errors[0] == Error("Octobre.csv", 3, None, None, text, "DUPLICATE", "Doublon")
    assert [(error.line, error.code) for error in report.errors] == [
        (3, "DUPLICATE"), (4, "BAD_TYPE"), (6, "LINE_NOT_ACTIVE"), (7, "UNKNOWN_LINE"), (9, "UNKNOWN_PLMN"),
    ]  # fmt: skip
    file = await CdrFile.select().where(CdrFile.id == report.cdr_file_id).first()
    assert {name: file[name] for name in ("name", "sha256", "rows", "loaded", "rejected", "state", "counted_in")} == {
        "name": "Octobre.csv",
        "sha256": report.file_sha256,
        "rows": 8,
        "loaded": 3,
        "rejected": 5,
        "state": "loaded",
        "counted_in": None,
    }
    parts = await CdrPart.select(CdrPart.month, CdrPart.rows).order_by(CdrPart.month)
    assert parts == [{"month": "2026-10", "rows": 2}, {"month": "2026-11", "rows": 1}]
    batch = await ImportBatch.select().where(ImportBatch.id == report.batch_id).first()
    assert (batch["kind"], batch["rows"], batch["created"], batch["rejected"]) == ("cdrs", 8, 3, 5)
    assert month_samples.stored() == await month_samples.named()


async def test_rejects_are_kept_with_line_text_and_cause_and_given_back_as_csv(load):
    report = await load(csv(row(cdr_id="=1+1", type="FAX"), row(), row(other_party='"06;39"')))
    rejects = await CdrReject.select(CdrReject.line_number, CdrReject.cause, CdrReject.raw_text, CdrReject.state).order_by(
        CdrReject.line_number
    )
    first = "=1+1;FAX;OUT;06 39 98 00 01;06 39 98 00 99;2026-10-31T23:59:58+01:00;65;0;;0.01"
    second = '"";"VOICE";"OUT";"06 39 98 00 01";"06;39";"2026-10-31T23:59:58+01:00";"65";"0";"";"0.01"'
    assert [tuple(one.values()) for one in rejects] == [(2, "BAD_TYPE", first, "open"), (4, "BAD_NUMBER", second, "open")]
    text = await cdrs.rejects_csv(report.cdr_file_id)
    header, *lines = text.splitlines()
    assert header == "\ufeffligne;cause;texte"
    assert lines[0] == f'2;BAD_TYPE;"\'{first}"'  # a tableur takes no formula from it
    assert lines[1] == '4;BAD_NUMBER;"{}"'.format(second.replace('"', '""'))


async def test_a_file_is_loaded_once_whatever_its_name_and_its_wrapping(load):
    data = csv(row(cdr_id="1"), row(type="FAX"))
    first = await load(data)
    before, stored = await rows_of(*SETTLED), month_samples.stored()
    for again, name in ((data, "CDR.csv"), (data, "autre.csv"), (gzip.compress(data), "CDR.csv.gz"), (zipped(data), "CDR.zip")):
        report = await load(again, name)
        assert report == CdrReport(first.batch_id, first.file_sha256, cdr_file_id=first.cdr_file_id, duplicate_file=True)
    assert (await rows_of(*SETTLED), month_samples.stored()) == (before, stored)


async def test_a_preview_tells_what_a_load_would_and_writes_nothing(load):
    await load(csv(row(cdr_id="1")))
    before, stored = await rows_of(*SETTLED), month_samples.stored()
    data = csv(row(cdr_id="1"), row(cdr_id="2"), row(type="FAX"))
    told = await load(data, preview=True)
    assert (await rows_of(*SETTLED), month_samples.stored()) == (before, stored)
    done = await load(data)
    assert (told.batch_id, told.cdr_file_id, told.created) == (None, None, 1)
    assert replace(told, batch_id=done.batch_id, cdr_file_id=done.cdr_file_id) == done


async def test_a_layout_that_nobody_described_loads_nothing(load):
    with pytest.raises(UnknownLayout, match=r"Format « ailleurs » inconnu\. Les formats sont : default\."):
        await load(csv(row()), layout="ailleurs")
    assert await rows_of(*SETTLED) == [0, 0, 0, 0]


async def test_files_that_overlap_load_each_call_once(load):
    rows = [row(cdr_id=str(number)) for number in range(10)]
    assert [(await load(csv(*rows[a:b]))).created for a, b in ((0, 7), (4, 10), (0, 10), (2, 9))] == [7, 3, 0, 0]
    assert sum(part["rows"] for part in await CdrPart.select(CdrPart.rows)) == 10


async def test_a_corrected_row_loads_in_another_file(load):
    assert (await load(csv(row(cdr_id="1", visited_plmn="99901")))).rejects_by_cause == {"UNKNOWN_PLMN": 1}
    assert (await load(csv(row(cdr_id="1", visited_plmn="26201")))).created == 1
    assert (await load(csv(row(cdr_id="1", visited_plmn="99901")))).duplicate_file
    assert (await load(csv(row(cdr_id="1", visited_plmn="99902")))).rejects_by_cause == {"DUPLICATE_CONFLICT": 1}


async def test_the_ids_of_another_wholesaler_are_not_ours(load):
    names = (
        "cdr_id",
        "type",
        "direction",
        "msisdn",
        "other_party",
        "duration_s",
        "volume_bytes",
        "visited_plmn",
        "wholesale_cost",
    )
    instants = {"source": "started_at", "format": "aaaa-mm-jjThh:mm:ssz"}
    fields = {**{name: name for name in names}, "started_at": instants}
    await layouts.save("other", {"wholesaler": "AUTRE", "description": {"header": True, "fields": fields}}, "test")
    assert (await load(csv(row(cdr_id="1")))).created == 1
    assert (await load(csv(row(cdr_id="1"), row(cdr_id="1")), layout="other")).rejects_by_cause == {"DUPLICATE": 1}
    assert (await load(csv(row(cdr_id="1", duration_s="66")), layout="other")).rejects_by_cause == {"DUPLICATE_CONFLICT": 1}


async def test_a_call_is_too_old_only_when_its_month_was_invoiced(load):
    """2 November 2026: older than 12 months is before 2 November 2025."""
    await Reseller(id=1, first_month="2025-10").save()
    days = ("2025-09-30T21:59:59Z", "2025-09-30T22:00:00Z", "2025-11-01T22:59:59Z", "2025-11-01T23:00:00Z")

    async def causes(note: str) -> list[tuple[int, str]]:
        report = await load(csv(*(row(cdr_id=f"{note}{day}", started_at=day) for day in days)))
        return [(error.line, error.code) for error in report.errors]

    assert await causes("the former system billed September") == [(2, "TOO_OLD")]
    run = BillingRun(month="2026-09", state=RunState.controlled)
    await run.save()
    assert await causes("September 2026 is not validated") == [(2, "TOO_OLD")]
    await BillingRun.update({BillingRun.state: RunState.validated, BillingRun.validated_at: NOW}).where(BillingRun.id == run.id)
    assert await causes("September 2026 is validated") == [(2, "TOO_OLD"), (3, "TOO_OLD"), (4, "TOO_OLD")]
    await BillingRun.update({BillingRun.state: RunState.controlled}).where(BillingRun.id == run.id)
    assert await causes("and its drafts are made again") == [(2, "TOO_OLD"), (3, "TOO_OLD"), (4, "TOO_OLD")]


async def test_a_name_longer_than_its_column_is_cut(load):
    report = await load(csv(row()), "n" * 300 + ".csv")
    assert [row["name"] for row in await CdrFile.select(CdrFile.name)] == ["n" * 200]
    assert report.created == 1


async def test_a_load_that_fails_before_its_rows_are_written_is_as_if_it_had_not_been(load, monkeypatch):
    """Its parts are on disk and no row names them: the next load sweeps them away, and their calls are no twins of its own."""

    async def fail(*_):
        raise RuntimeError("power cut")

    with monkeypatch.context() as broken:
        broken.setattr(cdrs, "_record", fail)
        with pytest.raises(RuntimeError, match="power cut"):
            await load(csv(row(cdr_id="1"), row(type="FAX")))
    assert (len(month_samples.stored()), await rows_of(*SETTLED)) == (1, [0, 0, 0, 0])
    assert (await load(csv(row(cdr_id="1"), row(cdr_id="2")))).created == 2
    assert month_samples.stored() == await month_samples.named()


async def test_half_of_its_rows_are_not_written(load, monkeypatch):
    real = cdrs.insert_many

    async def fail_at_rejects(table, *values):
        if table is CdrReject:
            raise RuntimeError("power cut")
        await real(table, *values)

    with monkeypatch.context() as broken:
        broken.setattr(cdrs, "insert_many", fail_at_rejects)
        with pytest.raises(RuntimeError, match="power cut"):
            await load(csv(row(cdr_id="1")))
    assert await rows_of(*SETTLED) == [0, 0, 0, 0]


async def test_a_full_disk_is_said_to_be_one_and_loads_nothing(load, monkeypatch):
    real = cdr_store.publish

    def fail(path: Path, write) -> None:
        real(path, write)
        if path.parent.name == "2026-11":
            raise OSError(errno.ENOSPC, "No space left on device")

    data = csv(row(), row(started_at="2026-11-01T00:00:00+01:00"))
    with monkeypatch.context() as full:
        full.setattr(cdr_store, "publish", fail)
        with pytest.raises(OSError, match="No space left"):
            await load(data)
    assert await rows_of(*SETTLED) == [0, 0, 0, 0]
    assert (await load(data)).created == 2
    assert month_samples.stored() == await month_samples.named()


async def test_a_disk_that_fills_while_an_archive_is_opened_is_not_a_damaged_archive(load, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("gateways.cdr_file._copy", fail)
    with pytest.raises(OSError, match="No space left"):
        await load(gzip.compress(csv(row())))


async def test_nothing_of_a_file_is_under_its_name_before_it_is_whole(load, monkeypatch):
    """What a kill leaves is a .part, never a part."""
    seen = []
    real = cdr_store._copy

    def look(con, query, path: Path) -> None:
        real(con, query, path)
        seen.append((path.suffix, month_samples.stored()))

    monkeypatch.setattr(cdr_store, "_copy", look)
    await load(csv(row()))
    assert [(suffix, [Path(path).suffix for path in stored]) for suffix, stored in seen] == [(".part", [".part"])]
    assert [Path(path).suffix for path in month_samples.stored()] == [".parquet"]
    assert SETTINGS.data_dir / month_samples.stored()[0]
