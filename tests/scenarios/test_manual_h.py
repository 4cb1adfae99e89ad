"""The manual, chapter H: an order of services, on the same page, on both engines."""

from datetime import date
from decimal import Decimal

import pytest
from order_samples import NOW, body, codes, draft, line, send, service, shop, words

from gateways.settings import SETTINGS
from tables.charges import Charge
from tables.orders import Order


@pytest.fixture(autouse=True)
async def _shop(database, monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", NOW)
    await shop()


async def test_h1_a_service_of_the_catalogue_is_ordered_on_the_same_page(program, clerk):
    wrong = await program.post("/api/orders", json=body(service(product="RIEN"), {"kind": "SERVICE"}))
    found = [("items[0].product", "NOT_ON_SALE")]
    found += [(f"items[1].{name}", "MISSING") for name in ("starts_on", "product", "quantity")]
    assert codes(wrong) == found
    form = {"kind": "SERVICE", "version": "1", "product": "INSTALL", "quantity": "1", "starts_on": "2026-12-01"}
    await send(clerk, "/commandes/1/ligne/1", **form)
    await send(clerk, "/commandes/1/retirer", rang="2", version="2")
    assert "80,00" in words(await clerk.get("/commandes/1"))
    assert (await program.get("/api/orders/1")).json()["errors"] == []


@pytest.mark.parametrize("quantity, code", [("0", "OUT_OF_RANGE"), ("2,5", "NOT_A_FIGURE"), (3, None)])
async def test_h2_its_quantity_is_a_whole_number(program, quantity, code):
    made = await program.post("/api/orders", json=body(service(quantity=quantity)))
    assert codes(made) == ([("items[0].quantity", code)] if code else [])


async def test_h3_its_price_is_the_catalogues_unless_another_is_agreed(program):
    made = await draft(program, service(product="INSTALL"), service(product="INSTALL", unit_price="75.5"))
    assert [item["first_bill"][0]["amount_cents"] for item in made["items"]] == [16_000, 15_100]  # 2 × 80, 2 × 75.50


async def test_h4_it_is_owed_from_its_first_day(program):
    made = await draft(program, service())
    assert made["items"][0]["first_bill"][0] == {
        "label": "Maint", "from": "2026-12-16", "to": "2026-12-31", "amount_cents": 1290,  # 2 × 12.50 × 16/31
    }  # fmt: skip
    done = (await program.post(f"/api/orders/{made['id']}/submit")).json()
    assert (done["state"], done["items"][0]["state"]) == ("completed", "done")  # nothing is asked of the network
    row = (await Charge.select())[0]
    assert (row["kind"], row["quantity"], row["unit_price"], row["starts_on"]) == (
        "RECURRING",
        2,
        Decimal("12.5"),
        date(2026, 12, 16),
    )
    assert (row["customer"], row["order_item"], row["vat_rate"], row["ends_on"]) == (1, 1, Decimal(20), None)


async def test_h5_only_a_recurring_service_ends(program):
    items = [service(product="INSTALL", ends_on="2027-01-31"), service(ends_on="2026-12-01"), service(ends_on="2027-01-31")]
    made = await program.post("/api/orders", json=body(*items))
    assert codes(made) == [(f"items[{rank}].ends_on", "CONTRADICTION") for rank in (0, 1)]
    await program.patch("/api/orders/1", json={"items": [items[2], line()]})
    assert (await program.post("/api/orders/1/submit")).json()["state"] == "in_progress"
    assert [row["ends_on"] for row in await Charge.select()] == [date(2027, 1, 31)]
    assert (await Order.select(Order.state))[0] == {"state": "in_progress"}
