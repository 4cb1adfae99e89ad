"""The verbs on lines, called as the doors call them: the books, the network, the journal; on both engines."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from import_samples import change
from line_samples import BUSINESS, CONSUMER, ESIM, FOURTH, NOW, PLAIN, THIRD, TODAY, fleet

from gateways.settings import SETTINGS
from jobs.cdrs import _cards
from jobs.imports import import_file
from jobs.lines import acts, answers, due
from jobs.lines.acts import Act
from jobs.lines.offers import ProfileNotAllowed
from jobs.lines.sheet import sheet
from rules.line_acts import BadDay
from rules.moves import IllegalState
from rules.states import ChangeKind, LineState
from tables.catalogue import CommitmentType
from tables.changes import LineChange, NetworkRequest
from tables.charges import Charge
from tables.engine import insert_many, transaction
from tables.fleet import Discount, Line, LineItem, Sim
from tables.timeline import TimelineEntry


@pytest.fixture
async def lines(database, data_dir):
    return await fleet()


def act(kind, day=TODAY, reason="essai", once="", **asked):
    return Act(ChangeKind(kind), day, reason, asked, once)


async def do(asked, *ids, now=NOW):
    return await acts.do(asked, ids, actor="Camille", now=now)


async def done(asked, key, now=NOW):
    return await acts.one(asked, key, actor="Camille", now=now)


async def line(key):
    return await Line.select().where(Line.id == key).first()


async def requests():
    return [row["kind"] for row in await NetworkRequest.select().order_by(NetworkRequest.id)]


async def card(number):
    return (await Sim.select(Sim.state).where(Sim.iccid == number).first())["state"]


async def on(day, monkeypatch):
    """The job, run on a day."""
    monkeypatch.setattr(SETTINGS, "clock", datetime(day.year, day.month, day.day, 6, tzinfo=UTC))
    return await due.apply_scheduled_changes()


async def network(kind, answer, **values):
    """The network's answer to the last request of a kind, as its settling gives it."""
    found = NetworkRequest.select().where(NetworkRequest.kind == kind)
    request = await found.order_by(NetworkRequest.id, ascending=False).first()
    async with transaction():
        await answer(request, actor="réseau", now=NOW, **values)


async def items(key):
    """(code, first day, last day) of what lives."""
    rows = await LineItem.select(LineItem.offer.code.as_alias("code"), LineItem.starts_on, LineItem.ends_on).where(
        LineItem.line == key
    )
    return sorted(tuple(row.values()) for row in rows if row["ends_on"] is None or row["ends_on"] >= row["starts_on"])


async def test_a_rename_is_written_asked_and_told(lines):
    effect = await done(act("RENAME", user_name=" Zoé Essai "), lines[BUSINESS])
    assert (effect.before, effect.after, effect.problem) == ("Léa Essai", "Zoé Essai", "")
    assert (await line(lines[BUSINESS]))["user_name"] == "Zoé Essai"
    (request,) = await NetworkRequest.select()
    assert (request["kind"], request["change"], request["msisdn"]) == ("RENAME", effect.change, "+33639980001")
    assert json.loads(request["payload"])["user_name"] == "Zoé Essai"
    entry = await TimelineEntry.select().where(TimelineEntry.event == "rename_done").first()
    assert (entry["actor"], json.loads(entry["before"])) == ("Camille", {"from": "Léa Essai"})
    assert json.loads(entry["after"]) == {"change": effect.change, "to": "Zoé Essai", "on": "2026-11-24", "reason": "essai"}


async def test_looking_writes_nothing_and_foresees_what_doing_does(lines):
    asked, ids = act("TERMINATE", date(2026, 11, 30)), [*lines.values(), 10_000]
    seen = await acts.look(asked, ids, NOW)
    assert (await LineChange.count(), await NetworkRequest.count(), await Charge.count()) == (0, 0, 0)
    result = await do(asked, *ids)
    assert [one.change is None for one in result] == [False, False, True]
    assert seen[2].code == "UNKNOWN_LINE"
    assert [(one.before, one.after, one.note, one.fee_cents, one.code) for one in seen] == [
        (one.before, one.after, one.note, one.fee_cents, one.code) for one in result
    ]


