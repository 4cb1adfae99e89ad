"""A customer as a clerk makes it: from the first page to its sheet, found again by its name, with and without script."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.test_billing import narrow


def test_a_customer_is_created_corrected_and_found_again_by_the_keyboard(window, server, signed_in):
    page = window(storage_state=signed_in)
    page.goto(server)
    assert "Rien à faire aujourd’hui" in page.inner_text("main") or page.locator(".todo").is_visible()
    page.get_by_role("link", name="Clients").click()
    page.get_by_role("link", name="Nouveau client").first.click()
    page.get_by_label("Raison sociale, ou nom").press_sequentially("L’Éclair & Fils")
    page.locator("#wholesaler").get_by_text("L ECLAIR ET FILS").wait_for()
    page.locator("#street").fill("1 rue du Modèle")
    page.locator("#postcode").fill("69000")
    page.locator("#city").fill("Lyon")
    assert not page.locator("#delivery_street").is_visible()
    page.get_by_label("Livrer à une autre adresse").check()
    page.locator("#delivery_street").fill("2 quai")
    assert not page.get_by_label("RUM").is_visible()
    page.get_by_label("Mode de paiement").select_option("Prélèvement")
    page.get_by_label("RUM").fill("RUM-7")
    page.locator("#siren").fill("529197708")
    page.get_by_role("button", name="Créer le client").click()
    page.get_by_role("heading", name="1\u00a0valeur à corriger").wait_for()
    assert page.locator("#siren").get_attribute("aria-invalid") == "true"
    assert narrow(page)
    page.locator("#siren").fill("529197709")
    page.get_by_label("Mode de paiement").select_option("Virement")
    page.get_by_label("Livrer à une autre adresse").uncheck()
    page.get_by_role("button", name="Créer le client").click()
    page.get_by_text("Le client est créé.").wait_for()
    assert page.get_by_role("link", name="Créer une commande").get_attribute("href") == "/commandes/nouvelle?client=C000001"
    assert narrow(page)

    page.keyboard.press("/")
    page.keyboard.type("eclair lyon")
    page.keyboard.press("Enter")
    page.get_by_text("1\u00a0résultat pour").wait_for()
    page.locator("[data-results] mark").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/clients/C000001"
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="L’Éclair & Fils").wait_for()


def test_ticks_reveal_their_addresses_without_script(window, server, signed_in):
    page = window(storage_state=signed_in, java_script_enabled=False)
    page.goto(f"{server}/clients/nouveau")
    assert not page.locator("#billing_city").is_visible()
    page.get_by_label("Facturer à une autre adresse").check()
    assert page.locator("#billing_city").is_visible()
    page.get_by_label("Mode de paiement").select_option("Prélèvement")
    assert page.get_by_label("RUM").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_the_pages(window, server, signed_in, scheme):
    for width in (1280, 390):
        page = window(width, scheme, storage_state=signed_in)
        for path in ("/", "/clients", "/clients/C000001", "/clients/C000001/modifier", "/recherche?q=lyon"):
            page.goto(f"{server}{path}")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            found = Axe().run(page, options={"resultTypes": ["violations"]})
            assert found.violations_count == 0, f"{path} {width} {scheme}\n{found.generate_report()}"
