"""Cards through the doors: pages for people, the API for programs; codes leave by one answer only."""

import json
import logging
import re
from datetime import UTC, date, datetime

import pytest
from import_samples import FILES

from jobs.imports import import_file
from rules.states import SimState
from tables.fleet import Sim
from tables.imports import ImportBatch
from tables.timeline import TimelineEntry
from tests.endpoints.visitor import EMAIL, Visitor

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PLAIN, ESIM, THIRD, FOURTH = (f"89330999990000000{end}" for end in ("17", "25", "33", "41"))
SECRETS = ("12345678", "87654321", "JETON-SECRET", ">1234<", ">4321<")


@pytest.fixture
async def stock(database):
    """ICCID → key: two cards held by lines, two in stock."""
    for kind, text in FILES.items():
        options = {"code": "STD", "valid_from": date(2026, 9, 1)} if kind == "rates" else {}
        assert not (await import_file(kind, text.encode(), "f.csv", mode="all", now=NOW, **options)).errors
    return {row["iccid"]: row["id"] for row in await Sim.select()}


async def submit(clerk, path, **form):
    return await clerk.post(path, data={"_csrf_token": await clerk.csrf("/cartes/lots"), **form})


def words(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.text.replace("\u202f", " "))).replace("’", "'")


async def test_the_api_lists_cards_without_their_codes(program, stock):
    answer = (await program.get("/api/sims", params={"state": "in_stock", "batch": "LOT-1", "limit": 1})).json()
    assert (answer["total"], [item["iccid"] for item in answer["items"]]) == (2, [THIRD])
    one = (await program.get("/api/sims", params={"iccid": "00017"})).json()["items"][0]
    assert set(one) == {"id", "iccid", "imsi", "kind", "state", "batch", "msisdn", "created_at", "line"}
    assert (one["state"], one["line"]) == ("active", "+33639980001")
    assert (await program.get("/api/sims", params={"state": "gone"})).json() == {"items": [], "total": 0}


async def test_the_api_changes_cards_with_a_result_for_each(program, stock):
    body = {"iccids": [THIRD, "8933 0999 9900 0000 041", PLAIN, "89330"], "state": "retired", "reason": "Puces rendues"}
    answer = (await program.post("/api/sims/state", json=body)).json()
    assert (answer["done"], answer["refused"]) == (2, 2)
    results = {result["iccid"]: (result["before"], result["after"], result["code"]) for result in answer["results"]}
    assert results == {
        "89330": ("", "", "BAD_ICCID"),
        PLAIN: ("active", "active", "HELD_BY_LINE"),
        THIRD: ("in_stock", "retired", ""),
        FOURTH: ("in_stock", "retired", ""),
    }
    again = (await program.post("/api/sims/state", json=body | {"state": "in_stock"})).json()
    assert (again["done"], {result["code"] for result in again["results"]}) == (0, {"ILLEGAL_STATE", "BAD_ICCID"})
    entry = (await TimelineEntry.select().where(TimelineEntry.event == "state"))[0]
    assert entry["actor"] == "API"


@pytest.mark.parametrize(
    "change, code",
    [
        ({"state": "gone"}, "UNKNOWN_STATE"),
        ({"reason": ""}, "NO_REASON"),
        ({"iccids": []}, "NO_CARD"),
        ({"state": None}, "INVALID"),
    ],
)
async def test_the_api_refuses_what_it_cannot_read(program, stock, change, code):
    answer = await program.post("/api/sims/state", json={"iccids": [THIRD], "state": "lost", "reason": "essai"} | change)
    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:ligne-claire:{code}")


async def test_no_door_opens_without_its_key(visitor, clerk, stock):
    assert (await visitor.get("/api/sims")).status_code == 401
    assert (await clerk.get("/api/sims")).status_code == 401
    for path in ("/cartes", "/cartes/lots", f"/cartes/{PLAIN}"):
        assert (await visitor.get(path)).status_code == 303
    assert (await visitor.post(f"/cartes/{PLAIN}/codes", data={"code": "pin1"})).status_code in (303, 403)
    assert (await clerk.post(f"/cartes/{PLAIN}/codes", data={"code": "pin1"})).status_code == 403
    assert (await clerk.get(f"/cartes/{PLAIN}/codes")).status_code == 405
    assert not await TimelineEntry.exists().where(TimelineEntry.event == "code_shown")