async def test_what_the_state_forbids_is_refused_in_french_and_leaves_no_trace(lines):
    await done(act("SUSPEND", barring="OUT"), lines[BUSINESS])
    for asked, said in [
        (act("SUSPEND", barring="OUT"), "Déjà « Restreinte sortante » : rien à changer."),
        (act("RENAME", user_name="Léa Essai"), "Cette ligne porte déjà ce nom : rien à changer."),
        (act("INTERNATIONAL", profile="EU"), "Déjà « Union européenne » : rien à changer."),
        (act("SWAP_SIM", iccid=PLAIN), "C'est déjà la carte de cette ligne : rien à changer."),
        (act("SWAP_SIM", iccid=ESIM), "Cette carte n'est pas libre (« Active »). Prenez-en une autre, en stock."),
    ]:
        with pytest.raises(IllegalState) as caught:
            await done(asked, lines[BUSINESS])
        assert str(caught.value) == said
    with pytest.raises(IllegalState, match="rien à réactiver"):
        await done(act("REACTIVATE"), lines[CONSUMER])
    with pytest.raises(BadDay, match="est passé"):
        await done(act("RENAME", TODAY - timedelta(days=1), user_name="X"), lines[BUSINESS])
    for far in (date(9999, 12, 31), date(1, 1, 1)):
        with pytest.raises(BadDay):
            await done(act("TERMINATE", far), lines[BUSINESS])
    assert (await LineChange.count(), await requests()) == (1, ["BAR_OUT"])


async def test_pressed_twice_it_is_done_once_and_control_without_its_token_it_is_done_twice(lines):
    first = await done(act("RENAME", once="jeton", user_name="Zoé"), lines[BUSINESS])
    await done(act("RENAME", user_name="Entre deux"), lines[BUSINESS])
    again = await done(act("RENAME", once="jeton", user_name="Zoé"), lines[BUSINESS])
    assert (again.change, again.before, again.after) == (first.change, "Léa Essai", "Zoé")
    assert ((await line(lines[BUSINESS]))["user_name"], await LineChange.count()) == ("Entre deux", 2)
    await done(act("RENAME", user_name="Zoé"), lines[BUSINESS])
    assert ((await line(lines[BUSINESS]))["user_name"], await LineChange.count()) == ("Zoé", 3)


async def test_a_swap_retires_the_old_card_and_a_refused_one_never_was(lines):
    await done(act("SWAP_SIM", iccid="8933 0999 9900 0000 033"), lines[BUSINESS])
    assert [await card(one) for one in (PLAIN, THIRD)] == ["retired", "active"]
    (request,) = await NetworkRequest.select()
    assert {name: json.loads(request["payload"])[name] for name in ("iccid", "new_iccid")} == {"iccid": PLAIN, "new_iccid": THIRD}
    await network("SWAP", answers.refused, reason="Carte inconnue")
    assert [await card(one) for one in (PLAIN, THIRD)] == ["active", "in_stock"]
    told = await sheet("0639980001", NOW)
    assert told["iccid"] == PLAIN
    (entry, *_) = told["timeline"]
    assert (entry["actor"], entry["label"], entry["reason"]) == (
        "réseau",
        "Changer de carte SIM, refusé",
        "Carte inconnue",
    )


async def test_a_refusal_that_comes_after_another_change_leaves_the_line_and_says_so(lines):
    await done(act("SUSPEND", barring="OUT"), lines[BUSINESS])
    await done(act("SUSPEND", barring="BOTH"), lines[BUSINESS])
    await network("BAR_OUT", answers.refused, reason="Profil verrouillé")
    change = (await LineChange.select().order_by(LineChange.id))[0]
    assert (change["state"], (await line(lines[BUSINESS]))["state"]) == ("refused", "suspended_full")
    assert change["refusal"].startswith("Profil verrouillé Autre chose a changé la ligne depuis")


