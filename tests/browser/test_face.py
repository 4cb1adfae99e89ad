"""The two pages by which the reseller gives the house its face and its invoices their words."""

import re
import subprocess
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe
from logo_samples import encoded, picture

from tests.browser.test_billing import ROOT, narrow

LOGO = {"name": "logo.png", "mimeType": "image/png", "buffer": encoded(image=picture(mode="RGBA"))}


@pytest.fixture(scope="module")
def demo(scratch, server):
    done = subprocess.run([sys.executable, "-m", "jobs.setup"], env=scratch, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return server


def faultless(page):
    found = Axe().run(page)
    return found.generate_report() if found.violations_count else ""


def test_a_logo_and_a_colour_are_seen_at_once(window, demo, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{demo}/personnalisation")
    page.get_by_label("Choisir une image").set_input_files(LOGO | {"name": "x.svg", "buffer": b"<svg/>"})
    page.get_by_role("button", name="Montrer ce logo").click()
    assert "peut contenir un script" in page.locator("#logo-error").inner_text()
    assert faultless(page) == ""
    page.get_by_label("Choisir une image").set_input_files(LOGO)
    page.get_by_role("button", name="Montrer ce logo").click()
    shown = page.locator("header img.logo")
    shown.wait_for()
    page.wait_for_load_state()
    assert shown.evaluate("image => image.complete && image.naturalWidth") == 600

    page.get_by_label("Liens, bouton principal").fill("#e06aa0")
    page.get_by_text("se lit mal sur").wait_for()
    assert faultless(page) == ""
    page.get_by_label("Message d’accueil").fill("Bienvenue chez nous.")
    page.get_by_role("button", name="Enregistrer avec #9a486e").click()
    page.get_by_text("La personnalisation est enregistrée").wait_for()
    page.wait_for_load_state()
    button = page.get_by_role("button", name="Enregistrer la personnalisation")
    assert button.evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(154, 72, 110)"
    page.goto(f"{demo}/entrer")
    assert "Bienvenue chez nous." in page.inner_text("main")
    page.goto(f"{demo}/admin/")
    page.wait_for_selector("#nav")
    assert page.eval_on_selector("#app", "one => getComputedStyle(one).getPropertyValue('--accent')") == "#9a486e"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_hold_with_a_face_of_their_own(window, demo, signed_in, width, scheme):
    page = window(width=width, scheme=scheme, storage_state=signed_in)
    for path in ("/personnalisation", "/modele-facture", "/entrer", "/facturation"):
        page.goto(demo + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert faultless(page) == "", path


def test_the_invoice_follows_the_typing_and_a_fault_is_told_at_once(window, demo, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{demo}/modele-facture")
    leaf = page.locator("#preview img").first
    before = leaf.get_attribute("src")
    with page.expect_response("**/apercu"):
        page.get_by_label("Pied de page").press_sequentially("Merci de votre confiance.")
    page.wait_for_function("before => document.querySelector('#preview img').src !== before", arg=before)
    assert page.get_by_label("Pied de page").input_value() == "Merci de votre confiance.", "what is typed stays"
    page.get_by_label("Factures", exact=True).fill("N{year}-{counter:04}")
    page.locator("#preview dd", has_text=re.compile("N20[0-9][0-9]-0001")).wait_for()
    page.get_by_label("Chèque", exact=True).fill("Au dos : {numbr}")
    page.get_by_text("Vouliez-vous").wait_for()
    page.get_by_role("button", name="Enregistrer le modèle").click()
    assert "{number}" in page.locator("#cheque-error").inner_text()
    assert "1 valeur est à corriger" in page.inner_text(".recit").replace("\u00a0", " ")
    assert faultless(page) == ""
    page.get_by_label("Chèque", exact=True).fill("Au dos : {number}")
    page.get_by_label("Factures", exact=True).press("Enter")
    page.get_by_text("Le modèle est enregistré").wait_for()
    assert page.get_by_label("Chèque", exact=True).input_value() == "Au dos : {number}"
    assert narrow(page)


def test_a_bomb_of_a_text_leaves_the_page_alive(window, demo, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{demo}/modele-facture")
    before = page.locator("#preview img").first.get_attribute("src")
    page.get_by_label("Pied de page").fill("#let f(n) = f(n + 1)\n#f(0)\n" + "x" * 500)
    page.wait_for_function("before => document.querySelector('#preview img').src !== before", arg=before)
    page.get_by_label("Retard de paiement").evaluate("area => { area.removeAttribute('maxlength'); }")
    page.get_by_label("Retard de paiement").fill("pénalités, 40 € " * 2_000)
    page.get_by_text("au plus. Raccourcissez").first.wait_for()
    page.goto(f"{demo}/facturation")
    assert page.get_by_role("heading", level=1).is_visible()
