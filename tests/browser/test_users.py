"""Roles as people meet them: an administrator invites, a reader reads, sees no button that would be refused, and is told so."""

import pytest
from axe_playwright_python.sync_playwright import Axe

PRESSED = """() => {
  const form = document.querySelector("form.who");
  form.action = "/facturation/lancer";
  form.requestSubmit();
}"""


def test_a_reader_is_offered_nothing_that_would_be_refused(window, server, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{server}/utilisateurs")
    page.get_by_label("Prénom").fill("Lise")
    page.get_by_label("Nom", exact=True).fill("Lecture")
    page.get_by_label("Adresse e-mail").fill("lise@exemple.example")
    page.get_by_label("Rôle", exact=True).select_option(label="Lecture seule")
    page.get_by_role("button", name="Ajouter et montrer le lien").click()
    page.get_by_text("Remettez ce lien à lise@exemple.example").wait_for()
    link = page.locator("main .case code").inner_text()

    reader = window()
    reader.goto(link)
    reader.get_by_label("Mot de passe").fill("motdepasse2026")
    reader.get_by_role("button", name="Enregistrer et entrer").click()
    reader.get_by_role("alert").wait_for()
    assert "premiers que l’on essaie" in reader.get_by_role("alert").inner_text()
    reader.get_by_label("Mot de passe").fill("trois escargots sous la pluie")
    reader.get_by_role("button", name="Enregistrer et entrer").click()
    reader.get_by_role("navigation", name="Menu principal").wait_for()
    for path in ("/facturation", "/cartes", "/imports", "/cdr", "/catalogue"):
        assert reader.goto(server + path).status == 200
        assert reader.locator("main form[method=post]").count() == 0, path
        page.goto(server + path)
        assert page.locator("main form[method=post], main a[href*='/add/'], main a[href='/imports']").count() > 0, path
    assert reader.get_by_role("link", name="Utilisateurs").count() == 0
    reader.evaluate(PRESSED)
    reader.get_by_role("heading", name="Réservé à un autre rôle").wait_for()
    assert "Votre rôle ne permet pas de préparer une facturation." in reader.inner_text("main")

    reader.goto(f"{server}/admin/#/commitment_type/1/")
    reader.locator("[name=label]").fill("Essai")
    reader.locator("[data-uitest=save_button]").click()
    reader.get_by_text("Votre rôle ne permet pas de changer le catalogue.").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_everybody_can_read_the_users_page(window, server, signed_in, scheme, width):
    page = window(storage_state=signed_in, scheme=scheme, width=width)
    page.goto(f"{server}/utilisateurs")
    page.get_by_role("heading", name="Ce que chaque rôle permet").wait_for()
    page.locator("summary", has_text="Désactiver").first.click()
    page.get_by_role("button", name="Oui, désactiver").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