async def test_a_program_cannot_ask_for_a_code(program, stock):
    for path in (f"/api/sims/{PLAIN}", f"/api/sims/{PLAIN}/codes"):
        assert (await program.post(path, json={"code": "pin1"})).status_code in (404, 405)
    assert (await program.post(f"/cartes/{PLAIN}/codes", data={"code": "pin1"})).status_code in (303, 403)


async def test_codes_are_in_no_answer_log_or_row_but_the_one_that_was_asked(clerk, program, stock, caplog):
    caplog.set_level(logging.DEBUG)
    answers = [
        *[await clerk.get(path) for path in ("/cartes", "/cartes/lots", f"/cartes/{PLAIN}", f"/cartes/{ESIM}")],
        await submit(clerk, "/cartes/effet", acte="blocked", carte=str(stock[PLAIN])),
        await submit(clerk, "/cartes/changer", acte="blocked", cartes=str(stock[PLAIN]), motif="essai"),
        await program.get("/api/sims"),
        *[await clerk.admin("GET", f"api/tables/{path}") for path in ("sim/", f"sim/{stock[PLAIN]}/", "timeline_entry/")],
    ]
    shown = await submit(clerk, f"/cartes/{PLAIN}/codes", code="puk1")
    sheet = await submit(clerk, f"/cartes/{ESIM}/codes", code="activation_code")
    answers += [await clerk.get(f"/cartes/{PLAIN}"), await clerk.get(f"/cartes/{ESIM}"), await clerk.get("/cartes")]
    assert all(answer.status_code == 200 for answer in [*answers, shown, sheet])
    assert not any(secret in answer.text for answer in answers for secret in SECRETS)
    assert [secret for secret in SECRETS if secret in shown.text] == ["12345678"]
    assert [secret for secret in SECRETS if secret in sheet.text] == ["JETON-SECRET"]
    assert {shown.headers["cache-control"], sheet.headers["cache-control"]} == {"no-store"}
    assert 'src="data:image/svg+xml' in sheet.text
    kept = caplog.text + str([await table.select() for table in (Sim, TimelineEntry, ImportBatch)])
    assert not any(secret in kept for secret in SECRETS)
    told = await TimelineEntry.select().where(TimelineEntry.event == "code_shown").order_by(TimelineEntry.id)
    assert [(row["actor"], json.loads(row["after"])) for row in told] == [
        (EMAIL, {"code": "puk1"}),
        (EMAIL, {"code": "activation_code"}),
    ]


async def test_the_effect_is_shown_and_the_very_cards_shown_are_changed(clerk, stock):
    effect = await submit(clerk, "/cartes/effet", acte="lost", toutes="1", etat="in_stock")
    assert "Rien n'a encore changé." in words(effect)
    assert f'name="cartes" value="{stock[THIRD]} {stock[FOURTH]}"' in effect.text
    await Sim.update({Sim.state: SimState.retired}).where(Sim.iccid == FOURTH)
    result = await submit(clerk, "/cartes/changer", acte="lost", cartes=f"{stock[THIRD]} {stock[FOURTH]}", motif="<b>Perdues</b>")
    assert "C'est fait pour 1 carte. 1 carte refusée" in words(result)
    assert "&lt;b&gt;Perdues&lt;/b&gt;" in result.text
    page = await clerk.get(f"/cartes/{THIRD}")
    assert "&lt;b&gt;Perdues&lt;/b&gt;" in page.text
    assert "État : En stock → Perdue ou volée" in words(page)


