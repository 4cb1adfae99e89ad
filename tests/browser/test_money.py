"""The pages of money hold in every look, and a payment is typed by keyboard."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.test_face import faultless

ROOT = Path(__file__).parent.parent.parent
SEED = """
import asyncio
from jobs import reseller
from tables.engine import engine
from tests.jobs.test_money import debitor

async def seed():
    await engine().start_connection_pool()
    await reseller.current()
    await debitor(payment_method="TRANSFER")
    await debitor("Boulangerie Petit", "F2026-000002", 4_550)
    await engine().close_connection_pool()

asyncio.run(seed())
"""


@pytest.fixture(scope="module")
def owing(scratch, tmp_path_factory):
    scratch["CLOCK"] = "2026-12-10T09:00:00+01:00"
    subprocess.run([sys.executable, "-c", SEED], env=scratch | {"PYTHONPATH": str(ROOT)}, cwd=ROOT, check=True)


@pytest.fixture(scope="module")
def signed(owing, signed_in):
    return signed_in


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_of_money_hold(window, owing, server, signed, width, scheme):
    page = window(width=width, scheme=scheme, storage_state=signed)
    for path in ("/reglements", "/reglements/ARD", "/banque", "/prelevements?jour=2026-12-17", "/relances"):
        page.goto(server + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert faultless(page) == "", path


def test_a_payment_is_recorded_from_the_account(window, owing, server, signed):
    page = window(storage_state=signed)
    page.goto(f"{server}/reglements/ARD")
    page.get_by_label("Montant").fill("120,00")
    page.get_by_role("button", name="Enregistrer le règlement").click()
    page.get_by_text("Rien à payer").wait_for()
