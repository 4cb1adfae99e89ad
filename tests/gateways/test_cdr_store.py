"""The CDR store against the file formats: forms refused, causes in the law's order, twins, and a plain judge beside it."""

import gzip
import io
import re
import tempfile
from csv import QUOTE_ALL
from csv import reader as csv_reader
from csv import writer as csv_writer
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from cdr_samples import BAD, COLUMNS, csv, row, zipped
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways import cdr_store
from gateways.cdr_store import Context, Judged, LivePeriod, Load
from gateways.files import publish_bytes
from rules import msisdn
from rules.files.form import FormError
from rules.paris import epoch, paris_date

ENDLESS = epoch(date(2999, 1, 1))
LINES = [
    LivePeriod(1, "33639980001", epoch(date(2025, 1, 1)), ENDLESS),
    LivePeriod(2, "33639980002", epoch(date(2026, 3, 1)), epoch(date(2026, 6, 1))),
    LivePeriod(3, "33639980002", epoch(date(2026, 9, 10)), ENDLESS),
]
ZONES = {"208": "HOME", "262": "EU", "222": "EU", "228": "Z1"}
CONTEXT = Context(LINES, ZONES)
NAME = "CDR.csv"


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Where temporary files go while a file is judged."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def judged(data: bytes, context: Context = CONTEXT) -> Judged:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return cdr_store.judge(Path(file.name), NAME, context)


class Store:
    """Files of one wholesaler loaded one after the other."""

    def __init__(self, root: Path, context: Context = CONTEXT) -> None:
        self.root, self.context = root, context
        self.stored: dict[str, list[str]] = {}

    def load(self, data: bytes, context: Context | None = None) -> Load:
        load = judged(data, context or self.context).settle(self.root, self.stored)
        for part in load.parts:
            self.stored.setdefault(part.month, []).append(part.path)
        return load

    def causes(self, *rows: dict[str, str], context: Context | None = None) -> list[str | None]:
        """What becomes of each row of a file: None = loaded."""
        load = self.load(csv(*rows), context)
        found = {reject.line_number: reject.cause for reject in load.rejects}
        return [found.get(number + 2) for number in range(len(rows))]

    def rows(self, load: Load, columns: str = "*") -> list[tuple]:
        """What a file left in the store, in file order."""
        paths = [str(self.root / part.path) for part in load.parts]
        return duckdb.execute(f"SELECT {columns} FROM read_parquet(?) ORDER BY line_number", [paths]).fetchall() if paths else []


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "data")


def cause(**values: str) -> str | None:
    """What becomes of one row alone."""
    with tempfile.TemporaryDirectory() as folder:
        return Store(Path(folder)).causes(row(**values))[0]


# Form


@pytest.mark.parametrize("name", BAD)
def test_a_file_of_bad_form_is_refused_at_its_line_in_french_and_leaves_no_temporary_file(name, scratch, tmp_path):
    bad = BAD[name]
    path = tmp_path / NAME
    path.write_bytes(bad.data)
    with pytest.raises(FormError) as refused:
        cdr_store.judge(path, NAME, CONTEXT)
    assert [(error.line, error.code, error.message) for error in refused.value.errors] == [(bad.line, bad.code, bad.message)]
    assert str(refused.value) == f"{NAME}, ligne {bad.line} : {bad.message}"
    assert list(scratch.iterdir()) == []


def test_every_missing_column_is_named_and_optional_ones_may_be_absent(store):
    with pytest.raises(FormError) as refused:
        judged(b"cdr_id;direction\n1;OUT\n")
    assert [error.field for error in refused.value.errors] == ["type", "msisdn", "started_at"]
    assert store.load(csv(row(type="DATA"), columns=("started_at", "type", "msisdn"))).loaded == 1


