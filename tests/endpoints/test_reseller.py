"""The seller, as programs read and write it."""

import asyncio

import pytest
from schwifty import IBAN
from stdnum.fr import siren, siret

from app import inner
from gateways.settings import SETTINGS
from jobs import reseller
from tables.parties import Reseller
from tables.timeline import TimelineEntry

REAL = {
    "name": "Mobiles & Cie", "legal_form": "SARL", "capital_cents": 5_000_000, "siren": "529197709", "siret": "52919770900023",
    "vat_number": "FR56529197709", "rcs_city": "Nantes", "street": "2 quai des Essais", "postcode": "44000", "city": "Nantes",
    "country": "FR", "email": "factures@mobiles.example", "phone": "01 99 00 12 34", "iban": "FR7630006000011234567890189",
    "bic": "AGRIFRPP882", "ics": "FR72ZZZ123456", "einvoice_address": "0225:529197709", "vat_on_debits": False,
    "payment_days": 45, "first_month": "2026-10", "invoice_pattern": "FA{year}-{counter:05}",
    "credit_note_pattern": "AV{year}-{counter:05}",
}  # fmt: skip


async def test_in_development_the_seller_is_plainly_fictitious_and_its_digits_are_right(program):
    body = (await program.get("/api/reseller")).json()
    assert list(body) == list(REAL)
    assert "Imaginaires" in body["name"]
    assert body["email"].endswith(".example")
    assert body["phone"].startswith("01 99 00")
    assert siren.is_valid(body["siren"])
    assert siret.is_valid(body["siret"])
    assert IBAN(body["iban"], validate_bban=True).is_valid
    assert (await program.put("/api/reseller", json=body)).json() == body
    assert reseller.missing(await reseller.current()) == []


async def test_in_production_it_is_empty_and_says_what_is_missing(program, monkeypatch):
    monkeypatch.setattr(SETTINGS, "production", True)
    body = (await program.get("/api/reseller")).json()
    assert (body["name"], body["iban"], body["invoice_pattern"]) == ("", "", "F{year}-{counter:06}")
    assert reseller.missing(await reseller.current())[:3] == ["Raison sociale", "Forme juridique", "SIREN"]


async def test_the_first_two_readers_at_once_make_one_row(database):
    await asyncio.gather(*(reseller.current() for _ in range(5)))
    assert await Reseller.count() == 1


async def test_a_put_replaces_it_and_is_written_in_the_journal(program):
    answer = await program.put("/api/reseller", json=REAL)
    assert (answer.status_code, answer.json()) == (200, REAL)
    assert (await program.get("/api/reseller")).json() == REAL
    entry = (await TimelineEntry.select().order_by(TimelineEntry.id, ascending=False).output(load_json=True))[0]
    assert (entry["actor"], entry["subject"], entry["event"]) == ("API", "reseller", "changed")
    assert (entry["before"]["legal_form"], entry["after"]["legal_form"]) == ("SAS", "SARL")
    assert "country" not in entry["after"], "only what changed"


async def test_what_a_put_leaves_out_takes_its_default_and_what_the_api_does_not_know_stays(program):
    await reseller.current()
    await Reseller.update({Reseller.peak_hours: "1-5:8-20"}, force=True)
    body = (await program.put("/api/reseller", json={"name": "Mobiles & Cie"})).json()
    assert (body["name"], body["siren"], body["payment_days"]) == ("Mobiles & Cie", "", 30)
    assert (await reseller.current()).peak_hours == "1-5:8-20"


async def test_identifiers_are_kept_without_their_blanks(program):
    typed = {**REAL, "siren": "529 197 709", "iban": "fr76 3000 6000 0112 3456 7890 189", "name": "  Mobiles & Cie "}
    assert (await program.put("/api/reseller", json=typed)).json() == REAL


@pytest.mark.parametrize(
    "field, value",
    [
        ("siren", "529197708"), ("siret", "52919770900024"), ("siret", "73282932000074"), ("vat_number", "FR57529197709"),
        ("vat_number", "FR44732829320"), ("iban", "FR0630006000011234567890188"), ("bic", "AGRIFRPP8"), ("ics", "FR73ZZZ123456"),
        ("country", "france"), ("email", "nobody"), ("payment_days", -1), ("capital_cents", -1), ("capital_cents", 10**30),
        ("first_month", "octobre"), ("invoice_pattern", "F{counter}"), ("invoice_pattern", ""),
        ("credit_note_pattern", "A é{year}{counter}"),
        ("name", "x" * 101), ("name", "a\x00b"), ("city", "a\nb"),
    ],
)  # fmt: skip
async def test_each_fault_is_named_at_its_field_in_french(program, field, value):
    before = (await program.get("/api/reseller")).json()
    answer = await program.put("/api/reseller", json={**REAL, field: value})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert set(error) == {"file", "line", "column", "field", "value", "code", "message"}
    assert error["field"] == field
    assert error["message"].endswith(".")
    assert (await program.get("/api/reseller")).json() == before


async def test_all_faults_are_counted_at_once(program):
    body = (await program.put("/api/reseller", json={**REAL, "siren": "1", "iban": "2", "bic": "3"})).json()
    assert [error["field"] for error in body["errors"]] == ["siren", "iban", "bic"]
    assert body["detail"] == "3 valeurs sont à corriger."


@pytest.mark.parametrize(
    "body, field", [({"siren2": "1"}, "siren2"), ({"capital_cents": "beaucoup"}, "capital_cents"), ({"name": None}, "name")]
)
async def test_unknown_keys_and_other_types_are_refused(program, body, field):
    answer = await program.put("/api/reseller", json={**REAL, **body})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b'{"name": "\\ud800"}', b"\xff"])
async def test_a_body_that_is_no_object_breaks_nothing(program, body):
    assert (await program.put("/api/reseller", content=body)).status_code in (400, 422)


async def test_the_row_is_there_from_the_start_for_the_admin_to_fill(database):
    await database.close_connection_pool()
    async with inner.lifespan():
        assert await Reseller.count() == 1
    await database.start_connection_pool()
