"""Manual D1–D3: offers and options, services and equipment, devices; in the admin and on the two pages linked from it."""

import json
from datetime import date
from decimal import Decimal

from tables.catalogue import Device, DeviceUnit, Offer, Product
from tables.fleet import LineItem
from tables.timeline import TimelineEntry
from tests.import_samples import FILES
from tests.jobs.test_prices import load

OFFER = {
    "kind": "OFFER", "code": "PRO", "label": "Pro", "monthly_price": "19.9", "activation_fee": "10", "vat_rate": "20",
    "allowances": "VOICE:120:FR_FIXED+FR_MOBILE", "data_speed": "", "international": False, "valid_from": "2026-09-01",
}  # fmt: skip


async def post(clerk, path, **form):
    return await clerk.post(path, data={"_csrf_token": await clerk.csrf(path), **form})


async def test_d1_an_offer_is_made_versioned_and_copied_and_lines_keep_their_price(clerk, data_dir):
    assert (await clerk.admin("POST", "api/tables/offer/", json=OFFER)).status_code == 201
    for kind in FILES:
        await load(kind)
    solo = await Offer.select().where(Offer.code == "SOLO").first()
    frozen = await clerk.admin("PATCH", f"api/tables/offer/{solo['id']}/", json={"monthly_price": "5"})
    assert (frozen.status_code, "utilisée" in frozen.json()["detail"]) == (405, True)
    listed = (await clerk.get("/catalogue")).text
    assert f"/catalogue/offres/{solo['id']}/version" in listed
    assert "En vigueur" in listed

    path = f"/catalogue/offres/{solo['id']}/version"
    items = await LineItem.select().order_by(LineItem.id)
    seen = await post(clerk, path, monthly_price="5,50", valid_from="2099-01-01")
    assert "<del>4,1583</del> → <ins>5,5</ins>" in seen.text
    assert await Offer.count() == 4  # nothing saved yet
    assert (await post(clerk, path, monthly_price="5,50", valid_from="2099-01-01", etape="enregistrer")).status_code == 303
    assert "À venir" in (await clerk.get("/catalogue?fait=true")).text
    assert await LineItem.select().order_by(LineItem.id) == items

    copied = await post(clerk, f"/catalogue/offres/{solo['id']}/copie", code="DUO", valid_from="2026-12-01", etape="enregistrer")
    assert copied.status_code == 303
    assert await Offer.exists().where(Offer.code == "DUO", Offer.monthly_price == solo["monthly_price"])
    wrong = await post(clerk, path, vat_rate="7.7", valid_from="2026-09-01")
    assert "taux de TVA admis" in wrong.text
    assert "1\u00a0valeur est à corriger" in wrong.text


async def test_d2_services_and_equipment_with_their_vat_rate(clerk):
    form = {
        "code": "ASSIST", "kind": "SERVICE", "label": "Assistance", "recurring": True, "price": "4.90", "vat_rate": "20",
        "valid_from": "2026-09-01",
    }  # fmt: skip
    assert (await clerk.admin("POST", "api/tables/product/", json=form)).status_code == 201
    assert (await clerk.admin("POST", "api/tables/product/", json=form)).status_code == 405
    for wrong in ({"vat_rate": "7.7"}, {"price": "-1"}, {"price": "1.23456"}, {"code": "a b"}, {"label": ""}):
        refused = await clerk.admin("POST", "api/tables/product/", json={**form, "valid_from": "2026-10-01", **wrong})
        assert (refused.status_code, bool(refused.json()["detail"])) == (405, True), wrong
    (row,) = await Product.select()
    saved = await post(
        clerk, f"/catalogue/produits/{row['id']}/version", price="5,9", valid_from="2026-12-01", etape="enregistrer"
    )
    assert saved.status_code == 303
    assert sorted(one["price"] for one in await Product.select()) == [Decimal("4.9"), Decimal("5.9")]


async def test_d3_devices_with_a_stock_that_is_counted_by_imei(clerk):
    form = {"code": "T5", "brand": "Imaginaire", "model": "Cinq", "price": "199", "vat_rate": "20", "valid_from": "2026-09-01"}
    assert (await clerk.admin("POST", "api/tables/device/", json=form)).status_code == 201
    (device,) = await Device.select()
    path = f"/terminaux/{device['id']}"
    entered = await post(clerk, path, imei="490154203237518\n490154203237519\n")
    assert "1\u00a0exemplaire entré, 1\u00a0refusé" in entered.text
    assert "un chiffre est mal copié" in entered.text
    (unit,) = await DeviceUnit.select()
    assert (unit["imei"], unit["state"]) == ("490154203237518", "in_stock")
    by_hand = await clerk.admin("PATCH", f"api/tables/device_unit/{unit['id']}/", json={"state": "sold"})
    assert by_hand.status_code == 405
    assert (await clerk.admin("PATCH", f"api/tables/device/{device['id']}/", json={"price": "1"})).status_code == 405
    form = {"_csrf_token": await clerk.csrf(path), "etat": "faulty"}
    assert (await clerk.post(f"{path}/{unit['id']}", data=form)).status_code == 303
    refused = await clerk.post(f"{path}/{unit['id']}", data=form | {"etat": "sold"})
    assert (refused.status_code, "il peut devenir en stock" in refused.text) == (409, True)
    entry = (await TimelineEntry.select().order_by(TimelineEntry.id))[-1]
    assert (json.loads(entry["before"]), json.loads(entry["after"])) == ({"state": "in_stock"}, {"state": "faulty"})
    assert date(2026, 9, 1) == device["valid_from"]