async def test_what_is_confirmed_stays_and_is_told(lines):
    await done(act("SUSPEND", barring="OUT"), lines[BUSINESS])
    await network("BAR_OUT", answers.done, msisdn="", effective_on=TODAY)
    assert (await line(lines[BUSINESS]))["state"] == "suspended_out"
    assert (await sheet("0639980001", NOW))["timeline"][0]["label"] == "Restreindre, confirmé par le réseau"


async def test_what_is_planned_is_done_on_its_day_or_after_a_missed_one_and_only_once(lines, monkeypatch):
    await done(act("SUSPEND", date(2026, 12, 1), barring="BOTH"), lines[BUSINESS])
    await done(act("REACTIVATE", date(2026, 12, 3)), lines[BUSINESS])
    await done(act("SWAP_SIM", date(2026, 12, 2), iccid=THIRD), lines[BUSINESS])
    assert ((await line(lines[BUSINESS]))["state"], await requests()) == ("active", [])
    assert [await card(one) for one in (PLAIN, THIRD)] == ["active", "reserved"]
    assert (await on(date(2026, 11, 30), monkeypatch)).done == 0
    report = await on(date(2026, 12, 2), monkeypatch)
    assert (report.done, report.problems, await requests()) == (2, (), ["BAR_BOTH", "SWAP"])
    assert [await card(one) for one in (PLAIN, THIRD)] == ["retired", "active"]
    assert (await on(date(2026, 12, 2), monkeypatch)).done == 0
    assert (await on(date(2026, 12, 9), monkeypatch)).done == 1
    assert ((await line(lines[BUSINESS]))["state"], await requests()) == ("active", ["BAR_BOTH", "SWAP", "UNBAR"])
    await network("SWAP", answers.refused, reason="Carte inconnue")
    assert [await card(one) for one in (PLAIN, THIRD)] == ["active", "in_stock"]


async def test_what_the_law_no_longer_allows_on_its_day_is_refused_and_told(lines, monkeypatch):
    await done(act("SWAP_SIM", date(2026, 12, 2), iccid=THIRD), lines[BUSINESS])
    await done(act("TERMINATE", TODAY), lines[BUSINESS])
    report = await on(date(2026, 12, 2), monkeypatch)
    assert report.problems == (
        "06\xa039\xa098\xa000\xa001 : Changer de carte SIM, prévu le 2 décembre 2026 : "
        "Cette ligne s'arrête le 24 novembre 2026. Choisissez un jour d'avant.",
    )
    assert (await card(THIRD), await card(PLAIN), (await line(lines[BUSINESS]))["state"]) == ("in_stock", "retired", "terminated")


async def test_planned_changes_are_taken_back_until_their_day(lines, monkeypatch):
    planned = await done(act("SWAP_SIM", date(2026, 12, 2), iccid=THIRD), lines[BUSINESS])
    with pytest.raises(IllegalState, match="déjà programmé pour le 2 décembre 2026"):
        await done(act("SWAP_SIM", iccid=FOURTH), lines[BUSINESS])
    await acts.cancel(planned.change, actor="Camille", now=NOW)
    assert await card(THIRD) == "in_stock"
    with pytest.raises(IllegalState, match="Déjà « Annulé »"):
        await acts.cancel(planned.change, actor="Camille", now=NOW)
    late = await done(act("RENAME", date(2026, 12, 2), user_name="Zoé"), lines[BUSINESS])
    with pytest.raises(IllegalState, match="ne s'annule plus"):
        await acts.cancel(late.change, actor="Camille", now=datetime(2026, 12, 1, 23, 30, tzinfo=UTC))
    assert (await on(date(2026, 12, 2), monkeypatch)).done == 1


