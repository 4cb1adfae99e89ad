"""The manual, chapter I: the life of a line, asked by a program through the API, on both engines."""

import json
from datetime import datetime

import pytest
from line_samples import BUSINESS, CONSUMER, FOURTH, PLAIN, THIRD, fleet

from gateways.settings import SETTINGS
from jobs.lines import acts
from jobs.lines.acts import Act
from rules.states import ChangeKind
from tables.changes import NetworkRequest
from tests.endpoints.visitor import CRON_TOKEN, Visitor

NUMBER, OTHER = "06%2039%2098%2000%2001", "+33639980002"
KEYS = {
    "msisdn", "customer_number", "state", "iccid", "user_name", "activated_on", "terminated_on", "offer", "options",
    "rate_table", "commitment", "barring", "international", "pending", "timeline",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    day(monkeypatch, "2026-11-24T12:00:00+00:00")


def day(monkeypatch, instant):
    monkeypatch.setattr(SETTINGS, "clock", datetime.fromisoformat(instant))


@pytest.fixture
async def api(program, data_dir):
    async def call(verb="", number=NUMBER, status=200, **body):
        path = f"/api/lines/{number}"
        answer = await (program.post(f"{path}/{verb}", json=body) if verb else program.get(path))
        assert answer.status_code == status, answer.text
        return answer.json()

    call.lines = await fleet()
    return call


async def clock_strikes():
    async with Visitor(headers={"authorization": f"Bearer {CRON_TOKEN}"}) as cron:
        answer = await cron.post("/jobs/apply-scheduled-changes")
    assert answer.status_code == 200
    return answer.json()


async def asked(kind):
    """What the network was asked last of a kind."""
    row = await NetworkRequest.select().where(NetworkRequest.kind == kind).order_by(NetworkRequest.id, ascending=False).first()
    return {name: value for name, value in json.loads(row["payload"]).items() if value}


async def test_i0_a_line_is_found_by_any_form_of_its_number(api):
    found = await api()
    assert set(found) >= KEYS
    assert found["msisdn"] == "+33639980001"
    assert (found["customer_number"], found["state"], found["iccid"], found["user_name"]) == ("C1", "active", PLAIN, "Léa Essai")
    assert (found["activated_on"], found["terminated_on"], found["rate_table"]) == ("2025-02-10", None, "STD")
    assert (found["offer"], found["options"]) == ("SOLO", ["OPT-SMS", "OPT-MAIL"])
    bound = found["commitment"]
    assert (bound["type"], bound["ends_on"], bound["fee_today_cents"]) == ("M24", "2027-02-09", 832)  # 2 × 4.1583 €
    assert (found["barring"], found["international"], found["pending"], found["timeline"]) == (None, "EU", [], [])
    for form in ("0639980001", "0033639980001", "+33%206%2039%2098%2000%2001"):
        assert await api(number=form) == found
    assert "Aucune ligne" in (await api(number="0639980009", status=404))["detail"]
    await api(number="bonjour", status=422)


async def test_i1_the_user_changes_at_once_or_on_a_day(api, monkeypatch):
    changed = await api("rename", user_name="Zoé Lesœur")
    assert (changed["user_name"], changed["timeline"][0]["from"], changed["timeline"][0]["to"]) == (
        "Zoé Lesœur",
        "Léa Essai",
        "Zoé Lesœur",
    )
    assert (await asked("RENAME"))["user_name"] == "Zoé Lesœur"
    await api("rename", user_name="Zoé Lesœur", status=409)
    await api("rename", user_name="a\nb", status=422)
    await api("rename", user_name="x" * 121, status=422)
    planned = await api("rename", user_name="Ali Essai", effective_on="2026-12-01", reason="Départ")
    (waiting,) = [one for one in planned["pending"] if one["type"] == "change"]
    assert (planned["user_name"], waiting["effective_on"], waiting["to"], waiting["reason"]) == (
        "Zoé Lesœur",
        "2026-12-01",
        "Ali Essai",
        "Départ",
    )
    day(monkeypatch, "2026-11-30T23:10:00+00:00")  # 0 h 10 in Paris
    assert await clock_strikes() == {"done": 1, "skipped": 0, "problems": []}
    assert await clock_strikes() == {"done": 0, "skipped": 0, "problems": []}
    assert (await api())["user_name"] == "Ali Essai"


async def test_i2_the_profile_abroad_is_one_that_the_offer_allows(api):
    assert (await api("international", profile="NONE"))["international"] == "NONE"
    assert (await api("international", profile="WORLD"))["international"] == "WORLD"  # by its option OPT-MAIL
    assert (await asked("PROFILE"))["options"] == "WORLD"
    refused = await api("international", OTHER, 422, profile="WORLD")
    assert refused["type"].endswith("PROFILE_NOT_ALLOWED")
    assert "« Solo 1 h » ne permet pas le profil « Monde entier »" in refused["detail"]
    await api("international", status=422, profile="MOON")


async def test_i3_a_restriction_is_outgoing_or_both_and_in_bulk_told_for_each(api):
    assert (await api("suspend", barring="OUT"))["barring"] == "OUT"
    refused = await api("suspend", status=409, barring="OUT")
    assert refused["type"].endswith("ILLEGAL_STATE")
    assert refused["detail"] == "Déjà « Restreinte sortante » : rien à changer."
    assert (await api("suspend", barring="BOTH"))["state"] == "suspended_full"
    await api("suspend", status=422, barring="ALL")
    await api("suspend", status=422)
    act = Act(ChangeKind.suspend, SETTINGS.now().date(), "Impayé", {"barring": "BOTH"}, "une-fois")
    both = list(api.lines.values())
    told = {(BUSINESS, "ILLEGAL_STATE"), (CONSUMER, "")}
    seen = await acts.look(act, both, SETTINGS.now())
    assert {(one.msisdn[-2:], one.code) for one in seen} == told
    done = await acts.do(act, both, actor="Camille", now=SETTINGS.now())
    assert {(one.msisdn[-2:], one.code) for one in done} == told
    assert (await api(number=OTHER))["barring"] == "BOTH"


async def test_i4_a_restriction_is_lifted_in_bulk(api):
    await api("suspend", barring="BOTH")
    act = Act(ChangeKind.reactivate, SETTINGS.now().date(), "Payé")
    done = await acts.do(act, list(api.lines.values()), actor="Camille", now=SETTINGS.now())
    assert {(one.msisdn[-2:], one.after, one.code) for one in done} == {(BUSINESS, "Active", ""), (CONSUMER, "", "ILLEGAL_STATE")}
    assert ((await api())["state"], (await api())["barring"]) == ("active", None)
    assert (await NetworkRequest.select().order_by(NetworkRequest.id))[-1]["kind"] == "UNBAR"
    await api("reactivate", status=409)


async def test_i5_a_termination_has_a_reason_shows_its_fee_and_can_be_taken_back_until_its_day(api, monkeypatch):
    await api("terminate", status=422, effective_on="2026-12-05")
    act = Act(ChangeKind.terminate, datetime(2026, 12, 5).date(), "Déménagement")
    (seen,) = await acts.look(act, [api.lines[BUSINESS]], SETTINGS.now())
    assert (seen.fee_cents, seen.note) == (832, "Dernier jour : le 5 décembre 2026, jusqu'à minuit.")
    ended = await api("terminate", effective_on="2026-12-05", reason="Déménagement", reason_code="MOVED")
    assert (ended["state"], ended["terminated_on"]) == ("termination_scheduled", "2026-12-05")
    await api("suspend", status=409, barring="OUT")
    await api("terminate", status=409, reason="Encore")
    (change,) = ended["pending"]
    await api("cancel-change", OTHER, 404, id=change["id"])
    back = await api("cancel-change", id=change["id"])
    assert (back["state"], back["terminated_on"], back["pending"]) == ("active", None, [])
    await api("cancel-change", status=409, id=change["id"])
    await api("terminate", effective_on="2026-12-05", reason="Déménagement")
    day(monkeypatch, "2026-12-05T12:00:00+00:00")
    await clock_strikes()
    assert (await asked("TERMINATE"))["iccid"] == PLAIN
    assert (await api())["state"] == "termination_scheduled"
    day(monkeypatch, "2026-12-05T23:30:00+00:00")  # the 6th in Paris
    await clock_strikes()
    assert (await api())["state"] == "terminated"
    for verb, body in [("reactivate", {}), ("rename", {"user_name": "X"}), ("terminate", {"reason": "Encore"})]:
        assert "définitif" in (await api(verb, status=409, **body))["detail"]
    past = await api("terminate", OTHER, effective_on="2026-11-01", reason="Décès")
    assert (past["state"], past["terminated_on"]) == ("terminated", "2026-11-01")


async def test_i6_an_offer_changes_as_at_activation_and_its_effect_is_shown_before(api):
    body = {
        "offer": "PLUS", "options": ["OPT-SMS", {"code": "OPT-DATA", "monthly_price": "2.5"}], "monthly_price": "8.99",
        "discounts": [{"on": "PLUS", "percent": "8.5", "until": "2027-03-31"}], "commitment_type": "M36", "rate_table": "STD",
    }  # fmt: skip
    when = {"effective_on": "2026-12-16", "reason": "Plus d'heures"}
    bill = await acts.next_bill(
        Act(ChangeKind.change_offer, datetime(2026, 12, 16).date(), asked=body), api.lines[BUSINESS], SETTINGS.now()
    )
    # 8.99 × 16/31 = 4.640 €, its discount 8.5 % = 0.39 €
    assert [one.amount_cents for one in bill.after if "Plus 2 h" in one.label] == [464, -39, 500]
    planned = await api("change-offer", **body, **when)
    assert planned["offer"] == "SOLO"
    (change,) = planned["pending"]
    assert change["to"] == "Plus 2 h + SMS illimités + Internet"
    assert (await api("cancel-change", id=change["id"]))["pending"] == []
    now = await api("change-offer", **body)
    assert (now["offer"], now["options"]) == ("PLUS", ["OPT-SMS", "OPT-DATA"])
    assert (now["commitment"]["type"], now["commitment"]["ends_on"]) == ("M36", "2029-11-23")
    prices = {item["code"]: (item["monthly_price"], item["discounts"]) for item in now["items"]}
    assert prices["PLUS"] == ("8.99", [{"percent": "8.5", "until": "2027-03-31"}])
    assert prices["OPT-DATA"][0] == "2.5"
    assert (await asked("CHANGE_OFFER"))["options"] == "PLUS+OPT-SMS+OPT-DATA"
    for wrong in [
        {"offer": "GONE"}, {"offer": "PLUS", "options": ["GONE"]}, {"offer": "PLUS", "monthly_price": "-1"},
        {"offer": "PLUS", "discounts": [{"on": "GONE", "percent": "5"}]}, {"offer": "PLUS", "discounts": [{"on": "PLUS"}]},
        {"offer": "PLUS", "rate_table": "GONE"}, {"offer": "PLUS", "commitment_type": "M36"}, {"offer": ""},
    ]:  # fmt: skip
        await api("change-offer", OTHER, 422, **wrong)


async def test_i7_a_card_is_swapped_for_a_free_one_and_the_old_one_retired(api, program):
    swapped = await api("swap-sim", "%2B33639980001", iccid="8933 0999 9900 0000 033", reason="Perdue sur un chantier")
    assert swapped["iccid"] == THIRD
    states = {row["iccid"]: row["state"] for row in (await program.get("/api/sims")).json()["items"]}
    assert (states[PLAIN], states[THIRD], states[FOURTH]) == ("retired", "active", "in_stock")
    assert await asked("SWAP") == {"iccid": PLAIN, "new_iccid": THIRD}
    for taken in (PLAIN, THIRD):
        assert (await api("swap-sim", OTHER, 409, iccid=taken))["type"].endswith("ILLEGAL_STATE")
    assert "clé" in (await api("swap-sim", OTHER, 422, iccid="8933099999000000042"))["detail"]
    await api("swap-sim", OTHER, 409, iccid="8933099999000000058")
