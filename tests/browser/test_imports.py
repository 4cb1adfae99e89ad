"""A clerk drops a file that is wrong, sees why, loads the good rows, corrects the others, and takes it all back."""

import csv
import io

from import_samples import FILES, cell


def drop(page, address, name, text):
    page.goto(f"{address}/imports")
    page.set_input_files("#fichier", {"name": name, "mimeType": "text/csv", "buffer": text.encode()})
    page.get_by_role("button", name="Voir ce qu’il contient").click()
    page.get_by_role("heading", level=1, name=name).wait_for()


def narrow(page):
    page.set_viewport_size({"width": 390, "height": 844})
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    return fits


def test_from_a_wrong_file_to_the_corrected_one_and_back(window, server, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{server}/imports")
    assert narrow(page)
    drop(page, server, "casse.csv", "zone;mcc\nHOME,208\n")
    assert "Séparateur « , » ici" in page.inner_text("main").replace("\u202f", " ")

    drop(page, server, "clients.csv", cell("customers", 2, "siren", "12"))
    assert "1\u00a0ligne est bonne, 1 est à corriger" in page.inner_text("main")
    assert page.locator("td", has_text="n’est pas un SIREN").is_visible()
    assert narrow(page)
    page.get_by_label("Les bonnes lignes seulement").check()
    page.get_by_role("button", name="Enregistrer 1 bonne ligne").click()
    page.get_by_text("1 ligne reste à corriger").wait_for()
    assert narrow(page)

    with page.expect_download() as downloaded:
        page.get_by_role("link", name="1 ligne à corriger").click()
    rows = list(csv.reader(io.StringIO(downloaded.value.path().read_text(encoding="utf-8-sig")), delimiter=";"))
    assert rows[0][-1] == "erreur"
    rows[1][rows[0].index("siren")] = "999001019"
    saved = io.StringIO()
    csv.writer(saved, delimiter=",", quoting=csv.QUOTE_ALL).writerows(rows)
    drop(page, server, "corrige.csv", "\ufeff" + saved.getvalue())
    assert "Colonnes inconnues" not in page.inner_text("main")
    page.get_by_role("button", name="Enregistrer 1 ligne").click()
    page.get_by_text("Tout est enregistré.").wait_for()

    page.get_by_text("Annuler cet import").click()
    page.get_by_role("button", name="Oui, annuler l’import").click()
    page.get_by_text("Cet import est annulé").wait_for()
    page.goto(f"{server}/imports?etat=undone")
    assert page.locator("tbody tr").count() == 1


def test_a_file_dropped_on_the_form_is_the_chosen_one(window, server, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{server}/imports")
    page.evaluate(
        """(text) => {
            const files = new DataTransfer();
            files.items.add(new File([text], "zones.csv", { type: "text/csv" }));
            const event = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
            document.querySelector("form[data-drop] h2").dispatchEvent(event);
        }""",
        FILES["roaming_zones"],
    )
    page.get_by_role("button", name="Voir ce qu’il contient").click()
    page.get_by_role("heading", level=1, name="zones.csv").wait_for()
    assert "2\u00a0lignes sont bonnes" in page.inner_text("main")


def test_a_large_file_shows_its_progress_and_other_pages_answer(window, server, signed_in):
    page = window(storage_state=signed_in)
    rows = "".join(f"8933{number:015d}0;208990{number:09d};;;;;PHYSICAL;;LOT-9;\n" for number in range(20_000))
    drop(page, server, "cartes.csv", FILES["sims"].splitlines()[0] + "\n" + rows)
    page.locator("progress").wait_for()
    assert page.request.get(f"{server}/imports").ok
    page.get_by_role("heading", name="À corriger dans le fichier").wait_for(timeout=120_000)
    assert page.locator("tbody tr").count() == 20, "the first twenty, the rest as CSV"