async def test_a_termination_ends_at_midnight_of_its_day_with_its_fee_and_its_card(lines, monkeypatch):
    running = Charge(customer=1, line=lines[BUSINESS], kind="RECURRING", label="Location", starts_on=date(2026, 1, 1))
    await running.save()
    ended = await done(act("TERMINATE", date(2026, 12, 5), reason_code="MOVED"), lines[BUSINESS])
    assert ended.fee_cents == 2 * 416  # months 23 and 24 of 4.1583 €: 8.3166 €
    row = await line(lines[BUSINESS])
    assert (row["state"], row["state_before"], row["terminated_on"]) == ("termination_scheduled", "active", date(2026, 12, 5))
    assert [
        (one["kind"], one["unit_price"], one["ends_on"], one["starts_on"]) for one in await Charge.select().order_by(Charge.id)
    ] == [
        ("RECURRING", Decimal(0), date(2026, 12, 5), date(2026, 1, 1)),
        ("ONE_OFF", Decimal("8.32"), None, date(2026, 12, 5)),
    ]
    assert await requests() == []
    await acts.cancel(ended.change, actor="Camille", now=NOW)
    assert [(one["kind"], one["ends_on"]) for one in await Charge.select()] == [("RECURRING", None)]
    assert ((await line(lines[BUSINESS]))["state"], (await line(lines[BUSINESS]))["terminated_on"]) == ("active", None)
    await done(act("TERMINATE", date(2026, 12, 5)), lines[BUSINESS])
    await on(date(2026, 12, 5), monkeypatch)
    assert (await requests(), (await line(lines[BUSINESS]))["state"]) == (["TERMINATE"], "termination_scheduled")
    await on(date(2026, 12, 6), monkeypatch)
    assert ((await line(lines[BUSINESS]))["state"], await card(PLAIN)) == ("terminated", "retired")
    with pytest.raises(IllegalState, match="« Résiliée » est définitif"):
        await done(act("RENAME", date(2026, 12, 6), user_name="X"), lines[BUSINESS])


async def test_a_refused_termination_lets_the_line_live_unless_it_is_over(lines, monkeypatch):
    await done(act("TERMINATE", TODAY), lines[BUSINESS])
    await network("TERMINATE", answers.refused, reason="Contrat en litige")
    row = await line(lines[BUSINESS])
    assert (row["state"], row["terminated_on"], await Charge.count()) == ("active", None, 0)
    await done(act("TERMINATE", TODAY - timedelta(days=9)), lines[CONSUMER])
    await network("TERMINATE", answers.refused, reason="Contrat en litige")
    assert (await line(lines[CONSUMER]))["state"] == "terminated"
    assert "définitif : voyez avec l'opérateur" in (await LineChange.select().order_by(LineChange.id))[1]["refusal"]


async def test_a_consumer_pays_no_month_after_the_twelfth_and_a_fifth_of_it_with_a_subsidised_handset(lines):
    kind = await CommitmentType.select().where(CommitmentType.code == "M24").first()
    bound = {Line.commitment_type: kind["id"], Line.commitment_start: date(2025, 10, 12)}
    await Line.update(bound).where(Line.id == lines[CONSUMER])
    (seen,) = await acts.look(act("TERMINATE"), [lines[CONSUMER]], NOW)
    assert seen.fee_cents == 0  # 14 months begun: 10 remain, all after the twelfth
    await Line.update({Line.subsidised: True}).where(Line.id == lines[CONSUMER])
    (seen,) = await acts.look(act("TERMINATE"), [lines[CONSUMER]], NOW)
    assert seen.fee_cents == 832  # 10 × 4.1583 × 20 %
    assert (await sheet("0639980002", NOW))["commitment"] == {
        "type": "M24",
        "label": "24 mois",
        "starts_on": "2025-10-12",
        "ends_on": "2027-10-11",
        "months": 24,
        "months_gone": 14,
        "fee_today_cents": 832,
    }


async def test_a_number_ported_out_leaves_at_once_or_on_its_day(lines, monkeypatch):
    ending = await done(act("TERMINATE", date(2026, 12, 5)), lines[CONSUMER])
    with pytest.raises(IllegalState, match="Résilier : déjà programmé pour le 5 décembre 2026"):
        await done(act("PORT_OUT", operator="Opérateur Fictif"), lines[CONSUMER])
    await acts.cancel(ending.change, actor="Camille", now=NOW)
    await done(act("PORT_OUT", operator="Opérateur Fictif"), lines[CONSUMER])
    row = await line(lines[CONSUMER])
    assert (row["state"], row["terminated_on"], row["ported_to"]) == ("ported_out", TODAY, "Opérateur Fictif")
    await done(act("PORT_OUT", date(2026, 12, 1), operator="Opérateur Fictif"), lines[BUSINESS])
    assert (await line(lines[BUSINESS]))["state"] == "termination_scheduled"
    await on(date(2026, 12, 4), monkeypatch)
    assert ((await line(lines[BUSINESS]))["state"], await card(PLAIN), await requests()) == ("ported_out", "retired", [])