def test_a_header_alone_loads_nothing_and_is_no_error(store):
    for data in (csv(), csv().rstrip(), csv(end="\r\n")):
        assert store.load(data) == Load(0, [], [])


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_whatever_bytes_go_wrong_a_file_is_loaded_or_refused_at_a_line(data):
    plain = csv(*(row(cdr_id=str(number), other_party=f'"06{number}\n"' if number % 3 else "3900") for number in range(4)))
    good = data.draw(st.sampled_from([plain, gzip.compress(plain, mtime=0), zipped(plain)]))
    bytes_ = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, max(0, len(bytes_) - 1)))
        change = data.draw(st.sampled_from(["set", "drop", "insert", "cut"]))
        if change == "set":
            bytes_[place : place + 1] = bytes([data.draw(st.integers(0, 255))])
        elif change == "insert":
            bytes_[place:place] = data.draw(st.sampled_from([b'"', b";", b"\n", b"\r", b"\0", b"\xe9", b"\xff\xfe"]))
        elif change == "drop":
            del bytes_[place : place + 1]
        else:
            del bytes_[place + 1 :]
    errors, load = (), Load(0, [], [])
    with tempfile.TemporaryDirectory() as folder:
        try:
            load = judged(bytes(bytes_)).settle(Path(folder), {})
        except FormError as refused:
            errors = refused.errors
    assert load.rows == load.loaded + len(load.rejects)
    assert all(error.line >= 1 and error.message.endswith((".", "started_at.")) for error in errors)


# Layout


def test_gz_and_zip_load_the_rows_of_the_plain_file_and_are_known_as_that_file(tmp_path):
    plain = csv(row(cdr_id="1"), row(cdr_id="1"), row(type="FAX"), row(cdr_id="2", started_at="2026-11-01T00:00:00+01:00"))
    found = []
    for number, data in enumerate((plain, gzip.compress(plain), zipped(plain), zipped(plain, name="10/x.csv", method=0))):
        store = Store(tmp_path / str(number))
        file = judged(data)
        load = file.settle(store.root, {})
        found.append((file.text.sha256, load, store.rows(load)))
        assert sorted(path.name for path in store.root.rglob("*.parquet")) == [f"{file.text.sha256[:32]}.parquet"] * 2
    assert all(one == found[0] for one in found)
    assert found[0][1].rejects_by_cause == {"BAD_TYPE": 1, "DUPLICATE": 1}


REFUSED = {"FAX": "BAD_TYPE", "SMS": "BAD_NUMBER"}  # an SMS to nobody
ENDS = {"LF": "\n", "CR": "\r", "CRLF": "\r\n"}


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["SMS", "FAX"]), st.sampled_from(["", "a", 'a"b', "l1\nl2", "é;,\t\n\n"]), st.integers(0, 2)),
        max_size=8,
    ),
    columns=st.permutations(["type", "msisdn", "started_at", "cdr_id", "Note", "Autre"]),
    separator=st.sampled_from(";,\t"),
    end=st.sampled_from([*ENDS.values(), "mixed"]),
    bom=st.booleans(),
    all_quoted=st.booleans(),
    last_end=st.booleans(),
)
def test_a_reject_names_its_physical_line_and_its_text_however_the_file_is_laid_out(
    rows, columns, separator, end, bom, all_quoted, last_end
):
    ends = list(ENDS.values()) if end == "mixed" else [end]
    target = io.StringIO()
    write = csv_writer(target, delimiter=separator, lineterminator="\n", **({"quoting": QUOTE_ALL} if all_quoted else {}))
    write.writerow(columns)
    expected = []
    for number, (type_, note, blank_lines) in enumerate(rows):
        target.write("\n" * blank_lines)
        line = target.getvalue().count("\n") + 1
        values = {"type": type_, "msisdn": "0639980001", "started_at": "2026-10-01T00:00:00Z"}
        values |= {"cdr_id": str(number), "Note": note, "Autre": "x"}
        cells = [values[column] for column in columns]
        write.writerow(cells)
        expected.append((line, REFUSED[type_], [cell.replace("\n", " ") for cell in cells]))
    lines = target.getvalue().split("\n")
    text = "".join(line + ends[rank % len(ends)] for rank, line in enumerate(lines[:-1]))
    if not last_end:
        text = text.rstrip("\r\n")
    data = (b"\xef\xbb\xbf" if bom else b"") + text.encode()
    with tempfile.TemporaryDirectory() as folder:
        load = judged(data).settle(Path(folder), {})
    found = [(reject.line_number, reject.cause, next(csv_reader([reject.raw], delimiter=separator))) for reject in load.rejects]
    assert found == expected


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_a_plain_reject_keeps_its_text_to_the_letter(store, separator, end):
    columns = ("Remarque", *reversed(COLUMNS))
    load = store.load(csv(row(), row(type="FAX", Remarque="n° 1 ’"), columns=columns, separator=separator, end=end))
    values = row(type="FAX", Remarque="n° 1 ’")
    assert [(reject.line_number, reject.raw) for reject in load.rejects] == [
        (3, separator.join(values[name] for name in columns))
    ]
    assert load.loaded == 1


