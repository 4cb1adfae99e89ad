"""The doors of the network and of ports: who may answer, what a page does with a slip, what a program is told."""

import re
from datetime import date, timedelta

import pytest
from network_sink import MSISDN, NOW, queue
from port_samples import DAY, RIO, opening, port

from app import inner
from gateways.settings import SETTINGS
from rules.rights import Right
from rules.states import PortState, RequestKind, RequestState
from tables.changes import NetworkRequest
from tests.endpoints.visitor import CRON_TOKEN, EMAIL, Visitor

K = RequestKind


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", NOW)


async def submit(clerk, path, **form):
    return await clerk.post(path, data={"_csrf_token": await clerk.csrf("/reseau"), **form})


def words(answer):
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.text.replace("\u202f", " ")))
    return text.replace("\u00a0", " ").replace("’", "'")


async def states() -> list[str]:
    return [row["state"] for row in await NetworkRequest.select(NetworkRequest.state).order_by(NetworkRequest.id)]


async def test_the_api_lists_confirms_and_refuses(program, database):
    new, swap, rename = await queue(K.activate, K.swap, K.rename, msisdn="", user_name="Zoé")
    listed = (await program.get("/api/network-requests", params={"state": "queued", "limit": 2})).json()
    assert (listed["total"], [item["id"] for item in listed["items"]]) == (3, [new, swap])
    assert listed["items"][0] | {"user_name": "Zoé", "kind": "ACTIVATE"} == listed["items"][0]
    path = "/api/network-requests/{}/{}".format
    refused = await program.post(path(new, "confirm"), json={})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:ligne-claire:NUMBER_MISSING")
    done = await program.post(path(new, "confirm"), json={"msisdn": "06 39 98 00 07", "effective_on": "2026-11-23"})
    assert done.status_code == 200
    assert done.json() | {"state": "done", "msisdn": "+33639980007", "effective_on": "2026-11-23"} == done.json()
    again = await program.post(path(new, "confirm"), json={"msisdn": "0639980007"})
    assert (again.status_code, again.json()["type"]) == (409, "urn:ligne-claire:ILLEGAL_STATE")
    answer = (await program.post(path(swap, "refuse"), json={"reason": "Carte inconnue"})).json()
    assert (answer["state"], answer["reason"]) == ("refused", "Carte inconnue")
    assert (await program.post(path(rename, "refuse"), json={})).json()["reason"]
    assert (await program.post(path(rename, "confirm"), json={"effective_on": "24/11/2026"})).status_code == 422
    assert (await program.post(path(999, "confirm"), json={})).status_code == 404
    assert (await program.get("/api/network-requests")).json()["total"] == 3
    assert (await program.get("/api/network-requests", params={"state": "rien"})).json()["total"] == 0


async def test_no_door_opens_without_its_key_and_each_names_its_right(visitor, clerk, database):
    assert (await visitor.get("/api/network-requests")).status_code == 401
    assert (await clerk.post("/api/network-requests/1/confirm", json={})).status_code == 401
    for path in ("/reseau", "/portabilites"):
        assert (await visitor.get(path)).status_code == 303
    async with Visitor(cookies=clerk.cookies) as stranger:
        assert (await stranger.post("/reseau/1/faite", data={})).status_code == 403
    asked = {}
    for route in inner.routes:
        for handler in getattr(route, "route_handlers", ()):
            if re.match("/(reseau|portabilites|api/network-requests)", route.path):
                for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                    asked[method, route.path.partition("{")[0].strip("/").split("/")[-1]] = handler.opt["right"]
    assert {right for (method, _), right in asked.items() if method == "GET"} == {Right.see}
    assert {right for (method, place), right in asked.items() if (method, place) == ("POST", "portabilites")} == {Right.orders}
    assert {asked["POST", place] for place in ("reseau", "choix", "reponse", "network-requests")} == {Right.network}


async def test_the_list_is_worked_through_by_hand(clerk, database):
    assert "Le réseau a répondu à tout" in words(await clerk.get("/reseau"))
    new, swap, rename = await queue(K.activate, K.swap, K.rename, msisdn="")
    page = words(await clerk.get("/reseau"))
    assert "3 demandes à faire chez l'opérateur" in page and "Ouvrir une ligne" in page
    slip = await submit(clerk, f"/reseau/{new}/faite", numero="0612", jour="2026-11-24")
    assert slip.status_code == 422 and "0612" in slip.text and "Marquer faite" in slip.text
    assert (await submit(clerk, f"/reseau/{new}/faite", numero="0639980007", jour="2026-11-24")).status_code == 303
    told = words(await clerk.get(f"/reseau/{new}"))
    assert "Faite, avec effet le 24 novembre 2026. Demandée le 24 novembre 2026, 13 h 00, confirmée le" in told and EMAIL in told
    assert (await submit(clerk, f"/reseau/{new}/faite", numero="0639980007", jour="2026-11-24")).status_code == 409
    await submit(clerk, f"/reseau/{swap}/refusee", motif="<b>Carte</b> inconnue")
    page = await clerk.get("/reseau")
    assert "a été refusée" in words(page) and "&lt;b&gt;Carte" in page.text
    await submit(clerk, f"/reseau/{swap}/vue")
    assert "a été refusée" not in words(await clerk.get("/reseau"))
    await NetworkRequest.update({NetworkRequest.state: RequestState.in_doubt}).where(NetworkRequest.id == rename)
    assert "1 demande à vérifier" in words(await clerk.get("/reseau"))
    await submit(clerk, f"/reseau/{rename}/renvoyer")
    assert await states() == ["done", "refused", "queued"]


