"""A small shop for orders: customers, cards, a catalogue with a device in stock; and items that are right until changed."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from import_samples import FILES

from jobs.imports import import_file
from jobs.orders import opening
from rules import rio
from rules.paris import paris_date
from rules.states import OfferKind, ProductKind
from tables.catalogue import Device, DeviceUnit, Offer, Product
from tables.changes import NetworkRequest

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FREE, SPARE = "8933099999000000033", "8933099999000000041"
TAKEN = "8933099999000000017"
NUMBER, NATIONAL = "+33639984033", "06 39 98 40 33"
RIO = "03EH4T8W1" + rio.key("03EH4T8W1", "0639984033")
IMEI = "490154203237518"


async def shop():
    """Customers C1 (company) and C2 (consumer), two free cards, offer SOLO, options, a telephone, two services."""
    for kind, text in FILES.items():
        options = {"code": "STD", "valid_from": date(2026, 9, 1)} if kind == "rates" else {}
        assert not (await import_file(kind, text.encode(), "f.csv", mode="all", now=NOW, **options)).errors
    day, rate = date(2026, 9, 1), Decimal(20)
    await Offer(
        kind=OfferKind.option, code="OPT-DATA", label="20 Go", monthly_price=Decimal("5"), vat_rate=rate, valid_from=day,
        allowances="DATA:20480:DATA_HOME", data_speed="4G 50 Mbit/s",
    ).save()  # fmt: skip
    device = Device(code="TEL-1", brand="Modèle", model="Un", price=Decimal("199"), vat_rate=rate, valid_from=day)
    await device.save()
    await DeviceUnit(device=device.id, imei=IMEI).save()
    for code, recurring, price in (("INSTALL", False, "80"), ("MAINT", True, "12.5")):
        kind = ProductKind.service
        row = Product(code=code, kind=kind, label=code.title(), recurring=recurring, price=Decimal(price), valid_from=day)
        row.vat_rate = rate
        await row.save()


def line(**changes):
    """A new number on a free card; what is None goes."""
    item = {
        "kind": "LINE", "user_name": "Océane Guérin", "iccid": FREE, "commitment_type": "M24", "offer": "SOLO",
        "options": [], "discounts": [], "billing_terms": "ADVANCE",
    }  # fmt: skip
    return {name: value for name, value in (item | changes).items() if value is not None}


def port(**changes):
    return {"msisdn": NUMBER, "rio": RIO, "porting_date": "2026-12-03", "asked_by_customer": True} | changes


def service(**changes):
    item = {"kind": "SERVICE", "product": "MAINT", "quantity": 2, "starts_on": "2026-12-16"}
    return {name: value for name, value in (item | changes).items() if value is not None}


def body(*items, customer="C1", **more):
    return {"customer_number": customer, "items": list(items), **more}


def codes(answer):
    """Where and what is wrong, of an order or of a refusal."""
    return [(error["field"], error["code"]) for error in answer.json()["errors"]]


async def answer(number="", refusal="", day=None, now=NOW + timedelta(days=10), at=0):
    """What the network answers to one of the requests, as its room hands it on."""
    request = (await NetworkRequest.select().order_by(NetworkRequest.id))[at]
    if refusal:
        await opening.refused(request, reason=refusal, actor="réseau", now=now)
    else:
        await opening.done(request, msisdn=number, effective_on=day or paris_date(now), actor="réseau", now=now)


async def draft(program, *items, **more):
    return (await program.post("/api/orders", json=body(*items, **more))).json()


async def submit(program, *items, **more):
    made = await draft(program, *items, **more)
    done = await program.post(f"/api/orders/{made['id']}/submit")
    assert done.status_code == 200, done.text
    return done.json()


async def send(clerk, path, **form):
    return await clerk.post(path, data={"_csrf_token": await clerk.csrf("/commandes/nouvelle"), **form})


def words(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)).replace("’", "'")
