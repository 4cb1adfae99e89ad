"""A clerk loads a file by hand, watches it, corrects its rejects, and finds the missing days: with and without script."""

import subprocess
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from cdr_samples import csv, row

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def demo(scratch, server):
    done = subprocess.run([sys.executable, "-m", "jobs.setup"], env=scratch, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return server


def known_number() -> str:
    return (ROOT / "demo/lines.csv").read_text(encoding="utf-8-sig").splitlines()[1].split(";")[0]


def sound(page) -> None:
    """Nothing that a screen reader trips over, and no sideways scroll on a phone."""
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("script", [True, False])
def test_a_file_is_loaded_by_hand_and_its_rejects_are_corrected(window, demo, signed_in, tmp_path, script):
    page = window(storage_state=signed_in, java_script_enabled=script)
    name = f"Octobre-{script}.csv"
    given = tmp_path / name
    good = row(cdr_id=f"{script}-1", msisdn=known_number(), started_at="2026-10-20T10:00:00+02:00")
    given.write_bytes(csv(good, good | {"cdr_id": f"{script}-2", "type": "FAX"}))
    page.goto(f"{demo}/cdr?mois=2026-10")
    assert "Aucun jour ne manque" in page.inner_text("main")
    page.get_by_label("Fichier de CDR").set_input_files(given)
    page.get_by_role("button", name="Charger ce fichier").click()
    if script:  # the page refreshes itself
        page.get_by_role("link", name=name).wait_for()
    while not page.get_by_role("link", name=name).count():
        page.reload()
    page.get_by_role("link", name=name).click()
    assert "1\u00a0CDR est chargé. 1\u00a0rejet est à corriger" in page.inner_text("main")
    text = page.request.get(f"{page.url}/a-corriger.csv").text()
    corrected = tmp_path / "corrigé.csv"
    corrected.write_text(text.replace("FAX", "SMS"), encoding="utf-8")
    page.get_by_label("Fichier corrigé").set_input_files(corrected)
    page.get_by_role("button", name="Charger les lignes corrigées").click()
    page.get_by_text("1\u00a0CDR est chargé, 0 reste à corriger.").wait_for(timeout=30_000)


def test_rejects_are_set_aside_and_every_state_of_the_pages_is_sound(window, demo, signed_in):
    for scheme in ("light", "dark"):
        page = window(storage_state=signed_in, scheme=scheme)
        page.goto(f"{demo}/cdr?mois=2026-11")
        assert "sans CDR" in page.inner_text("main")
        sound(page)
        page.goto(f"{demo}/cdr/1")
        sound(page)
    page.get_by_text("Écarter", exact=True).first.click()
    page.get_by_label("Motif").first.fill("lignes d'essai")
    page.get_by_role("button", name="Écarter").first.click()
    page.get_by_text("« lignes d'essai »").wait_for()
    sound(page)
