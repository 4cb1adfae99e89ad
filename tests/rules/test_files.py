"""What a file must look like, and what is said when it does not."""

import csv
import io
import json
import pickle
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from import_samples import FILES, cell, change, form_errors

from rules.errors import RuleError
from rules.files import cells
from rules.files.form import FormError, find_header, records
from rules.files.kinds import KINDS, SECRETS
from rules.files.rows import Intake
from rules.files.written import errors_csv

COLUMNS = {kind: {column.name: column.in_header for column in KINDS[kind].columns} for kind in KINDS}


def read(kind, data):
    return Intake(KINDS[kind], data if isinstance(data, bytes) else data.encode(), f"{kind}.csv")


def wrong(kind, data):
    """Every error of a file, of form or of content."""
    try:
        return list(read(kind, data).errors)
    except FormError as problem:
        return list(problem.errors)


ZONES = FILES["roaming_zones"]

# name of the case, kind, file, line, column name, code, beginning of the message
FORM = [
    ("an empty file", "roaming_zones", b"", 1, None, "EMPTY_FILE", "Le fichier est vide."),
    ("a BOM and nothing else", "roaming_zones", b"\xef\xbb\xbf", 1, None, "EMPTY_FILE", "Le fichier est vide."),
    ("blank lines only", "roaming_zones", b"\r\n \r\n", 1, None, "EMPTY_FILE", "Le fichier est vide."),
    ("UTF-16 with its BOM", "roaming_zones", ZONES.encode("utf-16"), 1, None, "UTF16", "Le fichier est en UTF-16."),
    ("UTF-16 LE without BOM", "roaming_zones", ZONES.encode("utf-16-le"), 1, None, "UTF16", "Le fichier est en UTF-16."),
    ("UTF-16 BE without BOM", "roaming_zones", ZONES.encode("utf-16-be"), 1, None, "UTF16", "Le fichier est en UTF-16."),
    (
        "cp1252",
        "rates",
        FILES["rates"].encode("cp1252"),
        4,
        None,
        "NOT_UTF8",
        "L'octet 0xE9 n'est pas de l'UTF-8 ; le fichier se lit en Windows-1252 (cp1252).",
    ),
    (
        "bytes of no charset",
        "roaming_zones",
        b"zone;mcc\nHOME;208\nEU;2\x8162\n",
        3,
        None,
        "NOT_UTF8",
        "L'octet 0x81 n'est pas de l'UTF-8 ; le fichier est abîmé.",
    ),
    ("a NUL byte", "roaming_zones", b"zone;mcc\rHOME;20\x008\r", 2, None, "NUL_BYTE", "Un octet nul : le fichier est abîmé."),
    (
        "no header",
        "roaming_zones",
        "HOME;208\nEU;262\n",
        1,
        None,
        "NO_HEADER",
        "La première ligne ne nomme aucune colonne connue. Écrivez-y les noms, séparés par « ; » : zone;mcc.",
    ),
    (
        "a header with another separator",
        "roaming_zones",
        "zone|mcc\nHOME|208\n",
        1,
        None,
        "NO_HEADER",
        "La première ligne ne nomme aucune",
    ),
    ("a blank first line", "roaming_zones", "\n" + ZONES, 1, None, "NO_HEADER", "La première ligne ne nomme aucune"),
    ("a missing column", "roaming_zones", "zone;note\nHOME;208\n", 1, "mcc", "MISSING_COLUMN", "La colonne « mcc » manque."),
    (
        "a doubled column",
        "roaming_zones",
        "zone;mcc;MCC\nHOME;208;208\n",
        1,
        "mcc",
        "DOUBLED_COLUMN",
        "La colonne « mcc » est donnée 2 fois.",
    ),
    (
        "a doubled optional column",
        "sims",
        change("sims", ("pin2", "pin1")),
        1,
        "pin1",
        "DOUBLED_COLUMN",
        "La colonne « pin1 » est donnée 2 fois.",
    ),
    (
        "an unclosed quote",
        "roaming_zones",
        'zone;mcc\nHOME;208\nEU;"262\nZ1;310\n',
        3,
        None,
        "UNCLOSED_QUOTE",
        "Un guillemet s'ouvre ici et ne se referme pas.",
    ),
    (
        "an unclosed quote after a field of two lines",
        "roaming_zones",
        'zone;mcc\n"EU\nX";"262\n',
        3,
        None,
        "UNCLOSED_QUOTE",
        "Un guillemet s'ouvre",
    ),
    (
        "an unclosed quote before closed ones",
        "roaming_zones",
        'zone;mcc\n"EU;262\n"Z1";310\n',
        2,
        None,
        "UNCLOSED_QUOTE",
        "Un guillemet s'ouvre",
    ),
    (
        "an unclosed quote in the header",
        "roaming_zones",
        'zone;"mcc\nEU;262\n',
        1,
        None,
        "UNCLOSED_QUOTE",
        "Un guillemet s'ouvre",
    ),
    (
        "text after a closing quote",
        "roaming_zones",
        'zone;mcc\n"EU"X;262\n',
        2,
        None,
        "STRAY_QUOTE",
        "Un guillemet est mal placé.",
    ),
    (
        "a quote inside a bare field",
        "rates",
        change("rates", ("France mobile", 'Écran 5"'), ("SMS;SMS_FR", '6";SMS_FR')),
        3,
        None,
        "STRAY_QUOTE",
        "Un guillemet est mal placé.",
    ),
    (
        "a field too many",
        "roaming_zones",
        "zone;mcc\nHOME;208\nEU;262;214\n",
        3,
        None,
        "WRONG_FIELD_COUNT",
        "3 champs, 2 attendus.",
    ),
    ("a truncated last row", "rates", FILES["rates"][:-9], 6, None, "WRONG_FIELD_COUNT", "7 champs, 13 attendus."),
    (
        "mixed separators",
        "roaming_zones",
        "zone;mcc\nHOME,208\n",
        2,
        None,
        "WRONG_FIELD_COUNT",
        "Séparateur « , » ici, « ; » dans l'en-tête.",
    ),
    (
        "a field without end",
        "roaming_zones",
        f'zone;mcc\nEU;"{"2" * 70_000}"\n',
        2,
        None,
        "FIELD_TOO_LONG",
        "Un champ dépasse 64 ko",
    ),
]
with open(Path(__file__).with_name("bad_cells.csv"), encoding="utf-8", newline="") as golden:
    CELLS = list(csv.DictReader(golden, delimiter=";"))  # a good file with one cell replaced, and the whole message


