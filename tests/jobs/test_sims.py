"""The stock of cards: bulk changes with a result per card, thresholds, codes at rest and on demand; on both engines."""

import json
import random
from datetime import UTC, date, datetime

import pytest
from import_samples import FILES, SIMS, cell

from gateways.secrets import open_
from jobs import sim_states, sims
from jobs.imports import import_file
from jobs.sim_states import HeldByLine, NoCard, NoReason, TooManyCards, UnknownState, change, pick, preview
from jobs.sims import BadThreshold, Search, UnknownBatch, UnknownCard, UnknownCode
from rules.states import SIM_MOVES, LineState, SimAct, SimState
from tables.fleet import Line, Sim, SimBatch
from tables.timeline import TimelineEntry

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PLAIN, ESIM, THIRD, FOURTH = (f"89330999990000000{end}" for end in ("17", "25", "33", "41"))
WHO = {"actor": "camille@exemple.example", "now": NOW}


async def load(kind, text=None):
    options = {"code": "STD", "valid_from": date(2026, 9, 1)} if kind == "rates" else {}
    data = (FILES[kind] if text is None else text).encode()
    return await import_file(kind, data, f"{kind}.csv", mode="all", actor="essai", now=NOW, **options)


@pytest.fixture
async def stock(database):
    """ICCID → key: two cards held by lines, two in stock."""
    for kind in FILES:
        assert not (await load(kind)).errors
    return {row["iccid"]: row["id"] for row in await Sim.select()}


async def states():
    return {row["iccid"]: row["state"] for row in await Sim.select()}


async def put(state, *iccids, **more):
    await Sim.update({Sim.state: state, **{Sim._meta.get_column_by_name(name): value for name, value in more.items()}}).where(
        Sim.iccid.is_in(list(iccids))
    )


async def test_many_cards_change_at_once_with_a_result_and_an_entry_for_each(stock):
    await put(SimState.lost, FOURTH)
    ids = [stock[THIRD], stock[FOURTH], stock[THIRD]]
    seen = await preview(ids, SimAct.faulty)
    assert await states() == {PLAIN: "active", ESIM: "active", THIRD: "in_stock", FOURTH: "lost"}
    done = await change(ids, SimAct.faulty, "  Puce\nillisible ", **WHO)
    assert done == seen
    assert [(one.iccid, one.before, one.after, one.code) for one in done] == [
        (THIRD, "in_stock", "faulty", ""),
        (FOURTH, "lost", "lost", "ILLEGAL_STATE"),
    ]
    assert done[1].problem == "De « Perdue ou volée », on ne passe pas à « Défectueuse ». Possible : « Hors service »."
    (entry,) = await TimelineEntry.select().where(TimelineEntry.event == "state")
    assert (entry["actor"], entry["subject"], entry["subject_id"], entry["at"]) == (WHO["actor"], "sim", stock[THIRD], NOW)
    assert json.loads(entry["before"]) == {"state": "in_stock"}
    assert json.loads(entry["after"]) == {"state": "faulty", "reason": "Puce illisible"}


@pytest.mark.parametrize("origin", [SimState.in_stock, SimState.active])
async def test_a_blocked_card_goes_back_only_to_where_it_came_from(stock, origin):
    await put(origin, THIRD)
    ids = [stock[THIRD]]
    await change(ids, SimAct.blocked, "essai", **WHO)
    other = SimState.active if origin == SimState.in_stock else SimState.in_stock
    for to in (other, SimState.lost, SimState.retired, SimState.blocked):
        (one,) = await change(ids, to, "essai", **WHO)
        assert one.code == "ILLEGAL_STATE"
        assert to == SimState.blocked or f"Possible : « {origin.label} »" in one.problem
    (one,) = await change(ids, SimAct.unblocked, "essai", **WHO)
    assert (one.after, (await states())[THIRD]) == (origin, origin)
    (again,) = await change(ids, SimAct.unblocked, "essai", **WHO)
    assert "n'est pas bloquée" in again.problem


async def test_nobody_reserves_activates_or_restocks_a_card_by_hand(stock):
    for to in (SimState.reserved, SimState.active):
        (one,) = await change([stock[THIRD]], to, "essai", **WHO)
        assert one.code == "ILLEGAL_STATE"
    (one,) = await change([stock[PLAIN]], SimState.in_stock, "essai", **WHO)
    assert one.code == "ILLEGAL_STATE"
    assert (await states())[THIRD] == "in_stock"


async def test_the_card_of_a_living_line_is_noted_lost_but_never_retired(stock):
    ids = [stock[PLAIN]]
    for state in (each for each in LineState if each not in ("terminated", "ported_out", "cancelled")):
        await Line.update({Line.state: state}).where(Line.sim == stock[PLAIN])
        (one,) = await preview(ids, SimAct.retired)
        assert one.code == "HELD_BY_LINE"
        assert "06\u00a039\u00a098\u00a000\u00a001" in one.problem
    (one,) = await change(ids, SimAct.lost, "essai", **WHO)
    assert not one.problem
    assert "le réseau n'en est pas averti" in one.note
    (one,) = await change(ids, SimAct.retired, "essai", **WHO)
    assert one.code == HeldByLine("").code
    await Line.update({Line.state: LineState.terminated}).where(Line.sim == stock[PLAIN])
    (one,) = await change(ids, SimAct.retired, "essai", **WHO)
    assert (one.problem, one.note, (await states())[PLAIN]) == ("", "", "retired")


