"""The generated admin changes only what it may, table by table, column by column, and each change is in the journal."""

import json
import re
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from piccolo.columns import ForeignKey, Timestamptz, Varchar

from endpoints.admin import CONFIGS
from endpoints.guarded import Guarded
from jobs import reseller
from rules.states import LineState, SimState
from tables.access import AccessLink
from tables.catalogue import CommitmentType, Device, DeviceUnit, Offer, Product, Rate, RateTable, RoamingZone
from tables.charges import Charge
from tables.fleet import Line, Sim
from tables.parties import Customer, Reseller
from tables.piccolo_app import TABLES
from tables.timeline import TimelineEntry
from tests.endpoints.visitor import EMAIL

MOUNTED = {config.table_class._meta.tablename: config for config in CONFIGS}
READ_ONLY = {
    "invoice", "invoice_line", "number_series", "sealed_document", "billing_run", "finding", "waiver", "parked_customer",
    "cdr_file", "cdr_part", "cdr_reject", "import_batch", "rate_version", "rate", "timeline_entry", "line_item", "discount",
    "job_run", "mail", "sim_batch", "arrival", "import_item", "mail_template", "branding", "invoice_template", "cdr_layout",
    "line_change", "network_request", "network_batch", "customer_order", "order_item", "porting_request", "charge",
    "payment", "allocation", "debit_batch", "debit",
    "network_answer_file",
    "seal", "accounting_export",
}  # fmt: skip
LAWFUL = {
    "customer": {
        "customer_number": "C1", "login": "C1", "company_name": "Essai", "street": "1 rue X", "postcode": "69001", "city": "Lyon",
    },
    "offer": {"code": "PRO", "label": "Pro", "vat_rate": Decimal(20), "valid_from": date(2026, 1, 1)},
    "product": {"code": "ASSIST", "label": "Assistance", "price": Decimal("4.9"), "valid_from": date(2026, 1, 1)},
    "device": {"code": "T5", "brand": "Imaginaire", "model": "Cinq", "price": Decimal(199), "valid_from": date(2026, 1, 1)},
    "device_unit": {"imei": "490154203237518"},
    "roaming_zone": {"zone": "EU", "mcc": "262"},
    "commitment_type": {"code": "24M", "label": "24 mois", "months": 24},
    "rate_table": {"code": "STD"},
    "sim": {"iccid": "8933010000000000010", "secrets": "very private", "state": SimState.active},
    "line": {"msisdn": "+33639980001", "activated_on": date(2026, 3, 1)},
    "account": {"family": "VAT", "vat_rate": Decimal("5.5"), "number": "445755", "label": "TVA 5,5 %"},
    "finding": {"severity": "warning", "code": "X"},
    "invoice": {"kind": "INVOICE"},
    "cdr_reject": {"cause": "BAD_TYPE"},
    "allocation": {"credit_note": None},
    "debit": {"amount_cents": 100},
}  # fmt: skip


@pytest.fixture
async def one_row_each(database):
    """Table → the key of its one row."""
    keys = {}
    for table in TABLES:
        if table is AccessLink:
            continue
        values = dict(LAWFUL.get(table._meta.tablename, {}))
        for column in table._meta.foreign_key_columns:
            target = column._foreign_key_meta.resolved_references._meta.tablename
            values.setdefault(column._meta.name, keys.get(target))
        row = await reseller.current() if table is Reseller else table(**values)
        await row.save()
        keys[table._meta.tablename] = row.id
    return keys


def other(column, value):
    """A value of the column's type that is not this one."""
    value = getattr(value, "value", value)
    if column._meta.choices:
        return next(str(word.value) for word in column._meta.choices if word.value not in (value, ""))
    if isinstance(column, ForeignKey):
        return (value or 0) + 1
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, Decimal)):
        return int(value) + 1
    if isinstance(value, datetime) or isinstance(column, Timestamptz):
        return ((value or datetime(2026, 1, 1)) + timedelta(days=1)).isoformat()
    if isinstance(value, date) or column.__class__.__name__ == "Date":
        return ((value or date(2026, 1, 1)) + timedelta(days=1)).isoformat()
    return '{"a": 1}' if column.__class__.__name__ == "JSON" else "9"


async def rows(table):
    return await table.select().order_by(table._meta.primary_key)


def test_every_table_but_links_and_calls_is_mounted_by_the_factory():
    assert {table._meta.tablename for table in TABLES} - {"access_link", "idempotent_call"} == set(MOUNTED)
    assert all(isinstance(config, Guarded) for config in CONFIGS)
    assert {name for name, config in MOUNTED.items() if "readonly" in config.locks} == READ_ONLY
    chapters = ["1. Réglages", "2. Catalogue", "3. Parc", "4. Clients", "5. CDR", "6. Facturation", "7. Journal"]
    assert sorted({config.menu_group for config in CONFIGS}) == chapters