@pytest.mark.parametrize(
    "ends", [("\n", "\r\n"), ("\r\n", "\n"), ("\n", "\r"), ("\r\n", "\r"), ("\r", "\r\n"), ("\n", "")], ids=repr
)
def test_lines_may_end_in_several_ways_in_one_file(store, ends):
    lines = csv(row(cdr_id="1"), row(type="FAX"), row(cdr_id="2")).decode().splitlines()
    load = store.load("".join(line + ends[rank == 3] for rank, line in enumerate(lines)).encode())
    assert ([(reject.line_number, reject.cause) for reject in load.rejects], load.loaded) == ([(3, "BAD_TYPE")], 2)
    assert store.rows(load, "key, line_number") == [("1", 2), ("2", 4)]


def test_the_decimal_comma_stands_in_a_file_separated_by_commas_when_quoted(store):
    load = store.load(csv(row(wholesale_cost='"0,5"'), separator=","))
    assert store.rows(load, "cost_micro") == [(500_000,)]


def test_a_part_of_the_store_is_sorted_by_line_time_and_key_and_holds_what_was_parsed(store):
    rows = [
        row(cdr_id="b", type="DATA", other_party="x y", volume_bytes="0002048", visited_plmn="26201", wholesale_cost="1,5"),
        row(cdr_id="a", direction="", other_party="3900", started_at="2026-10-31T22:59:58Z", wholesale_cost=""),
        row(direction="IN", other_party="", started_at="2026-10-05T00:00:00+14:00", duration_s=""),
    ]
    load = store.load(csv(*rows))
    ((path,),) = (store.stored.values(),)
    found = duckdb.execute("SELECT * FROM read_parquet(?)", [str(store.root / path[0])])
    assert [column[0] for column in found.description] == [
        *("line_id", "ts", "key", "day", "type", "direction", "msisdn", "other", "duration_s", "volume_bytes", "plmn"),
        *("cost_micro", "origin", "line_number"),
    ]
    late, key = 1_793_487_598, "33639980001|VOICE|IN||2026-10-04T10:00:00Z|0|0"
    assert found.fetchall() == [
        (1, 1_791_108_000, key, date(2026, 10, 4), "VOICE", "IN", "33639980001", "", 0, 0, "", 10_000, "HOME", 4),
        (1, late, "a", date(2026, 10, 31), "VOICE", "OUT", "33639980001", "=3900", 65, 0, "", None, "HOME", 3),
        (1, late, "b", date(2026, 10, 31), "DATA", "OUT", "33639980001", "", 65, 2048, "26201", 1_500_000, "EU", 2),
    ]
    assert (load.rows, load.loaded, load.rejects, [part.month for part in load.parts]) == (3, 3, [], ["2026-10"])


def test_a_file_has_one_part_for_each_paris_month_of_its_calls(store):
    instants = ["2026-10-31T22:59:59Z", "2026-10-31T23:00:00Z", "2027-01-01T00:00:00+01:00", "2026-12-31T23:59:59+01:00"]
    load = store.load(csv(*(row(cdr_id=str(number), started_at=instant) for number, instant in enumerate(instants))))
    assert [(part.month, part.rows) for part in load.parts] == [("2026-10", 1), ("2026-11", 1), ("2026-12", 1), ("2027-01", 1)]


def test_the_sweep_removes_what_the_database_does_not_name_and_nothing_else(store):
    load = store.load(csv(row()))
    named = store.root / load.parts[0].path
    for lost in ("cdr/2026-10/lost.parquet", "cdr/2026-10/lost.parquet.part", "cdr/2020-01/old.parquet"):
        publish_bytes(store.root / lost, b"x")
    publish_bytes(store.root / "documents/kept.pdf", b"x")
    assert cdr_store.sweep_unknown(store.root, [load.parts[0].path]) == 3
    assert [path for path in (store.root / "cdr").rglob("*") if path.is_file()] == [named]
    assert (store.root / "documents/kept.pdf").exists()