async def test_what_cannot_be_asked_is_said_before_anything_changes(stock):
    for ids, to, reason, refusal in (
        ([stock[THIRD]], "lost", "  ", NoReason),
        ([stock[THIRD]], "lost", "a" * 501, NoReason),
        ([stock[THIRD]], "lost", "a\u202eb", NoReason),
        ([stock[THIRD]], "gone", "essai", UnknownState),
        ([], "lost", "essai", NoCard),
        (range(10_001), "lost", "essai", TooManyCards),
    ):
        with pytest.raises(refusal):
            await change(ids, to, reason, **WHO)
    (gone,) = await change([10**9], "lost", "essai", **WHO)
    assert gone.code == "UNKNOWN_CARD"
    assert not await TimelineEntry.exists().where(TimelineEntry.event == "state")


async def test_pasted_numbers_and_ranges_name_cards_and_what_is_none(stock):
    ids, unread = await pick([f" {THIRD} ", "8933 0999 9900 0000 041", "", THIRD, "8933099999000000018", "=1+1", "x" * 10_000])
    assert ids == [stock[THIRD], stock[FOURTH]]
    assert [one.code for one in unread] == ["BAD_ICCID"] * 3
    assert all(len(one.iccid) <= 60 for one in unread)
    ids, unread = await pick([f"{ESIM} - {FOURTH}"])
    assert (ids, unread) == ([stock[ESIM], stock[THIRD], stock[FOURTH]], [])
    ids, unread = await pick([f"{FOURTH} - {ESIM}", "8933099999000000058"])
    assert (ids, [one.code for one in unread]) == ([], ["UNKNOWN_CARD", "UNKNOWN_CARD"])
    with pytest.raises(TooManyCards):
        await pick(["1"] * 10_001)


async def test_random_walks_only_follow_legal_moves(stock):
    dice = random.Random(20261124)
    await Line.update({Line.sim: None}, force=True)
    model, origin, steps = {iccid: SimState(state) for iccid, state in (await states()).items()}, {}, set()
    for _ in range(200):
        chosen, to = dice.sample(sorted(stock), dice.randint(1, 4)), dice.choice([*SimState, *SimAct])
        for one in await change([stock[iccid] for iccid in chosen], to, "au hasard", **WHO):
            was, now = model[one.iccid], SimState(one.after)
            assert one.before == was
            if one.problem:
                continue
            assert now in SIM_MOVES[was]
            assert was != SimState.blocked or now == origin[one.iccid]
            assert now not in (SimState.reserved, *({SimState.in_stock, SimState.active} - {origin.get(one.iccid)}))
            origin[one.iccid] = was if now == SimState.blocked else None
            model[one.iccid] = now
            steps.add((was, now))
        if dice.random() < 0.3:  # as orders and imports do
            iccid = dice.choice(sorted(stock))
            model[iccid] = dice.choice([SimState.in_stock, SimState.reserved, SimState.active])
            await put(model[iccid], iccid)
        assert await states() == model
    assert len(steps) == 14  # every move that a person may ask for


async def test_one_batch_of_cards_is_one_transaction_with_its_entries(stock, monkeypatch):
    async def no_journal(*args):
        raise RuntimeError

    monkeypatch.setattr(sim_states, "tell_many", no_journal)
    with pytest.raises(RuntimeError):
        await change([stock[THIRD]], "lost", "essai", **WHO)
    assert (await states())[THIRD] == "in_stock"


async def test_a_card_that_moves_between_look_and_act_is_left_alone(stock, monkeypatch):
    look = sim_states._look

    async def then_someone_else(ids, aim):
        seen = await look(ids, aim)
        await put(SimState.faulty, THIRD)
        return seen

    monkeypatch.setattr(sim_states, "_look", then_someone_else)
    done = await change([stock[THIRD], stock[FOURTH]], "lost", "essai", **WHO)
    assert [(one.iccid, one.code) for one in done] == [(THIRD, "MOVED_MEANWHILE"), (FOURTH, "")]
    assert (await states())[THIRD] == "faulty"
    assert await TimelineEntry.count().where(TimelineEntry.event == "state") == 1


