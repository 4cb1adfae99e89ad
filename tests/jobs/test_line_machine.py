"""Lines under thousands of random acts, answers, days and cancellations, by the real verbs on a real database."""

import asyncio
import os
import shutil
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from sqlite3 import IntegrityError
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from line_samples import TODAY, fleet
from stdnum import luhn

import piccolo_conf
import tables.engine as engines
from gateways.settings import SETTINGS
from jobs.billing.inputs import recurring_item
from jobs.lines import acts, answers, due, offers
from jobs.lines.acts import Act
from jobs.lines.held import Held, lives
from rules import recurring
from rules.errors import RuleError
from rules.paris import Month
from rules.states import LINE_MOVES, LIVING, UNSETTLED, ChangeKind, ChangeState, International, LineState, RequestState, SimState
from tables.changes import LineChange, NetworkRequest
from tables.engine import make_engine, transaction
from tables.fleet import Line, LineItem, Sim
from tables.piccolo_app import TABLES

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
DAY = timedelta(days=1)
CARDS = [number + luhn.calc_check_digit(number) for number in (f"8933099998{rank:08d}" for rank in range(12))]
ASKED = {
    ChangeKind.suspend: st.sampled_from([{"barring": "OUT"}, {"barring": "BOTH"}]),
    ChangeKind.reactivate: st.just({}),
    ChangeKind.terminate: st.just({"reason_code": ""}),
    ChangeKind.port_out: st.just({"operator": "Opérateur Fictif"}),
    ChangeKind.rename: st.sampled_from([{"user_name": "Zoé"}, {"user_name": "Ali"}]),
    ChangeKind.international: st.sampled_from([{"profile": word.value} for word in International]),
    ChangeKind.change_offer: st.fixed_dictionaries(
        {
            "offer": st.sampled_from(["SOLO", "PLUS"]),
            "options": st.one_of(st.none(), st.lists(st.sampled_from(["OPT-SMS", "OPT-MAIL", "OPT-DATA"]), unique=True)),
        },
        optional={"monthly_price": st.sampled_from(["3", "7.5"]), "commitment_type": st.sampled_from(["M0", "M12"])},
    ),
}
ACTS = st.one_of(
    *(
        st.tuples(st.just(kind), asked)
        for kind, asked in ASKED.items()
        if kind not in (ChangeKind.terminate, ChangeKind.port_out)
    ),
    st.tuples(st.just(ChangeKind.swap_sim), st.sampled_from(CARDS).map(lambda iccid: {"iccid": iccid})),
)
ENDS = st.one_of(*(st.tuples(st.just(kind), ASKED[kind]) for kind in (ChangeKind.terminate, ChangeKind.port_out)))


def open_database(path):
    engine = make_engine("", str(path))
    piccolo_conf.DB = engine
    for table in TABLES:
        table._meta._db = engine
    return engine