def test_no_hook_is_lost_and_no_list_of_validators_is_shared():
    seen = set()
    for config in CONFIGS:
        kinds = [hook.hook_type.value for hook in config.hooks]
        assert kinds == sorted(kinds)
        assert set(kinds) == {"pre_save", "pre_patch", "pre_delete"}
        assert config.validators.put_single
        assert config.validators.delete_all
        lists = {id(given) for given in vars(config.validators).values() if isinstance(given, list) and given}
        assert not lists & seen
        seen |= lists


async def test_what_is_locked_does_not_move_by_any_method(clerk, one_row_each):
    for name, config in MOUNTED.items():
        table, path = config.table_class, f"api/tables/{name}/{one_row_each[name]}/"
        before = await rows(table)
        row = before[0]
        if name == "timeline_entry":
            continue
        answer = await clerk.admin(
            "PUT", path, json={column._meta.name: other(column, row[column._meta.name]) for column in table._meta.columns}
        )
        assert answer.status_code == 405, name
        for method, place in (
            ("DELETE", f"api/tables/{name}/"),
            ("PUT", f"api/tables/{name}/"),
            ("PATCH", f"api/tables/{name}/"),
        ):
            assert (await clerk.admin(method, place, json={})).status_code == 405, (name, method)
        for column in table._meta.columns:
            if column._meta.name in config.locked:
                change = {column._meta.name: other(column, row[column._meta.name])}
                answer = await clerk.admin("PATCH", path, json=change)
                assert answer.status_code == 405, (name, change, answer.text)
                assert answer.json()["detail"], (name, change)
        if "kept" in config.locks:
            assert (await clerk.admin("DELETE", path)).status_code == 405, name
        if "closed" in config.locks:
            assert (await clerk.admin("POST", f"api/tables/{name}/", json={})).status_code == 405, name
        assert await rows(table) == before, name


async def test_the_journal_cannot_be_touched(clerk, one_row_each):
    before = await rows(TimelineEntry)
    for method in ("PUT", "PATCH", "DELETE"):
        answer = await clerk.admin(method, f"api/tables/timeline_entry/{before[0]['id']}/", json={"actor": "someone"})
        assert answer.status_code == 405
    assert (await clerk.admin("POST", "api/tables/timeline_entry/", json={"actor": "someone"})).status_code == 405
    assert await rows(TimelineEntry) == before


async def test_tables_that_are_not_mounted_do_not_exist_there(clerk):
    for name in ("access_link", "sessions", "piccolo_user", "migration"):
        for method in ("GET", "POST"):
            assert (await clerk.admin(method, f"api/tables/{name}/", json={})).status_code == 404


async def test_the_whole_form_sent_back_unchanged_is_accepted_and_leaves_no_trace(clerk, one_row_each):
    entries = await TimelineEntry.count()
    for name, config in MOUNTED.items():
        if "readonly" in config.locks:
            continue
        path = f"api/tables/{name}/{one_row_each[name]}/"
        form = (await clerk.admin("GET", path)).json()
        form.pop("id")
        answer = await clerk.admin("PATCH", path, json=form)
        assert answer.status_code == 200, (name, answer.text)
    assert await TimelineEntry.count() == entries


async def test_a_change_is_written_with_who_and_from_what_to_what(clerk, one_row_each):
    answer = await clerk.admin(
        "PATCH", f"api/tables/line/{one_row_each['line']}/", json={"user_name": "Zoé", "state": LineState.active}
    )
    assert answer.status_code == 200
    entry = (await rows(TimelineEntry))[-1]
    assert (entry["actor"], entry["subject"], entry["subject_id"], entry["event"]) == (
        EMAIL,
        "line",
        one_row_each["line"],
        "changed",
    )
    assert (json.loads(entry["before"]), json.loads(entry["after"])) == ({"user_name": ""}, {"user_name": "Zoé"})


async def test_a_refused_change_leaves_neither_row_nor_entry(clerk, one_row_each):
    entries = await TimelineEntry.count()
    for change in (
        {"city": "Paris", "customer_number": "Z"},
        {"city": "Paris", "iban": "FR00"},
        {"city": "x" * 61},
        {"city": None},
        {"nope": 1},
    ):
        answer = await clerk.admin("PATCH", f"api/tables/customer/{one_row_each['customer']}/", json=change)
        assert answer.status_code == 405, change
        assert "detail" in answer.json()
    assert (await rows(Customer))[0]["city"] == "Lyon"
    assert await TimelineEntry.count() == entries


