"""The page « Imports », through its own handlers: dropped, looked at, confirmed once, taken back."""

import asyncio
import csv
import io
import re
from datetime import UTC, date, datetime

import cdr_samples
import pytest
from import_samples import FILES, cell, change

from gateways.settings import SETTINGS
from jobs.imports import desk
from jobs.imports.examples import TITLES, guess
from rules.states import ImportState
from tables.catalogue import Offer, RateVersion
from tables.engine import transaction
from tables.fleet import Line, Sim
from tables.imports import ImportBatch, ImportItem
from tables.parties import Customer
from tables.usage import CdrFile

VERSION = {"nature": "rates", "code": "STD", "valable": "2026-09-01"}


class Desk:
    """What a clerk does with the page."""

    def __init__(self, clerk):
        self.clerk = clerk

    async def post(self, path, **fields):
        form = {"_csrf_token": await self.clerk.csrf("/imports"), **fields}
        return await self.clerk.post(path, data=form)

    async def drop(self, data, name="fichier.csv"):
        """The address of the page that follows."""
        token = await self.clerk.csrf("/imports")
        data = data.encode() if isinstance(data, str) else data
        answer = await self.clerk.post("/imports/deposer", data={"_csrf_token": token}, files={"fichier": (name, data)})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def see(self, path):
        answer = await self.clerk.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def confirm(self, path, mode="valid"):
        seen = re.search(r'name="vu" value="(\w+)"', await self.see(path))[1]
        return await self.post(f"{path}/importer", mode=mode, vu=seen)

    async def load(self, kind, data=None):
        """A good file, through the whole page."""
        path = await self.drop(FILES[kind] if data is None else data, f"{kind}.csv")
        if kind == "rates":
            await self.post(f"{path}/apercu", **VERSION)
        assert (await self.confirm(path, "all")).status_code == 303
        assert "Tout est enregistré." in await self.see(path)
        return path


@pytest.fixture
def page(clerk):
    return Desk(clerk)


def counts(html):
    return [int(figure) for figure in re.findall(r'<p class="big[^"]*">(\d+)</p>', html)]


async def test_every_kind_is_recognised_and_goes_in_through_the_page(page):
    assert "Aucun fichier n’a encore été importé" in await page.see("/imports")
    for kind in FILES:
        await page.load(kind)
    assert [row["kind"] for row in await ImportBatch.select().order_by(ImportBatch.id)] == list(FILES)
    assert (await Line.count(), await RateVersion.count()) == (2, 1)
    assert not list((SETTINGS.data_dir / "imports").iterdir()), "what was imported is not kept a second time"
    cdr = cdr_samples.csv(cdr_samples.row(), cdr_samples.row(msisdn="x"))
    path = await page.drop(cdr, "CDR.csv")
    assert counts(await page.see(path)) == [2, 1, 1]
    await page.confirm(path)
    html = await page.see(path)
    assert "1\u00a0CDR est chargé, 1\u00a0rejet attend" in html
    assert 'href="/cdr"' in html


async def test_the_models_go_in_as_they_are_in_the_order_of_the_page(page):
    for kind in TITLES:
        answer = await page.clerk.get(f"/imports/modele/{kind}")
        assert guess(answer.content) == kind
        path = await page.drop(answer.content)
        if kind == "rates":
            await page.post(f"{path}/apercu", **VERSION)
        html = await page.see(path)
        assert counts(html)[:2] == ([1, 1] if kind == "cdrs" else [1, 0])
        assert "À corriger dans le fichier" not in html
        await page.confirm(path)
        assert "est chargé." if kind == "cdrs" else "Tout est enregistré." in await page.see(path)
    assert (await page.clerk.get("/imports/modele/chats")).status_code == 404


