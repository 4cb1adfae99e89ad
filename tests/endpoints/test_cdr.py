"""The page « Chargement CDR » and the doors beside it, as a clerk and as a program."""

import asyncio
import gzip
import re

import cdr_fleet
import pytest
from cdr_samples import csv, row
from sftp_servers import KEYS, point_to, put, serving

from tables.scheduling import JobRun
from tables.usage import Arrival, CdrFile, CdrReject
from tests.endpoints.visitor import CRON_TOKEN

DATA = csv(row(cdr_id="1"), row(cdr_id="2", msisdn="0639980005"), row(cdr_id="3", type="FAX"))


@pytest.fixture(autouse=True)
async def fleet(database):
    await cdr_fleet.make()


async def send(clerk, path, files=None, **data):
    form = {"_csrf_token": await clerk.csrf("/cdr"), **data}
    return await clerk.post(path, data=form, files=files, timeout=60)


def words(answer) -> str:
    """What a reader sees, with plain blanks."""
    return re.sub(r"[\s\u00a0\u202f]+", " ", re.sub(r"<[^>]+>", "", answer.text)).replace("’", "'")


async def test_a_first_visit_says_what_to_do_next(clerk):
    page = await clerk.get("/cdr")
    assert page.status_code == 200
    assert "Aucun fichier de CDR n'est encore arrivé" in words(page)
    assert "Aucun dépôt n'est réglé" in words(page)
    assert "Chercher maintenant" not in page.text


async def test_a_file_given_by_hand_is_loaded_and_its_rejects_are_led_to_their_end(clerk):
    answer = await send(clerk, "/cdr", files={"file": ("Octobre.csv.gz", gzip.compress(DATA))})
    assert (answer.status_code, answer.headers["location"]) == (303, "/cdr")
    page = words(await clerk.get("/cdr?mois=2026-10"))
    assert "Derniers CDR : aujourd'hui" in page
    assert "30 jours sans CDR : du 1 au 30." in page
    assert "2 à corriger" in page
    file = await CdrFile.select().first()
    shown = words(await clerk.get(f"/cdr/{file['id']}"))
    assert "1 CDR est chargé. 2 rejets sont à corriger" in shown
    assert "Ligne inconnue" in shown and "Créez ou importez la ligne" in shown and "3;FAX;OUT" in shown

    await cdr_fleet.add_line("+33639980005")
    replayed = await send(clerk, f"/cdr/{file['id']}/rejouer", files={"nothing": ("", b"")})
    assert "1 CDR est chargé, 1 reste à corriger." in words(replayed)
    text = (await clerk.get(f"/cdr/{file['id']}/a-corriger.csv")).text
    corrected = {"file": ("corrigé.csv", text.replace("FAX", "MMS").encode())}
    assert "1 CDR est chargé, 0 reste à corriger." in words(
        await send(clerk, f"/cdr/{file['id']}/rejouer", files=corrected, corrige="1")
    )
    assert "Tout est en ordre : 3 CDR chargés, rien à corriger." in words(await clerk.get(f"/cdr/{file['id']}"))
    assert (await clerk.get(f"/cdr/{file['id']}/rejets.csv")).text.count("\n") == 3


async def test_rejects_are_set_aside_with_a_reason_and_taken_back(clerk, program):
    await program.post("/api/imports/cdrs", files={"file": ("a.csv", DATA)}, timeout=60)
    file_id = (await CdrFile.select().first())["id"]
    refused = await send(clerk, f"/cdr/{file_id}/ecarter", cause="BAD_TYPE", motif=" ")
    assert refused.status_code == 422 and "Dites pourquoi" in refused.text
    assert (await send(clerk, f"/cdr/{file_id}/ecarter", cause="BAD_TYPE", motif="télécopie")).status_code == 303
    shown = words(await clerk.get(f"/cdr/{file_id}"))
    assert "1 rejet écarté, « télécopie »" in shown and "Réglé" in shown
    assert (await send(clerk, f"/cdr/{file_id}/reprendre")).status_code == 303
    assert await CdrReject.count().where(CdrReject.state == "open") == 2


async def test_nothing_chosen_an_unknown_file_and_no_token_are_refused_in_words(clerk):
    assert "Aucun fichier n'est choisi" in words(await send(clerk, "/cdr", files={"file": ("", b"")}))
    assert "Aucun fichier n'est choisi" in words(await send(clerk, "/cdr/1/rejouer", files={"file": ("", b"")}, corrige="1"))
    for path in ("/cdr/99", "/cdr/99/a-corriger.csv", "/cdr/99/rejets.csv"):
        assert (await clerk.get(path)).status_code == 404
    assert (await clerk.post("/cdr", files={"file": ("a.csv", DATA)})).status_code == 403
    assert await Arrival.count() == 0


