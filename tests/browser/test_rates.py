"""A clerk looks a number up, edits its price, and makes a new version of an offer; on a wide and a narrow window."""

import subprocess
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

ROOT = Path(__file__).parent.parent.parent
COMING = "2031-03-01"


@pytest.fixture(scope="module")
def demo(scratch, server):
    done = subprocess.run([sys.executable, "-m", "jobs.setup"], env=scratch, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return server


def sound(page):
    """Nothing sticks out on a phone, and nothing keeps a reader from it."""
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_price_is_searched_then_edited_in_a_new_version(window, demo, signed_in, scheme):
    page = window(storage_state=signed_in, scheme=scheme)
    page.goto(f"{demo}/grilles")
    page.get_by_role("link", name="1er septembre 2026").click()
    page.get_by_label("Numéro").fill("+44 7911 123456")
    page.get_by_role("button", name="Chercher le prix").click()
    assert "+44 7911 123456 → 44 Royaume-Uni" in page.inner_text("main")
    assert "Essayés avant, sans succès" in page.inner_text("main")
    sound(page)
    page.get_by_role("link", name="Vendu à perte").click()
    assert "destinations se vendent sous le coût d’achat" in page.inner_text("main")
    sound(page)
    page.go_back()
    page.get_by_role("link", name="Modifier ce prix").click()
    page.get_by_label("En vigueur à partir du").fill(COMING if scheme == "light" else "2031-02-01")
    page.get_by_label("Prix HT").fill("0,1999")
    sound(page)
    page.get_by_role("button", name="Voir ce qui change").click()
    assert "0,187500\u202f€ → 0,199900\u202f€" in page.inner_text("main")
    sound(page)
    if scheme == "dark":
        return
    page.get_by_role("button", name="Créer la version du 1er mars 2031").click()
    page.get_by_role("heading", name="STD, 1er mars 2031").wait_for()
    assert "1\u00a0différence avec la version d’avant\u00a0: 1\u00a0plus cher." in page.inner_text("main")


def test_a_new_version_of_an_offer_shows_what_changes_before_it_is_saved(window, demo, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{demo}/admin/")
    page.get_by_role("link", name="Versions du catalogue").click()
    page.get_by_role("heading", name="Catalogue").wait_for()
    sound(page)
    page.get_by_role("link", name="Nouvelle version de SOLO1H").click()
    page.get_by_label("Prix mensuel HT").fill("4,99")
    page.get_by_label("Valable depuis le").fill(COMING)
    sound(page)
    page.get_by_role("button", name="Voir ce qui change").click()
    assert "4,1583 → 4,99" in page.inner_text("main")
    sound(page)
    page.get_by_role("button", name="Enregistrer la version").click()
    assert "La version nouvelle est enregistrée" in page.inner_text("main")
    assert page.get_by_role("link", name="Nouvelle version de SOLO1H").count() == 2