class Lines(RuleBasedStateMachine):
    """Two numbers; a line that ended may be followed by another of its number."""

    folder = None
    acted = 0
    done: ClassVar[Counter[ChangeKind]] = Counter()

    def __init__(self):
        super().__init__()
        shutil.copy(self.folder / "fleet.sqlite", self.folder / "now.sqlite")
        for rest in ("now.sqlite-wal", "now.sqlite-shm"):
            (self.folder / rest).unlink(missing_ok=True)
        self.loop, self.today, self.last = asyncio.new_event_loop(), TODAY, {}
        self.engine = open_database(self.folder / "now.sqlite")
        self.run(self.engine.start_connection_pool())

    def run(self, awaitable):
        return self.loop.run_until_complete(awaitable)

    def teardown(self):
        self.run(self.engine.close_connection_pool())
        self.loop.close()

    @property
    def now(self):
        return datetime(self.today.year, self.today.month, self.today.day, 10, tzinfo=UTC)

    def pick(self, rows, number):
        return rows[number % len(rows)]["id"] if rows else 0

    def act(self, which, number, days, once):
        kind, asked = which
        act = Act(kind, self.today + timedelta(days=days), "essai", asked, once)
        line = self.pick(self.run(Line.select(Line.id).order_by(Line.id)), number)
        type(self).acted += 1
        with suppress(RuleError):
            (effect,) = self.run(acts.do(act, [line], actor="essai", now=self.now))
            self.done[kind] += not effect.problem

    @rule(which=ACTS, number=st.integers(0, 5), days=st.sampled_from([0, 0, 0, 1, 3, 12]), once=st.sampled_from(["", "a", "b"]))
    def change(self, which, number, days, once):
        self.act(which, number, days, once)

    @rule(which=ENDS, number=st.integers(0, 5), days=st.sampled_from([-40, -1, 0, 2, 9]))
    def end(self, which, number, days):
        self.act(which, number, days, "")

    @rule(number=st.integers(0, 50))
    def cancel(self, number):
        planned = self.run(LineChange.select(LineChange.id).where(LineChange.state == ChangeState.planned))
        type(self).acted += 1
        with suppress(RuleError):
            self.run(acts.cancel(self.pick(planned, number), actor="essai", now=self.now))

    @rule(number=st.integers(0, 50), good=st.booleans())
    def network_answers(self, number, good):
        waiting = self.run(NetworkRequest.select().where(NetworkRequest.state.is_in(list(UNSETTLED))))
        if waiting:
            type(self).acted += 1
            self.run(self.settle(waiting[number % len(waiting)], good))

    async def settle(self, request, good):
        state = RequestState.done if good else RequestState.refused
        async with transaction():
            await NetworkRequest.update({NetworkRequest.state: state}).where(NetworkRequest.id == request["id"])
            if good:
                await answers.done(request, msisdn="", effective_on=self.today, actor="réseau", now=self.now)
            else:
                await answers.refused(request, reason="Non", actor="réseau", now=self.now)

    @rule(days=st.integers(1, 6))
    def days_pass(self, days):
        self.today += timedelta(days=days)
        SETTINGS.clock = self.now
        self.run(due.apply_scheduled_changes())
        type(self).acted += 1

    @rule(number=st.integers(0, 5), wait=st.integers(-1, 4))
    def number_is_taken_again(self, number, wait):
        """As the network's confirmation of an order would: refused by the database while the number lives."""
        row = self.run(Line.select().where(Line.id == self.pick(self.run(Line.select(Line.id)), number)).first())
        if row and row["terminated_on"]:
            self.run(self.open(row, row["terminated_on"] + timedelta(days=wait)))

    async def open(self, row, day):
        with suppress(IntegrityError):
            async with transaction():
                line = Line(**{name: row[name] for name in ("msisdn", "customer", "rate_table")}, activated_on=day)
                line.state = LineState.active if day <= self.today else LineState.pending
                await line.save()
                offer = await LineItem.select().where(LineItem.line == row["id"]).first()
                kept = {name: offer[name] for name in ("kind", "offer", "monthly_price", "terms", "position")}
                await LineItem(line=line.id, starts_on=day, **kept).save()

    @invariant()
    def holds(self):
        self.run(self.check())

    async def check(self):
        lines = await Line.select()
        by_number = {}
        for line in lines:
            by_number.setdefault(line["msisdn"], []).append((line["activated_on"], line["terminated_on"] or date.max))
        for spans in by_number.values():
            assert all(first[1] < second[0] for first, second in pairwise(sorted(spans))), spans
        for line in lines:
            self.check_state(line)
        await self.check_cards(lines)
        items = {}
        for item in await self.items():
            if lives(item):
                items.setdefault(item["line"], []).append(item)
        for line in lines:
            self.check_items(line, items[line["id"]])

    def check_state(self, line):
        before, after = self.last.get(line["id"]), (LineState(line["state"]), line["terminated_on"])
        self.last[line["id"]] = after
        if before is None or before == after:
            return
        assert LINE_MOVES[before[0]], (before, after)  # what is final stays
        reached = {before[0], *LINE_MOVES[before[0]]}
        reached |= {target for state in reached for target in LINE_MOVES[state]}
        assert after[0] in reached, (before, after)
        assert (after[1] is not None) == (after[0] in ("termination_scheduled", "terminated", "ported_out"))

    async def check_cards(self, lines):
        cards = {card["id"]: SimState(card["state"]) for card in await Sim.select()}
        held = [line["sim"] for line in lines if line["sim"]]
        assert len(held) == len(set(held))
        for line in lines:
            if line["sim"]:
                living = LineState(line["state"]) in LIVING
                assert cards[line["sim"]] == (SimState.active if living else SimState.retired), line
        assert sum(state == SimState.active for state in cards.values()) == sum(
            LineState(line["state"]) in LIVING and bool(line["sim"]) for line in lines
        )
        swaps = (LineChange.kind == ChangeKind.swap_sim) & (LineChange.state == ChangeState.planned)
        assert sum(state == SimState.reserved for state in cards.values()) == await LineChange.count().where(swaps)

    async def items(self):
        code = LineItem.offer.code.as_alias("code")
        columns = (LineItem.line, LineItem.kind, LineItem.starts_on, LineItem.ends_on, code)
        return await LineItem.select(*columns).order_by(LineItem.starts_on)

    def check_items(self, line, items):
        subscriptions = [item for item in items if item["kind"] == "OFFER"]
        assert subscriptions[0]["starts_on"] == line["activated_on"]
        assert subscriptions[-1]["ends_on"] is None
        for before, after in pairwise(subscriptions):
            assert before["ends_on"] + DAY == after["starts_on"], subscriptions
        for code in {item["code"] for item in items}:
            same = [item for item in items if item["code"] == code]
            assert all(first["ends_on"] and first["ends_on"] < second["starts_on"] for first, second in pairwise(same)), same


