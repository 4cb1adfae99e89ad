"""A clerk writes a mail and sees it, with and without script, on a screen and on a phone."""

import subprocess
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe

from rules.words import KINDS
from tests.browser.conftest import ROOT

PAGE = "/modeles/invoice_issued"


@pytest.fixture(scope="module")
def demo(scratch, server):
    done = subprocess.run([sys.executable, "-m", "jobs.setup"], env=scratch, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return server


def mail(page):
    """What stands in the mail of the preview that is shown."""
    return page.frame_locator("iframe.preview:not(.coming)").frame_locator("iframe")


def accessible(page):
    found = Axe().run(page, options={"iframes": False})
    assert found.violations_count == 0, found.generate_report()


def test_the_preview_follows_the_typing_and_the_text_is_kept_until_it_is_right(window, demo, signed_in):
    page = window(storage_state=signed_in)
    page.goto(demo + PAGE)
    assert mail(page).get_by_text("1\u202f204,86\u202f€").or_(mail(page).get_by_text("1 204,86")).first.inner_text()
    entries = page.evaluate("history.length")

    body = page.get_by_label("Message", exact=True)
    body.fill("# Bonjour\n\nVotre numéro : **")
    page.get_by_role("button", name="{{ customer_number }}").click()
    page.keyboard.type("**")
    assert body.input_value().endswith("**{{ customer_number }}**")
    mail(page).locator("strong", has_text="C000123").wait_for()
    assert mail(page).locator("body").evaluate("getComputedStyle(document.querySelector('.card')).maxWidth") == "560px"

    number = page.locator("#clients option").first.get_attribute("value")
    page.locator("#client").fill(number)
    mail(page).locator("strong", has_text=number).wait_for()

    page.get_by_label("Objet").fill("Facture {{ montant_tt }}")
    page.frame_locator("iframe.preview:not(.coming)").get_by_text("vouliez-vous dire {{ incl_vat }}").wait_for()
    assert page.evaluate("history.length") == entries, "« back » still leaves the page"
    assert page.locator("iframe").count() == 1
    page.get_by_role("button", name="Enregistrer").click()
    assert "1\u00a0passage est à corriger" in page.inner_text("main")
    assert page.get_by_label("Objet").get_attribute("aria-invalid") == "true"
    assert body.input_value().endswith("**{{ customer_number }}**")
    accessible(page)

    page.get_by_label("Objet").fill("Facture {{ incl_vat }}")
    page.get_by_role("button", name="Enregistrer").click()
    page.get_by_text("Le modèle est enregistré").wait_for()
    page.get_by_text("lignes changées").click()
    assert page.locator("del", has_text="{{ payment_sentence }}").is_visible()
    accessible(page)

    page.get_by_role("link", name="Texte d’origine").click()
    accessible(page)
    page.get_by_role("button", name="Revenir au texte d’origine").click()
    page.get_by_text("Le texte d’origine est de retour").wait_for()
    assert "{{ payment_sentence }}" in page.get_by_label("Message", exact=True).input_value()


def test_without_script_a_button_shows_the_preview(window, demo, signed_in):
    page = window(storage_state=signed_in, java_script_enabled=False)
    page.goto(demo + PAGE)
    page.get_by_label("Message", exact=True).fill("Bonjour {{ contact_name }}")
    page.get_by_role("button", name="Voir").click()
    mail(page).get_by_text("Bonjour Séverine de La Tour").wait_for()
    assert page.url == demo + PAGE


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_and_every_mail_are_accessible_and_fit_a_phone(window, demo, signed_in, scheme):
    page = window(width=390, scheme=scheme, storage_state=signed_in)
    for path in ("/modeles", PAGE):
        page.goto(demo + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        accessible(page)
    letter = window(width=390, scheme=scheme)
    for kind in KINDS:
        page.goto(f"{demo}/modeles/{kind}/apercu")
        shown = page.locator("iframe").get_attribute("srcdoc")
        for width in (390, 700):
            letter.set_viewport_size({"width": width, "height": 800})
            letter.set_content(shown)
            assert letter.evaluate("document.documentElement.scrollWidth <= innerWidth"), (kind, width)
        accessible(letter)