async def test_a_file_of_bad_form_is_refused_beside_its_name_and_can_be_tried_again(clerk):
    await send(clerk, "/cdr", files={"file": ("<b>vide</b>.csv", b" ")})
    page = await clerk.get("/cdr")
    assert "Le fichier est vide" in words(page) and "<b>vide" not in page.text and "Refusé" in page.text
    arrival = (await Arrival.select().first())["id"]
    assert (await send(clerk, f"/cdr/arrivees/{arrival}/reessayer")).status_code == 303
    assert await JobRun.count() == 2


async def test_the_page_stands_on_sessions_alone(visitor):
    for path in ("/cdr", "/cdr/1", "/cdr/avancement"):
        assert (await visitor.get(path)).status_code == 303


async def test_two_jobs_bring_a_file_from_the_supplier_and_the_clerk_can_do_the_same_by_hand(
    clerk, visitor, tmp_path_factory, monkeypatch
):
    root = tmp_path_factory.mktemp("supplier")
    put(root, "CDR_1.csv", DATA)
    bearer = {"authorization": f"Bearer {CRON_TOKEN}"}
    async with serving(root) as port:
        point_to(monkeypatch, port, KEYS[0])
        assert (await send(clerk, "/cdr/chercher")).status_code == 303
        assert "S'écrit encore" in words(await clerk.get("/cdr"))
        answers = [
            (await visitor.post(f"/jobs/{name}", headers=bearer, timeout=60)).json()
            for name in ("fetch-cdrs", "load-cdrs", "load-cdrs")
        ]
        assert answers == [{"done": done, "skipped": 0, "problems": []} for done in (1, 1, 0)]
        put(root, "CDR_2.csv", csv(row(cdr_id="9")))
        for _ in range(2):
            await send(clerk, "/cdr/chercher")
        assert "Charger 1 fichier" in words(await clerk.get("/cdr"))
        await send(clerk, "/cdr/charger")
        assert "Charger 1 fichier" not in words(await clerk.get("/cdr"))
    assert await CdrFile.count() == 2
    point_to(monkeypatch, 1, KEYS[0])
    await send(clerk, "/cdr/chercher")
    assert "Le dépôt 127.0.0.1 ne répond pas à cette adresse." in words(await clerk.get("/cdr"))


async def test_a_file_given_while_another_loads_is_loaded_after_it(clerk):
    token = await clerk.csrf("/cdr")
    posts = [
        clerk.post("/cdr", data={"_csrf_token": token}, files={"file": (f"{n}.csv", csv(row(cdr_id=str(n))))}, timeout=60)
        for n in range(3)
    ]
    assert [answer.status_code for answer in await asyncio.gather(*posts)] == [303] * 3
    assert [one["state"] for one in await Arrival.select(Arrival.state)] == ["loaded"] * 3


async def test_the_api_replays_and_takes_a_corrected_file(program):
    loaded = (await program.post("/api/imports/cdrs", files={"file": ("a.csv", DATA)}, timeout=60)).json()
    path = f"/api/cdr-files/{loaded['cdr_file_id']}"
    nothing = (await program.post(f"{path}/replay", timeout=60)).json()
    assert nothing == {
        "cdr_file_id": loaded["cdr_file_id"], "rows": 2, "created": 0, "rejected": 2,
        "rejects_by_cause": {"BAD_TYPE": 1, "UNKNOWN_LINE": 1}, "problems": [],
    }  # fmt: skip
    text = (await program.get(f"{path}/corrections.csv")).text.replace("FAX", "SMS")
    corrected = (await program.post(f"{path}/replay", files={"file": ("c.csv", text.encode())}, timeout=60)).json()
    assert (corrected["created"], corrected["rejects_by_cause"]) == (1, {"UNKNOWN_LINE": 1})
    bad = await program.post(f"{path}/replay", files={"file": ("c.csv", b"type\nSMS\n")}, timeout=60)
    assert (bad.status_code, bad.json()["errors"][0]["code"]) == (422, "MISSING_COLUMN")
    assert (await program.post("/api/cdr-files/99/replay", timeout=60)).status_code == 404


async def test_a_layout_and_a_bad_form_travel_back_from_the_worker(program):
    refused = await program.post("/api/imports/cdrs", data={"layout": "ailleurs"}, files={"file": ("a.csv", DATA)}, timeout=60)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:ligne-claire:UNKNOWN_LAYOUT")
    bad = (await program.post("/api/imports/cdrs", files={"file": ("a.csv", DATA + b";;;\n")}, timeout=60)).json()
    assert (bad["errors"][0]["file"], bad["errors"][0]["line"], bad["errors"][0]["code"]) == ("a.csv", 5, "FIELD_COUNT")
