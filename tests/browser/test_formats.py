"""A clerk describes a supplier's file from nothing, tries it on a sample, and saves it."""

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe

DATA = Path(__file__).parent.parent / "data" / "layouts" / "digitel-it"
FILE = DATA / "digitel_202610.csv"
COLUMNS = {
    "type": "=VOICE", "direction": "=OUT", "msisdn": "Start", "other_party": "End", "started_at": "DataOra",
    "duration_s": "Durata Secondi", "wholesale_cost": "Prezzo in euro",
}  # fmt: skip


def narrow(page):
    page.set_viewport_size({"width": 390, "height": 844})
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    return fits


def faults(page):
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found]


def test_a_clerk_types_a_layout_from_nothing_tries_it_and_saves_it(window, server, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{server}/formats")
    assert "Seul le format publié est lu" in page.inner_text("main")
    assert narrow(page) and faults(page) == []
    page.get_by_role("link", name="Décrire un format").click()
    page.get_by_label("Code", exact=False).first.fill("digitel")
    page.get_by_label("Libellé").fill("Digitel, appels")
    page.get_by_label("Noms de fichiers").fill("digitel_*.csv")
    page.get_by_label("Puis une ligne de noms de colonnes").check()
    for target, source in COLUMNS.items():
        page.locator(f"#f-{target}").get_by_label("D'où").fill(source)
    page.get_by_label("Fichier d'exemple").set_input_files(FILE)
    page.get_by_role("button", name="Essayer").click()
    assert "1\u00a0point est à corriger" in page.get_by_role("alert").inner_text()
    assert page.locator("[aria-invalid=true]").get_attribute("name") == "f.started_at.format"
    assert faults(page) == []

    page.locator("#f-started_at").get_by_label("Format").fill("jj/mm/aaaa hh.mm.ss")
    page.get_by_role("button", name="Essayer").click()  # the sample was kept
    page.get_by_role("heading", name="Essai sur digitel_202610.csv").wait_for()
    told = page.inner_text("main")
    assert "20\u00a0lignes lues" in told and "Heure double" in told
    assert "00001;07/10/2026 09.12.00;0744900101" in told and "39348" in told and "Date illisible" in told
    assert narrow(page) and faults(page) == []

    page.get_by_role("button", name="Enregistrer").click()
    page.get_by_text("Le format est enregistré").wait_for()
    page.get_by_role("link", name="Formats de CDR").first.click()
    assert page.get_by_role("row", name="Digitel, appels").get_by_text("En service").is_visible()
    page.get_by_role("link", name="Digitel, appels").click()
    assert page.locator("#f-started_at").get_by_label("D'où").input_value() == "DataOra"


def test_record_types_and_examples_are_shown_as_a_form(window, server, signed_in):
    page = window(storage_state=signed_in, scheme="dark")
    page.goto(f"{server}/formats")
    page.get_by_role("link", name="NRTRDE en texte, par IMSI").click()
    assert page.get_by_text("Enregistrements 20 : ce qui diffère").is_visible()
    assert page.locator("#r2-other_party").get_by_label("D'où").input_value() == "12 sinon 11"
    page.get_by_label("Types d'enregistrement").fill("10 = en-tête\n20 = usage\n30 = usage\n40 = usage\n50 = usage")
    page.get_by_role("button", name="Montrer les types d'enregistrement").click()
    page.get_by_text("Enregistrements 50 : ce qui diffère").click()
    page.locator("#r5-type").get_by_label("D'où").fill("=SMS")
    assert narrow(page) and faults(page) == []
    page.get_by_role("button", name="Enregistrer").click()
    page.get_by_text("Le format est enregistré").wait_for()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