@pytest.mark.parametrize("kind", KINDS)
def test_the_good_files_are_read_whole(kind):
    intake = read(kind, FILES[kind])
    assert not intake.errors
    assert len(intake.rows) == intake.total == FILES[kind].count("\n") - 1


@pytest.mark.parametrize("case", FORM, ids=lambda case: case[0])
def test_an_error_of_form_refuses_the_file_at_its_line(case):
    _, kind, data, line, field, code, message = case
    raw = data if isinstance(data, bytes) else data.encode()
    error = form_errors(raw, COLUMNS[kind], "x.csv")[0]
    assert (error.file, error.line, error.field, error.code) == ("x.csv", line, field, code)
    assert error.message.startswith(message)


@pytest.mark.parametrize("case", CELLS, ids=lambda case: f"{case['kind']}-{case['column']}-{case['value']}")
def test_an_error_of_content_names_its_line_column_value_and_remedy(case):
    kind, line, name, value = case["kind"], int(case["line"]), case["column"], case["value"]
    (error,) = wrong(kind, cell(kind, line, name, value))
    header = FILES[kind].splitlines()[0].split(";")
    seen = "" if name in SECRETS else value
    assert (error.line, error.column, error.field, error.value) == (line, header.index(name) + 1, name, seen)
    assert (error.code, error.message) == (case["code"], case["message"])


def test_a_cell_holds_one_line_of_limited_length():
    (error,) = wrong("offers", cell("offers", 2, "label", "So\tlo"))
    assert error.message == "La case contient un retour à la ligne ou un caractère invisible. Retirez-le."
    (error,) = wrong("offers", cell("offers", 2, "label", "x" * 121))
    assert (error.message, error.value) == ("121 caractères, 120 au plus. Raccourcissez.", "x" * 100)


def test_no_message_speaks_of_error_or_begs_or_shouts():
    for _, kind, data, *_ in FORM:
        assert not any(re.search(r"(?i)erreur|veuillez|!", error.message) for error in wrong(kind, data))
    assert not any(re.search(r"(?i)erreur|veuillez|!", case["message"]) for case in CELLS)


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_every_separator_line_end_and_bom_gives_the_same_rows(separator, end, bom):
    text = bom + FILES["roaming_zones"].replace(";", separator).replace("\n", end)
    assert [row.values for row in read("roaming_zones", text).rows] == [row.values for row in read("roaming_zones", ZONES).rows]