async def test_ticked_cards_act_together_and_a_card_of_a_line_says_that_the_network_does_not_know(clerk, stock):
    form = {
        "acte": "blocked",
        "carte": [str(stock[PLAIN]), str(stock[THIRD]), "x", "9" * 30],
        "_csrf_token": await clerk.csrf("/cartes/lots"),
    }
    effect = await clerk.post("/cartes/effet", data=form)
    assert "Bloquer : 2 cartes" in words(effect)
    assert "le réseau n'en est pas averti" in words(effect)


async def test_what_cannot_be_done_is_said_in_a_sentence(clerk, stock):
    for form, sentence in (
        ({"acte": "lost"}, "Aucune carte n'est choisie"),
        ({"acte": "gone", "carte": str(stock[THIRD])}, "n'est pas un état de carte"),
        ({"acte": "lost", "coller": "\n" * 5}, "Aucune carte n'est choisie"),
    ):
        answer = await submit(clerk, "/cartes/effet", **form)
        assert (answer.status_code, sentence in words(answer)) == (422, True)
    nothing = await submit(clerk, "/cartes/effet", acte="lost", coller="12\n34")
    assert "Aucune de ces cartes ne peut changer ainsi" in words(nothing)
    assert "<button" not in nothing.text.split("<main", 1)[1]
    assert (await clerk.get("/cartes/8933")).status_code == 404
    assert (await clerk.get("/cartes", params={"iccid": "%"})).status_code == 200
    assert (await submit(clerk, "/cartes/lots", lot="LOT-1", seuil="beaucoup")).status_code == 422


async def test_the_threshold_of_a_batch_is_edited_and_the_page_says_what_is_left(clerk, stock):
    assert (await submit(clerk, "/cartes/lots", lot="LOT-1", seuil="20")).status_code == 303
    assert "Il reste 2 cartes, seuil 20" in words(await clerk.get("/cartes/lots"))
    assert "LOT-1 : il reste 2 cartes, seuil 20" in words(await clerk.get("/cartes"))


async def test_the_pages_of_an_empty_stock_lead_to_the_import(clerk):
    for path in ("/cartes", "/cartes/lots"):
        answer = await clerk.get(path)
        assert (answer.status_code, 'href="/imports"' in answer.text.split("<main", 1)[1]) == (200, True)


async def test_a_hostile_batch_name_stays_a_text(clerk, stock):
    await Sim.update({Sim.batch: '"><script>alert(1)</script>&feuille=2'}).where(Sim.iccid == THIRD)
    for path in ("/cartes", "/cartes/lots", f"/cartes/{THIRD}"):
        answer = await clerk.get(path)
        assert (answer.status_code, "<script>alert" in answer.text) == (200, False)
    link = re.search(r'href="(/cartes\?lot=%22[^"]+)"', (await clerk.get("/cartes/lots")).text)[1]
    assert THIRD in (await clerk.get(link)).text


async def test_a_card_whose_story_holds_any_entry_is_shown(clerk, stock):
    answer = await clerk.admin("PATCH", f"api/tables/sim/{stock[THIRD]}/", json={"batch": "LOT-8"})
    assert answer.status_code == 200
    await import_file("sims", FILES["sims"].replace("LOT-1", "LOT-9").encode(), "f.csv", mode="valid", now=NOW)
    page = words(await clerk.get(f"/cartes/{THIRD}"))
    assert "Lot : LOT-1 → LOT-8" in page
    assert "Lot : LOT-8 → LOT-9" in page
    assert (await clerk.admin("PATCH", f"api/tables/sim/{stock[THIRD]}/", json={"blocked_from": "active"})).status_code == 405


async def test_visitors_of_another_site_cannot_make_a_clerk_act(clerk, stock):
    async with Visitor(cookies=clerk.cookies) as stranger:
        answer = await stranger.post("/cartes/changer", data={"acte": "lost", "cartes": str(stock[THIRD]), "motif": "piège"})
    assert answer.status_code == 403
    assert (await Sim.select(Sim.state).where(Sim.iccid == THIRD).first())["state"] == "in_stock"
