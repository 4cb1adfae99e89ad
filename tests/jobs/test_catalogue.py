"""The catalogue by code: versions made from versions, and devices that come in by their IMEI; on both engines."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from import_samples import FILES, change

from jobs import catalogue
from jobs.imports import import_file
from jobs.lawful import NotLawful
from tables.catalogue import Device, DeviceUnit, Offer, Product
from tables.fleet import LineItem
from tables.timeline import TimelineEntry
from tests.jobs.test_prices import load

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY = date(2026, 11, 24)
GOOD, OTHER = "490154203237518", "356938035643809"


@pytest.fixture
async def device(database):
    row = Device(code="T5", brand="Imaginaire", model="Cinq", price=Decimal("199.9"), valid_from=date(2026, 9, 1))
    await row.save()
    return row.id


async def offer_id(code):
    return (await Offer.select(Offer.id).where(Offer.code == code).order_by(Offer.id).first())["id"]


async def test_a_new_version_leaves_the_old_one_and_its_lines_as_they_are(database, data_dir):
    for kind in FILES:
        await load(kind)
    old = await offer_id("SOLO")
    items = await LineItem.select().order_by(LineItem.id)
    made = await catalogue.draft("offres", old, False, {"monthly_price": "5,5", "valid_from": "2026-12-01", "code": "PIRATE"})
    assert (made.problems, made.values["code"]) == ({}, "SOLO")
    assert made.changes == [("monthly_price", "4.1583", "5.5"), ("valid_from", "2026-09-01", "2026-12-01")]
    new = await catalogue.save("offres", old, False, {"monthly_price": "5,5", "valid_from": "2026-12-01"}, "camille")
    before, after = await Offer.select().where(Offer.code == "SOLO").order_by(Offer.valid_from)
    assert (before["monthly_price"], after["monthly_price"], after["id"]) == (Decimal("4.1583"), Decimal("5.5"), new)
    same = set(before) - {"id", "monthly_price", "valid_from"}
    assert {name: before[name] for name in same} == {name: after[name] for name in same}
    assert await LineItem.select().order_by(LineItem.id) == items
    entry = (await TimelineEntry.select().order_by(TimelineEntry.id))[-1]
    assert (entry["actor"], entry["event"], entry["subject"], entry["subject_id"]) == ("camille", "new_version", "offer", new)
    assert json.loads(entry["after"]) == {"monthly_price": "5.5", "valid_from": "2026-12-01"}
    offers = (await catalogue.overview(TODAY))[0]["codes"]
    solo = next(thing for thing in offers if thing["code"] == "SOLO")
    assert [(row["standing"].value, row["held"]) for row in solo["versions"]] == [("coming", 0), ("in_force", 2)]


async def test_a_version_does_not_begin_twice_and_a_copy_takes_a_code_of_its_own(database, data_dir):
    await load("offers")
    solo = await offer_id("SOLO")
    made = await catalogue.draft("offres", solo, False, {"valid_from": "2026-09-01"})
    assert "commence déjà" in made.problems["valid_from"]
    with pytest.raises(catalogue.AlreadyThere):
        await catalogue.save("offres", solo, False, {"valid_from": "2026-09-01"}, "essai")
    taken = await catalogue.draft("offres", solo, True, {"code": "OPT-SMS"})
    assert "déjà pris" in taken.problems["code"]
    copy = await catalogue.save("offres", solo, True, {"code": "DUO", "valid_from": "2026-12-01"}, "essai")
    row = await Offer.select().where(Offer.id == copy).first()
    assert (row["code"], row["label"], row["monthly_price"]) == ("DUO", "Solo 1 h", Decimal("4.1583"))
    assert (await TimelineEntry.select().order_by(TimelineEntry.id))[-1]["event"] == "duplicated"


async def test_a_version_is_held_to_the_law_and_an_unlisted_vat_rate_is_refused(database, data_dir):
    await load("offers")
    wrong = {"vat_rate": "7,7", "monthly_price": "1,23456", "valid_from": "1er décembre", "allowances": "VOICE:1"}
    made = await catalogue.draft("offres", await offer_id("SOLO"), False, wrong)
    assert set(made.problems) == {"vat_rate", "monthly_price", "valid_from", "allowances"}
    assert "taux de TVA admis" in made.problems["vat_rate"]
    with pytest.raises(NotLawful):
        await catalogue.save("offres", await offer_id("SOLO"), False, wrong, "essai")
    assert await Offer.count() == 3


async def test_a_file_may_bring_any_vat_rate_and_is_warned(database):
    text = change("offers", ("8.3333;20;", "8.3333;7.7;"))
    report = await import_file("offers", text.encode(), "offers.csv", mode="all", now=NOW)
    assert (report.created, report.errors) == (3, ())
    assert ("vat_rate", "7.7", "UNKNOWN_VAT_RATE") in [(one.field, one.value, one.code) for one in report.warnings]


async def test_products_have_versions_too(database):
    row = Product(code="ASSIST", label="Assistance", recurring=True, price=Decimal("4.9"), valid_from=date(2026, 9, 1))
    await row.save()
    await catalogue.save("produits", row.id, False, {"price": "5.9", "valid_from": "2026-11-01"}, "essai")
    versions = (await catalogue.overview(TODAY))[1]["codes"][0]["versions"]
    assert [(one["price"], one["standing"].value) for one in versions] == [(Decimal("5.9"), "in_force"), (Decimal("4.9"), "past")]
    with pytest.raises(catalogue.UnknownInCatalogue):
        await catalogue.draft("produits", 999, False, {})
    with pytest.raises(catalogue.UnknownInCatalogue):
        await catalogue.draft("voitures", row.id, False, {})


async def test_devices_come_in_by_imei_and_each_refusal_is_named(device):
    text = f"49 015420 323751 8\n{OTHER}\n{OTHER}\n490154203237519\n3569380356438091\n12\n\n"
    report = await catalogue.enter_units(device, text, "camille")
    assert (report.done, report.skipped) == (2, 4)
    assert "donné deux fois" in report.problems[0]
    assert "La clé de l'IMEI « 490154203237519 » est fausse" in report.problems[1]
    assert "16 chiffres" in report.problems[2]
    assert "il faut 15 chiffres" in report.problems[3]
    again = await catalogue.enter_units(device, GOOD, "camille")
    assert (again.done, again.problems) == (0, (f"L'IMEI {GOOD} est déjà entré, sous le code T5. Relisez-le sur le terminal.",))
    assert [row["imei"] for row in await catalogue.units(device)] == [GOOD, OTHER]
    assert (await TimelineEntry.select().order_by(TimelineEntry.id))[-1]["event"] == "units_entered"


async def test_stock_is_what_is_in_stock_and_only_lawful_moves_are_made(device):
    await catalogue.enter_units(device, f"{GOOD}\n{OTHER}", "essai")
    stock = lambda told: told[2]["codes"][0]["versions"][0]["held"]  # noqa: E731
    first = (await DeviceUnit.select().order_by(DeviceUnit.id))[0]["id"]
    assert stock(await catalogue.overview(TODAY)) == 2
    await catalogue.move_unit(first, "faulty", "essai")
    assert stock(await catalogue.overview(TODAY)) == 1
    for state in ("sold", "lost", "faulty", ""):
        with pytest.raises(catalogue.IllegalMove):
            await catalogue.move_unit(first, state, "essai")
    await catalogue.move_unit(first, "in_stock", "essai")
    await catalogue.move_unit(first, "sold", "essai")
    assert await catalogue.unit_sold(first)
    assert await catalogue.in_use(Device)(device)