def test_header_names_come_in_any_order_and_case_and_unknown_ones_are_reported():
    intake = read("roaming_zones", "MCC;Remarque;Zoné\n208;la France;HOME\n")
    assert intake.header.unknown == ("Remarque",)
    assert intake.rows[0].values == {"zone": "HOME", "mcc": "208"}


def test_all_missing_columns_are_named_at_once():
    errors = form_errors(b"zone;label\n", COLUMNS["offers"])
    assert [error.field for error in errors] == [
        "kind", "code", "monthly_price", "activation_fee", "vat_rate", "allowances", "international", "valid_from",
    ]  # fmt: skip


def test_all_rows_of_a_wrong_width_are_named_at_once_and_an_unclosed_quote_ends_the_reading():
    errors = form_errors(b'zone;mcc\nEU\nZ1;310\nZ2;1;2\nZ3;"424\n', COLUMNS["roaming_zones"])
    assert [(error.line, error.code) for error in errors] == [
        (2, "WRONG_FIELD_COUNT"), (4, "WRONG_FIELD_COUNT"), (5, "UNCLOSED_QUOTE"),
    ]  # fmt: skip


def test_lines_are_counted_as_an_editor_shows_them():
    text = cell("offers", 2, "label", '"So\nlo"').replace("2.5;0;8.5", "2.5;0;x")
    assert [(error.line, error.field) for error in wrong("offers", text)] == [(2, "label"), (4, "vat_rate")]


def test_a_quoted_field_may_hold_separators_and_doubled_quotes():
    intake = read("offers", change("offers", ("Solo 1 h", '"Solo ; ""1 h"""')))
    assert intake.rows[0].values["label"] == 'Solo ; "1 h"'


def test_an_empty_line_is_no_row():
    assert read("roaming_zones", ZONES + "\n\n").total == 2


def test_every_error_of_a_row_is_said_but_not_what_follows_from_it():
    text = change("offers", ("4G 50 Mbit/s;no;2026-09-01", ";maybe;today"))
    assert [error.field for error in wrong("offers", text)] == ["international", "valid_from"]


def test_an_address_is_whole_or_empty():
    errors = wrong("customers", cell("customers", 2, "delivery_city", "Lyon"))
    assert [error.field for error in errors] == ["delivery_street", "delivery_postcode"]
    assert errors[0].message == "L'adresse est incomplète : rue, code postal et ville vont ensemble."


def test_a_secret_stands_in_no_error():
    text = cell("sims", 3, "activation_code", "JETON-SECRET").replace("1234;12345678", "12E4;12345678")
    errors = wrong("sims", text)
    assert [(error.field, error.value) for error in errors] == [("pin1", ""), ("activation_code", "")]
    assert "12E4" not in str(errors)
    assert "JETON" not in str(errors)
    headless = FILES["sims"].split("\n", 1)[1]
    assert "12345678" not in str(wrong("sims", headless) + wrong("sims", FILES["sims"].replace("4321;", "4321,")))


def test_empty_cells_take_the_defaults_of_the_format():
    first, second = (row.values for row in read("customers", FILES["customers"]).rows)
    assert (first["detailed_bill"], first["hide_digits"], first["group_lines"], first["country"]) == (True, True, False, "FR")
    assert (first["login"], first["einvoice_address"]) == ("C1", "0225:999001019")
    assert (second["login"], second["einvoice_address"], second["site_email"]) == ("camille", "EM:camille@essai.example", None)
    kind = read("customers", change("customers", ("BUSINESS", ""))).rows[0].values["kind"]
    assert kind == "BUSINESS"


def test_increments_default_by_type_and_direction_to_outgoing():
    voice, mobile, *_, data = (row.values for row in read("rates", FILES["rates"]).rows)
    assert (voice["first_increment"], voice["next_increment"]) == (30, 30)
    assert (mobile["first_increment"], mobile["next_increment"], mobile["direction"]) == (60, 1, "OUT")
    assert (data["first_increment"], data["next_increment"], data["prefix"]) == (1, 1, "")


def test_a_price_is_read_with_a_point_or_a_comma_and_stays_exact():
    assert read("offers", FILES["offers"]).rows[0].values["monthly_price"] == Decimal("4.1583")
    assert cells.decimal(6)("0,083333") == cells.decimal(6)("0.083333") == Decimal("0.083333")