# Causes

SOUND = [
    *({"type": type_, "other_party": "3900"} for type_ in ("VOICE", "SMS", "MMS")),
    *({"type": "DATA", "other_party": other} for other in ("", "ordinateur", "0" * 40)),
    *({"direction": direction} for direction in ("", "OUT", "IN")),
    *({"direction": "IN", "other_party": other} for other in ("", "3900")),
    *({"msisdn": number} for number in ("+33639980001", "0033639980001", "33639980001", "06.39-98/00 01", "(06)39980001")),
    *({"other_party": number} for number in ("+1", "00" + "1" * 15, "+" + "1" * 15, "0", "118712")),
    *({"started_at": text} for text in ("2026-02-28T00:00:00Z", "2026-10-25T02:30:00+02:00", "2026-01-01T23:59:59-23:59")),
    *({"duration_s": text} for text in ("", "0", "-0", "00086400", "86400")),
    *({"volume_bytes": text} for text in ("", "107374182400", "0" * 60)),
    *({"wholesale_cost": text} for text in ("", "0", "-0", "1,5", "1.5", "0.000001", "999999999.999999", "0" * 30 + "1")),
    *({"visited_plmn": text} for text in ("", "20801", "208010", "26201", "22899")),
    {"cdr_id": "é" * 64},
]
REJECTED = {
    "BAD_TYPE": [
        *({"type": type_} for type_ in ("", "voice", "FAX", " VOICE", "VOICE ", "VOIX")),
        *({"direction": direction} for direction in ("out", "INOUT", " ", "-")),
    ],
    "BAD_NUMBER": [
        *({"msisdn": number} for number in ("", " ", "abc", "06 39 98 00 0a", "3900", "+", "00", "1" * 16, "++33639980001")),
        *({"msisdn": number} for number in ("٠٦٣٩٩٨٠٠٠١", "0639980001;", "+33\u00a0639980001\u2009")),
        *({"other_party": number} for number in ("", "x", "+", "00", "1" * 16, "00" + "1" * 16, "06+39", "06,39")),
        *({"direction": "IN", "other_party": number} for number in ("x", "anonymous", "1" * 16)),
        *({"duration_s": text} for text in ("x", "1.0", "1e3", "+5", " 5", "0x10", "-", "--1", "1 000", "٣")),
        *({"volume_bytes": text} for text in ("x", "1,5", "1_000")),
        *({"wholesale_cost": text} for text in ("x", "1.", ".5", "1.1234567", "1.5€", "1,234,5", "1 000", "+1", "1e3", "--1")),
        {"cdr_id": "x" * 65},
    ],
    "BAD_DATE": [
        *({"started_at": text} for text in ("", "hier", "2026-10-31", "2026-10-31T23:59:58", "2026-10-31 23:59:58+01:00")),
        *({"started_at": text} for text in ("2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z")),
        *({"started_at": text} for text in ("2026-10-31T24:00:00Z", "2026-10-31T23:60:00Z", "2026-10-31T23:59:60Z")),
        *({"started_at": text} for text in ("2026-10-31T23:59:58+0100", "2026-10-31T23:59:58+01", "2026-10-31T23:59:58z")),
        *({"started_at": text} for text in ("31/10/2026 23:59:58", "20261031T235958Z", "2026-10-31T23:59:58.5Z", "1793487598")),
        *({"started_at": text} for text in ("2026-10-31T23:59:58+24:00", " 2026-10-31T23:59:58Z", "٢٠٢٦-10-31T23:59:58Z")),
    ],
    "NEGATIVE": [
        *({name: "-1"} for name in ("duration_s", "volume_bytes", "wholesale_cost")),
        *({name: "-" + "9" * 60} for name in ("duration_s", "volume_bytes")),
        {"wholesale_cost": "-0,000001"},
    ],
    "UNKNOWN_LINE": [{"msisdn": "0639980003"}, {"msisdn": "+44639980001"}, {"msisdn": "0692980001"}],
    "LINE_NOT_ACTIVE": [
        {"started_at": "2024-12-31T23:59:59+01:00"},
        {"started_at": "0001-01-01T00:00:00Z"},
        {"started_at": "9999-12-31T23:59:59-23:59"},
        *(
            {"msisdn": "0639980002", "started_at": text}
            for text in ("2026-02-28T22:59:59Z", "2026-05-31T22:00:00Z", "2026-09-09T21:59:59Z")
        ),
    ],
    "UNKNOWN_PLMN": [{"visited_plmn": text} for text in ("20", "2080", "2080101", "99901", "26x01", "abcde", " 20801", "262-01")],
    "ABSURD": [
        {"duration_s": "86401"},
        {"volume_bytes": "107374182401"},
        *({name: "9" * digits} for name in ("duration_s", "volume_bytes") for digits in (18, 19, 39, 60)),
    ],
}


