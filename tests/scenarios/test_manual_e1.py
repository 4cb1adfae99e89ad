"""Manual E1: a rate table loaded, compared with the version before it, searched, guarded against loss, and repriced on screen."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest

from gateways.settings import SETTINGS
from jobs import prices
from tables.catalogue import Rate, RateVersion
from tests.cdr_samples import row
from tests.import_samples import FILES, change
from tests.jobs.test_prices import NOW, calls, load

HOME = "/grilles"


@pytest.fixture(autouse=True)
def _today(monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", NOW)


async def test_e1_a_table_from_its_file_to_a_price_edited_on_screen(clerk, data_dir, tmp_path):
    assert "Aucune grille encore" in (await clerk.get(HOME)).text
    for kind in FILES:
        await load(kind)
    text = change("rates", ("0.083333", "0.1")) + "HOME;VOICE;OUT;447;Royaume-Uni mobiles;INTL;0,2;;;;;;\n"
    await load("rates", text, valid_from=date(2026, 11, 1))
    await calls(tmp_path, row(cdr_id="1", duration_s="60", wholesale_cost="0.25"))
    first, second = [version["id"] for version in await RateVersion.select().order_by(RateVersion.valid_from)]
    listed = (await clerk.get(HOME)).text
    assert f"{HOME}/version/{second}" in listed
    assert "En vigueur" in listed and "Passée" in listed

    page = (await clerk.get(f"{HOME}/version/{second}")).text
    # (0,1 − 0,083333) / 0,083333 = 20,0 %
    assert "<del>0,083333\u202f€</del> → <ins>0,100000\u202f€</ins>" in page
    assert "+20,0\u202f%" in page and "Royaume-Uni mobiles" in page
    assert "Royaume-Uni" not in (await clerk.get(f"{HOME}/version/{second}?genre=dearer")).text
    assert "0,083333" not in (await clerk.get(f"{HOME}/version/{second}?texte=royaume")).text
    assert "première version" in (await clerk.get(f"{HOME}/version/{first}")).text
    download = await clerk.get(f"{HOME}/version/{second}/differences.csv")
    told = list(csv.DictReader(io.StringIO(download.text.removeprefix("\ufeff")), delimiter=";"))
    assert [(one["kind"], one["prefix"], one["percent"]) for one in told] == [("dearer", "336", "20"), ("new", "447", "")]

    found = (await clerk.get(f"{HOME}/version/{second}", params={"numero": "+44 7911 123456"})).text
    assert '+44 7911 123456 → <span class="code">447</span> Royaume-Uni mobiles' in found
    assert "447911123456, 44791112345" in found
    nothing = (await clerk.get(f"{HOME}/version/{second}", params={"numero": "+1 212 555 0100"})).text
    assert "resterait sans tarif" in nothing
    assert "n’est pas un numéro" in (await clerk.get(f"{HOME}/version/{second}", params={"numero": "allô"})).text

    losses = (await clerk.get(f"{HOME}/version/{second}?vue=pertes")).text
    assert "1\u00a0destination se vend sous le coût" in losses
    assert "0,150000\u202f€" in losses  # 0,25 − 0,1

    rate = (await Rate.select(Rate.id).where(Rate.version == second, Rate.prefix == "336").first())["id"]
    path = f"{HOME}/tarif/{rate}"
    form = {"_csrf_token": await clerk.csrf(path), "unit_price": "0,3", "valid_from": "2026-12-01"}
    seen = (await clerk.post(path, data=form)).text
    assert "<del>0,100000\u202f€</del> → <ins>0,300000\u202f€</ins>" in seen
    assert "Aucune destination vendue sous son coût" in seen  # the candidate, before it is saved
    assert await RateVersion.count() == 2
    saved = await clerk.post(path, data=form | {"etape": "enregistrer"})
    assert saved.status_code == 303
    made = int(saved.headers["location"].rpartition("/")[2])
    assert [(one.prefix, one.after["unit_price"]) for one in await prices.changes_of(made)] == [("336", Decimal("0.3"))]
    twice = await clerk.post(path, data=form | {"etape": "enregistrer"})
    assert (twice.status_code, "commence déjà le 1er décembre 2026" in twice.text) == (422, True)


async def test_e1_the_same_by_api(program, data_dir, tmp_path):
    for kind in FILES:
        await load(kind)
    await load("rates", change("rates", ("0.083333", "0.1")), valid_from=date(2026, 11, 1))
    await calls(tmp_path, row(cdr_id="1", duration_s="60", wholesale_cost="0.25"))
    assert (await program.get("/api/rate-tables")).json()["items"] == [{"code": "STD", "label": "", "versions": 2}]
    versions = (await program.get("/api/rate-tables/STD/versions")).json()["items"]
    assert [(one["valid_from"], one["standing"], one["used"]) for one in versions] == [
        ("2026-11-01", "in_force", True),
        ("2026-09-01", "past", True),
    ]
    (one,) = (await program.get(f"/api/rate-versions/{versions[0]['id']}/changes")).json()["items"]
    assert (one["kind"], one["prefix"], Decimal(one["percent"]), Decimal(one["after"]["unit_price"])) == (
        "dearer", "336", Decimal("20.0"), Decimal("0.1"),
    )  # fmt: skip
    (loss,) = (await program.get(f"/api/rate-versions/{versions[0]['id']}/losses")).json()["items"]
    assert (loss["prefix"], loss["loss_micro"], loss["total_micro"]) == ("336", 150_000, 150_000)
    asked = {"number": "06 39 98 00 99", "type": "VOICE", "on": "2026-10-31"}
    priced = (await program.get("/api/rate-tables/STD/price", params=asked)).json()
    assert (priced["version"]["valid_from"], priced["rate"]["prefix"], priced["peak_micro"]) == ("2026-09-01", "336", 83_333)
    early = (await program.get("/api/rate-tables/STD/price", params=asked | {"on": "2026-08-31"})).json()
    assert (early["version"], early["rate"]) == (None, None)


async def test_e1_unknown_codes_and_bad_dates_answer_a_french_sentence(program, clerk):
    for path in ("/api/rate-tables/NON/versions", "/api/rate-tables/NON/price?number=06&type=VOICE"):
        answer = await program.get(path)
        assert (answer.status_code, "Aucune grille" in answer.json()["detail"]) == (404, True)
    for path in ("/api/rate-versions/9/changes", "/api/rate-versions/9/losses"):
        assert (await program.get(path)).status_code == 404
    await load("rates")
    for wrong in ("type=FAX&number=06", "type=VOICE&number=33&on=demain", "type=VOICE&number=33&direction=UP"):
        answer = await program.get(f"/api/rate-tables/STD/price?{wrong}")
        assert (answer.status_code, bool(answer.json()["detail"])) == (422, True), wrong
    unusable = await program.get("/api/rate-tables/STD/price?type=VOICE&number=abc")
    assert (unusable.status_code, "n'est pas un numéro" in unusable.json()["detail"]) == (422, True)
    for path in ("/grilles/version/9", "/grilles/tarif/999999", "/catalogue/voitures/1/version", "/terminaux/9"):
        answer = await clerk.get(path)
        assert (answer.status_code, "Revenez à la liste" in answer.text) == (404, True), path


async def test_e1_without_a_session_every_page_leads_to_the_login(visitor):
    for path in (
        "/grilles",
        "/grilles/version/1",
        "/grilles/tarif/1",
        "/catalogue",
        "/catalogue/offres/1/version",
        "/terminaux/1",
    ):
        answer = await visitor.get(path)
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/entrer"), path
    assert (await visitor.get("/api/rate-tables")).status_code == 401