async def test_many_are_answered_at_once_each_with_what_became_of_it(clerk, database):
    new, other, swap = await queue(K.activate, K.activate, K.swap, msisdn="")
    seen = await submit(clerk, "/reseau/choix", acte="done", demande=[str(new), str(other), str(swap), "x"])
    assert "Marquer faites : 3 demandes" in words(seen) and await states() == ["queued"] * 3
    form = {"acte": "done", "demandes": f"{new} {other} {swap} ²", "jour": "2026-11-24", f"numero-{new}": "0639980007"}
    result = words(await submit(clerk, "/reseau/reponse", **form))
    assert "C'est fait pour 2 demandes. 1 autre reste en l'état" in result and "Écrivez-le" in result
    assert await states() == ["done", "queued", "done"]
    assert (await submit(clerk, "/reseau/choix", acte="done")).status_code == 422
    assert (await submit(clerk, "/reseau/choix", acte="rien", demande=str(new))).status_code == 422
    await submit(clerk, "/reseau/reponse", acte="refused", demandes=f"{other}", motif="non")
    await submit(clerk, "/reseau/reponse", acte="seen", demandes=f"{other}")
    assert (await NetworkRequest.select(NetworkRequest.seen).where(NetworkRequest.id == other).first())["seen"]


async def test_a_batch_is_read_by_its_name_and_nothing_else_is(clerk, database):
    for name in ("rien.csv", "..%2Fligne_claire.sqlite", "%2e%2e"):
        assert (await clerk.get(f"/reseau/lots/{name}")).status_code == 404


async def test_ports_stand_under_their_day_with_their_countdown_and_what_to_do(clerk, database):
    assert "Aucun numéro n'est en route" in words(await clerk.get("/portabilites"))
    await port(PortState.eligible, date(2026, 11, 27))
    await port(PortState.frozen, date(2026, 11, 25), msisdn="+33639980002")
    await port(PortState.rejected, DAY, msisdn="+33639980003")
    page = words(await clerk.get("/portabilites"))
    assert "25 novembre 2026 1 numéro, portage demain" in page and "sa nouvelle carte sert demain" in page
    assert "27 novembre 2026 1 numéro, figée demain à minuit" in page
    assert page.index("25 novembre") < page.index("27 novembre") < page.index("3 décembre")


async def test_a_slip_in_a_correction_is_said_beside_what_was_typed(clerk, database, monkeypatch):
    opening(monkeypatch, [])
    id_ = await port()
    path = f"/portabilites/{id_}"
    await submit(clerk, path + "/refusee", motif="RIO", precision="clé fausse")
    page = words(await clerk.get(path))
    assert "RIO incorrect : clé fausse" in page and "3179" in page and "Redemander le portage" in page
    slip = await submit(clerk, path + "/corrigee", rio="01PA1B2C3NLA", date="2026-12-04", plage="soir")
    assert slip.status_code == 422 and "01PA1B2C3NLA" in slip.text and "clé ne va pas" in words(slip) and "soir" in slip.text
    slip = await submit(clerk, path + "/corrigee", rio=RIO, date="2026-11-29")
    assert slip.status_code == 422 and "trop proche" in words(slip)
    assert (await submit(clerk, path + "/corrigee", rio=RIO, date="2026-12-04")).status_code == 303
    await submit(clerk, path + "/eligible")
    assert "Éligible" in words(await clerk.get(path))
    await submit(clerk, path + "/annulee", motif="Le client reste")
    assert "Annulée : Le client reste" in words(await clerk.get(path))
    assert (await clerk.get("/portabilites/999")).status_code == 404
    assert (await clerk.get(f"/reseau?etat=toutes&chercher={MSISDN}")).status_code == 200


async def test_the_bounds_of_the_window_are_set_in_the_admin(clerk, database):
    assert (await clerk.admin("PATCH", "api/tables/reseller/1/", json={"port_before_days": 8})).status_code != 200
    done = await clerk.admin("PATCH", "api/tables/reseller/1/", json={"port_after_days": 10, "port_working_days": False})
    assert done.status_code == 200, done.text
    id_ = await port(PortState.rejected)
    assert (NOW.date() + timedelta(11)).isoformat() in (await clerk.get(f"/portabilites/{id_}")).text


async def test_the_scheduler_starts_both_jobs(visitor, database):
    (id_,) = await queue(K.rename)
    headers = {"authorization": f"Bearer {CRON_TOKEN}"}
    for job, skipped in (("send-network-requests", 1), ("read-network-answers", 0)):
        answer = await visitor.post(f"/jobs/{job}", headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"done": 0, "skipped": skipped, "problems": []})
    assert await states() == ["queued"] and id_ == 1