@pytest.mark.parametrize("values", SOUND, ids=str)
def test_a_sound_row_is_loaded(values):
    assert cause(**values) is None


@pytest.mark.parametrize("expected", REJECTED)
def test_each_cause_has_its_rows(expected, store):
    rows = [row(**{"cdr_id": str(number)} | values) for number, values in enumerate(REJECTED[expected])]
    data = io.StringIO()
    write = csv_writer(data, delimiter=";", lineterminator="\n")
    write.writerows([COLUMNS, *([one[column] for column in COLUMNS] for one in rows)])
    load = store.load(data.getvalue().encode())
    found = {reject.line_number: reject.cause for reject in load.rejects}
    assert {str(values): found.get(number) for number, values in enumerate(REJECTED[expected], 2)} == {
        str(values): expected for values in REJECTED[expected]
    }


def test_a_line_is_live_from_the_first_second_of_its_first_paris_day_to_the_last_of_its_last(store):
    edges = ["2026-02-28T23:00:00Z", "2026-05-31T21:59:59Z", "2026-09-09T22:00:00Z"]
    rows = [row(msisdn="0639980002", started_at=instant) for instant in edges]
    assert store.causes(*rows) == [None] * 3
    load = store.load(csv(*(one | {"duration_s": "66"} for one in rows)))
    assert store.rows(load, "line_id") == [(2,), (2,), (3,)]


def test_when_several_causes_apply_the_first_of_the_law_counts(store):
    strict = Context(LINES, ZONES, invoiced_until="2026-09", oldest_day=date(2025, 11, 2))
    old = "2025-05-01T00:00:00Z"
    assert store.causes(row(cdr_id="taken", started_at=old)) == [None]
    values = row(
        cdr_id="taken", type="FAX", msisdn="x", started_at="hier", duration_s="-1", volume_bytes="9" * 20, visited_plmn="99999"
    )
    found = []
    for repair in (
        {"type": "VOICE"},
        {"msisdn": "0639980003"},
        {"started_at": old},
        {"duration_s": "90000"},
        {"msisdn": "0639980002"},
        {"msisdn": "0639980001"},
        {"cdr_id": "free"},
        {"visited_plmn": "26201"},
        {"duration_s": "60", "volume_bytes": "0"},
        {"started_at": "2025-11-02T00:00:00Z"},
    ):
        found += store.causes(values, context=strict)
        values |= repair
    assert found + store.causes(values, context=strict) == [
        *("BAD_TYPE", "BAD_NUMBER", "BAD_DATE", "NEGATIVE", "UNKNOWN_LINE", "LINE_NOT_ACTIVE"),
        *("DUPLICATE_CONFLICT", "UNKNOWN_PLMN", "ABSURD", "TOO_OLD", None),
    ]


def test_a_duplicate_comes_before_an_unknown_network(store):
    """The twin was loaded when its network was known."""
    first = row(cdr_id="1", visited_plmn="26201")
    assert store.causes(first) == [None]
    assert store.causes(first, row(cdr_id="2", visited_plmn="26201"), context=Context(LINES, {})) == ["DUPLICATE", "UNKNOWN_PLMN"]


def test_only_a_call_of_an_invoiced_month_can_be_too_old(store):
    def found(invoiced_until: str) -> list[str | None]:
        context = Context(LINES, ZONES, invoiced_until=invoiced_until, oldest_day=date(2025, 11, 2))
        days = ("2025-08-31T21:59:59Z", "2025-09-15T00:00:00Z", "2025-11-01T22:59:59Z", "2025-11-01T23:00:00Z")
        return store.causes(*(row(cdr_id=f"{invoiced_until}{day}", started_at=day) for day in days), context=context)

    assert found("") == [None] * 4
    assert found("2025-08") == ["TOO_OLD", None, None, None]
    assert found("2025-10") == ["TOO_OLD", "TOO_OLD", None, None]
    assert found("2026-09") == ["TOO_OLD", "TOO_OLD", "TOO_OLD", None]