async def test_the_preview_counts_and_names_each_error_and_the_good_rows_go_in_alone(page):
    await page.load("customers")
    text = (
        cell("customers", 2, "siren", "12").replace("2 rue du Modèle", "3 rue du Modèle")
        + "C3;"
        + FILES["customers"].splitlines()[2][3:].replace("camille", "c3")
    )
    path = await page.drop(text, "clients.csv")
    html = await page.see(path)
    assert counts(html) == [1, 1, 0, 1]
    assert "2 bonnes" in html.replace("\u00a0", " ")
    assert re.search(r"<code>siren</code>.*?12.*?n’est pas un SIREN", html)
    assert "<del>2 rue du Modèle</del> → <ins>3 rue du Modèle</ins>" in html
    assert await Customer.count() == 2
    assert "siren" in (await page.clerk.get(f"{path}/erreurs.csv")).text
    assert (await page.confirm(path)).status_code == 303
    assert await Customer.count() == 3
    assert "1\u00a0ligne reste à corriger" in await page.see(path)


async def test_all_or_nothing_is_nothing_when_a_row_is_wrong(page):
    path = await page.drop(cell("customers", 2, "siren", "12"))
    await page.confirm(path, "all")
    assert (await Customer.count(), counts(await page.see(path))) == (0, [1, 0, 0, 1])


async def test_the_corrected_rows_come_in_alone_and_their_note_is_no_unknown_column(page):
    await page.load("customers")
    text = FILES["customers"].splitlines()[0] + "\n"
    good = FILES["customers"].splitlines()[2]
    for number in ("C3", "C4"):
        text += good.replace("C2", number).replace("camille;CARD", f"{number};{'CAR' if number == 'C4' else 'CARD'}") + "\n"
    path = await page.drop(text)
    await page.confirm(path)
    rejected = (await page.clerk.get(f"{path}/a-corriger.csv")).text
    header, row = rejected.removeprefix("\ufeff").splitlines()
    assert header.endswith(";erreur")
    assert "payment_method : « CAR » n'est pas prévu." in row
    rows = list(csv.reader(io.StringIO(rejected.removeprefix("\ufeff")), delimiter=";"))
    saved = io.StringIO()
    csv.writer(saved, quoting=csv.QUOTE_ALL).writerows([[cell.replace("CAR", "CARD") for cell in row] for row in rows])
    again = await page.drop("\ufeff" + saved.getvalue())
    html = await page.see(again)
    assert (counts(html), "Colonnes inconnues" in html) == ([1, 0, 0, 0], False)
    await page.confirm(again)
    assert {row["customer_number"] for row in await Customer.select()} == {"C1", "C2", "C3", "C4"}


async def test_a_double_click_imports_once(page):
    path = await page.drop(FILES["customers"])
    seen = re.search(r'name="vu" value="(\w+)"', await page.see(path))[1]
    answers = await asyncio.gather(*(page.post(f"{path}/importer", mode="all", vu=seen) for _ in range(2)))
    assert {answer.headers["location"] for answer in answers} == {path}
    assert (await Customer.count(), await ImportItem.count(), await ImportBatch.count()) == (2, 2, 1)


@pytest.mark.parametrize("guarded", [True, False])
async def test_of_two_confirmations_at_once_one_begins_and_without_the_look_at_the_state_both_do(page, monkeypatch, guarded):
    begun = []

    async def begin(batch_id):
        begun.append(batch_id)

    path = await page.drop(FILES["customers"])
    batch = int(path.rpartition("/")[2])
    seen = (await desk.get(batch))["plan_sha256"]
    monkeypatch.setattr(desk, "begin", begin)
    if not guarded:

        async def unguarded(batch_id, sources, about, seen=None):
            return bool(await ImportBatch.update(about).where(ImportBatch.id == batch_id).returning(ImportBatch.id))

        monkeypatch.setattr(desk, "_move", unguarded)
    await asyncio.gather(*(desk.confirm(batch, "all", seen, actor="essai") for _ in range(2)))
    assert len(begun) == (1 if guarded else 2)


