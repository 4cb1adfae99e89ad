"""The network's list worked through by hand, a port that the donor refused, and both pages in four looks."""

import os
import subprocess
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.test_billing import ROOT, narrow

CLOCK = "2026-11-24T12:00:00+00:00"
MAKE = """
import asyncio
from datetime import date
from network_sink import queue
from port_samples import port
from rules.states import PortState, RequestKind, RequestState
from tables.changes import NetworkAnswerFile, NetworkBatch, NetworkRequest
from tables.engine import engine
from tables.orders import PortingRequest

async def make():
    await engine().start_connection_pool()
    await port(PortState.frozen, date(2026, 11, 25), msisdn="+33639980021")
    await port(PortState.eligible, date(2026, 11, 27), msisdn="+33639980022", asked=False)
    await port(PortState.rejected, date(2026, 12, 3), asked=False)
    await PortingRequest.update({PortingRequest.reason: "RIO incorrect"}).where(PortingRequest.state == PortState.rejected)
    await queue(RequestKind.activate, msisdn="", iccid="8933010000000000010", user_name="Léa Étoile", options="DATA5+ROAM")
    await queue(RequestKind.swap, RequestKind.rename, RequestKind.bar_out, RequestKind.unbar, new_iccid="8933010000000000010")
    *_, refused, doubt = await NetworkRequest.select(NetworkRequest.id).order_by(NetworkRequest.id).output(as_list=True)
    for id_, state, reason in (
        (refused, RequestState.refused, "Ligne déjà restreinte chez l'opérateur"),
        (doubt, RequestState.in_doubt, "L'opérateur s'est tu après avoir reçu la demande : il l'a peut-être prise."),
    ):
        await NetworkRequest.update({NetworkRequest.state: state, NetworkRequest.reason: reason}).where(NetworkRequest.id == id_)
    await NetworkBatch(name="network_requests_20261123_000001.csv", sha256="0", requests=12).save()
    await NetworkAnswerFile(name="reponses_1.csv", sha256="1", answers=12, settled=11, problems='["ligne 3 : inconnue."]').save()
    await engine().close_connection_pool()

asyncio.run(make())
"""


@pytest.fixture(scope="module")
def seeded(scratch, request):
    scratch["CLOCK"] = CLOCK
    address = request.getfixturevalue("server")
    env = scratch | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))}
    subprocess.run([sys.executable, "-c", MAKE], env=env, cwd=ROOT, check=True)
    return address


def test_the_list_is_worked_through_and_a_refused_port_says_what_to_do(window, seeded, signed_in):
    page = window(storage_state=signed_in)
    main = page.locator("main")
    page.goto(f"{seeded}/reseau")
    expect(main).to_contain_text("1\u00a0demande à vérifier")
    expect(page.locator("form table tbody tr")).to_have_count(6)
    page.get_by_role("link", name="Ouvrir une ligne").click()
    page.get_by_label("Numéro donné par le réseau").fill("06 39 98 00 30")
    page.get_by_role("button", name="Marquer faite").click()
    expect(main).to_contain_text("Faite, avec effet le 24 novembre 2026")
    page.goto(f"{seeded}/reseau")
    for name in ("3", "4"):
        page.get_by_label(f"Choisir la demande {name}").check()
    page.get_by_role("button", name="Continuer").click()
    expect(main).to_contain_text("Une réponse est définitive")
    assert narrow(page)
    page.get_by_role("button", name="Marquer faites : 2\u00a0demandes").click()
    expect(main).to_contain_text("C’est fait pour 2\u00a0demandes.")
    page.goto(f"{seeded}/reseau/6")
    page.get_by_text("Envoyer de nouveau", exact=True).click()
    page.get_by_role("button", name="Il ne l’a pas").click()
    expect(main).to_contain_text("sans réponse encore")

    page.goto(f"{seeded}/portabilites")
    expect(main).to_contain_text("figée demain à minuit")
    page.get_by_role("link", name="06\u00a012\u00a034\u00a056\u00a078").click()
    expect(main).to_contain_text("Faites composer le 3179")
    page.get_by_label("RIO").fill("01PA1B2C3NLA")
    page.get_by_role("button", name="Redemander le portage").click()
    expect(main).to_contain_text("sa clé ne va pas avec le")
    expect(page.get_by_label("RIO")).to_have_value("01PA1B2C3NLA")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_have_no_violation_in_any_look(window, seeded, signed_in, scheme, width):
    page = window(width=width, scheme=scheme, storage_state=signed_in)
    for path in (
        "/reseau",
        "/reseau?etat=toutes",
        "/reseau/2",
        "/reseau/5",
        "/portabilites",
        "/portabilites/1",
        "/portabilites/3",
    ):
        page.goto(seeded + path)
        page.wait_for_load_state("networkidle")
        found = Axe().run(page).response["violations"]
        assert [(path, one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        if folder := os.environ.get("SHOTS"):
            page.screenshot(
                path=f"{folder}/{path.strip('/').replace('/', '_').replace('?', '_')}-{width}-{scheme}.png", full_page=True
            )
