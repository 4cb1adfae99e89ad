"""A clerk prints the month, sends it, and looks at what left and what did not."""

import subprocess
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from mail_sink import Server, Sink

from tests.browser.test_billing import narrow

ROOT = Path(__file__).parent.parent.parent
REFUSED = "550@clients.example"
BILL = """
import asyncio, sys
from pathlib import Path
from gateways.settings import SETTINGS
from jobs import folder
from jobs.billing import runs
from rules.paris import Month
from tables.engine import engine
from tables.invoices import InvoiceLine

async def work(run_id):
    await runs.perform(run_id, SETTINGS.now())

async def bill(source):
    await engine().start_connection_pool()
    await folder.import_reference(source, Month(2026, 10), SETTINGS.now(), "essai")
    await folder.load_cdrs(source, SETTINGS.now())
    run, _ = await runs.start(Month(2026, 10), "essai", work)
    for row in await runs.controls(run["id"]):
        await runs.waive(run["id"], row["code"], row["customer_number"], row["msisdn"], "essai", "essai")
    for stage in ("validate", "print"):
        await runs.begin(run["id"], stage, "essai", work)
    line = InvoiceLine
    row = await line.select(line.invoice.number, line.invoice.customer.customer_number).where(
        line.amount_cents > 500, line.position == 1, line.invoice.kind == "INVOICE"
    ).first()
    print(row["invoice.number"], row["invoice.customer.customer_number"])
    await engine().close_connection_pool()

asyncio.run(bill(Path(sys.argv[1])))
"""


@pytest.fixture(scope="module")
def sink():
    kept = Sink()
    with Server(kept) as server:
        kept.url = f"smtp://127.0.0.1:{server.port}"
        yield kept


@pytest.fixture(scope="module")
def printed(scratch, sink, tmp_path_factory):
    """The demo month, one of its addresses refused by the server and one missing; billed and printed."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    subprocess.run(["cp", "-r", str(ROOT / "demo"), str(folder)], check=True)
    customers = folder / "customers.csv"
    text = customers.read_text(encoding="utf-8-sig").replace("facture.1@ugo.mirage.example", REFUSED)
    customers.write_text("\ufeff" + text.replace("facture.2@theo.chimere.example", ""), encoding="utf-8")
    scratch["SMTP_URL"] = sink.url
    subprocess.run([sys.executable, "-c", BILL, str(folder)], env=scratch, cwd=ROOT, check=True)


def accessible(page):
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


def test_the_month_is_sent_and_each_row_says_what_became_of_it(window, printed, server, signed_in, sink):
    page = window(storage_state=signed_in)
    page.goto(f"{server}/envois")
    assert "Aucun message encore" in page.inner_text("main")
    page.goto(f"{server}/facturation?mois=2026-10")
    assert page.locator("tr", has_text="F2026-000002").get_by_text("sans adresse").count() == 1
    page.get_by_role("link", name="Envoyer les factures").click()
    told = page.inner_text("main")
    assert "38\u00a0messages vont partir" in told and "n’a pas d’adresse" in told and "F2026-000002" in told
    assert narrow(page)
    accessible(page)
    page.get_by_role("button", name="Envoyer 38 messages").click()
    page.wait_for_url("**/facturation?mois=2026-10")
    for _ in range(100):
        if "message à vérifier ou à corriger" in page.inner_text("main"):
            break
        page.wait_for_timeout(200)
        page.reload()
    first = page.locator("tr", has_text="F2026-000001")
    assert "Refusé" in first.inner_text() and "550 as scripted" in first.inner_text()
    assert "Envoyé" in page.locator("tr", has_text="F2026-000003").inner_text()
    assert len(sink.accepted) == 37
    assert narrow(page)
    accessible(page)

    page.get_by_role("link", name="Envois", exact=True).click()
    assert "1\u00a0message a été refusé" in page.inner_text("main")
    assert narrow(page)
    accessible(page)
    page.get_by_label("État", exact=True).select_option("failed")
    page.get_by_role("button", name="Chercher").click()
    assert page.locator("tbody tr").count() == 1
    page.locator("tbody th a").click()
    assert "F2026-000001" in page.frame_locator("iframe").locator("body").inner_text()
    assert REFUSED in page.inner_text("main")
    assert narrow(page)
    accessible(page)
    page.get_by_text("Renvoyer", exact=True).click()
    page.get_by_role("button", name=f"Renvoyer à {REFUSED}").click()
    page.get_by_text("Essais").wait_for()
    essays = page.locator("dt", has_text="Essais").locator("+ dd")
    for _ in range(100):
        if essays.inner_text() == "2" and "Refusé : 550" in page.inner_text("main").replace("\u00a0", " "):
            break
        page.wait_for_timeout(200)
        page.reload()
    else:
        pytest.fail(page.inner_text("main"))
    assert len(sink.accepted) == 37