# Twins


def test_in_a_file_the_second_row_of_an_id_is_a_duplicate_or_a_conflict(store):
    assert store.causes(
        row(cdr_id="1"),
        row(cdr_id="1"),
        row(cdr_id="1", duration_s="66"),
        row(cdr_id="2", duration_s="66"),
        row(cdr_id="1"),
    ) == [None, "DUPLICATE", "DUPLICATE_CONFLICT", None, "DUPLICATE"]


def test_a_duplicate_may_be_written_otherwise(store):
    first = row(cdr_id="1", direction="OUT", duration_s="60", volume_bytes="", wholesale_cost="0.5")
    assert store.causes(first) == [None]
    again = first | {
        "msisdn": "+33639980001",
        "other_party": "0033639980099",
        "direction": "",
        "started_at": "2026-10-31T22:59:58Z",
        "duration_s": "0060",
        "volume_bytes": "0",
        "wholesale_cost": "0,500000",
    }
    assert store.causes(again) == ["DUPLICATE"]


@pytest.mark.parametrize(
    "change",
    [
        {"type": "SMS"},
        {"direction": "IN"},
        {"msisdn": "0639980002"},
        {"other_party": "0639980098"},
        {"started_at": "2026-10-31T23:59:57+01:00"},
        {"duration_s": "66"},
        {"volume_bytes": "1"},
        {"visited_plmn": "20801"},
        {"wholesale_cost": ""},
        {"wholesale_cost": "0.02"},
    ],
    ids=str,
)
def test_an_id_with_any_other_content_is_a_conflict(store, change):
    assert store.causes(row(cdr_id="1")) == [None]
    assert store.causes(row(cdr_id="1", **change)) == ["DUPLICATE_CONFLICT"]


def test_an_id_is_held_in_the_neighbour_months_and_free_two_months_away(store):
    months = {month: f"2026-{month:02}-15T12:00:00Z" for month in range(6, 13)} | {13: "2027-01-15T12:00:00Z"}
    rows = {month: row(cdr_id="1", started_at=instant) for month, instant in months.items()}
    assert store.causes(rows[10]) == [None]
    assert store.causes(rows[9], rows[11], rows[10]) == ["DUPLICATE_CONFLICT", "DUPLICATE_CONFLICT", "DUPLICATE"]
    assert store.causes(rows[8], rows[12]) == [None, None]
    assert store.causes(rows[13], rows[7], rows[6]) == ["DUPLICATE_CONFLICT", "DUPLICATE_CONFLICT", None]


def test_months_are_those_of_paris_and_years_are_crossed(store):
    january = row(cdr_id="1", started_at="2026-12-31T23:00:00Z")
    assert store.causes(january, january | {"started_at": "2026-12-31T22:59:59Z"}) == [None, "DUPLICATE_CONFLICT"]
    assert store.causes(january | {"started_at": "2026-11-30T22:59:59Z"}) == [None]


def test_a_rejected_row_holds_no_id_and_its_correction_loads(store):
    bad = [
        row(cdr_id="1", type="FAX"),
        row(cdr_id="2", msisdn="0639980003"),
        row(cdr_id="3", visited_plmn="99999"),
        row(cdr_id="4", duration_s="86401"),
        row(cdr_id="5", started_at="hier"),
    ]
    causes = ["BAD_TYPE", "UNKNOWN_LINE", "UNKNOWN_PLMN", "ABSURD", "BAD_DATE"]
    assert store.causes(*bad) == causes
    assert store.causes(*bad, *(row(cdr_id=one["cdr_id"]) for one in bad)) == [*causes, *[None] * 5]
    assert store.causes(*bad)[2:4] == ["DUPLICATE_CONFLICT", "DUPLICATE_CONFLICT"]


def test_a_conflict_holds_nothing_either(store):
    assert store.causes(row(cdr_id="1"), row(cdr_id="1", duration_s="66"), row(cdr_id="1", duration_s="66")) == [
        None,
        "DUPLICATE_CONFLICT",
        "DUPLICATE_CONFLICT",
    ]


