"""Ways in which a file of each kind breaks, and the words that refuse it: place and message stand beside, in broken_files.csv."""

import csv
import io
from pathlib import Path

import cdr_samples
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from import_samples import FILES, form_errors

from gateways.cdr_store import COLUMNS as CDR_COLUMNS
from rules.files.form import FormError
from rules.files.kinds import KINDS
from rules.files.rows import Intake
from rules.files.written import csv_text, plain, safe

COLUMNS = {name: {column.name: column.in_header for column in kind.columns} for name, kind in KINDS.items()}


def _last_row(data, change):
    head, row = data.rstrip(b"\n").rsplit(b"\n", 1)
    return head + b"\n" + change(row) + b"\n"


HOW = {
    "truncated in its last row": lambda data: data[: data.rindex(b";")],
    "cut in its header": lambda data: data[: data.index(b";") + 3],
    "a NUL byte": lambda data: _last_row(data, lambda row: row[:3] + b"\0" + row[3:]),
    "UTF-16 with its mark": lambda data: data.decode().encode("utf-16"),
    "UTF-16 without its mark": lambda data: data.decode().encode("utf-16-le"),
    "cp1252": lambda data: _last_row(data, lambda row: "é".encode("cp1252") + row),
    "no encoding": lambda data: _last_row(data, lambda row: b"\x81" + row),
    "a quote that stays open": lambda data: _last_row(data, lambda row: b'"' + row),
    "a quote inside a cell": lambda data: _last_row(data, lambda row: b'a"b' + row),
    "another separator in a row": lambda data: _last_row(data, lambda row: row.replace(b";", b",")),
    "a field too many": lambda data: _last_row(data, lambda row: row + b";x"),
    "a field of 70 000 signs": lambda data: _last_row(data, lambda row: b"x" * 70_000 + row),
    "a column named twice": lambda data: data.split(b";")[0] + b";" + data,
    "a header of another kind": lambda data: b"un;deux;trois\n" + data.split(b"\n", 1)[1],
    "100 000 columns in the header": lambda data: data.replace(b"\n", b";x" * 100_000 + b"\n", 1),
}
FOUND = [(kind, how) for kind in FILES for how in HOW]
with open(Path(__file__).with_name("broken_files.csv"), encoding="utf-8", newline="") as file:
    GOLDEN = {(row["kind"], row["how"]): row for row in csv.DictReader(file, delimiter=";")}


def refused(kind, how):
    (first, *_) = form_errors(HOW[how](FILES[kind].encode()), COLUMNS[kind], f"{kind}.csv")
    return {"kind": kind, "how": how, "line": str(first.line), "code": first.code, "message": first.message}


@pytest.mark.parametrize(("kind", "how"), FOUND)
def test_a_broken_file_is_refused_at_its_line_in_these_words(kind, how):
    assert refused(kind, how) == GOLDEN[kind, how]


@pytest.mark.parametrize("kind", FILES)
def test_a_header_alone_has_no_row_and_no_error_of_form(kind):
    intake = Intake(KINDS[kind], FILES[kind].split("\n")[0].encode(), "x.csv")
    assert (intake.total, intake.errors) == (0, [])


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), min_size=1, max_size=12)


@given(st.sampled_from(["+33639980001", "=x", "-5", "'=x", "'", "@SUM(1)", "\t=1", "''-x"]) | CELLS)
def test_a_cell_written_safe_is_read_back_as_it_was(cell):
    assert plain(safe(cell)) == cell
    text = csv_text(["zone", "mcc"], [[cell, "208"]])
    (row,) = csv.reader(io.StringIO(text.removeprefix("\ufeff").split("\r\n", 1)[1]), delimiter=";")
    assert not row[0].startswith(("=", "+", "@", "\t"))
    assert plain(row[0]) == cell


@given(st.lists(CELLS, min_size=10, max_size=10))
def test_rejected_rows_come_back_with_the_cells_that_they_had(cells):
    """Whatever stands in the cells of a row in error, its file read again holds the same cells, and the same errors."""
    header = FILES["sims"].splitlines()[0]
    text = csv_text(header.split(";"), [cells])
    try:
        first = Intake(KINDS["sims"], text.encode(), "x.csv")
    except FormError:
        return
    again = Intake(KINDS["sims"], first.rejected_rows().encode(), "x.csv")
    assert list(again.bad.values()) == [
        [*row, *again.bad[line][len(row) :]] for line, row in zip(again.bad, first.bad.values(), strict=True)
    ]
    assert [(error.field, error.code) for error in again.errors] == [(error.field, error.code) for error in first.errors]
    assert again.header.unknown == ()


MANY = settings(max_examples=max(300, settings.default.max_examples), deadline=None)


@MANY
@given(
    kind=st.sampled_from([*FILES, "cdrs"]),
    edits=st.lists(
        st.tuples(st.integers(0, 10_000), st.integers(0, 3), st.binary(min_size=1, max_size=6)), min_size=1, max_size=5
    ),
)
def test_a_mutated_file_is_read_or_refused_with_a_line_number(kind, edits):
    """The form of every kind; the content of the six too."""
    data = bytearray(FILES[kind].encode() if kind in FILES else cdr_samples.csv(cdr_samples.row(), cdr_samples.row()))
    for place, removed, inserted in edits:
        data[place % len(data) : place % len(data) + removed] = inserted
    lines = 1 + data.count(b"\n") + data.count(b"\r")
    if kind in FILES:
        try:
            errors = Intake(KINDS[kind], bytes(data), "x.csv").errors
        except FormError as problem:
            errors = problem.errors
    else:
        errors = form_errors(bytes(data), CDR_COLUMNS, "x.csv")
    assert all(1 <= error.line <= lines and error.message for error in errors)
