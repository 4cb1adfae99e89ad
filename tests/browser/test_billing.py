"""A newcomer bills the demo month, in the order in which the page leads."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pypdf import PdfReader

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def demo(scratch, server):
    done = subprocess.run([sys.executable, "-m", "jobs.setup"], env=scratch, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return server


def pdf(page, href):
    answer = page.request.get(href)
    assert answer.status == 200
    return PdfReader(io.BytesIO(answer.body())).pages[0].extract_text()


def narrow(page):
    page.set_viewport_size({"width": 390, "height": 844})
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    return fits


def test_the_demo_month_is_billed_in_a_few_clicks(window, demo, signed_in):
    page = window(storage_state=signed_in)
    address = lambda link: demo + link.get_attribute("href")  # noqa: E731
    page.goto(f"{demo}/facturation")
    assert page.get_by_role("heading", level=1).inner_text() == "Octobre 2026"
    assert "2\u202f670\u00a0CDR d’octobre 2026 attendent" in page.inner_text("main")
    assert narrow(page)

    page.get_by_role("button", name="Générer les brouillons").click()
    page.get_by_role("heading", name="Documents").wait_for()
    assert "37\u00a0factures et 2\u00a0avoirs sont prêts. 3\u00a0anomalies bloquantes empêchent de valider" in page.inner_text(
        "main"
    )
    assert page.get_by_role("button", name="Valider 39 documents").is_disabled()
    assert "BROUILLON" in pdf(page, address(page.get_by_role("link", name="Aperçu").first)).upper()
    assert narrow(page)

    row = page.locator("li.gate", has_text="CDR sans tarif")
    row.get_by_text("Déroger", exact=True).click()
    row.get_by_label("Motif").fill("mois d'essai")
    row.get_by_role("button", name="Déroger à 3 anomalies").click()
    page.get_by_role("link", name="Valider 39 documents").click()
    assert "ne changera plus jamais" in page.inner_text("main")
    assert "TEST-F2026-000001" in page.inner_text("main")
    page.get_by_role("button", name="Valider 39 documents").click()
    page.get_by_text("37\u00a0factures et 2\u00a0avoirs sont édités").wait_for(timeout=60_000)

    first = page.locator("tr", has_text="TEST-F2026-000001")
    assert "TEST-F2026-000001" in pdf(page, address(first.get_by_role("link", name="Voir")))
    archive = page.request.get(address(page.get_by_role("link", name="Télécharger les factures")))
    names = zipfile.ZipFile(io.BytesIO(archive.body())).namelist()
    assert sum("-detail" not in name for name in names) == 39
    summary = page.request.get(address(page.get_by_role("link", name="Récapitulatif"))).text()
    assert summary.count("\n") == 40
    assert narrow(page)

    page.get_by_label("Client ou numéro").fill("TEST-A2026-000002")
    page.get_by_role("button", name="Chercher").click()
    assert page.locator("tbody tr").count() == 1


def test_the_progress_bar_moves_and_a_second_start_changes_nothing(window, demo, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{demo}/facturation?mois=2026-11")
    assert "2\xa0CDR de novembre 2026 attendent" in page.inner_text("main")
    page.get_by_role("button", name="Générer les brouillons").click()
    page.locator("progress").wait_for(timeout=5_000)
    page.get_by_role("heading", name="Contrôles").or_(page.get_by_role("heading", name="Documents")).first.wait_for()
    again = page.request.get(f"{demo}/facturation?mois=2026-11")
    assert again.status == 200
    assert "Générer les brouillons" not in again.text()
