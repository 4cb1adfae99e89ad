"""The clerk's day, walked on the screens: a new customer, a number that is brought along, a lost card, the end of the line."""

import subprocess
import sys

import pytest
from order_samples import FREE, NATIONAL, RIO, SPARE
from playwright.sync_api import expect

from tests.browser.test_billing import ROOT
from tests.browser.test_orders import LOAD


@pytest.fixture(scope="module")
def scratch(scratch):
    return scratch | {"CLOCK": "2026-11-24T12:00:00+00:00"}


@pytest.fixture(scope="module")
def shop(scratch, server):
    assert subprocess.run([sys.executable, "-c", LOAD], env=scratch, cwd=ROOT).returncode == 0
    return server


def press(page, name, role="button"):
    with page.expect_navigation():
        page.get_by_role(role, name=name).first.click()


def test_from_a_new_customer_to_a_ported_line_its_new_card_and_its_end(window, shop, signed_in):
    page = window(storage_state=signed_in)
    page.goto(shop)
    press(page, "Clients", "link")
    press(page, "Nouveau client", "link")
    page.get_by_label("Raison sociale, ou nom").fill("Ébénisterie de l’Étoile")
    for name, text in {"customer_number": "ETOILE", "street": "2 rue du Modèle", "postcode": "69000", "city": "Lyon"}.items():
        page.locator(f"#{name}").fill(text)
    page.locator("#billing_email").fill("factures@etoile.example")
    press(page, "Créer le client")
    expect(page.get_by_text("Le client est créé.")).to_be_visible()

    press(page, "Créer une commande", "link")
    press(page, "Commencer le brouillon")
    page.get_by_label("Utilisateur").fill("Océane Guérin")
    page.get_by_label("Abonnement").select_option("SOLO")
    page.get_by_label("Numéro à garder").fill(NATIONAL)
    page.get_by_label("RIO", exact=False).fill(RIO)
    expect(page.locator("#rio-answer")).to_contain_text("Clé juste pour ce numéro")
    page.get_by_role("textbox", name="Carte SIM").fill(FREE[-5:])
    expect(page.locator("#cards .pick")).to_have_count(1)
    page.get_by_text("Jour de la portabilité").click()
    page.locator(".cal input:enabled").first.check(force=True)
    press(page, "Enregistrer le brouillon")
    expect(page.locator(".recit")).to_contain_text("Tout est complet")
    press(page, "Valider la commande")
    expect(page.locator(".recit")).to_contain_text("1\u00a0ligne attend le réseau")

    press(page, "Portabilités", "link")
    press(page, NATIONAL.replace(" ", "\u00a0"), "link")
    press(page, "Marquer éligible")
    expect(page.get_by_text("Éligible").first).to_be_visible()
    press(page, "Réseau", "link")
    press(page, "Porter un numéro", "link")
    page.get_by_label("Date d’effet").fill("2026-11-24")
    press(page, "Marquer faite")

    page.keyboard.press("/")
    page.keyboard.type("39 98 40 33")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    press(page, NATIONAL.replace(" ", "\u00a0"), "link")
    expect(page.locator(".facts").first).to_contain_text("Active")
    press(page, "Changer de carte SIM", "link")
    page.get_by_label("Fin de l’ICCID").fill(SPARE[-6:])
    press(page, "Chercher")
    press(page, "Voir l’effet")
    page.get_by_label("J’ai relu les deux cartes").check()
    press(page, "Changer la carte")
    expect(page.locator(".facts").first).to_contain_text(SPARE)

    page.get_by_text("Résilier, pour de bon").click()
    page.get_by_label("Dernier jour").last.fill("2026-11-30")
    press(page, "Voir l’effet")
    page.get_by_label("Motif").fill("Fin d’activité")
    page.get_by_label("Tapez RÉSILIER").fill("RÉSILIER")
    press(page, "Résilier la ligne le 30 novembre 2026")
    expect(page.locator(".recit")).to_contain_text("30 novembre 2026")
    expect(page.get_by_role("heading", name="Programmé")).to_be_visible()
    press(page, "Accueil", "link")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Bonjour")
