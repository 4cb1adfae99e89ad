"""The stock of cards as a clerk meets it: filter, tick three, mark them lost, read the result; show a QR code."""

import base64
import subprocess
import sys
import urllib.parse

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.test_billing import ROOT, narrow

FILE = "iccid;imsi;pin1;kind;activation_code;batch\n"
SECRET = "LPA:1$smdp.operateur.example$JETON-SECRET"
LOAD = """
import asyncio, sys
from datetime import UTC, datetime
from jobs.imports import import_file
data = sys.stdin.buffer.read()
report = asyncio.run(import_file("sims", data, "sims.csv", mode="all", actor="essai", now=datetime(2026, 11, 24, 12, tzinfo=UTC)))
assert report.created and not report.errors, report.errors
"""


def luhn(digits):
    return next(digits + str(end) for end in range(10) if sum(_luhn(digits + str(end))) % 10 == 0)


def _luhn(digits):
    for rank, digit in enumerate(reversed(digits)):
        yield sum(map(int, str(int(digit) * (1 + rank % 2))))


CARDS = [luhn(f"893309990000{number:06d}") for number in range(70)]


@pytest.fixture(scope="module")
def stocked(scratch, server):
    rows = (
        f"{card};{208990000000000 + rank};{'' if rank % 7 else '1234'};{'PHYSICAL' if rank % 7 else 'ESIM'};"
        f"{'' if rank % 7 else SECRET};LOT-{1 if rank < 60 else 2}\n"
        for rank, card in enumerate(CARDS)
    )
    done = subprocess.run([sys.executable, "-c", LOAD], env=scratch, cwd=ROOT, input=FILE + "".join(rows), text=True)
    assert done.returncode == 0
    return server


def test_three_cards_are_ticked_and_declared_lost(window, stocked, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{stocked}/facturation")
    page.get_by_role("link", name="Cartes SIM").click()
    assert "70\u00a0cartes en stock" in page.inner_text("main")
    assert page.locator("tbody tr").count() == 50
    assert narrow(page)
    page.get_by_label("Lot", exact=True).fill("LOT-2")
    page.get_by_label("État", exact=True).select_option("En stock")
    page.get_by_role("button", name="Chercher").click()
    assert page.locator("tbody tr").count() == 10
    for card in CARDS[60:63]:
        page.get_by_label(f"Choisir {card}").check()
    page.get_by_label("Action").first.select_option("Déclarer perdues ou volées")
    page.get_by_role("button", name="Voir l’effet").first.click()
    assert "Rien n’a encore changé" in page.inner_text("main")
    assert narrow(page)
    page.get_by_label("Motif").fill("Colis égaré")
    page.get_by_role("button", name="Déclarer perdues ou volées : 3\u00a0cartes").click()
    assert "C’est fait pour 3\u00a0cartes." in page.inner_text("main")
    assert page.locator("tbody tr").count() == 3
    assert narrow(page)
    page.get_by_role("link", name=CARDS[60]).click()
    story = page.get_by_role("list").last.inner_text()
    assert "En stock → Perdue ou volée" in story
    assert "Colis égaré" in story
    assert "camille@exemple.example" in story
    assert narrow(page)


def test_pasted_numbers_act_without_script(window, stocked, signed_in):
    page = window(storage_state=signed_in, java_script_enabled=False)
    page.goto(f"{stocked}/cartes")
    page.get_by_text("Coller des numéros de carte").click()
    page.get_by_label("Numéros de carte (ICCID)").fill(f"{CARDS[1]} - {CARDS[4]}\n8933\n{CARDS[5]}")
    page.get_by_label("Action").last.select_option("Bloquer")
    page.get_by_role("button", name="Voir l’effet").last.click()
    assert "Bloquer : 5\u00a0cartes" in page.inner_text("h1")
    assert "8933" in page.locator("section", has_text="Laissées en l’état").inner_text()
    page.get_by_label("Motif").fill("Essai")
    page.get_by_role("button", name="Bloquer : 5\u00a0cartes").click()
    assert "C’est fait pour 5\u00a0cartes." in page.inner_text("main")


def test_the_code_of_an_esim_is_shown_as_a_picture_only_when_asked(window, stocked, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{stocked}/cartes/{CARDS[0]}")
    assert "JETON" not in page.content()
    assert page.locator("img").count() == 0
    page.get_by_role("button", name="Montrer Code d'activation").click()
    picture = page.get_by_alt_text("Code QR d’activation de l’eSIM")
    head, _, drawn = picture.get_attribute("src").partition(",")
    assert head.startswith("data:image/svg+xml")
    text = base64.b64decode(drawn) if head.endswith("base64") else urllib.parse.unquote(drawn).encode()
    assert b"<svg" in text
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    assert SECRET in page.inner_text("main")
    assert narrow(page)
    page.emulate_media(media="print")
    assert not page.get_by_text("n’est montré que sur cette page-ci").is_visible()
    assert not page.get_by_role("navigation").first.is_visible()
    page.goto(f"{stocked}/cartes/{CARDS[0]}")
    assert "JETON" not in page.content()
    assert "Code d'activation montré" in page.inner_text("main").replace("’", "'")


def test_a_batch_under_its_threshold_is_said_on_the_page(window, stocked, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{stocked}/cartes/lots")
    assert narrow(page)
    page.set_viewport_size({"width": 1024, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("Seuil d’alerte de LOT-2").fill("20")
    page.locator("tr", has_text="LOT-2").get_by_role("button", name="Garder").click()
    assert "seuil 20" in page.locator("tr", has_text="LOT-2").inner_text()
    page.goto(f"{stocked}/cartes")
    assert "1\u00a0lot s’épuise\u00a0: LOT-2" in page.inner_text("main")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_the_pages(window, stocked, signed_in, scheme):
    page = window(storage_state=signed_in, scheme=scheme)
    for path in ("", "/lots", f"/{CARDS[0]}"):
        page.goto(f"{stocked}/cartes{path}")
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()
