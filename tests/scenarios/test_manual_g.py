"""The manual, chapter G: an order of mobile lines, on the page and by API, on both engines."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from order_samples import (
    FREE,
    IMEI,
    NATIONAL,
    NOW,
    NUMBER,
    RIO,
    SPARE,
    TAKEN,
    answer,
    body,
    codes,
    draft,
    line,
    port,
    send,
    shop,
    submit,
    words,
)
from pypdf import PdfReader

from gateways.settings import SETTINGS
from jobs import reseller
from jobs.orders import cards
from tables.catalogue import DeviceUnit, RateTable
from tables.changes import NetworkRequest
from tables.charges import Charge
from tables.fleet import Discount, Line, LineItem, Sim
from tables.mail import Mail
from tables.orders import Order, OrderItem, PortingRequest
from tables.parties import Reseller
from tables.timeline import TimelineEntry


@pytest.fixture(autouse=True)
async def _shop(database, monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", NOW)
    await shop()


FORM = {
    "kind": "LINE", "version": "1", "user_name": "Théo Léger", "iccid": "00033", "offer": "SOLO", "commitment_type": "M24",
    "billing_terms": "ADVANCE",
}  # fmt: skip


async def test_g1_an_order_is_opened_for_a_customer_then_a_line_is_written_in_it(clerk):
    page = await clerk.get("/commandes/nouvelle?client=C1")
    assert 'value="C1"' in page.text
    once = re.search(r'name="once" value="(\w+)"', page.text)[1]
    first, second = [await send(clerk, "/commandes/nouvelle", client="C1", vendeur="Zoé", once=once) for _ in range(2)]
    assert first.headers["location"] == second.headers["location"] == "/commandes/1?ajouter=ligne"
    assert await Order.count() == 1
    for _ in range(2):
        saved = await send(clerk, "/commandes/1/ligne/0", **FORM)
        assert (saved.status_code, saved.headers["location"]) == (303, "/commandes/1?fait=ligne")
    assert await OrderItem.count() == 1
    page = words(await clerk.get("/commandes/1"))
    assert "Théo Léger" in page
    assert "Tout est complet" in page
    assert "C2026-0001" in words(await clerk.get("/commandes?client=imaginaire"))


async def test_g2_the_salesperson_and_the_user_are_kept_as_they_are_written(program):
    made = await draft(program, line(user_name="Zoë O’Brien-Łukasz 漢"), salesperson="Éloïse")
    assert (made["salesperson"], made["items"][0]["asked"]["user_name"]) == ("Éloïse", "Zoë O’Brien-Łukasz 漢")
    assert made["errors"] == []
    wrong = await program.post("/api/orders", json=body(line(user_name="Léa\x1b[2J", iccid=SPARE)))
    assert (wrong.status_code, codes(wrong)) == (201, [("items[0].user_name", "BAD_TEXT")])
    refused = await program.post("/api/orders", json=body(salesperson="Zoé\nBcc: x"))
    assert (refused.status_code, codes(refused)) == (422, [("salesperson", "BAD_TEXT")])


async def test_g3_a_card_is_found_by_its_end_and_held_for_one_order_alone(program, clerk):
    made = await draft(program, line())
    assert made["reserved_until"].startswith("2026-11-26T12:00:00")
    assert (await Sim.select(Sim.state).where(Sim.iccid == FREE))[0] == {"state": "reserved"}
    again = await program.post("/api/orders", json=body(line()))
    assert (again.status_code, again.json()["type"]) == (409, "urn:ligne-claire:SIM_RESERVED")
    assert "C2026-0001" in again.json()["detail"]
    assert await Order.count() == 1
    busy = await program.post("/api/orders", json=body(line(iccid=TAKEN), line(iccid="8933099999000000058")))
    assert codes(busy) == [("items[0].iccid", "SIM_UNAVAILABLE"), ("items[1].iccid", "UNKNOWN_SIM")]
    pieces = await send(clerk, "/commandes/1/essai", **(FORM | {"iccid": "041"}))
    assert re.findall(r'name="pick" value="(\d+)"', pieces.text) == [SPARE]
    shown = await clerk.get("/commandes/1?ajouter=ligne")
    assert re.findall(r'name="pick" value="(\d+)"', shown.text) == [SPARE]

    assert await cards.release_lapsed(NOW + timedelta(hours=47)) == 0
    assert await cards.release_lapsed(NOW + timedelta(hours=48)) == 1
    assert await cards.release_lapsed(NOW + timedelta(hours=49)) == 0
    assert (await Sim.select(Sim.state).where(Sim.iccid == FREE))[0] == {"state": "in_stock"}
    assert "Sa réservation est tombée et la carte est libre" in words(await clerk.get("/commandes/1"))
    other = await draft(program, line())
    assert other["errors"] == []
    lost = await program.post("/api/orders/1/submit")
    assert (lost.status_code, lost.json()["type"]) == (409, "urn:ligne-claire:SIM_RESERVED")
    await program.post(f"/api/orders/{other['id']}/cancel")
    assert (await Sim.select(Sim.state).where(Sim.iccid == FREE))[0] == {"state": "in_stock"}
    assert (await program.post("/api/orders/1/submit")).status_code == 200  # free again, taken again


async def test_g4_a_consumer_is_bound_for_24_months_at_most(program):
    wrong = await program.post("/api/orders", json=body(line(commitment_type="M36"), customer="C2"))
    assert codes(wrong) == [("items[0].commitment_type", "COMMITMENT_REFUSED")]
    assert "24 mois au plus" in wrong.json()["errors"][0]["message"]
    unknown = await program.post("/api/orders", json=body(line(commitment_type="M99", iccid=SPARE)))
    assert codes(unknown) == [("items[0].commitment_type", "UNKNOWN_CODE")]
    changed = await program.patch(f"/api/orders/{wrong.json()['id']}", json={"items": [line()]})
    assert changed.json()["errors"] == []


@pytest.mark.parametrize(
    "change, place, code, told",
    [
        ({"rio": RIO[:-1] + "A"}, "rio", "WRONG_KEY", "sa clé ne va pas avec le 06"),
        ({"rio": "03FH4T8W1WLY"}, "rio", "BAD_RIO", "P ou E"),
        ({"msisdn": "01 99 00 12 34"}, "msisdn", "NOT_A_MOBILE", "06 ou 07"),
        ({"msisdn": "06 39 98 00 01"}, "msisdn", "NUMBER_TAKEN", "déjà une ligne de notre parc"),
        ({"porting_date": "2026-11-29"}, "porting_date", "PORTING_TOO_SOON", "plus de 5 jours"),
        ({"porting_date": "2026-12-06"}, "porting_date", "NOT_A_WORKING_DAY", "est un dimanche"),
        ({"porting_date": "2026-12-25"}, "porting_date", "NOT_A_WORKING_DAY", "férié (Noël)"),
        ({"porting_date": "2027-01-22"}, "porting_date", "PORTING_TOO_LATE", "moins de 59 jours"),
        ({"porting_date": ""}, "porting_date", "MISSING", "Choisissez le jour"),
    ],
)
async def test_g5_what_is_wrong_with_a_port_is_named_at_its_field(program, change, place, code, told):
    asked = port(**change)
    if "msisdn" in change:
        asked["rio"] = "03EH4T8W1FQ4" if code == "NUMBER_TAKEN" else RIO
    made = await program.post("/api/orders", json=body(line(porting=asked)))
    assert made.status_code == 201
    found = {(error["field"], error["code"]): error["message"] for error in made.json()["errors"]}
    assert told in found[f"items[0].porting.{place}", code].replace("\xa0", " ")
    refused = await program.post(f"/api/orders/{made.json()['id']}/submit")
    assert refused.status_code == 422
    assert (f"items[0].porting.{place}", code) in codes(refused)
    assert not await PortingRequest.exists()
    assert not await NetworkRequest.exists()


async def test_g5_the_day_is_judged_in_paris_within_the_bounds_of_the_settings(program, clerk, monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", datetime(2026, 11, 23, 23, 30, tzinfo=UTC))  # the 24th at 00:30 in Paris
    made = await draft(program, line(porting=port(porting_date="2026-11-30")))
    assert (made["errors"], made["items"][0]["porting"]["first_date"]) == ([], "2026-11-30")
    monkeypatch.setattr(SETTINGS, "clock", datetime(2026, 11, 24, 23, 30, tzinfo=UTC))
    late = (await program.get(f"/api/orders/{made['id']}")).json()
    assert [error["code"] for error in late["errors"]] == ["PORTING_TOO_SOON"]
    await reseller.current()
    await Reseller.update({Reseller.port_after_days: 2, Reseller.port_working_days: False}).where(Reseller.id == 1)
    now = (await program.get(f"/api/orders/{made['id']}")).json()
    assert (now["errors"], now["items"][0]["porting"]["first_date"]) == ([], "2026-11-28")
    page = await clerk.get(f"/commandes/{made['id']}?ligne=1")
    assert re.search(r'value="2026-12-06">6', page.text)  # a Sunday that may be chosen now


async def test_g5_the_rio_is_answered_while_it_is_typed_and_its_letter_only_warns(program, clerk):
    made = await draft(program, line(porting=port()), customer="C2")
    assert made["errors"] == []
    assert [(one["field"], one["code"]) for one in made["warnings"]] == [("items[0].porting.rio", "OTHER_HOLDER")]

    async def said(rio):
        form = FORM | {"iccid": "", "porting.msisdn": NATIONAL, "porting.rio": rio}
        return words(await send(clerk, f"/commandes/{made['id']}/essai", **form))

    assert "10 caractères sur 12. Continuez." in await said(RIO[:10])
    assert "« F » désigne une ligne fixe" in (await said("03FH4T")).replace("\u202f", " ")
    assert "Ce RIO est bien écrit, mais sa clé" in await said(RIO[:-1] + "A")
    assert "Clé juste pour ce numéro. Ligne d'entreprise, opérateur Bouygues Telecom." in await said(RIO)


async def test_g5_what_was_agreed_on_the_port_is_recorded_and_printed(program, data_dir):
    asked = port(time_slot="entre 8 h et 10 h", withdrawal_waived=True)
    done = await submit(program, line(porting=asked))
    row = (await PortingRequest.select())[0]
    assert (row["msisdn"], row["rio"], row["porting_date"], row["state"]) == (NUMBER, RIO, date(2026, 12, 3), "submitted")
    assert (row["time_slot"], row["asked_by_customer"], row["withdrawal_waived"]) == ("entre 8 h et 10 h", True, True)
    assert done["items"][0]["porting"]["state"] == "submitted"
    request = (await NetworkRequest.select())[0]
    assert (request["kind"], request["state"], request["msisdn"]) == ("PORT_IN", "queued", NUMBER)
    payload = json.loads(request["payload"])
    assert (payload["iccid"], payload["rio"], payload["porting_date"]) == (FREE, RIO, "2026-12-03")
    paper = " ".join(PdfReader(data_dir / (await Order.select())[0]["summary"]).pages[0].extract_text().split())
    for told in ("jeudi 3 décembre 2026", "entre 8 h et 10 h", "Demandée par le client", "Délai clos, ou renoncé", "03 E H4T8W1"):
        assert told in paper.replace("\u202f", " ")
    twice = await program.post("/api/orders", json=body(line(iccid=SPARE, porting=port())))
    assert codes(twice) == [("items[0].porting.msisdn", "NUMBER_TAKEN")]
    assert "C2026-0001" in twice.json()["errors"][0]["message"]


async def test_g6_a_telephone_in_instalments_leaves_the_stock_and_is_owed_to_the_cent(program):
    device = {"product": "TEL-1", "imei": IMEI, "sale_mode": "SOLD", "purchase_mode": "INSTALMENTS", "instalments": 24}
    wrong = await program.post("/api/orders", json=body(line(device=device | {"imei": IMEI[:-1] + "9", "instalments": None})))
    assert codes(wrong) == [("items[0].device.imei", "BAD_IMEI"), ("items[0].device.instalments", "MISSING")]
    changed = (await program.patch(f"/api/orders/{wrong.json()['id']}", json={"items": [line(device=device)]})).json()
    assert changed["errors"] == []
    lines = {row["label"]: row["amount_cents"] for row in changed["items"][0]["first_bill"]}
    assert [lines[f"Modèle Un, mensualité {rank} sur 24"] for rank in (1, 2)] == [829, 829]  # 199.00 = 24 × 8.29 + 0.04
    assert lines["Modèle Un, reste de la division en mensualités"] == 4
    assert (await program.post(f"/api/orders/{changed['id']}/submit")).status_code == 200
    assert (await DeviceUnit.select(DeviceUnit.state))[0] == {"state": "sold"}
    busy = await draft(program, line(iccid=SPARE, device=device))
    assert [error["code"] for error in busy["errors"]] == ["UNIT_UNAVAILABLE"]
    assert not await Charge.exists()
    await answer("06 39 98 40 52")
    columns = (Charge.kind, Charge.nature, Charge.unit_price, Charge.instalments, Charge.starts_on, Charge.unit)
    parts, rest = await Charge.select(*columns).order_by(Charge.id)
    assert parts == {
        "kind": "INSTALMENTS", "nature": "EQUIPMENT", "unit_price": Decimal("8.29"), "instalments": 24,
        "starts_on": date(2026, 12, 4), "unit": 1,
    }  # fmt: skip
    assert (rest["kind"], rest["unit_price"]) == ("ONE_OFF", Decimal("0.04"))


@pytest.mark.parametrize(
    "device, charged, subsidised",
    [
        ({"product": "TEL-1", "sale_mode": "SUBSIDISED", "purchase_mode": "ONE_OFF", "unit_price": "1"}, ("ONE_OFF", "1"), True),
        ({"product": "TEL-1", "sale_mode": "RENTED", "unit_price": "6.50"}, ("RECURRING", "6.5"), False),
        ({"sale_mode": "OWN", "purchase_mode": "ONE_OFF", "imei": IMEI}, None, False),
    ],
)  # fmt: skip
async def test_g6_a_telephone_is_subsidised_rented_or_the_customers_own(program, device, charged, subsidised):
    await submit(program, line(device=device))
    await answer("06 39 98 40 52")
    rows = [(row["kind"], f"{row['unit_price'].normalize():f}") for row in await Charge.select()]
    assert rows == ([charged] if charged else [])
    assert (await Line.select(Line.subsidised).where(Line.msisdn == "+33639984052"))[0] == {"subsidised": subsidised}


async def test_g7_the_price_agreed_is_kept_with_who_changed_it_and_the_catalogues_stands_by_default(program, clerk):
    made = await draft(program, line())
    form = FORM | {"monthly_price": "3,90"}
    await send(clerk, f"/commandes/{made['id']}/ligne/1", **form)
    page = words(await clerk.get(f"/commandes/{made['id']}")).replace("\u202f", " ")
    assert "3,90 € HT par mois (catalogue : 4,1583 €)" in page.replace("\xa0", " ")
    entry = (await TimelineEntry.select().where(TimelineEntry.event == "saved"))[0]
    assert entry["actor"] == "camille@exemple.example"
    assert json.loads(entry["after"])["items[0].monthly_price"] == "3.90"
    other = await submit(program, line(iccid=SPARE))
    assert other["items"][0]["asked"]["monthly_price"] == "4.1583"
    await answer("06 39 98 40 52")
    assert [row["monthly_price"] for row in await LineItem.select().where(LineItem.line.msisdn == "+33639984052")] == [
        Decimal("4.1583")
    ]


async def test_g8_an_option_with_data_is_refused_without_its_speed(program, clerk):
    made = await program.post("/api/orders", json=body(line(options=[{"code": "OPT-SMS"}, {"code": "OPT-DATA"}, {"code": "X"}])))
    assert codes(made) == [("items[0].options[1].data_speed", "SPEED_MISSING"), ("items[0].options[2].code", "NOT_ON_SALE")]
    page = await clerk.get(f"/commandes/{made.json()['id']}?ligne=1")
    assert "donnez le débit" in words(page)
    rank = re.search(r'name="options\[(\d)\]\.code" value="OPT-DATA"', page.text)[1]
    form = FORM | {f"options[{rank}].code": "OPT-DATA", f"options[{rank}].data_speed": "4G+ 150 Mbit/s"}
    await send(clerk, f"/commandes/{made.json()['id']}/ligne/1", **form)
    now = (await program.get(f"/api/orders/{made.json()['id']}")).json()
    assert now["errors"] == []
    assert now["items"][0]["asked"]["options"] == [{"code": "OPT-DATA", "data_speed": "4G+ 150 Mbit/s"}]


async def test_g9_the_only_rate_table_goes_without_saying_one_of_several_is_chosen(program):
    made = await draft(program, line())
    assert made["errors"] == []
    await RateTable(code="EXTRA", label="Extra").save()
    asked = await program.post(f"/api/orders/{made['id']}/submit")
    assert codes(asked) == [("items[0].rate_table", "MISSING")]
    wrong = await program.patch(f"/api/orders/{made['id']}", json={"items": [line(rate_table="NON")]})
    assert codes(wrong) == [("items[0].rate_table", "UNKNOWN_CODE")]
    await program.patch(f"/api/orders/{made['id']}", json={"items": [line(rate_table="EXTRA")]})
    assert (await program.post(f"/api/orders/{made['id']}/submit")).status_code == 200
    await answer("06 39 98 40 52")
    assert (await Line.select(Line.rate_table.code).where(Line.msisdn == "+33639984052"))[0] == {"rate_table.code": "EXTRA"}


async def test_g10_discounts_are_in_per_cent_or_euros_for_some_months_or_until_a_day(program):
    both = [{"on": "SOLO", "percent": "10", "amount": "1"}, {"on": "OPT-X", "percent": "5"}]
    wrong = await program.post("/api/orders", json=body(line(discounts=both)))
    assert codes(wrong) == [("items[0].discounts[0].percent", "CONTRADICTION"), ("items[0].discounts[1].on", "UNKNOWN_CODE")]
    good = [{"on": "SOLO", "percent": "10", "months": 3}, {"on": "OPT-SMS", "amount": "0.50", "until": "2027-06-30"}]
    item = line(discounts=good, options=[{"code": "OPT-SMS"}], activated_on="2026-12-01")
    changed = (await program.patch(f"/api/orders/{wrong.json()['id']}", json={"items": [item]})).json()
    bill = [(row["label"], row["amount_cents"]) for row in changed["items"][0]["first_bill"] if row["from"] == "2026-12-01"]
    assert ("Solo 1 h", 416) in bill
    assert ("Remise de 10\u202f%, Solo 1 h", -42) in bill
    assert ("Remise, SMS illimités", -50) in bill
    await program.post(f"/api/orders/{changed['id']}/submit")
    await answer("06 39 98 40 52", day=date(2026, 12, 2))
    columns = (Discount.percent, Discount.amount, Discount.until)
    rows = await Discount.select(*columns).where(Discount.item.line.msisdn == "+33639984052").order_by(Discount.id)
    assert [tuple(row.values()) for row in rows] == [
        (Decimal(10), None, date(2027, 3, 1)), (None, Decimal("0.5"), date(2027, 6, 30)),
    ]  # fmt: skip


async def test_g11_the_line_begins_on_its_day_and_its_first_bill_is_told_before(program):
    late = await program.post("/api/orders", json=body(line(activated_on="2026-11-20")))
    assert codes(late) == [("items[0].activated_on", "OUT_OF_RANGE")]
    item = line(billing_terms="ARREARS", activated_on="2026-12-22", monthly_price="9.30")
    made = (await program.patch(f"/api/orders/{late.json()['id']}", json={"items": [item]})).json()
    assert made["items"][0]["first_bill"] == [
        {"label": "Solo 1 h", "from": "2026-12-22", "to": "2026-12-31", "amount_cents": 300},  # 9.30 × 10/31
        {"label": "Mise en service, Solo 1 h", "from": "2026-12-22", "to": "2026-12-22", "amount_cents": 833},
    ]
    await program.post(f"/api/orders/{made['id']}/submit")
    assert (await NetworkRequest.select(NetworkRequest.next_at))[0]["next_at"] == datetime(2026, 12, 21, 23, tzinfo=UTC)
    await answer("06 39 98 40 52", day=date(2026, 12, 22), now=datetime(2026, 12, 22, 9, tzinfo=UTC))
    opened = (await Line.select().where(Line.msisdn == "+33639984052"))[0]
    assert (opened["state"], opened["activated_on"], opened["commitment_start"]) == (
        "active", date(2026, 12, 22), date(2026, 12, 22),
    )  # fmt: skip
    held = (await LineItem.select().where(LineItem.line == opened["id"]))[0]
    assert (held["terms"], held["starts_on"], held["position"], held["billed_until"]) == ("ARREARS", date(2026, 12, 22), 0, None)


async def test_g12_a_draft_is_kept_unfinished_duplicated_and_many_lines_are_pasted(program, clerk):
    made = await program.post("/api/orders", json=body({"kind": "LINE", "user_name": "Léa"}))
    assert made.status_code == 201
    needed = {field for field, code in codes(made) if code == "MISSING"}
    assert needed == {f"items[0].{name}" for name in ("iccid", "commitment_type", "offer", "billing_terms")}
    copied = await send(clerk, "/commandes/1/dupliquer", rang="1", version="1")
    assert copied.headers["location"] == "/commandes/1?ligne=2"
    await send(clerk, "/commandes/1/retirer", rang="2", version="2")
    rows = "user_name;iccid;offer;commitment_type;billing_terms;options;data_speed;msisdn;rio;porting_date\n"
    good = f"Anne;{FREE};SOLO;M12;ADVANCE;OPT-DATA;4G;{NATIONAL};{RIO};2026-12-03\n"
    bad = f"=Paul;{SPARE};SOLO;M12;ADVANCE;OPT-DATA;;;;\nJean;{FREE};SOLI;M12;;;;;;\n"
    refused = await send(clerk, "/commandes/1/coller", lignes=rows + good + bad, version="3")
    assert refused.status_code == 422
    found = re.findall(r'data-l="Ligne">(\d+)</td><td data-l="Colonne"><code>(\w+)', refused.text)
    assert found == [("3", "data_speed"), ("4", "offer"), ("4", "billing_terms"), ("4", "iccid")]
    assert await OrderItem.count() == 1
    await send(clerk, "/commandes/1/coller", lignes=rows + good + bad, version="3", justes="1")
    items = (await program.get("/api/orders/1")).json()["items"]
    assert [(item["asked"].get("user_name"), item["msisdn"]) for item in items] == [("Léa", None), ("Anne", NUMBER)]
    sent = {"fichier": ("lignes.csv", (rows + bad.splitlines()[0].replace(";;;;", ";4G;;;") + "\n").encode(), "text/csv")}
    form = {"_csrf_token": await clerk.csrf("/commandes/nouvelle"), "version": "4", "lignes": ""}
    assert (await clerk.post("/commandes/1/coller", data=form, files=sent)).status_code == 303
    assert [row["asked"]["user_name"] for row in (await program.get("/api/orders/1")).json()["items"]] == ["Léa", "Anne", "=Paul"]


async def test_g13_submitting_asks_the_network_and_sends_one_confirmation_with_its_summary(program, clerk, data_dir):
    made = await draft(program, line(porting=port()), line(iccid=SPARE, user_name="Théo Léger"))
    page = await clerk.get(f"/commandes/{made['id']}")
    assert "la confirmation partira à compta@imaginaire.example" in words(page)
    done = await send(clerk, f"/commandes/{made['id']}/valider", version=str(made["version"]))
    again = await send(clerk, f"/commandes/{made['id']}/valider", version=str(made["version"]))
    assert done.headers["location"] == again.headers["location"] == f"/commandes/{made['id']}?fait=validee"
    assert [row["kind"] for row in await NetworkRequest.select().order_by(NetworkRequest.id)] == ["PORT_IN", "ACTIVATE"]
    mail = (await Mail.select())[0]
    assert (await Mail.count(), mail["kind"], mail["recipient"]) == (1, "order_confirmed", "compta@imaginaire.example")
    assert mail["customer_order"] == made["id"]
    assert "2 lignes mobiles" in mail["text"]
    (attached,) = (one for one in json.loads(mail["attachments"]) if not one["cid"])
    paper = "".join(sheet.extract_text() for sheet in PdfReader(data_dir / attached["path"]).pages)
    assert attached["name"] == "C2026-0001.pdf"
    assert "Théo Léger" in paper
    assert (await clerk.get(f"/commandes/{made['id']}/recapitulatif.pdf")).content[:4] == b"%PDF"
    followed = words(await clerk.get(f"/commandes/{made['id']}"))
    assert "2 lignes attendent le réseau" in followed.replace("\xa0", " ")
    assert (await program.patch(f"/api/orders/{made['id']}", json={"items": []})).status_code == 409
    empty = await draft(program)
    refused = await program.post(f"/api/orders/{empty['id']}/submit")
    assert (refused.status_code, codes(refused)) == (422, [("items", "EMPTY_ORDER")])
