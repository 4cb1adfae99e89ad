"""Lines as a clerk meets them: filter, tick, restrict, reactivate; the verbs of one line; the swap of a card; the end."""

import subprocess
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.test_billing import ROOT, narrow

ONE, FREE = "+33639980001", "8933099999000000041"
LOAD = """
import asyncio
from datetime import UTC, date, datetime
from import_samples import FILES
from jobs.imports import import_file
MORE = "06 39 98 00 03;C1;8933099999000000033;Inès Lesœur;SOLO;;STD;2026-01-15;;12;2026-01-15;ADVANCE;0;2026-10-31"
async def load():
    for kind, text in FILES.items():
        options = {"code": "STD", "valid_from": date(2026, 9, 1)} if kind == "rates" else {}
        data = (text + MORE + chr(10) if kind == "lines" else text).encode()
        now = datetime(2026, 11, 24, 12, tzinfo=UTC)
        assert not (await import_file(kind, data, "f.csv", mode="all", now=now, **options)).errors
asyncio.run(load())
"""


@pytest.fixture(scope="module")
def scratch(scratch):
    return scratch | {"CLOCK": "2026-11-24T12:00:00+00:00", "PYTHONPATH": str(ROOT / "tests")}


@pytest.fixture(scope="module")
def peopled(scratch, server):
    done = subprocess.run([sys.executable, "-c", LOAD], env=scratch, cwd=ROOT)
    assert done.returncode == 0
    return server


def main(page):
    return page.inner_text("main").replace("\u00a0", " ").replace("\u202f", " ").replace("’", "'")


def press(page, name, role="button"):
    """Press what leads to another page, and wait until that one is whole."""
    with page.expect_navigation():
        page.get_by_role(role, name=name).first.click()


def test_lines_are_found_ticked_restricted_and_reactivated(window, peopled, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{peopled}/facturation")
    press(page, "Parc mobile", "link")
    page.get_by_label("Client, numéro ou nom").fill("societe")
    press(page, "Chercher")
    assert "2 lignes, toutes actives." in main(page)
    page.get_by_label("Cocher toute la feuille").check()
    page.get_by_label("Action").select_option("Restreindre les appels sortants")
    press(page, "Voir l’effet")
    assert "Rien n'a encore changé." in main(page)
    assert narrow(page)
    page.get_by_label("Motif").fill("Facture impayée")
    press(page, "Restreindre 2\u00a0lignes")
    assert "C'est fait pour 2 lignes." in main(page)
    assert page.get_by_text("Faite", exact=True).count() == 2
    assert narrow(page)
    press(page, "06 39 98 00 03".replace(" ", "\u00a0"), "link")
    assert "Restreinte sortante" in main(page)
    assert "À envoyer" in main(page)
    assert "Facture impayée" in main(page)
    page.get_by_text("Réactiver", exact=True).click()
    press(page, "Réactiver la ligne")
    assert "fait ici, et demandé au réseau" in page.locator(".recit").inner_text()
    assert page.locator(".facts").first.get_by_text("Active", exact=True).count() == 1


def test_the_verbs_of_a_line_work_without_script_and_what_is_planned_is_taken_back(window, peopled, signed_in):
    page = window(storage_state=signed_in, java_script_enabled=False)
    page.goto(f"{peopled}/lignes/0639980003")
    page.get_by_text("Changer l’utilisateur", exact=True).first.click()
    page.get_by_label("Utilisateur").fill("Zoé Exemple")
    page.locator("#nom-le").fill("2026-12-01")
    page.locator("#nom-motif").fill("Mutation")
    press(page, "Changer l’utilisateur")
    assert "c'est programmé pour le 1er décembre 2026" in main(page)
    assert "Inès Lesœur → Zoé Exemple" in main(page)
    press(page, "Annuler Changer l'utilisateur")
    assert page.get_by_role("heading", name="Programmé").count() == 0
    page.get_by_text("Changer d’abonnement", exact=True).last.click()
    page.get_by_label("SMS illimités").check()
    press(page, "Voir l’effet sur la facture")
    assert "Ce qui change sur la facture" in main(page)
    assert "Solo 1 h → Solo 1 h + SMS illimités" in main(page)
    press(page, "Changer l’abonnement")
    assert "SMS illimités" in page.locator("table").first.inner_text()


def test_a_card_is_swapped_then_the_line_is_ended(window, peopled, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{peopled}/lignes/{ONE}")
    press(page, "Changer de carte SIM", "link")
    page.get_by_label("Fin de l’ICCID").fill(FREE[-6:])
    press(page, "Chercher")
    assert page.get_by_label(FREE).is_checked()
    press(page, "Voir l’effet")
    assert "8933 0999 9900 0000 017 → 8933 0999 9900 0000 041" in main(page)
    assert narrow(page)
    page.get_by_label("J’ai relu les deux cartes").check()
    press(page, "Changer la carte")
    assert page.locator(".facts").first.get_by_text(FREE).count() == 1
    page.get_by_text("Résilier, pour de bon").click()
    page.get_by_label("Dernier jour").last.fill("2026-11-30")
    press(page, "Voir l’effet")
    assert "8,32 € HT, sur la prochaine facture" in main(page)
    page.get_by_label("Motif").fill("Départ du salarié")
    page.get_by_label("Tapez RÉSILIER").fill("RÉSILIER")
    press(page, "Résilier la ligne le 30 novembre 2026")
    assert "30 novembre 2026" in page.locator(".recit").inner_text()
    press(page, "Annuler Résilier")
    assert "Résilier, annulé" in main(page)
    assert "Résiliation le" not in main(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_everybody_can_read_the_pages(window, peopled, signed_in, scheme, width):
    page = window(width=width, scheme=scheme, storage_state=signed_in)
    for path in ("/parc", f"/lignes/{ONE}", f"/changement-sim?numero={ONE.replace('+', '%2B')}"):
        page.goto(f"{peopled}{path}")
        page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
