"""A clerk adds a charge, credits part of an invoice, then the rest, and makes it again corrected."""

import subprocess
import sys
from pathlib import Path

import month_samples
import pytest

from tests.browser.test_billing import narrow, pdf
from tests.browser.test_mails import BILL, accessible

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def billed(scratch, tmp_path_factory):
    """A small month sealed; the number of an invoice and that of its customer."""
    source = month_samples.make(tmp_path_factory.mktemp("small") / "month", customers=3, lines=6, cdrs=90)
    command = [sys.executable, "-c", BILL, str(source)]
    done = subprocess.run(command, env=scratch, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_charge_credit_notes_and_an_invoice_made_again(window, billed, server, signed_in):
    number, customer = billed
    page = window(storage_state=signed_in)

    page.goto(f"{server}/clients/{customer}/frais")
    assert "Rien à facturer à ce client" in page.inner_text("main")
    page.get_by_label("Un geste commercial").check()
    page.get_by_label("Libellé").fill("Excuses pour la coupure")
    page.get_by_label("Prix HT").fill("12,50")
    page.get_by_label("Motif").fill("Coupure du 12 octobre")
    page.get_by_role("button", name="Ajouter à la prochaine facture").click()
    page.get_by_text("la prochaine facturation le comptera").wait_for()
    assert "−12,50\u00a0€" in page.inner_text("table").replace("\u202f", "\u00a0").replace(" €", "\u00a0€")
    page.get_by_text("Retirer Excuses").click()
    page.get_by_role("button", name="Retirer « Excuses pour la coupure »").wait_for()
    assert narrow(page)
    accessible(page)

    page.goto(f"{server}/facturation?mois=2026-10")
    page.get_by_role("link", name=number).click()
    page.get_by_role("heading", name=f"Facture {number}").wait_for()
    page.get_by_role("link", name="Faire un avoir").click()
    page.get_by_label("Motif").fill("Tarif mal lu")
    page.get_by_role("textbox", name="À créditer sur").first.fill("9999")
    page.get_by_role("button", name="Voir l’avoir de ces montants").click()
    page.get_by_role("alert").wait_for()
    assert "est trop" in page.inner_text("main")
    page.get_by_role("textbox", name="À créditer sur").first.fill("1,50")
    page.get_by_role("button", name="Voir l’avoir de ces montants").click()
    page.get_by_role("heading", name="L’avoir avant qu’il parte").wait_for()
    assert narrow(page)
    accessible(page)
    page.get_by_role("button", name="Émettre l’avoir de 1,80").click()
    page.wait_for_url("**/factures/A2026-*")
    told = pdf(page, server + page.get_by_role("link", name="Voir le PDF").get_attribute("href"))
    assert number in told and "Tarif mal lu" in told

    page.goto(f"{server}/factures/{number}/avoir")
    page.get_by_label("Motif").fill("Facture à refaire")
    page.get_by_role("button", name="Créditer tout ce qui reste").click()
    page.get_by_role("button", name="Émettre l’avoir de").click()
    page.wait_for_url("**/factures/A2026-*")
    page.goto(f"{server}/factures/{number}")
    assert "créditée en entier" in page.inner_text("main")
    page.get_by_label("Motif de la refacturation").fill("Quantité fausse")
    page.get_by_role("button", name="Refaire cette facture").click()
    page.wait_for_url("**/factures/brouillon/*")
    draft = page.url
    page.get_by_label("Quantité, ligne 1", exact=True).fill("2")
    page.get_by_role("button", name="Valider la facture").click()
    page.get_by_text("le brouillon est à jour").wait_for()  # what was corrected is looked at first
    assert page.get_by_label("Quantité, ligne 1", exact=True).input_value() == "2"

    for width in (1280, 390):
        for scheme in ("light", "dark"):
            seen = window(width=width, scheme=scheme, storage_state=signed_in)
            for path in (
                f"/clients/{customer}/frais",
                f"/factures/{number}",
                f"/factures/{number}/avoir",
                draft.replace(server, ""),
            ):
                seen.goto(server + path)
                accessible(seen)
                assert seen.evaluate("document.documentElement.scrollWidth <= innerWidth"), path

    page.get_by_role("button", name="Valider la facture").click()
    page.wait_for_url("**/factures/*F2026-*")
    made = page.url.rpartition("/")[2]
    assert made != number and f"Remplace {number}" in " ".join(
        pdf(page, server + page.get_by_role("link", name="Voir le PDF").get_attribute("href")).split()
    )
    page.goto(f"{server}/factures/{number}")
    page.get_by_role("link", name="Voir la facture refaite").click()
    page.get_by_role("heading", name=f"Facture {made}").wait_for()