@pytest.fixture
def template(migrated_sqlite, tmp_path, monkeypatch):
    """The fleet, imported once; the program's own engine is put back afterwards."""
    monkeypatch.setattr(SETTINGS, "data_dir", tmp_path)
    monkeypatch.setattr(SETTINGS, "clock", None)
    monkeypatch.setattr(engines, "PRAGMAS", ("foreign_keys=1", "synchronous=OFF"))  # no power cut is proved here
    monkeypatch.setattr(piccolo_conf, "DB", piccolo_conf.DB)
    for table in TABLES:
        monkeypatch.setattr(table._meta, "_db", table._meta._db)
    shutil.copy(migrated_sqlite, tmp_path / "fleet.sqlite")

    async def fill():
        engine = open_database(tmp_path / "fleet.sqlite")
        await engine.start_connection_pool()
        await fleet()
        for iccid in CARDS:
            await Sim(iccid=iccid, created_at=datetime(2026, 11, 24, tzinfo=UTC)).save()
        await engine.close_connection_pool()

    asyncio.run(fill())
    return tmp_path


def test_thousands_of_random_acts_never_break_a_line(template):
    Lines.folder, Lines.acted = template, 0
    size = {"max_examples": 2000 if NIGHTLY else 40, "stateful_step_count": 60}
    run_state_machine_as_test(
        Lines, settings=settings(**size, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
    )
    assert Lines.acted > 1000
    assert set(Lines.done) == set(ChangeKind)
    assert min(Lines.done.values()) >= 3, Lines.done


OFFER = {"kind": "OFFER", "discounts": [], "billed_until": None, "taken_over_until": None, "ends_on": None, "id": 0, "offer": 0}
FACTS = {"offer.label": "Solo", "offer.activation_fee": Decimal(0), "offer.international": False, "offer.vat_rate": Decimal(20)}
BOOKS = offers.Catalogue(
    {
        ("OFFER", code): [
            {"id": rank, "valid_from": date(2026, 1, 1), "monthly_price": Decimal(rank)}
            | {name[6:]: value for name, value in FACTS.items()}
        ]
        for rank, code in enumerate(("SOLO", "PLUS", "MAX"), 1)
    }
)


@given(
    changes=st.lists(st.tuples(st.integers(0, 20), st.sampled_from(["SOLO", "PLUS", "MAX"]), st.booleans()), max_size=12),
    start=st.dates(date(2026, 1, 1), date(2026, 3, 31)),
    terms=st.sampled_from(["ADVANCE", "ARREARS"]),
    last=st.none() | st.integers(0, 200),
)
def test_however_often_an_offer_changes_each_day_of_the_period_is_charged_once(changes, start, terms, last):
    """Days charged − days refunded, over the runs of 2026, some changes falling after the days that they move were billed."""
    items = [
        OFFER | FACTS | {"offer.code": "SOLO", "monthly_price": Decimal(1), "starts_on": start, "terms": terms, "position": 0}
    ]
    day, todo, counted = start, list(changes), Counter()
    for month in (Month(2026, number) for number in range(1, 13)):
        while todo and day + timedelta(days=todo[0][0]) <= month.last:
            gap, code, priced = todo.pop(0)
            day += timedelta(days=gap)
            asked = offers.read({"offer": code} | ({"monthly_price": "2"} if priced else {}))
            change = offers.change(Held({"msisdn": ""}, items, []), asked, day, BOOKS)
            for item in change.ended:
                item["ends_on"] = day - DAY
            items += [item | {"id": len(items) + rank} for rank, item in enumerate(change.begun)]
        end = start + timedelta(days=last) if last is not None and start + timedelta(days=last) <= month.last else None
        for item in items:
            ends = min([one for one in (item["ends_on"], end) if one], default=None)
            held = recurring_item(item | {"ends_on": ends}, [])
            for charge in recurring.charges(held, month):
                sign = -1 if charge.section == "REFUND" else 1
                counted.update({charge.first + timedelta(days=n): sign for n in range(charge.days)})
            item["billed_until"] = recurring.billed_until(held, month)
    horizon = Month(2027, 1).last if terms == "ADVANCE" else Month(2026, 12).last
    until = start + timedelta(days=last) if last is not None else horizon
    expected = {start + timedelta(days=n): 1 for n in range((until - start).days + 1)}
    assert {one: times for one, times in counted.items() if times} == expected