def test_without_id_the_fingerprint_stands_in(store):
    first = row(other_party="3900", started_at="2026-10-31T23:59:58+01:00")
    load = store.load(csv(first))
    fingerprint = "33639980001|VOICE|OUT|=3900|2026-10-31T22:59:58Z|65|0"
    assert store.rows(load, "key") == [(fingerprint,)]
    assert store.causes(
        first | {"msisdn": "+33 6 39 98 00 01", "started_at": "2026-10-31T22:59:58Z", "duration_s": "065"},
        first | {"wholesale_cost": "9"},
        first | {"visited_plmn": "26201"},
        first | {"duration_s": "66"},
        first | {"cdr_id": fingerprint},
        first | {"cdr_id": "1"},
    ) == ["DUPLICATE", "DUPLICATE_CONFLICT", "DUPLICATE_CONFLICT", None, "DUPLICATE", None]
    data = store.load(csv(row(type="DATA", other_party="internet", volume_bytes="5")))
    assert store.rows(data, "key") == [("33639980001|DATA|OUT||2026-10-31T22:59:58Z|65|5",)]


# The same law in plain Python

SPACES = st.sampled_from(["", "", "", " ", ".", "-", "/", "(", ")", "\u00a0", "\u202f", "  "])
DIGITS = st.text("0123456789", max_size=17)
OVERSEAS = sorted({*msisdn.OVERSEAS, "063998", "0639", "06", "07", "01", "0800"})
STARTS = st.sampled_from(["", "", "+", "00", "0", "000", "+33", "0033", "33", "=", "++", "x", *OVERSEAS])
TEN = st.tuples(st.sampled_from(OVERSEAS), DIGITS).map(lambda parts: (parts[0] + parts[1] + "0" * 10)[:10])


@st.composite
def written_numbers(draw) -> str:
    """A number as people and machines write it, or something that is not one."""
    number = draw(st.one_of(st.tuples(STARTS, DIGITS).map("".join), TEN, st.text("0123456789+. -", max_size=8)))
    return "".join(character + draw(SPACES) for character in number) if draw(st.booleans()) else number


def key_or_none(text: str) -> str | None:
    try:
        return msisdn.key(text)
    except msisdn.UnusableNumber:
        return None


@settings(max_examples=40, deadline=None)
@given(st.lists(written_numbers(), min_size=1, max_size=80))
def test_the_key_of_a_number_is_the_same_in_sets_as_in_the_law(numbers):
    target = io.StringIO()
    csv_writer(target, delimiter=";", lineterminator="\n").writerows(
        [("type", "started_at", "msisdn", "other_party"), *(("SMS", "", number, number) for number in numbers)]
    )
    found = judged(target.getvalue().encode()).con.execute("SELECT msisdn, other FROM judged ORDER BY line_number").fetchall()
    expected = [key_or_none(number) for number in numbers]
    assert [first for first, _ in found] == expected
    assert [second for _, second in found] == expected


INSTANTS = (
    *("2025-01-01T00:00:00+01:00", "2024-12-31T23:59:59+01:00", "2025-10-31T23:59:59+01:00", "2025-11-01T00:00:00+01:00"),
    *("2025-11-02T00:00:00+01:00", "2026-02-28T23:59:59+01:00", "2026-03-01T00:00:00+01:00", "2026-05-31T23:59:59+02:00"),
    *("2026-06-01T00:00:00+02:00", "2026-08-31T22:00:00Z", "2026-08-31T21:59:59Z", "2026-09-10T00:00:00+02:00"),
    *("2026-09-30T23:59:59+02:00", "2026-10-01T00:00:00+02:00", "2026-10-31T23:59:59+01:00", "2026-10-31T23:00:00Z"),
    *("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-12-31T23:59:59+01:00", "2027-01-01T00:00:00+01:00"),
    *("hier", "", "2026-10-31", "2026-02-30T00:00:00Z", "2026-10-31T12:00:00"),
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "cdr_id": st.sampled_from(["", "", "1", "2", "x" * 65]),
            "type": st.sampled_from(["VOICE", "VOICE", "SMS", "DATA", "FAX"]),
            "direction": st.sampled_from(["", "OUT", "IN", "in"]),
            "msisdn": st.sampled_from(["0639980001", "+33639980001", "06 39 98 00 02", "0639980003", "3900", ""]),
            "other_party": st.sampled_from(["0639980099", "+33639980099", "3900", "", "x", "0692123456"]),
            "started_at": st.sampled_from(INSTANTS),
            "duration_s": st.sampled_from(["", "60", "060", "-1", "86400", "86401", "x"]),
            "volume_bytes": st.sampled_from(["", "0", "1", "107374182401"]),
            "visited_plmn": st.sampled_from(["", "", "20801", "26201", "99901", "abc"]),
            "wholesale_cost": st.sampled_from(["", "0", "0.5", "0,50", "-1", "1.1234567"]),
        }
    ),
    min_size=1,
    max_size=12,
)