async def test_change_and_entry_are_one_transaction(clerk, one_row_each, monkeypatch):
    async def no_journal(self):
        raise RuntimeError

    monkeypatch.setattr(TimelineEntry, "save", no_journal)
    answer = await clerk.admin("PATCH", f"api/tables/customer/{one_row_each['customer']}/", json={"city": "Paris"})
    assert answer.status_code == 500
    assert (await rows(Customer))[0]["city"] == "Lyon"


async def test_a_customer_is_created_by_the_law_of_the_file(clerk, database):
    form = {**LAWFUL["customer"], "siren": "529197709", "login": None}
    assert (await clerk.admin("POST", "api/tables/customer/", json=form)).status_code == 201
    (kept,) = await rows(Customer)
    assert (kept["siren"], kept["login"], kept["einvoice_address"]) == ("529197709", "C1", "0225:529197709")
    again = await clerk.admin("POST", "api/tables/customer/", json=form)
    assert again.status_code == 405
    assert "déjà pris" in again.json()["detail"]
    wrong = await clerk.admin("POST", "api/tables/customer/", json={**form, "customer_number": "C2", "siren": "529197708"})
    assert "SIREN" in wrong.json()["detail"]
    entry = (await rows(TimelineEntry))[-1]
    assert (entry["event"], entry["subject_id"], json.loads(entry["after"])["company_name"]) == ("created", kept["id"], "Essai")


async def test_an_offer_in_use_is_frozen_and_an_unused_one_can_go(clerk, one_row_each):
    used = one_row_each["offer"]
    for change in ({"label": "Autre"}, {"monthly_price": "1"}, {"valid_from": "2026-02-01"}):
        answer = await clerk.admin("PATCH", f"api/tables/offer/{used}/", json=change)
        assert (answer.status_code, "utilisée" in answer.json()["detail"]) == (405, True)
    assert (await clerk.admin("DELETE", f"api/tables/offer/{used}/")).status_code == 405
    free = Offer(code="LIBRE", label="Libre", vat_rate=Decimal(20), valid_from=date(2026, 1, 1))
    await free.save()
    changed = await clerk.admin("PATCH", f"api/tables/offer/{free.id}/", json={"monthly_price": "9.99"})
    assert Decimal(changed.json()["monthly_price"]) == Decimal("9.99")
    assert (await clerk.admin("DELETE", f"api/tables/offer/{free.id}/")).status_code == 204
    assert [(row["event"], row["subject_id"]) for row in (await rows(TimelineEntry))[-2:]] == [
        ("changed", free.id),
        ("deleted", free.id),
    ]


async def test_a_device_with_a_unit_is_frozen_and_a_sold_unit_stays(clerk, one_row_each):
    path, unit = f"api/tables/device/{one_row_each['device']}/", f"api/tables/device_unit/{one_row_each['device_unit']}/"
    frozen = await clerk.admin("PATCH", path, json={"price": "1"})
    assert (frozen.status_code, "utilisée" in frozen.json()["detail"]) == (405, True)
    await DeviceUnit.update({DeviceUnit.state: "sold"}, force=True)
    assert (await clerk.admin("DELETE", unit)).status_code == 405
    await DeviceUnit.update({DeviceUnit.state: "in_stock"}, force=True)
    await Charge.update({Charge.unit: None}, force=True)  # no charge names it
    assert (await clerk.admin("DELETE", unit)).status_code == 204
    assert (await clerk.admin("PATCH", path, json={"price": "1"})).status_code == 200


async def test_a_vat_rate_is_chosen_in_the_list_of_the_law(clerk, database):
    form = {
        "code": "ASSIST", "kind": "SERVICE", "label": "Assistance", "recurring": True, "price": "4.9", "vat_rate": "8.5",
        "valid_from": "2026-09-01",
    }  # fmt: skip
    made = await clerk.admin("POST", "api/tables/product/", json=form)
    assert made.status_code == 201
    (kept,) = await rows(Product)
    path = f"api/tables/product/{kept['id']}/"
    assert (await clerk.admin("GET", path)).json()["vat_rate"] == "8.5"
    for wrong in ("7.7", "21"):
        refused = await clerk.admin("PATCH", path, json={"vat_rate": wrong})
        assert (refused.status_code, "TVA" in refused.json()["detail"]) == (405, True)
        refused = await clerk.admin(
            "POST", "api/tables/offer/", json={**LAWFUL["offer"], "vat_rate": wrong, "valid_from": "2026-09-01"}
        )
        assert refused.status_code == 405
    assert (await rows(Product))[0]["vat_rate"] == Decimal("8.5")


