"""Importing the six reference files: what is created, what may change, what is refused, on both engines."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from import_samples import FILES, cell, change

from gateways.secrets import UnreadableSecret, open_, seal
from gateways.settings import SETTINGS
from jobs.imports import NotAnImport, import_file
from jobs.imports.lines import state_on
from jobs.imports.sims import opened
from rules.errors import RuleError
from rules.files.form import FormError
from rules.paris import Month
from rules.states import InvoiceState, LineState, SimState
from tables.catalogue import Rate, RateTable, RateVersion, RoamingZone
from tables.engine import transaction
from tables.fleet import Discount, Line, LineItem, Sim
from tables.imports import ImportBatch
from tables.invoices import Invoice, InvoiceLine
from tables.parties import Customer, Reseller
from tables.piccolo_app import TABLES
from tables.timeline import TimelineEntry

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def load(kind, text=None, mode="all", **options):
    """Import a text; the good file of its kind by default."""
    if kind == "rates":
        options = {"code": "STD", "valid_from": date(2026, 9, 1)} | options
    data = (FILES[kind] if text is None else text).encode()
    return await import_file(kind, data, f"{kind}.csv", **{"mode": mode, "now": NOW, "actor": "essai"} | options)


async def load_all(*kinds):
    for kind in kinds:
        assert not (await load(kind)).errors


async def load_before(kind):
    """All that the file of a kind refers to."""
    await load_all(*list(FILES)[: list(FILES).index(kind)])


async def refused(kind, text, **options):
    """The errors of an import that loads nothing."""
    report = await load(kind, text, **options)
    assert (report.batch_id, report.created, report.changed, report.unchanged) == (None, 0, 0, 0)
    return [(error.line, error.field, error.code) for error in report.errors]


async def items_of(line):
    query = LineItem.select(LineItem.all_columns(), LineItem.offer.code)
    return await query.where(LineItem.line == line).order_by(LineItem.position)


async def bill(msisdn):
    """As the validation of a run leaves a line of which November is billed."""
    async with transaction():
        await LineItem.update({LineItem.billed_until: date(2026, 11, 30)}).where(LineItem.line.msisdn == msisdn)


async def everything():
    """Every row of every table, as text."""
    return {table._meta.tablename: str(await table.select().order_by(table._meta.primary_key)) for table in TABLES}


async def test_the_six_files_load_in_order_and_count_their_rows(database):
    for kind, text in FILES.items():
        report = await load(kind, text)
        assert (report.rows, report.created, report.rejected) == (text.count("\n") - 1, text.count("\n") - 1, 0)
        assert report.batch_id
    line = await Line.objects().get(Line.msisdn == "+33639980001")
    assert (line.state, line.activated_on, line.user_name) == (LineState.active, date(2025, 2, 10), "Léa Essai")
    items = await items_of(line.id)
    assert [(item["kind"], item["position"], item["offer.code"]) for item in items] == [
        ("OFFER", 0, "SOLO"), ("OPTION", 1, "OPT-SMS"), ("OPTION", 2, "OPT-MAIL"),
    ]  # fmt: skip
    for item in items:
        assert (item["starts_on"], item["ends_on"]) == (date(2025, 2, 10), None)
        assert item["billed_until"] == item["taken_over_until"] == date(2026, 10, 31)
    assert items[0]["monthly_price"] == Decimal("4.1583")
    assert [(row["item"], row["percent"]) for row in await Discount.select()] == [(items[0]["id"], Decimal("15.5"))]
    states = {sim["iccid"][-1]: sim["state"] for sim in await Sim.select()}
    assert states == {"7": SimState.active, "5": SimState.active, "3": SimState.in_stock, "1": SimState.in_stock}


@pytest.mark.parametrize("kind", FILES)
async def test_a_preview_writes_nothing_and_tells_what_the_import_then_does(database, kind):
    await load_before(kind)
    before = await everything()
    preview = await load(kind, mode="preview")
    assert await everything() == before
    assert replace(await load(kind), batch_id=None) == preview


@pytest.mark.parametrize("kind", FILES)
async def test_one_bad_row_and_all_loads_nothing_while_valid_loads_the_others(database, kind):
    await load_before(kind)
    column, value = {
        "offers": ("vat_rate", "x"), "rates": ("unit_price", "x"), "roaming_zones": ("mcc", "x"),
        "sims": ("imsi", "x"), "customers": ("siren", "x"), "lines": ("billing_terms", "x"),
    }[kind]  # fmt: skip
    text = cell(kind, 2, column, value)
    before = await everything()
    report = await load(kind, text)
    assert (report.batch_id, report.created, report.rejected, report.errors[0].line) == (None, 0, 1, 2)
    assert await everything() == before
    report = await load(kind, text, mode="valid")
    assert (report.created, report.rejected, report.rows) == (report.rows - 1, 1, FILES[kind].count("\n") - 1)
    batch = await ImportBatch.objects().get(ImportBatch._meta.primary_key == report.batch_id)
    assert (batch.rejected, json.loads(batch.errors)[0]["field"]) == (1, column)


@pytest.mark.parametrize("kind", FILES)
async def test_the_same_file_again_is_a_duplicate_and_saved_anew_it_is_unchanged(database, kind):
    await load_before(kind)
    await load(kind)
    before = await everything()
    again = await load(kind)
    assert (again.duplicate_file, again.rows, again.created, again.unchanged) == (True, 0, 0, 0)
    assert again.batch_id == (await ImportBatch.objects().get(ImportBatch.kind == kind)).id
    assert await everything() == before
    saved = await load(kind, "\ufeff" + FILES[kind].replace("\n", "\r\n"))
    assert (saved.duplicate_file, saved.created, saved.changed, saved.unchanged) == (False, 0, 0, saved.rows)
    after = await everything()
    assert {name for name in before if before[name] != after[name]} == {"import_batch", "timeline_entry"}


async def test_a_file_loaded_twice_at_once_loads_once(database):
    reports = await asyncio.gather(*(load("customers") for _ in range(4)))
    assert sorted(report.created for report in reports) == [0, 0, 0, 2]
    assert await Customer.count() == 2
    assert await ImportBatch.count() == 1


async def test_a_crash_while_writing_leaves_nothing(database, monkeypatch):
    await load_all("offers", "rates", "roaming_zones", "sims", "customers")
    before = await everything()

    async def crash(*_):
        raise OSError("cut")

    monkeypatch.setattr("jobs.imports._tell", crash)
    with pytest.raises(OSError, match="cut"):
        await load("lines")
    assert await everything() == before


async def test_an_error_of_form_is_raised_and_nothing_is_loaded(database):
    with pytest.raises(FormError) as caught:
        await load("sims", FILES["sims"] + "8933;1\n", mode="valid")
    assert [(error.file, error.line, error.code) for error in caught.value.errors] == [("sims.csv", 6, "WRONG_FIELD_COUNT")]
    assert not await Sim.exists()


async def test_an_import_says_its_kind_its_mode_and_the_version_of_a_table(database):
    for options in (
        {"kind": "cats"},
        {"kind": "sims", "mode": "yes"},
        {"kind": "rates", "code": ""},
        {"kind": "rates", "valid_from": None},
    ):
        with pytest.raises(NotAnImport):
            await load(options.pop("kind"), "x", **options)
    with pytest.raises(RuleError):
        await load("rates", code="A+B")


async def test_the_batch_and_each_changed_row_stand_in_the_timeline_but_no_created_one(database):
    await load_all("customers")
    report = await load("customers", change("customers", ("Société Imaginaire", "Société Nouvelle"), ("1 rue", "3 rue")))
    assert (report.changed, report.unchanged) == (1, 1)
    assert report.changes == (
        {"line": 2, "identity": "C1", "field": "company_name", "before": "Société Imaginaire", "after": "Société Nouvelle"},
        {"line": 2, "identity": "C1", "field": "street", "before": "1 rue du Modèle", "after": "3 rue du Modèle"},
    )
    entries = await TimelineEntry.select().order_by(TimelineEntry._meta.primary_key)
    assert [(entry["subject"], entry["actor"], entry["event"], entry["at"]) for entry in entries] == [
        ("import_batch", "essai", "import", NOW), ("import_batch", "essai", "import", NOW), ("customer", "essai", "import", NOW),
    ]  # fmt: skip
    assert json.loads(entries[2]["before"]) == {"company_name": "Société Imaginaire", "street": "1 rue du Modèle"}
    assert json.loads(entries[2]["after"]) == {"company_name": "Société Nouvelle", "street": "3 rue du Modèle"}


# Customers


async def test_a_column_that_is_not_in_the_file_leaves_what_is_stored(database):
    await load_all("customers")
    async with transaction():
        await Customer.update({Customer.phone: "01 99 00 00 00", Customer.vat_regime: "DROM_85"}).where(
            Customer.customer_number == "C1"
        )
    report = await load("customers", change("customers", ("1 rue", "3 rue")))
    assert [row["field"] for row in report.changes] == ["street"]
    customer = await Customer.objects().get(Customer.customer_number == "C1")
    assert (customer.phone, customer.vat_regime, customer.street) == ("01 99 00 00 00", "DROM_85", "3 rue du Modèle")


async def test_the_default_invoicing_address_follows_the_siren(database):
    await load_all("customers")
    text = change("customers", ("999001019;99900101900010;FR83999001019", "999001027;99900102700013;FR10999001027"))
    await load("customers", text)
    assert (await Customer.objects().get(Customer.customer_number == "C1")).einvoice_address == "0225:999001027"


async def test_a_login_and_a_site_email_belong_to_one_customer(database):
    await load_all("customers")
    text = "\n".join([FILES["customers"].splitlines()[0], FILES["customers"].splitlines()[2].replace("C2", "C3")]) + "\n"
    assert await refused("customers", text) == [(2, "login", "ALREADY_TAKEN")]
    text = cell("customers", 3, "site_email", "SITE@imaginaire.example")
    assert await refused("customers", text) == [(3, "site_email", "ALREADY_TAKEN")]


# Offers, rates, zones


async def test_an_offer_may_change_until_a_line_holds_it_then_takes_a_new_date(database):
    await load_all("offers")
    assert (await load("offers", change("offers", ("4,1583", "4.20")))).changed == 1
    await load_all("rates", "roaming_zones", "sims", "customers", "lines")
    text = change("offers", ("4,1583", "5"))
    assert await refused("offers", text) == [(2, "monthly_price", "IN_USE")]
    newer = change("offers", ("4,1583", "5"), ("no;2026-09-01", "no;2026-12-01"))
    report = await load("offers", newer)
    assert (report.created, report.unchanged) == (1, 2)
    item = await LineItem.select(LineItem.monthly_price).where(LineItem.offer.code == "SOLO").first()
    assert item["monthly_price"] == Decimal("4.2")


async def test_a_category_or_a_zone_that_no_other_file_knows_is_a_warning(database):
    report = await load("offers")
    found = [(2, "FR_FIXED"), (2, "FR_MOBILE"), (2, "DATA_HOME"), (3, "SMS_FR")]
    assert [(row.line, row.value) for row in report.warnings] == found
    assert {row.field for row in report.warnings} == {"allowances"}
    assert [row.value for row in (await load("roaming_zones")).warnings] == ["EU"]
    report = await load("rates", change("rates", ("HOME;SMS", "Z9;SMS")))
    assert [(row.line, row.field, row.value) for row in report.warnings] == [(5, "origin", "Z9")]
    assert not (await load("offers", FILES["offers"] + "\n", mode="preview")).warnings


async def test_a_rate_file_is_one_version_of_its_table(database):
    await load("rates")
    version = await RateVersion.objects().first()
    assert (version.valid_from, version.rows, version.created_at) == (date(2026, 9, 1), 5, NOW)
    rate = await Rate.objects().get(Rate.prefix == "33")
    prices = (rate.unit_price, rate.offpeak_unit_price, rate.setup_fee, rate.first_increment, rate.next_increment)
    assert prices == (Decimal("0.06"), Decimal("0.03"), Decimal("0.12"), 30, 30)


async def test_the_same_rates_for_another_date_or_table_are_another_version(database):
    await load("rates")
    for options in ({"valid_from": date(2026, 12, 1)}, {"code": "PRO"}):
        report = await load("rates", **options)
        assert (report.duplicate_file, report.created, report.changes) == (False, 5, ())
        assert (await load("rates", **options)).duplicate_file
    assert await RateVersion.count() == 3
    assert await RateTable.count() == 2


async def test_a_new_version_shows_its_differences_with_the_one_in_force(database):
    await load("rates")
    text = change("rates", ("0,06;", "0,05;"), ("HOME;SMS;OUT;*", "HOME;MMS;OUT;*"))
    report = await load("rates", text, mode="preview", valid_from=date(2026, 12, 1))
    assert (report.created, report.changed) == (5, 0)
    assert [(row["line"], row["field"], row["before"], row["after"]) for row in report.changes] == [
        (2, "unit_price", "0.06", "0.05"), (1, "prefix", "*", ""),
    ]  # fmt: skip


async def test_a_version_is_replaced_whole_until_a_line_lives_with_it(database):
    await load("rates")
    text = change("rates", ("0,06;", "0,05;"), ("HOME;SMS;OUT;*;SMS;SMS_FR;0,1;;;;;;\n", ""))
    report = await load("rates", text)
    assert (report.created, report.changed, report.unchanged) == (0, 1, 3)
    assert await Rate.count() == 4
    await load_all("offers", "roaming_zones", "sims", "customers", "lines")
    assert await refused("rates", change("rates", ("0,06;", "0,04;")), mode="valid") == [(1, "valid_from", "IN_USE")]
    assert (await load("rates", text + "\n")).unchanged == 4
    ahead = {"valid_from": date(2026, 12, 1)}  # no line has lived with it yet: a future version may still change
    assert (await load("rates", text, **ahead)).created == 4
    assert (await load("rates", change("rates", ("0,06;", "0,04;")), **ahead)).changed == 1


async def test_two_rates_for_one_prefix_refuse_the_file_even_when_only_valid_rows_are_asked(database):
    text = FILES["rates"] + "HOME;VOICE;OUT;33;Encore;FR_FIXED;1;;;;;;\n"
    assert await refused("rates", text, mode="valid") == [(7, "prefix", "DUPLICATE_ROW")]
    assert not await RateTable.exists()


async def test_a_country_code_is_in_one_zone(database):
    assert await refused("roaming_zones", FILES["roaming_zones"] + "Z1;310+222\n", mode="valid") == [
        (4, "mcc", "MCC_IN_TWO_ZONES")
    ]
    await load_all("roaming_zones")
    assert await refused("roaming_zones", "zone;mcc\nZ1;310+222\n") == [(2, "mcc", "MCC_IN_TWO_ZONES")]
    assert (await load("roaming_zones", "zone;mcc\nEU;262\nZ1;310+222\n")).changed == 1
    assert {row["zone"]: row["mcc"] for row in await RoamingZone.select()} == {"HOME": "208", "EU": "262", "Z1": "310+222"}


async def test_a_table_without_a_rate_is_refused(database):
    assert await refused("rates", FILES["rates"].splitlines()[0] + "\n") == [(1, "valid_from", "EMPTY_VERSION")]


# SIM cards


async def test_the_codes_of_a_card_are_sealed_and_masked_everywhere(database):
    await load_all("sims")
    sim = await Sim.objects().get(Sim.iccid == "8933099999000000017")
    assert "12345678" not in sim.secrets
    codes = {"pin1": "1234", "puk1": "12345678", "pin2": "4321", "puk2": "87654321", "activation_code": ""}
    assert opened(sim.secrets) == codes
    assert (await Sim.objects().get(Sim.iccid == "8933099999000000033")).secrets == ""
    report = await load("sims", change("sims", ("1234;", "9999;"), ("JETON-SECRET", "JETON-NEUF"), ("LOT-1", "LOT-2")))
    assert [(row["line"], row["field"], row["before"], row["after"]) for row in report.changes] == [
        (2, "pin1", "•••", "•••"), (2, "batch", "LOT-1", "LOT-2"), (3, "activation_code", "•••", "•••"),
    ]  # fmt: skip
    stored = str(await everything())
    assert not any(secret in stored for secret in ("12345678", "87654321", "JETON"))
    assert opened((await Sim.objects().get(Sim.iccid == "8933099999000000017")).secrets)["pin1"] == "9999"


async def test_a_card_changes_by_import_only_while_it_is_in_stock(database):
    await load_all(*FILES)
    assert (await load("sims", FILES["sims"] + "\n")).unchanged == 4
    text = change("sims", ("LOT-1", "LOT-2"))
    assert await refused("sims", text) == [(2, "batch", "NOT_IN_STOCK")]
    report = await load("sims", text.replace(";;;;;PHYSICAL;;LOT-1", ";;;;;PHYSICAL;;LOT-3"), mode="valid")
    assert (report.changed, report.unchanged, report.rejected) == (2, 1, 1)


def test_a_secret_sealed_with_another_key_is_named(monkeypatch):
    sealed = seal("4321")
    assert open_(sealed) == "4321"
    assert seal("4321") != sealed
    monkeypatch.setattr(SETTINGS, "data_key", "une autre clé")
    with pytest.raises(UnreadableSecret):
        open_(sealed)


# Lines


async def a_fleet(text=None, **options):
    await load_before("lines")
    return await load("lines", text, **options)


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("customer_number", "C9", "UNKNOWN_REFERENCE"),
        ("iccid", "8933099999000000058", "UNKNOWN_REFERENCE"),
        ("iccid", "8933099999000000025", None),
        ("offer", "OPT-SMS", "UNKNOWN_REFERENCE"),
        ("options", "OPT-SMS+SOLO", "UNKNOWN_REFERENCE"),
        ("rate_table", "PRO", "UNKNOWN_REFERENCE"),
        ("billed_until", "", "BILLED_UNTIL_MISSING"),
    ],
)
async def test_a_line_needs_its_customer_card_offer_options_and_table(database, column, value, code):
    await load_before("lines")
    found = await refused("lines", cell("lines", 2, column, value))
    assert found == ([(2, column, code)] if code else [(3, "iccid", "SIM_UNAVAILABLE")])


async def test_thirty_six_months_are_for_businesses(database):
    text = change("lines", (";24;2025-02-10", ";36;2025-02-10"), ("2026-11-30;0;", "2026-11-30;36;2026-10-12"))
    await load_before("lines")
    assert await refused("lines", text) == [(3, "commitment_months", "COMMITMENT_TOO_LONG")]


@pytest.mark.parametrize(
    ("first_month", "needed"),
    [(Month(2026, 10), False), (Month(2026, 11), True), (None, False)],
    ids=["october", "november", "default"],
)
async def test_billed_until_is_needed_before_the_first_month_to_bill(database, first_month, needed):
    """Line 3 is active from 12 October; by default the first month is the one before the current one, October."""
    report = await a_fleet(first_month=first_month)
    assert [error.code for error in report.errors] == (["BILLED_UNTIL_MISSING"] if needed else [])


async def test_the_first_month_is_the_resellers_when_it_is_set(database):
    async with transaction():
        await Reseller(name="Télécoms Imaginaires", first_month="2026-11").save()
    assert [(error.line, error.field) for error in (await a_fleet()).errors] == [(3, "billed_until")]


async def test_two_lines_of_one_number_share_no_day_in_the_file_or_with_the_fleet(database):
    await load_before("lines")
    again = "06 39 98 00 02;C1;8933099999000000033;Zoé Essai;SOLO;;STD;2026-11-30;;0;;ADVANCE;;\n"
    report = await load("lines", FILES["lines"] + again)
    assert [error.message for error in report.errors] == [
        "Ce numéro a déjà une ligne à la ligne 3 du fichier (client C2), du 12 octobre 2026 au 30 novembre 2026. "
        "Corrigez l'une des dates."
    ]
    await load("lines")
    alone = FILES["lines"].splitlines()[0] + "\n" + again
    report = await load("lines", alone)
    assert [error.message for error in report.errors] == [
        "Ce numéro a déjà une ligne dans le parc (client C2), du 12 octobre 2026 au 30 novembre 2026. Corrigez l'une des dates."
    ]
    assert (await load("lines", alone.replace("2026-11-30;;", "2026-12-01;;"))).created == 1


async def test_a_line_shortened_by_the_same_file_makes_room_for_the_next_one(database):
    await a_fleet()
    header, first, second = FILES["lines"].splitlines()
    after = "06 39 98 00 01;C2;8933099999000000033;Zoé Essai;SOLO;;STD;2026-11-01;;0;;ADVANCE;;"
    shorter = first.replace("2025-02-10;;24", "2025-02-10;2026-10-31;24")
    report = await load("lines", "\n".join([header, after, second, shorter]) + "\n")
    assert (report.created, report.changed, report.unchanged, report.errors) == (1, 1, 1, ())
    assert [line["state"] for line in await Line.select().order_by(Line.activated_on)][:2] == [
        "terminated",
        "termination_scheduled",
    ]


async def test_a_card_is_on_one_line_only(database):
    await a_fleet()
    row = "06 39 98 00 03;C1;8933099999000000017;Zoé Essai;SOLO;;STD;2026-11-01;;0;;ADVANCE;;\n"
    assert await refused("lines", FILES["lines"] + row) == [(4, "iccid", "SIM_UNAVAILABLE")]


def test_the_state_of_a_line_is_that_of_its_dates():
    today = date(2026, 11, 24)
    assert state_on(today, date(2026, 11, 25), None) == LineState.pending
    assert state_on(today, today, None) == LineState.active
    assert state_on(today, date(2025, 1, 1), date(2026, 11, 23)) == LineState.terminated
    assert state_on(today, date(2025, 1, 1), today) == LineState.termination_scheduled


async def test_the_agreed_price_is_the_catalogues_on_the_day_of_import(database):
    await load_before("lines")
    await load("offers", change("offers", ("4,1583", "5"), ("no;2026-09-01", "no;2026-11-01")))
    await load("lines", change("lines", ("2025-02-10;;24", "2026-10-01;;24"), (";24;2025-02-10", ";24;2026-10-01")))
    item = await LineItem.select(LineItem.monthly_price, LineItem.offer.valid_from).where(LineItem.offer.code == "SOLO").first()
    assert (item["monthly_price"], item["offer.valid_from"]) == (Decimal("5"), date(2026, 9, 1))


async def test_an_offer_that_is_not_on_sale_yet_is_refused(database):
    await load_all("rates", "roaming_zones", "sims", "customers")
    await load("offers", FILES["offers"].replace("2026-09-01", "2026-12-01"))
    errors = (await load("lines")).errors
    assert errors[0].message == "L'abonnement « SOLO » n'est pas encore en vente. Importez-en une version, ou corrigez le code."


async def test_everything_of_a_line_may_change_while_none_of_its_days_is_billed(database):
    await a_fleet()
    old = await Line.objects().get(Line.msisdn == "+33639980001")
    row = FILES["lines"].splitlines()[1]
    new = "0639980001;C2;8933099999000000033;Léo Essai;SOLO;OPT-MAIL;STD;2025-02-10;2026-12-31;12;2025-02-10;ARREARS;;2026-09-30"
    report = await load("lines", FILES["lines"].replace(row, new))
    assert (report.changed, report.unchanged) == (1, 1)
    assert {change["field"]: (change["before"], change["after"]) for change in report.changes} == {
        "customer_number": ("C1", "C2"), "iccid": ("8933099999000000017", "8933099999000000033"),
        "user_name": ("Léa Essai", "Léo Essai"), "options": ("OPT-SMS+OPT-MAIL", "OPT-MAIL"), "terminated_on": ("", "2026-12-31"),
        "commitment_months": ("24", "12"), "billing_terms": ("ADVANCE", "ARREARS"), "billed_until": ("2026-10-31", "2026-09-30"),
        "discount_percent": ("15.5", ""),
    }  # fmt: skip
    line = (
        await Line.select(Line.all_columns(), Line.sim.iccid, Line.commitment_type.code).where(Line.msisdn == old.msisdn).first()
    )
    assert (line["id"], line["state"]) == (old.id, LineState.termination_scheduled)
    assert (line["sim.iccid"], line["commitment_type.code"]) == ("8933099999000000033", "M12")
    items = await items_of(old.id)
    assert [(item["position"], item["offer.code"], item["terms"]) for item in items] == [
        (0, "SOLO", "ARREARS"),
        (1, "OPT-MAIL", "ARREARS"),
    ]
    assert all(item["billed_until"] == item["taken_over_until"] == date(2026, 9, 30) for item in items)
    assert not await Discount.exists()
    states = {sim["iccid"][-1]: sim["state"] for sim in await Sim.select()}
    assert (states["7"], states["3"]) == (SimState.in_stock, SimState.active)
    assert (await load("lines")).duplicate_file  # the first file again: its lines were loaded once already
    assert (await load("lines", FILES["lines"] + "\n")).changed == 1


async def test_once_a_day_is_billed_only_the_user_name_changes(database):
    await a_fleet()
    await bill("+33639980001")
    text = cell("lines", 2, "discount_percent", "20")
    assert await refused("lines", text) == [(2, "discount_percent", "LINE_SETTLED")]
    report = await load("lines", cell("lines", 2, "user_name", "Léo Essai"))
    assert (report.changed, report.unchanged, report.changes[0]["field"]) == (1, 1, "user_name")
    assert (await Line.objects().get(Line.msisdn == "+33639980001")).user_name == "Léo Essai"


async def test_usage_on_a_validated_invoice_settles_a_line_and_a_draft_does_not(database):
    await a_fleet()
    line = await Line.objects().get(Line.msisdn == "+33639980001")
    async with transaction():
        invoice = Invoice(customer=line.customer, kind="INVOICE")
        await invoice.save()
        item = await LineItem.objects().get((LineItem.line == line.id) & (LineItem.position == 2))
        await InvoiceLine(invoice=invoice.id, line=line.id, item=item.id, section="USAGE", label="Appels").save()
    report = await load("lines", cell("lines", 2, "options", "OPT-SMS"))
    assert (report.changed, await LineItem.count()) == (1, 3)
    async with transaction():
        await Invoice.update({Invoice.state: InvoiceState.validated}).where(Invoice._meta.primary_key == invoice.id)
    assert await refused("lines", cell("lines", 2, "options", "OPT-MAIL")) == [(2, "options", "LINE_SETTLED")]


async def test_a_line_that_has_lived_since_keeps_what_it_became(database):
    await a_fleet()
    async with transaction():
        await Line.update({Line.state: LineState.suspended_out}).where(Line.msisdn == "+33639980001")
    assert await refused("lines", cell("lines", 2, "options", "")) == [(2, "options", "LINE_SETTLED")]


async def test_a_refused_change_gives_its_days_back_to_no_other_row(database):
    """The first line is billed: it cannot be shortened, so the number is not free for the new one either."""
    await a_fleet()
    await bill("+33639980001")
    text = cell("lines", 2, "terminated_on", "2026-10-31")
    text += "06 39 98 00 01;C2;8933099999000000033;Zoé Essai;SOLO;;STD;2026-11-01;;0;;ADVANCE;;\n"
    report = await load("lines", text, mode="valid")
    assert (report.created, report.changed, report.unchanged) == (0, 0, 1)
    assert [(error.line, error.code) for error in report.errors] == [(2, "LINE_SETTLED"), (4, "SHARED_DAY")]
