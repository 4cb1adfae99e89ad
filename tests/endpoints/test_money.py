"""The pages of money as a clerk uses them."""

import re
from datetime import UTC, datetime

import pytest

from gateways.settings import SETTINGS
from jobs import reseller
from tables.money import Debit, Payment
from tests.jobs.test_money import debitor


@pytest.fixture
async def owing(database, monkeypatch):
    """Two customers, each with an invoice past its due date."""
    monkeypatch.setattr(SETTINGS, "clock", datetime(2026, 12, 10, 9, tzinfo=UTC))
    await reseller.current()
    await debitor(payment_method="TRANSFER")
    await debitor("Boulangerie Petit", "F2026-000002", 4_550)


def words(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)).replace("’", "'")


async def submit(clerk, path, page, **form):
    return await clerk.post(path, data={"_csrf_token": await clerk.csrf(page), **form})


async def test_a_payment_typed_on_the_account_is_put_on_the_invoice(clerk, owing):
    page = "/reglements/ARD"
    form = {"montant": "1 20,5", "recu": "2026-12-09", "mode": "TRANSFER", "cle": "jeton", "reference": "VIR 12"}
    for _ in range(2):
        answer = await submit(clerk, page, page, **form)
    assert answer.status_code == 409, "the same form, sent twice"
    shown = words(await clerk.get(page))
    assert "Rien à payer. Nous détenons 0,50 €" in shown
    assert await Payment.count() == 1
    key = (await Payment.select())[0]["id"]
    assert (await submit(clerk, f"{page}/reprendre", page, reglement=key, motif="essai")).status_code == 303
    assert "Reste dû : 120,00 €" in words(await clerk.get(page))


@pytest.mark.parametrize("form", [{"montant": "abc"}, {"montant": ""}, {"montant": "1,234"}, {"recu": "hier"}, {"mode": "TROC"}])
async def test_a_payment_that_cannot_be_is_refused_in_french(clerk, owing, form):
    typed = {"montant": "12", "recu": "2026-12-09", "mode": "TRANSFER"} | form
    answer = await submit(clerk, "/reglements/ARD", "/reglements/ARD", **typed)
    assert answer.status_code == 422
    assert await Payment.count() == 0


async def test_a_statement_is_read_then_confirmed(clerk, owing):
    data = "date;montant;libelle\n2026-12-08;45,50;VIR F2026-000002\n2026-12-08;1,00;=1+1\n"
    token = {"_csrf_token": await clerk.csrf("/banque")}
    seen = await clerk.post("/banque", data=token, files={"fichier": ("releve.csv", data.encode())})
    assert "1 somme reconnue sur 2" in words(seen)
    assert await Payment.count() == 0
    name = re.search(r'name="releve" value="(\w+)"', seen.text)[1]
    form = {"releve": name, "ligne-2": "1", "client-2": "BOU"}
    assert "1 règlement enregistré" in words(await submit(clerk, "/banque/enregistrer", "/banque", **form))
    lost = await submit(clerk, "/banque/enregistrer", "/banque", releve="../../etc/passwd")
    assert lost.status_code == 404


async def test_a_batch_is_prepared_given_to_the_bank_and_one_debit_comes_back(clerk, owing):
    assert "1 facture à prélever" in words(await clerk.get("/prelevements?jour=2026-12-17"))
    answer = await submit(clerk, "/prelevements", "/prelevements?jour=2026-12-17", jour="2026-12-17", type="CORE")
    page = answer.headers["location"]
    assert b"pain.008.001.08" in (await clerk.get(f"{page}/fichier.xml")).content
    assert (await submit(clerk, f"{page}/remettre", page)).status_code == 303
    assert (await submit(clerk, f"{page}/annuler", page)).status_code == 409, "the bank has it"
    assert "Remise à la banque" in words(await clerk.get(page))
    (row,) = await Debit.select()
    back = await submit(clerk, "/prelevements/rejet", page, reference=row["end_to_end"], motif="AM04", remise=row["batch"])
    assert (back.status_code, back.headers["location"]) == (303, page)
    assert (await Debit.select())[0]["state"] == "returned"


async def test_the_scheduler_reminds_and_the_page_shows_what_left(clerk, program, owing):
    assert "2 relances à envoyer" in words(await clerk.get("/relances"))
    report = (await program.post("/jobs/remind")).json()
    assert (report["done"], report["problems"]) == (2, [])
    shown = words(await clerk.get("/relances"))
    assert "Aucune relance n'est à envoyer" in shown
    assert "Relance 1, 10 décembre 2026" in shown
    assert (await program.post("/jobs/remind")).json()["done"] == 0


@pytest.mark.parametrize("key", ["", "x", "²", "9" * 30, "-1"])
async def test_a_key_that_is_none_of_ours_is_refused_and_breaks_nothing(clerk, owing, key):
    page = "/reglements/ARD"
    assert (await submit(clerk, f"{page}/reprendre", page, reglement=key, motif="essai")).status_code == 404
    form = {"montant": "12", "recu": "2026-12-09", "mode": "TRANSFER", "facture": key}
    assert (await submit(clerk, page, page, **form)).status_code == 303


async def test_balances_are_told_by_age(clerk, owing):
    shown = words(await clerk.get("/reglements"))
    assert "165,50 € sont en retard" in shown
