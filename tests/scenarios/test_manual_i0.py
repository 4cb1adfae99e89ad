"""Manual I0: one box finds a line, a customer, a card, an order, an invoice, a RIO, however they are written."""

import html
from datetime import UTC, date, datetime

import pytest

from gateways.settings import SETTINGS
from jobs.imports import import_file
from tables.fleet import Line
from tables.orders import Order, OrderItem, PortingRequest
from tables.parties import Customer
from tests.import_samples import FILES
from tests.word_samples import invoiced

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
LINE, CARD = "/lignes/+33639980001", "/cartes/8933099999000000017"


@pytest.fixture
async def fleet(database, monkeypatch):
    """The six files imported, an order with a port, an invoice."""
    monkeypatch.setattr(SETTINGS, "clock", NOW)
    for kind, text in FILES.items():
        extra = {"code": "STD", "valid_from": date(2026, 9, 1)} if kind == "rates" else {}
        report = await import_file(kind, text.encode(), f"{kind}.csv", mode="all", actor="essai", now=NOW, **extra)
        assert not report.errors
    customer = await invoiced("Œuvres de l’Étoile", "F2026-000002", 67_890)
    order = Order(number="C2026-0412", customer=customer.id, state="submitted", created_at=NOW)
    await order.save()
    item = OrderItem(customer_order=order.id, position=1, state="requested", msisdn="+33639984052")
    await item.save()
    port = PortingRequest(
        item=item.id, msisdn="+33639984052", rio="01PA1B2C3NLF", porting_date=date(2026, 12, 3), state="eligible", created_at=NOW
    )
    await port.save()
    return f"/commandes/{order.id}"


async def found(program, text):
    answer = (await program.get("/api/search", params={"q": text})).json()
    assert answer["total"] == len(answer["items"])
    assert all(set(item) == {"kind", "id", "label", "detail", "url"} for item in answer["items"])
    return [item["url"] for item in answer["items"]]


async def test_i0_a_line_is_found_in_any_written_form_or_by_its_end(fleet, program):
    for text in (
        "0639980001", "06 39 98 00 01", "06.39.98.00.01", "06-39-98-00-01", "+33 6 39 98 00 01", "+33 (0)6 39 98 00 01",
        "0033639980001", "33639980001", "639980001", "80001", "06\u00a039\u202f98 00 01",
    ):  # fmt: skip
        assert LINE in await found(program, text), text
    assert await found(program, "980001") == [LINE]
    (line,) = (await program.get("/api/search", params={"q": "980001"})).json()["items"]
    assert (line["kind"], line["label"], line["detail"]) == ("line", "+33639980001", "Léa Essai, Société Imaginaire")
    assert await found(program, "06 39 98 77") == [] and await found(program, "1") == [] and await found(program, "") == []


async def test_i0_names_are_found_without_accents_whoever_wrote_them(fleet, program, clerk):
    assert LINE in await found(program, "lea ESSAI") and LINE in await found(program, "Léa")
    assert "/clients/C1" in await found(program, "societe imaginaire") and "/clients/C1" in await found(program, "999 001 019")
    assert "/clients/ŒUV" in await found(program, "oeuvres de l'etoile")
    assert "/clients/ŒUV" in await found(program, "ŒUVRES étoile")
    line = await Line.select(Line.id).where(Line.msisdn == "+33639980001").first()
    path = f"api/tables/line/{line['id']}/"
    assert (await clerk.admin("PATCH", path, json={"user_name": "Zoé Lesœur d’Ormesson"})).status_code == 200
    for text in ("lesoeur", "LESŒUR zoe", "d'ormesson", "ormesson lesoeur", "Zoë"):
        assert await found(program, text) == [LINE], text
    assert LINE not in await found(program, "Léa") and await found(program, "lesoeur martin") == []
    await Line.update({Line.user_name: "Plain Name"}).where(Line.id == line["id"])
    assert await found(program, "lesoeur") == [] and await found(program, "pLAIN") == [LINE]
    await Customer.update({Customer.city: "Saint-Étienne"}).where(Customer.customer_number == "C2")
    assert await found(program, "saint etienne") == ["/clients/C2"]
    for hostile in ("%", "_", "[a-", "*", "'; --", "\x07a\u202e", "(", "\\", "é" * 500, "日本"):
        assert await found(program, hostile) == [], hostile


async def test_i0_cards_orders_ports_and_invoices_are_found_by_their_numbers(fleet, program):
    assert CARD in await found(program, "8933099999000000017") and CARD in await found(program, "8933 0999 9900 0000 017")
    assert await found(program, "0000017") == [CARD]
    assert await found(program, "c2026-0412") == [fleet] and await found(program, "0412") == [fleet]
    assert await found(program, "01 p a1b2c3 nlf") == [fleet] and await found(program, "01PA1B2C") == [fleet]
    assert await found(program, "06 39 98 40 52") == [fleet], "a number still to be ported is the port's"
    assert await found(program, "f2026-000002") == ["/clients/ŒUV#factures"], "not printed: the customer's page tells of it"


async def test_i0_the_page_marks_what_was_found_and_a_whole_number_leads_straight_there(fleet, clerk):
    page = html.unescape((await clerk.get("/recherche?q=98 00 0")).text).replace("\xa0", " ")
    assert f'<a href="{LINE}">06 39 <mark>98 00 0</mark>1</a>' in page and 'value="98 00 0"' in page
    assert "2 résultats pour «\u202f98 00 0\u202f»" in page
    direct = await clerk.get("/recherche?q=06.39.98.00.01")
    assert (direct.status_code, direct.headers["location"]) == (303, LINE)
    assert (await clerk.get("/recherche?q=C2026-0412")).headers["location"] == fleet
    nothing = html.unescape((await clerk.get("/recherche?q=<b>rien")).text)
    assert "Rien pour" in nothing and "<b>rien" not in (await clerk.get("/recherche?q=<b>rien")).text
    assert (await clerk.get("/recherche")).status_code == 200