@pytest.mark.parametrize("table", [Offer, Device, RateTable, RoamingZone, CommitmentType])
async def test_catalogue_rows_in_use_stay(clerk, one_row_each, table):
    await Rate.update({Rate.origin: "EU"}, force=True)
    key = one_row_each[table._meta.tablename]
    answer = await clerk.admin("DELETE", f"api/tables/{table._meta.tablename}/{key}/")
    assert answer.status_code == 405
    assert await table.exists().where(table.id == key)


async def test_only_an_option_of_the_list_and_a_printable_text_are_kept(clerk, one_row_each):
    path = f"api/tables/customer/{one_row_each['customer']}/"
    for change in ({"payment_method": "BITCOIN"}, {"notes": "a\x07b"}, {"city": "Ly\non"}, {"city": "\u202eLyon"}):
        assert (await clerk.admin("PATCH", path, json=change)).status_code == 405, change
    raw = await clerk.admin("PATCH", path, content=b'{"city": "\\ud800"}', headers={"content-type": "application/json"})
    assert raw.status_code == 400
    assert (await clerk.admin("PATCH", path, json={"notes": "a\x00b"})).status_code == 400
    assert (await clerk.admin("PATCH", path, json={"notes": "une\nautre ligne"})).status_code == 200


async def test_the_codes_of_a_card_are_seen_nowhere(clerk, one_row_each):
    key = one_row_each["sim"]
    await clerk.admin("PATCH", f"api/tables/sim/{key}/", json={"batch": "LOT-2", "secrets": ""})
    for path in (f"{key}/", "", "?__visible_fields=iccid,secrets", "schema/", "new/", "ids/"):
        assert "very private" not in (await clerk.admin("GET", f"api/tables/sim/{path}")).text
    assert "secrets" not in (await clerk.admin("GET", "api/tables/sim/schema/")).json()["properties"]
    assert (await clerk.admin("GET", "api/tables/sim/?secrets=very private")).status_code in (400, 405)
    assert "very private" not in str(await rows(TimelineEntry))
    assert (await rows(Sim))[0]["secrets"] == "very private"


async def test_the_seller_is_one_row_held_to_its_law(clerk, one_row_each):
    path = f"api/tables/reseller/{one_row_each['reseller']}/"
    for field, value, word in (("siren", "529197708", "SIREN"), ("invoice_pattern", "F{counter}", "Modèle")):
        refused = await clerk.admin("PATCH", path, json={field: value})
        assert (refused.status_code, word in refused.json()["detail"]) == (405, True)
    assert (await clerk.admin("PATCH", path, json={"iban": "FR76 3000 6000 0112 3456 7890 189"})).status_code == 200
    assert (await rows(Reseller))[0]["iban"] == "FR7630006000011234567890189"


async def test_every_column_and_choice_has_a_french_title(clerk):
    for name, config in MOUNTED.items():
        schema = (await clerk.admin("GET", f"api/tables/{name}/schema/")).json()
        for column in config.table_class._meta.columns:
            if field := schema["properties"].get(column._meta.name):
                assert field["title"].startswith(column._meta.help_text.split(" — ")[0])
                labels = {str(choice.value): choice.label for choice in column._meta.choices or ()}
                shown = (field["extra"]["choices"] or {}).values()
                assert {choice["value"]: choice["display_name"] for choice in shown} == labels
        titles = [field["title"] for field in schema["properties"].values()]
        assert len(titles) == len(set(titles)), name


def test_a_length_is_told_for_every_short_text():
    """The database of SQLite cuts nothing: the form must."""
    assert all(column.length for config in CONFIGS for column in config.table_class._meta.columns if isinstance(column, Varchar))


async def test_the_page_carries_our_style_and_script_and_nothing_inline(visitor):
    page = (await visitor.get("/admin/")).text
    assert '<html lang="fr">' in page
    assert "/static/admin.js?v=" in page
    assert "/static/admin-tint.css?v=" in page
    scripts = re.findall(r"<script([^>]*)>([^<]*)", page)
    assert all(not body.strip() or 'type="application/json"' in attributes for attributes, body in scripts)
    assert (await visitor.get("/admin")).headers["location"] == "/admin/"


async def test_lines_keep_all_but_their_user(clerk, one_row_each):
    assert set(MOUNTED["line"].locked) == {column._meta.name for column in Line._meta.columns} - {"user_name"} | {"id"}
