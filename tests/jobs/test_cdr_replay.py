"""Rejects judged again: what became good comes in once, what did not stays, and nothing is half done."""

import gzip
import json

import cdr_fleet
import month_samples
import pytest
from cdr_fleet import NOW
from cdr_samples import csv, row

from gateways.settings import SETTINGS
from jobs import cdr_replay, cdrs
from jobs.cdr_replay import ReplayReport, replay
from rules.files.form import FormError
from tables.catalogue import RoamingZone
from tables.timeline import TimelineEntry
from tables.usage import CdrFile, CdrPart, CdrReject


@pytest.fixture(autouse=True)
async def fleet(database):
    await cdr_fleet.make()


@pytest.fixture
def load(tmp_path):
    async def load_one(data: bytes, name: str = "CDR.csv") -> int:
        path = tmp_path / "upload"
        path.write_bytes(data)
        (report,) = await cdrs.load_files([(path, name)], now=NOW)
        return report.cdr_file_id

    return load_one


async def again(file_id: int, corrected: str | None = None) -> ReplayReport:
    return await replay(file_id, corrected.encode() if corrected is not None else None, "corrigé.csv", "essai", NOW)


async def told(file_id: int) -> tuple[tuple[int, int, int], dict[int, str], int]:
    """(rows, loaded, rejected), line → state of its reject, CDRs in the parts."""
    file = await CdrFile.select().where(CdrFile.id == file_id).first()
    rejects = await CdrReject.select().where(CdrReject.file == file_id).order_by(CdrReject.line_number)
    parts = sum(part["rows"] for part in await CdrPart.select(CdrPart.rows).where(CdrPart.file == file_id))
    return (
        (file["rows"], file["loaded"], file["rejected"]),
        {one["line_number"]: f"{one['state']} {one['cause']}" for one in rejects},
        parts,
    )


LATER = [
    row(cdr_id="1"),
    row(cdr_id="2", msisdn="0639980005"),
    row(cdr_id="3", visited_plmn="20801"),
    row(cdr_id="4", type="FAX"),
    row(cdr_id="5", msisdn="0639980005", started_at="2026-11-01T00:00:00+01:00"),
    row(cdr_id="6", msisdn="0639980005", visited_plmn="99901"),
]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
async def test_a_line_created_and_a_zone_added_bring_in_what_waited_for_them(load, pack):
    file_id = await load(pack(csv(*LATER)))
    assert await told(file_id) == (
        (6, 1, 5),
        {
            3: "open UNKNOWN_LINE", 4: "open UNKNOWN_PLMN", 5: "open BAD_TYPE", 6: "open UNKNOWN_LINE", 7: "open UNKNOWN_LINE",
        },
        1,
    )  # fmt: skip
    assert await again(file_id) == ReplayReport(file_id, 5, 0, 5, {"BAD_TYPE": 1, "UNKNOWN_LINE": 3, "UNKNOWN_PLMN": 1})
    assert await TimelineEntry.count() == 0
    await cdr_fleet.add_line("+33639980005")
    await RoamingZone(zone="HOME2", mcc="208").save()
    assert await again(file_id) == ReplayReport(file_id, 5, 3, 2, {"BAD_TYPE": 1, "UNKNOWN_PLMN": 1})
    after = (
        (6, 4, 2),
        {
            3: "replayed UNKNOWN_LINE", 4: "replayed UNKNOWN_PLMN", 5: "open BAD_TYPE", 6: "replayed UNKNOWN_LINE",
            7: "open UNKNOWN_PLMN",
        },
        4,
    )  # fmt: skip
    assert await told(file_id) == after
    months = [part["month"] for part in await CdrPart.select(CdrPart.month).order_by(CdrPart.id)]
    assert months == ["2026-10", "2026-10", "2026-11"]
    assert (await again(file_id)).created == 0
    assert await told(file_id) == after
    assert month_samples.stored() == await month_samples.named()
    entry = await TimelineEntry.select().first()
    assert (entry["subject"], entry["subject_id"], entry["event"], entry["actor"]) == ("cdr_file", file_id, "replayed", "essai")
    assert json.loads(entry["after"]) == {"loaded": 4, "rejected": 2}


async def test_a_call_that_came_meanwhile_by_another_file_is_a_twin(load):
    file_id = await load(
        csv(row(cdr_id="1", msisdn="0639980005"), row(cdr_id="2", msisdn="0639980005"), row(cdr_id="2", msisdn="0639980005"))
    )
    await cdr_fleet.add_line("+33639980005")
    await load(csv(row(cdr_id="1", msisdn="0639980005", duration_s="66")))
    report = await again(file_id)
    assert (report.created, report.rejects_by_cause) == (1, {"DUPLICATE": 1, "DUPLICATE_CONFLICT": 1})
    assert sum(part["rows"] for part in await CdrPart.select(CdrPart.rows)) == 2


async def test_corrected_rows_come_in_alone_and_lines_that_are_no_rejects_are_named(load):
    file_id = await load(csv(*LATER, columns=(*row(), "note")))
    header, *lines = (await cdr_replay.corrections_csv(file_id)).splitlines()
    assert header == f"\ufeffligne;erreur;{';'.join(row())};note"
    assert lines[2] == "5;Type ou sens inconnu;4;FAX;OUT;06 39 98 00 01;06 39 98 00 99;2026-10-31T23:59:58+01:00;65;0;;0.01;"
    corrected = "\n".join(
        [header, lines[2].replace("FAX", "SMS"), lines[2].replace("5;", "2;", 1), lines[2].replace("5;", "99;", 1)]
    )
    report = await again(file_id, corrected)
    assert report == ReplayReport(
        file_id, 1, 1, 0, {}, tuple(f"Ligne {n} : elle n'est pas à corriger, elle est laissée telle quelle." for n in (2, 99))
    )
    assert (await told(file_id))[0] == (6, 2, 4)
    assert (await again(file_id, corrected)).created == 0
    assert (await told(file_id))[0] == (6, 2, 4)


