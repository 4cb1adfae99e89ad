"""Manual, chapter C: the invoice template, on both engines."""

import asyncio
import html
import json
import re
from base64 import b64decode
from datetime import date, datetime

import billed_month
import month_samples
import pytest

from gateways.paper import Paper
from gateways.press import PRESS
from gateways.settings import SETTINGS
from jobs import invoice_template, reseller
from rules.invoice_words import SHIPPED
from tables.face import InvoiceTemplate
from tables.invoices import Invoice, NumberSeries
from tables.parties import Customer, Reseller
from tests.gateways.test_paper import pages

HOME = "/modele-facture"
TYPED = {
    "payment_days": "30", "invoice_pattern": "F{year}-{counter:06}", "credit_note_pattern": "A{year}-{counter:06}", "footer": "",
    **SHIPPED, "transfer": "", "direct_debit": "", "card": "", "cheque": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    made = tmp_path_factory.mktemp("small") / "two"
    return month_samples.make(made, months=2, customers=4, lines=8, cdrs=60)


@pytest.fixture(autouse=True)
def _second_of_november(monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", datetime.fromisoformat("2026-11-02T09:00:00+01:00"))
    yield
    PRESS.close()


async def post(clerk, path=HOME, **typed):
    return await clerk.post(path, data={"_csrf_token": await clerk.csrf("/facturation?mois=2026-10"), **typed})


def told(answer):
    return {name: html.unescape(text) for name, text in re.findall(r'bubble is-bad" id="(\w+)-error">(.*?)</p>', answer.text)}


def leaves(answer):
    return [b64decode(png) for png in re.findall(r'src="data:image/png;base64,([^"]+)"', answer.text)]


async def documents():
    rows = await Invoice.select(Invoice.document, Invoice.due_on, Invoice.issued_on, Invoice.kind, Invoice.customer)
    return [row | {"document": json.loads(row["document"])} for row in rows]


async def test_c1_terms_give_the_due_date_and_a_customer_may_have_its_own(clerk, source, monkeypatch):
    await billed_month.load(source, monkeypatch)
    saved = await post(clerk, **TYPED | {"payment_days": "45", "end_of_month": "yes"})
    assert saved.status_code == 303
    customers = await Customer.select(Customer.id).order_by(Customer.id)
    own = {customers[0]["id"]: (10, None), customers[1]["id"]: (None, False)}
    for customer, (days, to_end) in own.items():
        await Customer.update({Customer.payment_days: days, Customer.end_of_month: to_end}).where(Customer.id == customer)
    await billed_month.seal(await billed_month.draft())
    expected = {  # from 2 November: plus 45 days = 17 December; plus 10 days = 12 November
        (10, None): date(2026, 11, 30), (None, False): date(2026, 12, 17), (None, None): date(2026, 12, 31),
    }  # fmt: skip
    found = [row for row in await documents() if row["kind"] == "INVOICE"]
    assert found
    for row in found:
        assert row["due_on"] == expected[own.get(row["customer"], (None, None))]
        assert row["document"]["due_on"] == row["due_on"].isoformat()
    assert list(told(await post(clerk, **TYPED | {"payment_days": "400"}))) == ["payment_days"]
    for days, told_so in (("61", True), ("60", False)):
        shown = await post(clerk, f"{HOME}/apercu", **TYPED | {"payment_days": days})
        assert ("la loi permet 60 jours au plus" in shown.text) is told_so


async def test_c1_the_api_and_the_page_share_the_days_and_the_api_leaves_the_rest(clerk, program):
    await post(clerk, **TYPED | {"payment_days": "15", "end_of_month": "yes"})
    body = (await program.get("/api/reseller")).json()
    assert body["payment_days"] == 15
    await program.put("/api/reseller", json=body | {"payment_days": 20})
    assert ((await reseller.current()).payment_days, (await reseller.current()).end_of_month) == (20, True)


async def test_c2_the_preview_is_the_customer_s_real_invoice_and_follows_what_is_typed(clerk, source, monkeypatch):
    await billed_month.load(source, monkeypatch)
    await billed_month.seal(await billed_month.draft())
    row = await Invoice.select(Invoice.customer.customer_number, Invoice.customer.company_name, Invoice.document).first()
    asked = {"client": row["customer.customer_number"]}
    drawn = []

    async def spied(form, document, logo=None):
        drawn.append(document)
        return await type(PRESS).ask(PRESS, form, document, logo)

    monkeypatch.setattr(PRESS, "ask", spied)
    plain = await post(clerk, f"{HOME}/apercu", **TYPED, **asked)
    typed = await post(clerk, f"{HOME}/apercu", **TYPED | {"footer": "Merci de votre confiance."}, **asked)
    again = await post(clerk, f"{HOME}/apercu", **TYPED, **asked)
    assert all(png.startswith(b"\x89PNG") for png in leaves(plain))
    assert leaves(plain) == leaves(again) != leaves(typed)
    assert html.escape(row["customer.company_name"], quote=False).split()[0] in plain.text
    assert drawn[0]["buyer"] == json.loads(row["document"])["buyer"]
    assert drawn[1]["texts"]["footer"] == "Merci de votre confiance."
    assert (await invoice_template.current())["footer"] == "", "nothing is saved by looking"
    method = await post(clerk, f"{HOME}/apercu", **TYPED | {"cheque": "Au dos : {number}."}, mode="CHEQUE", **asked)
    assert method.status_code == 200
    assert (drawn[-1]["payment"]["method"], drawn[-1]["texts"]["payment"]) == ("CHEQUE", "Au dos : {number}.")
    for other in ("nobody", "x" * 5_000, "' OR 1=1"):
        example = await post(clerk, f"{HOME}/apercu", **TYPED, client=other)
        assert "Un exemple fictif" in example.text


async def test_c2_without_script_the_page_shows_what_is_typed_and_puts_a_shipped_text_back(clerk):
    page = await post(clerk, **TYPED | {"footer": "Un <b>pied</b>", "late_payment": "rien"}, geste="apercu", mode="CARD")
    assert page.status_code == 200
    assert "Un &lt;b&gt;pied&lt;/b&gt;" in page.text
    assert leaves(page)
    back = await post(clerk, **TYPED | {"late_payment": "rien"}, geste="livre:late_payment")
    assert "trois fois l&#39;intérêt légal" in back.text
    assert await InvoiceTemplate.count() == 0


async def test_c3_a_pattern_is_checked_shows_its_next_number_and_never_gives_one_again(clerk, program, source, monkeypatch):
    await billed_month.load(source, monkeypatch)
    for bad in (
        "F{year}",
        "F{counter:06}",
        "F {year}-{counter:06}",
        "F{year}.{counter}",
        "É{year}{counter}",
        "F{year}-{counter}" * 2,
    ):
        assert list(told(await post(clerk, **TYPED | {"invoice_pattern": bad}))) == ["invoice_pattern"], bad
    assert (
        "FA26-2026-0001" in (await post(clerk, f"{HOME}/apercu", **TYPED | {"invoice_pattern": "FA26-{year}-{counter:04}"})).text
    )
    await billed_month.seal(await billed_month.draft())
    series = {row["name"]: row["last_number"] for row in await NumberSeries.select()}
    given = series["F2026-{counter:06}"]
    assert given > 1
    assert f"F2026-{given + 1:06}" in (await post(clerk, f"{HOME}/apercu", **TYPED)).text
    for low in ("F{year}-{counter:05}", "F{year}-{counter}", "F{year}-0{counter:05}", "F{year}-{counter:06}9"):
        for field in ("invoice_pattern", "credit_note_pattern"):
            answer = await post(clerk, **TYPED | {field: low})
            assert list(told(answer)) == [field], low
            assert "pourrait redonner un numéro" in told(answer)[field]
            assert "pourrait redonner" in (await post(clerk, f"{HOME}/apercu", **TYPED | {field: low})).text
            body = (await program.get("/api/reseller")).json()
            refused = await program.put("/api/reseller", json=body | {field: low})
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    assert (await reseller.current()).invoice_pattern == TYPED["invoice_pattern"]
    assert (await post(clerk, **TYPED | {"invoice_pattern": "FB{year}-{counter:05}"})).status_code == 303
    assert "FB2026-00001" in (await post(clerk, f"{HOME}/apercu", **TYPED | {"invoice_pattern": "FB{year}-{counter:05}"})).text
    assert (await post(clerk, **TYPED)).status_code == 303, "back to a series of before: it goes on"
    assert f"F2026-{given + 1:06}" in (await post(clerk, f"{HOME}/apercu", **TYPED)).text


async def test_c3_the_admin_does_not_change_the_patterns(clerk):
    await reseller.current()
    answer = await clerk.admin("PATCH", "api/tables/reseller/1/", json={"invoice_pattern": "X{year}-{counter}"})
    assert answer.status_code == 405
    assert (await reseller.current()).invoice_pattern == TYPED["invoice_pattern"]


async def test_c4_the_late_payment_text_is_shipped_and_cannot_lose_what_the_law_asks(clerk):
    assert (await invoice_template.current())["late_payment"] == SHIPPED["late_payment"]
    for field, law in {"late_payment": "L441-10 et D441-5", "early_payment": "L441-9"}.items():
        for text in ("", "   ", "Merci."):
            answer = await post(clerk, **TYPED | {field: text})
            assert (answer.status_code, list(told(answer))) == (422, [field])
            assert law in told(answer)[field]
    own = "Pénalités au taux de la BCE majoré de dix points ; indemnité forfaitaire de 40 € (L441-10)."
    assert (await post(clerk, **TYPED | {"late_payment": own})).status_code == 303
    assert (await InvoiceTemplate.select().first())["late_payment"] == own
    await post(clerk, **TYPED)
    assert (await InvoiceTemplate.select().first())["late_payment"] == "", "the shipped text is not copied: it follows the law"


async def test_c5_each_way_to_pay_has_its_text_with_variables_printed_for_its_customers(clerk, source, monkeypatch):
    await billed_month.load(source, monkeypatch)
    answer = await post(clerk, **TYPED | {"direct_debit": "Sur {ibann}."})
    assert told(answer) == {"direct_debit": "«\u202f{ibann}\u202f» n’existe pas. Vouliez-vous «\u202f{iban}\u202f»\u202f?"}
    words = {
        "transfer": "VIR {iban} {amount}",
        "direct_debit": "PRE {mandate} {due_on}",
        "card": "CB {number}",
        "cheque": "CHQ {number}",
    }
    assert (await post(clerk, **TYPED | words)).status_code == 303
    await billed_month.draft()
    wanted = {"TRANSFER": "transfer", "DIRECT_DEBIT": "direct_debit", "CARD": "card", "CHEQUE": "cheque"}
    found = [row["document"] for row in await documents()]
    assert {document["payment"]["method"] for document in found} >= {"DIRECT_DEBIT"}
    for document in found:
        assert document["texts"]["payment"] == words[wanted[document["payment"]["method"]]]


async def test_c5_sealed_documents_do_not_move_and_the_next_drafts_take_the_new_words(clerk, source, monkeypatch):
    await billed_month.load(source, monkeypatch)
    run = await billed_month.draft()
    await billed_month.seal(run)
    before = await billed_month.sealed()
    assert before[1]
    new = {
        "footer": "Nouveau pied",
        "transfer": "Nouveau {iban}",
        "payment_days": "7",
        "invoice_pattern": "FN{year}-{counter:03}",
    }
    assert (await post(clerk, **TYPED | new)).status_code == 303
    await billed_month.seal_again(run)
    assert await billed_month.sealed() == before
    monkeypatch.setattr(SETTINGS, "clock", datetime.fromisoformat(month_samples.CLOCKS["2026-11"]))
    november = await billed_month.draft(billed_month.NOVEMBER)
    await billed_month.seal(november)
    old, papers = await billed_month.sealed()
    assert [row for row in old if row in before[0]] == before[0]
    fresh = [json.loads(row[1]) for row in old if row not in before[0]]
    assert fresh
    assert {document["texts"]["footer"] for document in fresh} == {"Nouveau pied"}
    assert {document["payment"]["days"] for document in fresh} == {7}
    assert any(number.startswith("FN2026-001") for number, *_ in old)

    assert "Nouveau pied" in str([pages(Paper(pdf, 0)) for _, pdf in papers if pdf.startswith(b"%PDF")])


async def test_c5_two_clerks_saving_at_once_leave_one_row(database):
    await reseller.current()
    await asyncio.gather(*(invoice_template.save({"footer": f"Pied {number}"}, "essai") for number in range(4)))
    assert await InvoiceTemplate.count() == 1
    assert await Reseller.count() == 1