async def test_the_world_is_for_offers_that_allow_it(lines):
    with pytest.raises(ProfileNotAllowed, match="ne permet pas le profil « Monde entier »"):
        await done(act("INTERNATIONAL", profile="WORLD"), lines[CONSUMER])
    await done(act("INTERNATIONAL", profile="WORLD"), lines[BUSINESS])  # its option OPT-MAIL allows it
    with pytest.raises(ProfileNotAllowed):
        await done(act("CHANGE_OFFER", offer="SOLO", options=["OPT-SMS"]), lines[BUSINESS])
    assert (await requests(), (await sheet("0639980001", NOW))["international"]) == (["PROFILE"], "WORLD")


async def test_a_change_of_offer_keeps_drops_and_adds_without_a_gap_and_is_taken_back(lines):
    before, day = await items(lines[BUSINESS]), date(2026, 12, 10)
    asked = act(
        "CHANGE_OFFER", day, offer="PLUS", options=["OPT-SMS", {"code": "OPT-DATA", "monthly_price": "2.5"}],
        discounts=[{"on": "PLUS", "percent": "10", "months": 3}],
    )  # fmt: skip
    effect = await done(asked, lines[BUSINESS])
    assert (effect.before, effect.after) == ("Solo 1 h + SMS illimités + Messagerie", "Plus 2 h + SMS illimités + Internet")
    since = date(2025, 2, 10)
    assert await items(lines[BUSINESS]) == [
        ("OPT-DATA", day, None),
        ("OPT-MAIL", since, date(2026, 12, 9)),
        ("OPT-SMS", since, None),
        ("PLUS", day, None),
        ("SOLO", since, date(2026, 12, 9)),
    ]
    new = await LineItem.select().where(LineItem.starts_on == day).order_by(LineItem.position)
    assert [(row["monthly_price"], row["terms"]) for row in new] == [(Decimal("9.99"), "ADVANCE"), (Decimal("2.5"), "ADVANCE")]
    (discount,) = await Discount.select().where(Discount.item == new[0]["id"])
    assert (discount["percent"], discount["until"]) == (Decimal(10), date(2027, 3, 9))
    with pytest.raises(IllegalState, match="déjà programmé"):
        await done(act("CHANGE_OFFER", offer="SOLO"), lines[BUSINESS])
    await acts.cancel(effect.change, actor="Camille", now=NOW)
    assert await items(lines[BUSINESS]) == before
    await done(asked, lines[BUSINESS])
    assert len(await items(lines[BUSINESS])) == 5


async def test_another_price_for_the_same_offer_bears_no_second_fee(lines):
    await done(act("CHANGE_OFFER", offer="SOLO", monthly_price="3.5", commitment_type="M12"), lines[BUSINESS])
    assert await requests() == ["CHANGE_OFFER"]
    bill = await acts.next_bill(act("CHANGE_OFFER", offer="PLUS"), lines[CONSUMER], NOW)
    assert [one.label for one in bill.after if "Mise en service" in one.label] == [
        "Mise en service, Solo 1 h",
        "Mise en service, Plus 2 h",
    ]
    row = await line(lines[BUSINESS])
    assert row["commitment_start"] == TODAY
    fresh = await LineItem.select().where(LineItem.line == lines[BUSINESS], LineItem.starts_on == TODAY)
    assert [(one["monthly_price"], one["taken_over_until"]) for one in fresh] == [(Decimal("3.5"), date(2026, 11, 23))]