async def test_what_changed_since_the_preview_is_shown_and_nothing_is_imported(page):
    await page.load("customers")
    path = await page.drop(change("customers", ("1 rue", "3 rue")))
    async with transaction():
        await Customer.update({Customer.street: "9 rue"}).where(Customer.customer_number == "C1")
    await page.confirm(path)
    html = await page.see(path)
    assert "Les données ont changé depuis l’aperçu" in html
    assert "<del>9 rue</del> → <ins>3 rue du Modèle</ins>" in html
    assert (await Customer.objects().get(Customer.customer_number == "C1")).street == "9 rue"
    await page.confirm(path)
    assert (await Customer.objects().get(Customer.customer_number == "C1")).street == "3 rue du Modèle"


async def test_a_page_left_open_confirms_only_what_it_shows(page):
    path = await page.drop(FILES["rates"])
    await page.post(f"{path}/apercu", **VERSION)
    seen = re.search(r'name="vu" value="(\w+)"', await page.see(path))[1]
    await page.load("rates", change("rates", ("0,06;", "0,05;")))
    await page.post(f"{path}/apercu", **VERSION)
    answer = await page.post(f"{path}/importer", mode="all", vu=seen)
    assert answer.headers["location"] == f"{path}?autre=true"
    assert "voici le nouvel aperçu" in await page.see(f"{path}?autre=true")
    assert await RateVersion.count() == 1


async def test_cdrs_that_would_be_judged_otherwise_are_shown_anew(page):
    for kind in FILES:
        await page.load(kind)
    path = await page.drop(cdr_samples.csv(cdr_samples.row(), cdr_samples.row(cdr_id="2")), "CDR.csv")
    async with transaction():
        await Line.update({Line.terminated_on: date(2026, 10, 1)}).where(Line.msisdn == "+33639980001")
    await page.confirm(path)
    html = await page.see(path)
    assert "Les données ont changé depuis l’aperçu" in html
    assert counts(html) == [2, 0, 2]
    assert not await CdrFile.exists()


async def test_an_unknown_file_is_asked_about_and_a_wrong_guess_can_be_put_right(page):
    path = await page.drop("bonjour\n")
    assert "Dites ce qu’il contient" in await page.see(path)
    await page.post(f"{path}/apercu", nature="sims")
    html = await page.see(path)
    assert "ne nomme aucune colonne connue" in html
    assert (await ImportBatch.select().first())["state"] == ImportState.refused
    await page.post(f"{path}/apercu", nature="chats")
    assert "écrivez offers" in await page.see(path)
    await page.post(f"{path}/abandonner")
    assert not await ImportBatch.exists()
    assert (await page.clerk.get(path)).status_code == 404


async def test_a_table_past_its_limit_is_refused_and_cdrs_may_be_larger(page, monkeypatch):
    monkeypatch.setattr(desk, "LARGEST_TABLE_BYTES", 100)
    token = await page.clerk.csrf("/imports")
    answer = await page.clerk.post(
        "/imports/deposer", data={"_csrf_token": token}, files={"fichier": ("x.csv", FILES["sims"].encode())}
    )
    assert answer.status_code == 413
    assert "10\u00a0Mo" in answer.text.replace(" ", "\u00a0")
    await page.drop(cdr_samples.csv(cdr_samples.row()))


async def test_codes_and_bank_details_lie_nowhere_in_clear(page):
    bad = change("sims", ("208990000000001", "x"))
    path = await page.drop(bad)
    (kept,) = (one for one in (SETTINGS.data_dir / "imports").iterdir())
    assert b"12345678" not in kept.read_bytes()
    await page.confirm(path)
    assert "12345678" not in str(await ImportBatch.select())
    assert "12345678" in (await page.clerk.get(f"{path}/a-corriger.csv")).text
    assert "12345678" not in await page.see(path)


