"""The accountant takes the journal of a month; the operator has the seals verified, and takes the archive away."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.test_billing import narrow
from tests.browser.test_mails import BILL, accessible

ROOT = Path(__file__).parent.parent.parent
ISSUED, LATER = "2026-11-02T09:00:00+01:00", "2026-12-05T09:00:00+01:00"


@pytest.fixture(scope="module")
def scratch(scratch):
    """The program as it runs in December."""
    return scratch | {"CLOCK": LATER}


@pytest.fixture(scope="module")
def billed(scratch, server, signed_in):
    subprocess.run([sys.executable, "-c", BILL, "demo"], env=scratch | {"CLOCK": ISSUED}, cwd=ROOT, check=True)
    return server


def test_the_pages_lead_on_when_nothing_is_issued(window, server, signed_in):
    page = window(storage_state=signed_in)
    for path, word in (("/scelles", "Aucun document n’est encore émis"), ("/comptabilite", "Aucun document n’a été émis")):
        page.goto(server + path)
        assert word in page.inner_text("main")
        accessible(page)


def test_the_journal_of_a_month_is_exported_once_and_the_seals_are_verified(window, billed, signed_in, tmp_path):
    page = window(storage_state=signed_in)
    page.goto(f"{billed}/comptabilite")
    assert page.get_by_role("heading", level=1).inner_text() == "Novembre 2026"
    assert "39\u00a0documents attendent" in page.inner_text("main")
    page.get_by_role("button", name="Exporter le journal des ventes").click()
    page.get_by_text("Le journal est prêt").wait_for()
    link = page.get_by_role("link", name="Journal des ventes, format FEC").get_attribute("href")
    first, again = (page.request.get(billed + link) for _ in range(2))
    assert first.body() == again.body()
    assert "FEC20261130.txt" in first.headers["content-disposition"]
    assert first.body().decode("iso-8859-15").startswith("JournalCode\tJournalLib\tEcritureNum")
    summary = page.request.get(billed + page.get_by_role("link", name="Récapitulatif").get_attribute("href")).text()
    assert summary.count("\n") == 40
    page.get_by_role("link", name="Décembre 2026").click()
    page.get_by_text("Aucun document n’a été émis").wait_for()

    page.get_by_role("link", name="Scellés").click()
    page.get_by_text("Leur chaîne n’a pas encore été vérifiée").wait_for()
    page.get_by_role("button", name="Vérifier aussi les fichiers").click()
    page.get_by_text("Rien n’a changé depuis l’émission").wait_for(timeout=60_000)
    assert "fichiers compris" in page.inner_text("main")
    page.get_by_label("Du").fill("2026-11-03")
    page.get_by_role("button", name="Compter").click()
    page.wait_for_url("**du=2026-11-03**")
    assert page.locator("dt", has_text="Documents").locator("+ dd").inner_text() == "0"
    page.goto(f"{billed}/scelles")
    with page.expect_download() as begun:
        page.get_by_role("link", name="Tout", exact=True).click()
    kept = tmp_path / "archive.zip"
    begun.value.save_as(kept)
    done = subprocess.run([sys.executable, str(ROOT / "tools/verify_archive.py"), str(kept)], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("Conforme : 39 documents"), done


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_hold_in_every_look(window, billed, signed_in, width, scheme):
    page = window(width=width, scheme=scheme, storage_state=signed_in)
    for path in ("/scelles", "/comptabilite"):
        page.goto(billed + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        accessible(page)
    assert narrow(page)