async def test_a_correction_that_is_still_wrong_has_its_new_cause_and_columns_left_out_keep_their_cells(load):
    file_id = await load(csv(*LATER))
    report = await again(file_id, "ligne,type,started_at\n5,SMS,hier\n")
    assert (report.created, report.rejects_by_cause) == (0, {"BAD_DATE": 1})
    assert (await told(file_id))[1][5] == "open BAD_DATE"
    assert (await again(file_id, "ligne;type\n5;SMS\n")).created == 1


async def test_formula_cells_quotes_and_line_ends_survive_the_spreadsheet(load):
    data = csv(row(cdr_id="=1+1", type="FAX", other_party="+33639980099"), row(cdr_id='"a;b"', type="FAX"))
    file_id = await load(data)
    text = await cdr_replay.corrections_csv(file_id)
    assert "'=1+1" in text and "'+33639980099" in text
    assert (await again(file_id, text.replace("FAX", "VOICE"))).created == 2
    assert (await load(csv(row(cdr_id="=1+1")))) != file_id
    twins = await CdrReject.select(CdrReject.cause).where(CdrReject.state == "open")
    assert [one["cause"] for one in twins] == ["DUPLICATE"]


@pytest.mark.parametrize(
    "text, code",
    [
        ("type\nSMS\n", "MISSING_COLUMN"), ("ligne;type\n2,5;SMS\n", "BAD_LINE_NUMBER"),
        ("ligne;type\n5;SMS\n5;SMS\n", "BAD_LINE_NUMBER"),
        ("", "EMPTY_FILE"), ("ligne;type\n5\n", "WRONG_FIELD_COUNT"), ("ligne;type\n=1;SMS\n", "BAD_LINE_NUMBER"),
    ],
)  # fmt: skip
async def test_a_corrected_file_of_bad_form_changes_nothing(load, text, code):
    file_id = await load(csv(*LATER))
    before = await told(file_id)
    with pytest.raises(FormError) as refused:
        await again(file_id, text)
    assert refused.value.errors[0].code == code
    assert await told(file_id) == before


async def test_rejects_set_aside_need_a_reason_are_not_replayed_and_can_be_taken_back(load):
    file_id = await load(csv(*LATER))
    with pytest.raises(cdr_replay.NoReason):
        await cdr_replay.set_aside(file_id, "  ", "essai", cause="UNKNOWN_LINE")
    assert await cdr_replay.set_aside(file_id, "ligne de test", "essai", cause="UNKNOWN_LINE") == 3
    assert await cdr_replay.set_aside(file_id, "télécopie", "essai", line=5) == 1
    await cdr_fleet.add_line("+33639980005")
    assert (await again(file_id)).rows == 1
    assert (await told(file_id))[0] == (6, 1, 5)
    assert await cdr_replay.take_back(file_id, "essai") == 4
    assert (await again(file_id)).created == 2
    assert [entry["event"] for entry in await TimelineEntry.select().order_by(TimelineEntry.id)] == [
        "rejects_ignored", "rejects_ignored", "rejects_open", "replayed",
    ]  # fmt: skip


async def test_what_cannot_be_replayed_says_why(load):
    with pytest.raises(cdr_replay.UnknownCdrFile):
        await again(99)
    file_id = await load(csv(row(type="FAX")))
    file = await CdrFile.select().first()
    (SETTINGS.data_dir / "received" / file["received_sha256"]).unlink()
    with pytest.raises(cdr_replay.NotReplayable, match="n'a pas été gardé"):
        await again(file_id)
    await CdrFile.update({CdrFile.state: "backed_out"}).where(CdrFile.id == file_id)
    with pytest.raises(cdr_replay.NotReplayable, match="a été annulé"):
        await again(file_id)


async def test_a_replay_that_fails_before_its_rows_are_written_leaves_all_as_it_was(load, monkeypatch):
    file_id = await load(csv(*LATER))
    await cdr_fleet.add_line("+33639980005")
    before = await told(file_id)

    async def fail(*_):
        raise RuntimeError("power cut")

    with monkeypatch.context() as broken:
        broken.setattr(cdr_replay, "tell", fail)
        with pytest.raises(RuntimeError, match="power cut"):
            await again(file_id)
    assert await told(file_id) == before
    assert (await again(file_id)).created == 2
    assert month_samples.stored() == await month_samples.named()


async def test_originals_are_kept_once_and_swept_when_no_row_names_them(load):
    await load(csv(row(cdr_id="1")))
    await load(csv(row(cdr_id="1")))
    folder = SETTINGS.data_dir / "received"
    (folder / ("0" * 64)).write_bytes(b"left by a crash")
    await load(csv(row(cdr_id="2")))
    kept = sorted(path.name for path in folder.iterdir())
    assert kept == sorted(one["received_sha256"] for one in await CdrFile.select(CdrFile.received_sha256))
    assert len(kept) == 2