def figure(text: str) -> int | None:
    return int(text or 0) if re.fullmatch(r"(-?[0-9]+)?", text) else None


def price(text: str) -> Decimal | None:
    """Raises ValueError."""
    if text and not re.fullmatch(r"-?[0-9]+([.,][0-9]{1,6})?", text):
        raise ValueError(text)
    return Decimal(text.replace(",", ".")) if text else None


def instant(text: str) -> datetime | None:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})", text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


class PlainJudge:
    """The rules of a CDR row, one after the other, as the file formats state them."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.held: list[tuple[str, int, tuple]] = []  # id, month, content

    def cause(self, cells: dict[str, str]) -> str | None:
        direction = cells["direction"] or "OUT"
        if cells["type"] not in ("VOICE", "SMS", "MMS", "DATA") or direction not in ("OUT", "IN"):
            return "BAD_TYPE"
        number = key_or_none(cells["msisdn"])
        ignored = cells["type"] == "DATA" or (direction == "IN" and not cells["other_party"])
        other = "" if ignored else key_or_none(cells["other_party"])
        duration, volume = figure(cells["duration_s"]), figure(cells["volume_bytes"])
        if number is None or number.startswith("=") or other is None or duration is None or volume is None:
            return "BAD_NUMBER"
        try:
            cost = price(cells["wholesale_cost"])
        except ValueError:
            return "BAD_NUMBER"
        if len(cells["cdr_id"]) > 64:
            return "BAD_NUMBER"
        at = instant(cells["started_at"])
        if at is None:
            return "BAD_DATE"
        if duration < 0 or volume < 0 or (cost is not None and cost < 0):
            return "NEGATIVE"
        periods = [line for line in self.context.lines if line.number_key == number]
        if not periods:
            return "UNKNOWN_LINE"
        if not any(line.live_from <= at.timestamp() < line.live_to for line in periods):
            return "LINE_NOT_ACTIVE"
        utc = at.astimezone(datetime.fromisoformat("2026-01-01T00:00Z").tzinfo)
        fingerprint = f"{number}|{cells['type']}|{direction}|{other}|{utc:%Y-%m-%dT%H:%M:%SZ}|{duration}|{volume}"
        key, day = cells["cdr_id"] or fingerprint, paris_date(at)
        month = day.year * 12 + day.month
        content = (cells["type"], direction, number, other, utc, duration, volume, cells["visited_plmn"], cost)
        twins = [known for held, held_month, known in self.held if held == key and abs(held_month - month) <= 1]
        if twins:
            return "DUPLICATE" if content in twins else "DUPLICATE_CONFLICT"
        network = cells["visited_plmn"]
        if network and (not re.fullmatch("[0-9]{5,6}", network) or network[:3] not in self.context.zones):
            return "UNKNOWN_PLMN"
        if duration > 86_400 or volume > 100 * 1024**3:
            return "ABSURD"
        if day < self.context.oldest_day and f"{day:%Y-%m}" <= self.context.invoiced_until:
            return "TOO_OLD"
        self.held.append((key, month, content))
        return None


@settings(max_examples=40, deadline=None)
@given(first=ROWS, second=ROWS, invoiced_until=st.sampled_from(["", "2025-09", "2025-10", "2026-09"]))
def test_two_files_are_judged_in_sets_as_one_row_after_the_other(first, second, invoiced_until):
    context = Context(LINES, ZONES, invoiced_until, date(2025, 11, 2))
    plain = PlainJudge(context)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), context)
        assert store.causes(*first) == [plain.cause(cells) for cells in first]
        assert store.causes(*second) == [plain.cause(cells) for cells in second]