@pytest.mark.parametrize("text", [".5", "5.", "+5", "1e3", "1.2.3", "0x10", "5 €", "½", "NaN", "1_000"])
def test_a_figure_is_digits_with_one_mark_between_them(text):
    with pytest.raises(cells.NotAFigure):
        cells.decimal(6)(text)


@given(st.decimals(0, 999_999, places=6))
def test_every_price_of_six_decimals_is_read_exactly(price):
    assert cells.decimal(6)(f"{price:f}".replace(".", ",")) == price


def test_official_numbers_are_accepted_and_refused_by_their_keys():
    for parse, good, bad in [
        (cells.siren, ("529197709", "732 829 320"), ("529197708",)),
        (cells.siret, ("52919770900023", "35600000049837"), ("52919770900024", "35600000000049")),
        (cells.vat_number, ("FR56529197709", "FRK7399859412", "BE0428759497"), ("FR57529197709", "56529197709")),
        (cells.iban, ("FR1420041010050500013M02606", "fr14 2004 1010 0505 0001 3M02 606"), ("FR7630006000011234567890188",)),
        (cells.bic, ("IMAGFRPPXXX", "BNPAFRPP"), ("BNPAFR", "BNPAZZPP")),
    ]:
        for number in good:
            assert parse(number)
        for number in bad:
            with pytest.raises(cells.BadIdentifier):
                parse(number)


def test_blanks_around_a_cell_do_not_count():
    assert read("lines", change("lines", (";STD;", "; STD\u00a0;"))).rows[0].values["rate_table"] == "STD"


def test_the_header_of_a_cdr_file_is_found_by_the_same_function():
    header = find_header("Started_At\tMSISDN\ttype", {"type": True, "msisdn": True, "started_at": True, "cdr_id": False})
    assert (header.separator, header.positions) == ("\t", {"started_at": 0, "msisdn": 1, "type": 2})


def test_a_quote_left_open_does_not_swallow_a_large_file():
    lines = ['a;"b', *(f"{n};x" for n in range(1_000_000))]
    with pytest.raises(FormError) as caught:
        list(records(iter(lines), ";", "x.csv"))
    assert (caught.value.errors[0].line, caught.value.errors[0].code) == (1, "UNCLOSED_QUOTE")


def test_a_form_error_travels_between_processes():
    problem = pickle.loads(pickle.dumps(FormError(form_errors(b"", COLUMNS["sims"], "s.csv"))))
    assert str(problem) == "s.csv, ligne 1 : Le fichier est vide. Il faut une ligne d'en-tête, puis une ligne par objet."


def test_the_errors_file_opens_in_a_spreadsheet_and_runs_nothing():
    errors = wrong("offers", change("offers", ("OFFER;", '"=HYPERLINK(""http://x.example"")";'), ("4,1583", "@SUM(1)")))
    text = errors_csv(errors)
    assert text.startswith("\ufefffile;line;column;field;value;code;message\r\n")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"))
    assert [row["value"] for row in rows] == ['\'=HYPERLINK("http://x.example")', "'@SUM(1)"]
    assert not any(cell.startswith(("=", "+", "@", "\t")) for row in rows for cell in row.values())


def test_an_error_has_the_keys_of_the_interface():
    (error,) = wrong("offers", cell("offers", 2, "kind", "X"))
    assert list(json.loads(json.dumps(vars(error)))) == ["file", "line", "column", "field", "value", "code", "message"]


@settings(max_examples=max(600, settings.default.max_examples), deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    edits=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 3), st.binary(min_size=1, max_size=6)), max_size=5),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"]),
)
def test_no_mutation_of_bytes_crashes_the_reading(kind, edits, encoding):
    data = bytearray(FILES[kind].encode(encoding))
    for place, removed, inserted in edits:
        data[place % len(data) : place % len(data) + removed] = inserted
    lines = 1 + data.count(b"\n") + data.count(b"\r")
    for error in wrong(kind, bytes(data)):
        assert 1 <= error.line <= lines
        assert error.message


@settings(max_examples=max(600, settings.default.max_examples), deadline=None)
@given(kind=st.sampled_from(sorted(KINDS)), data=st.data())
def test_no_text_in_a_cell_crashes_its_parser(kind, data):
    column = data.draw(st.sampled_from(KINDS[kind].columns))
    text = data.draw(st.text(min_size=1, max_size=60) | st.from_regex(r"[0-9A-Z+=:|$@.,-]{1,40}", fullmatch=True))
    try:
        column.parse(cells.clean(text, column.longest) or "x")
    except RuleError as problem:
        said = str(problem)
    else:
        said = "nothing"
    assert said
