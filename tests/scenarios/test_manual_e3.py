"""E3 of the manual: manage the statuses of SIM cards. Stock to end of life, by the verbs that pages and API call."""

import json
from datetime import UTC, datetime

from import_samples import FILES, SIMS

from jobs import sims
from jobs.imports import import_file
from jobs.sim_states import change, pick
from rules.states import SimAct
from tables.timeline import TimelineEntry

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WHO = {"actor": "camille@exemple.example", "now": NOW}


async def act(text: str, to: str, reason: str = "essai") -> list[tuple[str, str, str]]:
    ids, unread = await pick(text.splitlines())
    return [(one.before, one.after, one.code) for one in await change(ids, to, reason, **WHO, unread=unread)]


async def test_e3_a_delivery_lives_from_stock_to_out_of_service(database):
    assert (await import_file("sims", SIMS.encode(), "sims.csv", mode="all", now=NOW)).created == 4
    await sims.set_threshold("LOT-1", "4", **WHO)
    assert await sims.low_stock() == []

    everything = "8933099999000000017 - 8933099999000000041"
    assert await act(everything, SimAct.blocked) == [("in_stock", "blocked", "")] * 4
    assert [batch.left for batch in await sims.low_stock()] == [0]
    assert await act(everything, SimAct.unblocked) == [("blocked", "in_stock", "")] * 4

    assert await act("8933099999000000033\n8933", SimAct.lost, "Colis égaré") == [("", "", "BAD_ICCID"), ("in_stock", "lost", "")]
    assert await act("8933099999000000041", SimAct.faulty) == [("in_stock", "faulty", "")]
    assert await act(everything, SimAct.retired, "Inventaire") == [
        ("in_stock", "retired", ""), ("in_stock", "retired", ""), ("lost", "retired", ""), ("faulty", "retired", ""),
    ]  # fmt: skip
    assert await act(everything, SimAct.unblocked) == [("retired", "retired", "ILLEGAL_STATE")] * 4

    card = await sims.card("8933099999000000033")
    story = [(entry["before"]["state"], entry["after"]["state"], entry["after"]["reason"]) for entry in card["history"]]
    assert story == [
        ("lost", "retired", "Inventaire"), ("in_stock", "lost", "Colis égaré"), ("blocked", "in_stock", "essai"),
        ("in_stock", "blocked", "essai"),
    ]  # fmt: skip
    assert {entry["actor"] for entry in card["history"]} == {WHO["actor"]}


async def test_e3_cards_on_lines_and_their_codes(database):
    for kind, text in FILES.items():
        options = {"code": "STD", "valid_from": NOW.date().replace(month=9, day=1)} if kind == "rates" else {}
        assert not (await import_file(kind, text.encode(), "f.csv", mode="all", now=NOW, **options)).errors
    assert await act("8933099999000000017", SimAct.retired) == [("active", "active", "HELD_BY_LINE")]
    assert await act("8933099999000000017", SimAct.lost, "Volée") == [("active", "lost", "")]
    assert await sims.unmask("8933099999000000017", "puk1", **WHO) == "12345678"
    entries = await TimelineEntry.select().where(TimelineEntry.subject == "sim").order_by(TimelineEntry.id)
    assert [(row["event"], json.loads(row["after"])) for row in entries] == [
        ("state", {"state": "lost", "reason": "Volée"}),
        ("code_shown", {"code": "puk1"}),
    ]
