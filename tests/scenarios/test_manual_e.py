"""The manual, chapter E: the rate table (E1) and the SIM cards (E2) come by file, through the page, on both engines."""

import re
from datetime import date
from decimal import Decimal

import pytest
from import_samples import FILES, SIMS, cell, change
from test_import_pages import Desk

from tables.catalogue import Rate, RateVersion
from tables.fleet import Sim
from tests.endpoints import conftest as doors

_fresh, user, clerk = doors._fresh, doors.user, doors.clerk


@pytest.fixture
def page(clerk):
    return Desk(clerk)


def errors(html):
    """Line, column and value of each row of the table."""
    found = re.findall(r'<td class="num" data-l="Ligne">(\d+)</td><td data-l="Colonne"><code>(\w+)</code></td>.*?</tr>', html)
    return [(int(line), column) for line, column in found]


async def preview(page, text, since, code="STD"):
    path = await page.drop(text, "grille-STD.csv")
    await page.post(f"{path}/apercu", nature="rates", code=code, valable=since)
    return path, await page.see(path)


async def test_e1_a_rate_table_is_previewed_corrected_and_becomes_a_dated_version(page):
    await page.load("rates")
    wrong = cell("rates", 2, "unit_price", "0,1234567").replace("HOME;VOICE;;336;", "HOME;VOICE;;+336;")
    path, html = await preview(page, wrong, "2026-12-01")
    assert errors(html) == [(2, "unit_price"), (3, "prefix")]
    assert "7 décimales, 6 au plus. Arrondissez vous-même" in html
    assert await RateVersion.count() == 1
    await page.post(f"{path}/abandonner")

    path, html = await preview(page, change("rates", ("0,06;", "0,05;"), ("0.083333", "0.09")), "2026-12-01")
    assert "Ce qui change par rapport à la version en vigueur" in html
    prices = re.findall(r"<del>([\d,]+)\W+€</del> → <ins>([\d,]+)\W+€</ins>", html)
    assert sorted(prices) == [("0,060000", "0,050000"), ("0,083333", "0,090000")]
    assert "1er décembre 2026" in html
    await page.confirm(path)
    versions = await RateVersion.select().order_by(RateVersion.valid_from)
    assert [(row["valid_from"], row["rows"]) for row in versions] == [(date(2026, 9, 1), 5), (date(2026, 12, 1), 5)]
    prices = await Rate.select(Rate.unit_price).where(Rate.prefix == "33").order_by(Rate.version)
    assert [row["unit_price"] for row in prices] == [Decimal("0.06"), Decimal("0.05")]

    await page.post(f"{path}/annuler")
    assert [row["valid_from"] for row in await RateVersion.select()] == [date(2026, 9, 1)]


async def test_e1_a_table_that_is_not_utf8_is_refused_by_name_and_says_how_to_save_it(page):
    path = await page.drop(FILES["rates"].encode("cp1252"), "grille.csv")
    await page.post(f"{path}/apercu", nature="rates", code="STD", valable="2026-09-01")
    html = await page.see(path)
    assert "Windows-1252" in html
    assert "Enregistrez-le en UTF-8" in html
    assert not await RateVersion.exists()


async def test_e2_cards_come_with_their_batch_and_each_duplicate_is_named(page):
    await page.load("sims")
    assert {row["batch"] for row in await Sim.select()} == {"LOT-1"}
    header, first, *others = SIMS.splitlines()
    fresh = "8933099999000009901;208990000009901;;;;;PHYSICAL;;LOT-2;"
    path = await page.drop("\n".join([header, fresh, fresh, others[2].replace("9;", "8;")]) + "\n", "cartes-LOT-2.csv")
    html = await page.see(path)
    assert errors(html)[0] == (3, "iccid")
    assert "Déjà donné en ligne 2. Gardez l’une des deux." in html
    await page.confirm(path)
    assert sorted(row["batch"] for row in await Sim.select()) == ["LOT-1"] * 4 + ["LOT-2"]

    moved = await page.drop("\n".join([header, first.replace("LOT-1", "LOT-9")]) + "\n", "cartes-LOT-9.csv")
    html = await page.see(moved)
    assert "<del>LOT-1</del> → <ins>LOT-9</ins>" in html, "a card of another batch is shown as a change, not taken in silence"