async def test_a_planned_offer_brings_its_contract_on_its_day(lines, monkeypatch):
    await done(act("CHANGE_OFFER", date(2026, 12, 1), offer="PLUS", commitment_type="M12"), lines[BUSINESS])
    assert ((await line(lines[BUSINESS]))["commitment_start"], await requests()) == (date(2025, 2, 10), [])
    assert (await on(date(2026, 12, 1), monkeypatch)).done == 1
    assert ((await line(lines[BUSINESS]))["commitment_start"], await requests()) == (date(2026, 12, 1), ["CHANGE_OFFER"])
    await network("CHANGE_OFFER", answers.refused, reason="Offre fermée")
    assert (await line(lines[BUSINESS]))["commitment_start"] == date(2025, 2, 10)
    assert ("SOLO", date(2025, 2, 10), None) in await items(lines[BUSINESS])


async def test_the_next_bill_shows_what_the_change_costs(lines):
    bill = await acts.next_bill(act("CHANGE_OFFER", date(2026, 12, 16), offer="PLUS", options=[]), lines[BUSINESS], NOW)
    assert str(bill.month) == "2026-11"
    solo = [(one.first.month, one.last.day, one.amount_cents) for one in bill.before if one.label == "Solo 1 h"]
    assert solo == [(11, 30, 416), (12, 31, 416)]
    after = [(one.label, one.first, one.last, one.amount_cents) for one in bill.after if "2 h" in one.label]
    assert after == [
        ("Plus 2 h", date(2026, 12, 16), date(2026, 12, 31), 516),  # 9.99 × 16/31 = 5.156
        ("Mise en service, Plus 2 h", date(2026, 12, 16), date(2026, 12, 16), 500),
    ]
    assert [one.amount_cents for one in bill.after if one.label == "Solo 1 h"] == [416, 201]  # 4.1583 × 15/31 = 2.012


async def test_a_line_opens_on_its_first_day(lines, monkeypatch):
    await Line.update({Line.state: LineState.pending, Line.activated_on: date(2026, 12, 1)}).where(Line.id == lines[CONSUMER])
    with pytest.raises(IllegalState):
        await done(act("SUSPEND", barring="OUT"), lines[CONSUMER])
    with pytest.raises(IllegalState, match="De « En attente »"):
        await done(act("PORT_OUT", date(2026, 12, 9), operator="Opérateur Fictif"), lines[CONSUMER])
    await on(date(2026, 12, 1), monkeypatch)
    assert (await line(lines[CONSUMER]))["state"] == "active"


async def test_a_fleet_changes_at_once_each_line_with_its_result(lines):
    number = 2500
    template = await line(lines[CONSUMER])
    drop = ("id", "sim", "msisdn")
    async with transaction():
        columns = [column for column in Line._meta.columns if column._meta.name not in drop]
        values = [template[column._meta.name] for column in columns]
        await insert_many(Line, [Line.msisdn, *columns], [[f"+3370000{n:06d}", *values] for n in range(number)])
    ids = await Line.select(Line.id).where(Line.sim.is_null()).output(as_list=True)
    began = datetime.now(UTC)
    effects = await do(act("SUSPEND", barring="OUT", once="parc"), *ids, lines[BUSINESS], *ids)
    took = datetime.now(UTC) - began
    assert (len(effects), {one.problem for one in effects}) == (number + 1, {""})
    assert await NetworkRequest.count() == number + 1
    assert took < timedelta(seconds=20), took


async def test_cards_that_were_swapped_still_lead_to_their_line(lines):
    await done(act("SWAP_SIM", iccid=THIRD), lines[BUSINESS])
    known = await _cards()
    assert known["208990000000001"] == known["208990000000003"] == "33639980001"


async def test_an_import_no_longer_moves_a_line_that_was_acted_on(lines):
    await done(act("TERMINATE", date(2026, 11, 30)), lines[CONSUMER])
    again = change("lines", ("2026-11-30", "2026-12-31")).encode()
    report = await import_file("lines", again, "f.csv", mode="preview", now=NOW)
    assert [(error.code, error.line) for error in report.errors] == [("LINE_SETTLED", 3)]