async def test_a_search_finds_by_state_batch_kind_end_and_number_in_any_writing(stock):
    async def found(**search):
        return [row["iccid"] for row in (await sims.listing(Search(**search)))[0]]

    assert await found(state="in_stock") == [THIRD, FOURTH]
    assert await found(kind="ESIM") == [ESIM]
    assert await found(batch="LOT-1", iccid="0 0033") == [THIRD]
    assert await found(batch="LOT-9") == []
    for number in ("06 39 98 00 02", "+33639980002", "0033 6 39 98 00 02", "+33 (0)6 39 98 00 02", "98 00 02"):
        assert await found(number=number) == [ESIM]
    for nothing in ("%", "_", "abc", "' OR 1=1"):
        assert await found(iccid=nothing, state="in_stock") == []
    rows, total = await sims.listing(Search(), limit=2, offset=1)
    assert ([row["iccid"] for row in rows], total) == ([ESIM, THIRD], 4)
    assert [row["line"] for row in rows] == ["+33639980002", ""]
    assert "secrets" not in rows[0]
    assert await sims.ids_of(Search(state="in_stock"), 1) == [stock[THIRD]]


async def test_a_batch_under_its_threshold_is_named_with_what_is_left(stock):
    assert await sims.low_stock() == []
    await sims.set_threshold("LOT-1", "3", **WHO)
    (batch,) = await sims.low_stock()
    assert (batch.name, batch.left, batch.threshold, batch.counts["active"]) == ("LOT-1", 2, 3, 2)
    await sims.set_threshold("LOT-1", "2", **WHO)
    await sims.set_threshold("LOT-1", "2", **WHO)
    assert await sims.low_stock() == []  # two are left: not under two
    told = await TimelineEntry.select().where(TimelineEntry.subject == "sim_batch").order_by(TimelineEntry.id)
    assert [(json.loads(row["before"]), json.loads(row["after"])) for row in told] == [
        ({"alert_threshold": 0}, {"alert_threshold": 3}),
        ({"alert_threshold": 3}, {"alert_threshold": 2}),
    ]
    assert await SimBatch.count() == 1
    with pytest.raises(UnknownBatch):
        await sims.set_threshold("LOT-9", "3", **WHO)
    for wrong in ("-1", "1,5", "x", "9999999", "٣"):
        with pytest.raises(BadThreshold):
            await sims.set_threshold("LOT-1", wrong, **WHO)


async def test_a_code_is_sealed_at_rest_shown_on_demand_and_each_showing_told_without_it(stock):
    sealed = (await Sim.select(Sim.secrets).where(Sim.iccid == PLAIN).first())["secrets"]
    assert "12345678" not in sealed
    assert json.loads(open_(sealed))["puk1"] == "12345678"
    card = await sims.card(PLAIN)
    assert card["codes"] == ["pin1", "puk1", "pin2", "puk2"]
    assert card["line"]["msisdn"] == "+33639980001"
    assert "12345678" not in str(card)
    assert await sims.unmask(PLAIN, "puk1", **WHO) == "12345678"
    assert await sims.unmask(PLAIN, "puk1", **WHO) == "12345678"
    entries = await TimelineEntry.select().where(TimelineEntry.event == "code_shown")
    assert [(row["actor"], row["subject_id"], json.loads(row["after"])) for row in entries] == [
        (WHO["actor"], stock[PLAIN], {"code": "puk1"})
    ] * 2
    assert "12345678" not in str(await TimelineEntry.select())
    for iccid, code, refusal in (
        (PLAIN, "activation_code", UnknownCode),
        (PLAIN, "secrets", UnknownCode),
        ("8933", "pin1", UnknownCard),
    ):
        with pytest.raises(refusal):
            await sims.unmask(iccid, code, **WHO)
    assert await TimelineEntry.count().where(TimelineEntry.event == "code_shown") == 2


async def test_a_card_delivered_twice_is_told_with_the_batch_that_has_it(stock):
    text = SIMS.replace("LOT-1", "LOT-4")
    report = await import_file("sims", text.encode(), "sims.csv", now=NOW)
    assert [(error.line, error.field) for error in report.errors] == [(2, "batch"), (3, "batch")]
    assert report.errors[0].message.startswith("Cette carte est déjà dans le lot LOT-1 et n'est plus en stock (Active)")
    assert [(warning.line, warning.code) for warning in report.warnings] == [(4, "IN_OTHER_BATCH"), (5, "IN_OTHER_BATCH")]
    assert report.warnings[0].message.startswith("Cette carte est déjà dans le lot LOT-1 : elle passe dans le lot LOT-4.")
    assert (report.changes[0]["before"], report.changes[0]["after"]) == ("LOT-1", "LOT-4")
    same = await import_file("sims", cell("sims", 4, "pin1", "5555").encode(), "sims.csv", now=NOW)
    assert (same.changed, same.warnings) == (1, ())


async def test_a_blocked_card_stays_blocked_when_its_line_is_given_another(stock):
    await change([stock[PLAIN]], SimAct.blocked, "essai", **WHO)
    report = await load("lines", FILES["lines"].replace(PLAIN, THIRD).replace("Léa Essai", "Léa Autre"))
    assert (report.changed, report.errors) == (1, ())
    assert {iccid: (await states())[iccid] for iccid in (PLAIN, THIRD)} == {PLAIN: "blocked", THIRD: "active"}
