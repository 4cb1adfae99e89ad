"""An order as a clerk writes it: a number brought along, lines pasted, all of it submitted."""

import subprocess
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe
from order_samples import FREE, NATIONAL, RIO, SPARE
from playwright.sync_api import expect

from tests.browser.test_billing import ROOT, narrow

LOAD = "import asyncio, sys; sys.path[:0] = ['.', 'tests']; from order_samples import shop; asyncio.run(shop())"
HEAD = "user_name;iccid;offer;commitment_type;billing_terms"


@pytest.fixture(scope="module")
def shop(scratch, server):
    done = subprocess.run([sys.executable, "-c", LOAD], env=scratch, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return server


def test_a_port_and_pasted_lines_are_ordered_and_submitted(window, shop, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{shop}/commandes")
    page.get_by_role("link", name="Nouvelle commande").click()
    page.get_by_label("Numéro de client").fill("C1")
    page.get_by_label("Vendeur").fill("Zoé")
    page.get_by_role("button", name="Commencer le brouillon").click()
    page.get_by_label("Utilisateur").fill("Océane Guérin")
    page.get_by_label("Abonnement").select_option("SOLO")
    expect(page.locator("#first-bill")).to_contain_text("Mise en service, Solo 1 h")
    page.get_by_label("Numéro à garder").fill(NATIONAL)
    page.get_by_label("RIO", exact=False).fill(RIO[:8])
    expect(page.locator("#rio-answer")).to_contain_text("8 caractères sur 12")
    page.get_by_label("RIO", exact=False).fill(RIO)
    expect(page.locator("#rio-answer")).to_contain_text("Clé juste pour ce numéro")
    page.get_by_role("textbox", name="Carte SIM").fill(FREE[-5:])
    expect(page.locator("#cards .pick")).to_have_count(1)
    page.get_by_text("Jour de la portabilité").click()
    expect(page.locator(".cal td.feast input:disabled").first).to_be_attached()
    page.locator(".cal input:enabled").first.check(force=True)
    assert narrow(page)
    page.get_by_role("button", name="Enregistrer le brouillon").click()
    expect(page.locator(".recit")).to_contain_text("Tout est complet")
    assert FREE in page.inner_text("main").replace(" ", "")

    page.get_by_text("Coller plusieurs lignes").click()
    page.get_by_label("Tableau").fill(f"{HEAD}\nThéo Léger;{SPARE};SOLI;M12;ADVANCE\n")
    page.get_by_role("button", name="Ajouter ces lignes").click()
    expect(page.get_by_role("cell", name="n’est pas au catalogue")).to_be_visible()
    page.get_by_label("Tableau").fill(f"{HEAD}\nThéo Léger;{SPARE};SOLO;M12;ADVANCE\n")
    page.get_by_role("button", name="Ajouter ces lignes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 lignes mobiles")
    page.get_by_role("button", name="Valider la commande").click()
    expect(page.locator(".recit")).to_contain_text("2\u00a0lignes attendent le réseau")
    assert narrow(page)
    page.go_back()
    expect(page.locator(".recit")).to_contain_text("2\u00a0lignes attendent le réseau")  # what is, not what was
    assert page.get_by_text("Confirmation à").count() == 1


def test_a_service_is_ordered_without_script(window, shop, signed_in):
    page = window(storage_state=signed_in, java_script_enabled=False)
    page.goto(f"{shop}/commandes/nouvelle?client=C2")
    page.get_by_role("button", name="Commencer le brouillon").click()
    page.get_by_role("link", name="Ne rien changer").click()
    page.get_by_role("link", name="Ajouter un service").click()
    page.get_by_label("Service ou matériel").select_option("MAINT")
    page.get_by_label("Quantité").fill("0")
    page.get_by_role("button", name="Enregistrer le brouillon").click()
    assert "hors limites" in page.inner_text("#quantity-error")
    assert page.get_by_text("Donnez la date de début.").count() >= 1
    page.get_by_label("Quantité").fill("2")
    page.get_by_label("Début").fill("2027-01-15")
    page.get_by_role("button", name="Enregistrer le brouillon").click()
    page.get_by_role("button", name="Dupliquer").click()
    page.get_by_role("link", name="Ne rien changer").click()
    page.get_by_role("button", name="Retirer la ligne 2").click()
    page.get_by_role("button", name="Valider la commande").click()
    assert "Tout est fait" in page.inner_text(".recit")


@pytest.mark.parametrize("scheme, width", [("light", 1280), ("light", 390), ("dark", 1280), ("dark", 390)])
def test_everybody_can_read_the_pages_of_orders(window, shop, signed_in, scheme, width):
    page = window(storage_state=signed_in, scheme=scheme, width=width)
    for path in ("", "/nouvelle?client=C1", "/1"):
        page.goto(f"{shop}/commandes{path}")
        page.wait_for_load_state()
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()
    page.get_by_role("link", name="Commandes", exact=True).click()
    page.get_by_role("link", name="Nouvelle commande").click()
    page.get_by_label("Numéro de client").fill("C1")
    page.get_by_role("button", name="Commencer le brouillon").click()
    page.get_by_label("Utilisateur").wait_for()
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
