"""A layout described on the page or by API, tried, and used to load files."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from endpoints.layout_form import layout_of, texts_of
from jobs import cdrs, layouts
from rules.layouts.description import parse
from rules.states import LineState
from tables.catalogue import RateTable, RoamingZone
from tables.fleet import Line, Sim
from tables.parties import Customer
from tables.timeline import TimelineEntry
from tables.usage import CdrFile, CdrLayout

DATA = Path(__file__).parent.parent / "data" / "layouts"
NUMBERS = ("33744900101", "33744900102", "33744900103", "33644900104", "33644900105")
NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
ENDS = ["1010", "1028", "1036", "1044", "1051"]


@pytest.fixture
async def fleet(database):
    customer, table = Customer(customer_number="C1", login="C1", company_name="Essai"), RateTable(code="STD")
    await customer.save()
    await table.save()
    for rank, number in enumerate(NUMBERS):
        sim = Sim(iccid=f"893301990000000{ENDS[rank]}", imsi=f"20801990000010{rank + 1}", batch="L")
        await sim.save()
        line = Line({Line.msisdn: f"+{number}", Line.customer: customer.id, Line.rate_table: table.id, Line.sim: sim.id})
        line.activated_on, line.state = date(2025, 1, 1), LineState.active
        await line.save()
    await RoamingZone(zone="EU", mcc="206+208+228+234+262+310").save()


def sample(name: str) -> tuple[str, bytes, dict]:
    expected = json.loads((DATA / name / "expected.json").read_text())
    return expected["file"], (DATA / name / expected["file"]).read_bytes(), expected


@pytest.mark.parametrize("name", sorted(layouts.examples()))
async def test_an_example_saved_by_api_loads_its_sample(program, fleet, name):
    file, data, expected = sample(name)
    saved = await program.put(f"/api/cdr-layouts/{name}", json=layouts.examples()[name] | {"wholesaler": "HOTE"})
    assert (saved.status_code, saved.json()["wholesaler"]) == (200, "HOTE"), saved.text
    assert (await program.get(f"/api/cdr-layouts/{name}")).json() == saved.json()
    assert await layouts.layout_for(file) == name
    tried = (await program.post(f"/api/cdr-layouts/{name}/try", files={"file": (file, data)})).json()
    assert (tried["loaded"], tried["errors"]) == (len(expected["rows"]), []) and len(tried["read"]) <= 20
    assert await CdrFile.count() == 0
    answer = await program.post("/api/imports/cdrs", files={"file": (file, data)}, data={"layout": name})
    report = answer.json()
    twice, loaded = sum("ambiguous_local_time" in row for row in expected["rows"]), len(expected["rows"])
    assert (report["created"], report["rejected"], report["ambiguous"]) == (loaded, len(expected["rejected"]), twice)
    rejects = [(one["line"], one["cause"]) for one in expected["rejected"]]
    assert [(one["line"], one["code"]) for one in report["errors"]] == rejects
    kept = await CdrFile.select(CdrFile.layout, CdrFile.wholesaler).first()
    assert kept == {"layout": name, "wholesaler": "HOTE"}


async def test_a_truncated_file_is_refused_at_the_door(program, fleet):
    await layouts.save("ddb", layouts.examples()["ddb-fixed-width"], "test")
    path = next((DATA / "ddb-fixed-width").glob("*TRUNCATED*"))
    answer = await program.post("/api/imports/cdrs", files={"file": (path.name, path.read_bytes())}, data={"layout": "ddb"})
    assert (answer.status_code, answer.json()["errors"][0]["code"], await CdrFile.count()) == (422, "BAD_TOTAL", 0)


async def test_a_description_that_cannot_be_followed_is_refused_place_by_place(program):
    form = {"description": {"fields": {"type": "=VOICE", "msisdn": "1", "started_at": {"source": "2", "format": "demain"}}}}
    answer = await program.put("/api/cdr-layouts/x", json=form)
    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (422, ["fields.started_at.format"])
    for code in ("default", "Majuscule", "a" * 33):
        refused = await program.put(f"/api/cdr-layouts/{code}", json=layouts.examples()["digitel-it"])
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "code")
    assert await CdrLayout.count() == 0
    assert (await program.get("/api/cdr-layouts/x")).status_code == 404


async def test_what_changes_in_a_layout_is_in_the_journal_and_its_wholesaler_holds_once_it_loaded(program, fleet):
    example = layouts.examples()["digitel-it"]
    await layouts.save("digitel", example, "Camille")
    await layouts.save("digitel", example, "Camille")
    await layouts.save("digitel", example | {"label": "Autre"}, "Camille")
    entry = TimelineEntry
    entries = await entry.select(entry.event, entry.actor).where(entry.subject == "cdr_layout").order_by(entry.id)
    assert entries == [{"event": "created", "actor": "Camille"}, {"event": "changed", "actor": "Camille"}]
    file, data, _ = sample("digitel-it")
    assert (await program.post("/api/imports/cdrs", files={"file": (file, data)}, data={"layout": "digitel"})).status_code == 200
    answer = await program.put("/api/cdr-layouts/digitel", json=example | {"wholesaler": "AUTRE"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "wholesaler")


async def test_a_layout_out_of_use_reads_nothing_and_the_longest_pattern_wins(database):
    example = layouts.examples()["digitel-it"]
    await layouts.save("all", example | {"name_pattern": "*.csv"}, "test")
    await layouts.save("some", example | {"name_pattern": "cdr_*.csv"}, "test")
    found = [await layouts.layout_for(name) for name in ("CDR_1.csv", "cdr_1.csv.gz", "autre.csv", "autre.txt")]
    assert found == ["some", "some", "all", "default"]
    await layouts.save("some", example | {"name_pattern": "cdr_*.csv", "active": False}, "test")
    assert await layouts.layout_for("cdr_1.csv") == "all"
    with pytest.raises(layouts.UnknownLayout, match="Les formats sont : default, all"):
        await layouts.choose("some")


async def test_a_hole_in_the_sequence_of_files_is_told(fleet, tmp_path):
    await layouts.save("host", layouts.examples()["siminn-yellow"], "test")
    told = []
    for number in (41, 42, 45, 44):
        path = tmp_path / "sent"
        path.write_bytes(f"GP|33744900101|||33744900101|1|20261001081500|1|1|1||||||||||||||||{number}\n".encode())
        (report,) = await cdrs.load_files([(path, f"S4PGWB{number:06}")], now=NOW, layout="host")
        told.append(report.warnings)
    assert told == [
        (), (), ("Suite des fichiers : les fichiers n° 43 à 44 ne sont pas chargés.",),
        ("Suite des fichiers : le fichier n° 43 n'est pas chargé.",),
    ]  # fmt: skip


DIGITEL = {
    "label": "Digitel", "name_pattern": "digitel_*.csv", "active": "oui", "separator": ";", "header": "oui",
    "zone": "Europe/Paris",
    "f.type.source": "=VOICE", "f.direction.source": "=OUT", "f.msisdn.source": "Start", "f.other_party.source": "End",
    "f.started_at.source": "DataOra", "f.started_at.format": "jj/mm/aaaa hh.mm.ss", "f.duration_s.source": "Durata Secondi",
    "f.wholesale_cost.source": "Prezzo in euro",
}  # fmt: skip


async def send(clerk, path, **fields):
    token = await clerk.csrf("/formats/nouveau")
    files = {"echantillon": fields.pop("echantillon", ("", b""))}
    return await clerk.post(path, data={"_csrf_token": token, **fields}, files=files)


async def test_a_clerk_describes_tries_saves_and_exports_a_layout_that_then_loads(clerk, program, fleet):
    file, data, _ = sample("digitel-it")
    assert "Seul le format publié est lu" in (await clerk.get("/formats")).text
    spoiled = {**DIGITEL, "f.started_at.format": "x"}
    wrong = await send(clerk, "/formats/nouveau", geste="essayer", echantillon=(file, data), **spoiled)
    assert "1\xa0point est à corriger" in wrong.text and 'id="f.started_at.format-error"' in wrong.text
    tried = await send(clerk, "/formats/nouveau", geste="essayer", echantillon=(file, data), **DIGITEL)
    assert "20\xa0lignes lues\xa0: 17\xa0seraient chargées, 3\xa0rejetées" in tried.text
    assert "00001;07/10/2026 09.12.00;0744900101" in tried.text and "0,003483" in tried.text
    assert await CdrLayout.count() == 0
    saved = await send(clerk, "/formats/nouveau", geste="enregistrer", code="digitel", **DIGITEL)
    assert (saved.status_code, saved.headers["location"]) == (303, "/formats/digitel?enregistre=true")
    again = await send(clerk, "/formats/nouveau", geste="enregistrer", code="digitel", **DIGITEL)
    assert "Ce code est pris" in again.text
    report = (await program.post("/api/imports/cdrs", files={"file": (file, data)}, data={"layout": "digitel"})).json()
    assert (report["created"], report["ambiguous"], report["rejects_by_cause"]) == (
        17, 1, {"BAD_DATE": 1, "BAD_NUMBER": 1, "DUPLICATE": 1},
    )  # fmt: skip
    row = (await clerk.get("/formats/digitel/export")).json()
    assert row["description"]["fields"] == layouts.examples()["digitel-it"]["description"]["fields"]
    assert 'href="/formats/digitel"' in (await clerk.get("/formats")).text
    imported = await clerk.post(
        "/formats/importer",
        data={"_csrf_token": await clerk.csrf("/formats/nouveau")},
        files={"fichier": ("f.json", json.dumps(row | {"label": "<b>Copie</b>"}).encode())},
    )
    assert "&lt;b&gt;Copie" in imported.text and 'value="DataOra"' in imported.text
    for bad in (b"", b"[]", b"{", b'{"description": 3}', b'{"description": {"fields": {"x": []}}}'):
        answer = await clerk.post(
            "/formats/importer",
            data={"_csrf_token": await clerk.csrf("/formats/nouveau")},
            files={"fichier": ("f.json", bad)},
        )
        assert "ne s’importe pas" in answer.text


@pytest.mark.parametrize("name", sorted(layouts.examples()))
async def test_the_form_says_all_that_an_example_says(clerk, name):
    """Shown, sent back as it is, and saved: the same description."""
    example = {"code": name, "wholesaler": "", "active": True, **layouts.examples()[name]}
    back = layout_of(texts_of(example))
    assert parse(back["description"]) == parse(example["description"])
    assert (await clerk.get(f"/formats/nouveau?exemple={name}")).status_code == 200


async def test_a_layout_is_not_written_through_the_admin(clerk):
    await layouts.save("digitel", layouts.examples()["digitel-it"], "test")
    row = await CdrLayout.select(CdrLayout.id).first()
    answer = await clerk.admin("PATCH", f"api/tables/cdr_layout/{row['id']}/", json={"label": "x"})
    assert answer.status_code == 405


async def test_rejects_under_a_layout_are_corrected_as_lines_of_the_supplier_and_replayed(program, fleet):
    """By its card in a file with a header record and a count: line 18 names a SIM that nobody has until it is corrected."""
    file, data, _ = sample("nrtrde-ascii")
    await program.put("/api/cdr-layouts/host", json=layouts.examples()["nrtrde-ascii"])
    report = (await program.post("/api/imports/cdrs", files={"file": (file, data)}, data={"layout": "host"})).json()
    lost = next(one for one in report["errors"] if one["code"] == "UNKNOWN_LINE")
    path = f"/api/cdr-files/{report['cdr_file_id']}"
    told = (await program.post(f"{path}/replay")).json()
    assert (told["rows"], told["created"]) == (report["rejected"], 0)
    sheet = (await program.get(f"{path}/corrections.csv")).text
    assert sheet.splitlines()[0].lstrip("\ufeff") == "ligne;erreur;texte"
    rows = list(csv.DictReader(io.StringIO(sheet.lstrip("\ufeff")), delimiter=";"))
    row = next(row for row in rows if row["ligne"] == str(lost["line"]))
    imsi = re.search(r"208\d{12}", row["texte"])[0]
    out = io.StringIO()
    writer = csv.DictWriter(out, ["ligne", "texte"], delimiter=";")
    writer.writeheader()
    writer.writerow({"ligne": row["ligne"], "texte": row["texte"].replace(imsi, "208019900000101")})
    told = (await program.post(f"{path}/replay", files={"file": ("corrections.csv", out.getvalue().encode())})).json()
    assert (told["rows"], told["created"], told["rejected"]) == (1, 1, 0), told
    assert (await CdrFile.select().first())["loaded"] == report["created"] + 1