async def test_the_same_file_again_is_named_as_loaded_until_it_is_undone(page):
    first = await page.load("offers")
    again = await page.drop(FILES["offers"])
    html = await page.see(again)
    assert "déjà chargé" in html
    assert f'href="{first}"' in html
    await page.post(f"{first}/annuler")
    assert "tout est comme avant lui" in await page.see(first)
    assert not await Offer.exists()
    await page.load("offers")


async def test_what_cannot_be_undone_says_why_instead_of_a_button(page):
    paths = {kind: await page.load(kind) for kind in FILES}
    html = await page.see(paths["customers"])
    assert "Lignes mobiles\u00a0: 2 s’en servent (+33639980001, Active)" in html
    assert "Oui, annuler" not in html
    answer = await page.post(f"{paths['customers']}/annuler")
    assert answer.status_code == 409
    await page.post(f"{paths['lines']}/annuler")
    assert {row["state"] for row in await Sim.select()} == {"in_stock"}
    assert "Oui, annuler" in await page.see(paths["customers"])


async def test_the_history_is_filtered_and_paged(page):
    for number in range(30):
        await ImportBatch(name=f"f{number}.csv", kind="sims" if number % 2 else "offers").save()
    html = await page.see("/imports")
    assert html.count('<tr><th scope="row">') == 25
    assert "1 sur 2" in html
    assert (await page.see("/imports?nature=sims")).count('<tr><th scope="row">') == 15
    assert "Aucun import de cette sorte" in await page.see("/imports?etat=undone")


async def test_an_interrupted_work_is_taken_up(page, monkeypatch):
    path = await page.drop(FILES["customers"])
    batch = int(path.rpartition("/")[2])
    await ImportBatch.update({ImportBatch.state: ImportState.importing, ImportBatch.mode: "all"}).where(ImportBatch.id == batch)
    assert "Le travail s’est interrompu" in await page.see(path)
    await page.post(f"{path}/reprendre")
    assert "Tout est enregistré." in await page.see(path)
    await page.post(f"{path}/reprendre")
    assert await Customer.count() == 2


async def test_a_large_file_is_the_work_of_another_process(page, monkeypatch):
    started = []

    async def start(*arguments, **options):
        started.append(await worker_start(*arguments, **options))

    worker_start = desk.worker.start
    monkeypatch.setattr(desk.worker, "start", start)
    monkeypatch.setattr(desk, "HERE_BYTES", 10)
    monkeypatch.setenv("DATA_KEY", SETTINGS.data_key)
    path = await page.drop(FILES["customers"])
    assert "data-poll" in await page.see(path)
    await started[0].communicate()
    assert "data-poll" not in await page.see(f"{path}/avancement")
    assert counts(await page.see(path)) == [2, 0, 0, 0]
    assert not await Customer.exists()
    await page.confirm(path)
    await started[1].communicate()
    assert "Tout est enregistré." in await page.see(path)
    assert await Customer.count() == 2


async def test_a_rate_table_shows_before_it_is_saved_what_it_changes_and_what_it_sells_at_a_loss(page, monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", datetime(2026, 11, 24, 12, tzinfo=UTC))
    for kind in ("rates", "offers", "roaming_zones", "sims", "customers", "lines"):
        await page.load(kind)
    await page.confirm(await page.drop(cdr_samples.csv(cdr_samples.row(cdr_id="1", duration_s="60", wholesale_cost="0.2"))))
    path = await page.drop(FILES["rates"].replace("0.083333", "0.1"), "grille.csv")
    assert (await page.post(f"{path}/apercu", **VERSION | {"valable": "2026-12-01"})).status_code == 303
    shown = await page.see(path)
    assert "Plus cher" in shown and "0,083333" in shown and "+20" in shown
    lost = shown[shown.index("Vendu à perte") :]
    assert "France mobile" in lost and "0,200000" in lost and "0,100000" in lost
    assert await RateVersion.count() == 1
