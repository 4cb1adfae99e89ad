"""Rate tables: what a version changes and loses, which row prices a number, one price edited; on both engines."""

import asyncio
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from cdr_samples import csv, row
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from import_samples import FILES, RATES, change

from jobs import cdrs, prices, repricing
from jobs.imports import import_file
from rules.msisdn import UnusableNumber
from rules.rate_changes import FIGURES, ChangeKind, key
from tables.billing import BillingRun
from tables.catalogue import Rate, RateVersion
from tables.engine import transaction
from tables.timeline import TimelineEntry

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SEPTEMBER, DECEMBER = date(2026, 9, 1), date(2026, 12, 1)


async def load(kind, text=None, **options):
    if kind == "rates":
        options = {"code": "STD", "valid_from": SEPTEMBER} | options
    report = await import_file(kind, (text or FILES[kind]).encode(), f"{kind}.csv", mode="all", now=NOW, actor="essai", **options)
    assert not report.errors


@pytest.fixture
async def september(database, data_dir):
    """The id of the one version of STD."""
    await load("rates")
    return (await RateVersion.select(RateVersion.id).first())["id"]


@pytest.fixture
async def fleet(september):
    for kind in ("offers", "roaming_zones", "sims", "customers", "lines"):
        await load(kind)
    return september


async def rate_id(prefix):
    return (await Rate.select(Rate.id).where(Rate.prefix == prefix).order_by(Rate.id).first())["id"]


async def calls(tmp_path, *rows):
    path = tmp_path / "calls.csv"
    path.write_bytes(csv(*rows))
    (report,) = await cdrs.load_files([(path, path.name)], now=NOW)
    assert report.created == len(rows)


async def test_rows_not_saved_yet_are_compared_with_the_version_then_in_force(september):
    rows = await prices.rows_of(september)
    assert await prices.differences("STD", DECEMBER, rows) == []
    dearer = [one | {"unit_price": Decimal("0.1")} if one["prefix"] == "336" else one for one in rows]
    (change,) = await prices.differences("STD", DECEMBER, dearer)
    # (0.1 − 0.083333) / 0.083333 = 20.0004 %
    assert (change.kind, change.prefix, change.percent) == (ChangeKind.dearer, "336", Decimal("20.0"))
    assert {change.kind for change in await prices.differences("AUTRE", DECEMBER, rows)} == {ChangeKind.new}
    assert {change.kind for change in await prices.differences("STD", date(2026, 8, 31), rows)} == {ChangeKind.new}


async def test_a_stored_version_is_compared_with_the_one_before_it(september):
    text = change("rates", ("0.083333", "0.08")).replace("HOME;SMS;OUT;*;SMS;SMS_FR;0,1;;;;;;\n", "")
    await load("rates", text, valid_from=DECEMBER)
    last = (await RateVersion.select(RateVersion.id).where(RateVersion.valid_from == DECEMBER).first())["id"]
    found = {change.prefix: change.kind.value for change in await prices.changes_of(last)}
    assert found == {"336": "cheaper", "*": "gone"}
    assert {change.kind for change in await prices.changes_of(september)} == {ChangeKind.new}


async def test_a_number_in_any_form_finds_its_row_and_says_what_was_tried(september):
    rows = await prices.rows_of(september)
    found = prices.price(rows, "+33 6 39.98-00-99", "VOICE", "HOME", "OUT")
    assert (found.key, found.rate["prefix"], found.tried[-1]) == ("33639980099", "336", "3363")
    # 60 s, 60 then 1: 83 333 µ€ a minute
    assert (found.peak_micro, found.offpeak_micro, found.service_micro) == (83_333, 83_333, 0)
    fixed = prices.price(rows, "01 99 00 00 00", "VOICE", "HOME", "OUT")
    # 60 000 + 120 000 to set up; 30 000 + 120 000 off-peak
    assert (fixed.rate["prefix"], fixed.peak_micro, fixed.offpeak_micro) == ("33", 180_000, 150_000)
    short = prices.price(rows, "3900", "VOICE", "HOME", "OUT")
    assert (short.rate["prefix"], short.tried, short.service_micro) == ("=3900", [], 500_000 + 350_000)
    data = prices.price(rows, "", "DATA", "HOME", "OUT")
    assert (data.rate["destination"], data.peak_micro) == ("Internet", 50_000)
    assert prices.price(rows, "+44 7911 123456", "VOICE", "HOME", "OUT").rate is None
    with pytest.raises(UnusableNumber):
        prices.price(rows, "allô", "VOICE", "HOME", "OUT")


async def test_what_is_sold_under_its_known_cost_is_a_loss_worst_first(fleet, tmp_path):
    await calls(
        tmp_path,
        row(cdr_id="1", duration_s="65", wholesale_cost="0.2"),
        row(cdr_id="2", duration_s="55", wholesale_cost="0.1"),
        row(cdr_id="3", duration_s="9000", wholesale_cost=""),
        row(cdr_id="4", type="SMS", duration_s="0", wholesale_cost="0.15"),
        row(cdr_id="5", other_party="01 99 00 00 00", wholesale_cost="0.01"),
    )
    rows = await prices.rows_of(fleet)
    mobile, sms = await prices.losses(rows, NOW)
    # 65 s → 90 277 µ€ of 200 000, 55 s → 60 s: 83 333 of 100 000; 126 390 over 125 s is 60 667 a minute
    assert (mobile.prefix, mobile.calls, mobile.units, mobile.total_micro, mobile.loss_micro) == ("336", 2, 125, 126_390, 60_667)
    assert (sms.destination, sms.price_micro, sms.cost_micro, sms.loss_micro) == ("SMS", 100_000, 150_000, 50_000)
    dearer = [one | {"unit_price": Decimal("0.2")} if one["prefix"] == "336" else one for one in rows]
    assert [loss.destination for loss in await prices.losses(dearer, NOW)] == ["SMS"]
    free = [one | {"category": "FREE"} if one["prefix"] == "336" else one for one in rows]
    assert [loss.destination for loss in await prices.losses(free, NOW)] == ["SMS"]
    later = NOW.replace(year=2027, month=3)  # December to March
    assert await prices.losses(rows, later) == []


async def test_an_unknown_cost_is_never_a_loss(fleet, tmp_path):
    await calls(tmp_path, row(cdr_id="1", wholesale_cost=""), row(cdr_id="2", type="SMS", wholesale_cost=""))
    nothing = [one | {"unit_price": Decimal(0), "offpeak_unit_price": None} for one in await prices.rows_of(fleet)]
    assert await prices.losses(nothing, NOW) == []


async def test_a_version_is_used_once_a_line_has_lived_with_it(fleet):
    await load("rates", change("rates", ("0.083333", "0.09")), valid_from=DECEMBER)
    (table,) = await prices.tables(date(2026, 11, 24))
    assert [(one["valid_from"], one["standing"].value, one["used"]) for one in table["versions"]] == [
        (DECEMBER, "coming", False),
        (SEPTEMBER, "in_force", True),
    ]


async def test_one_price_edited_is_a_version_that_copies_the_rest(september):
    asked = {"unit_price": "0,09", "valid_from": "2026-12-01"}
    seen = await repricing.edit(await rate_id("336"), asked)
    assert (seen.problems, [change.prefix for change in seen.changes]) == ({}, ["336"])
    assert await RateVersion.count() == 1
    made = await repricing.save(await rate_id("336"), asked, "camille", NOW)
    assert await prices.changes_of(made) == seen.changes
    version = await prices.version(made)
    assert (version["valid_from"], version["rows"], version["code"]) == (DECEMBER, 5, "STD")
    entry = (await TimelineEntry.select().order_by(TimelineEntry.id))[-1]
    assert (entry["actor"], entry["event"], entry["subject_id"]) == ("camille", "price_changed", made)
    assert json.loads(entry["before"])["unit_price"] == "0.083333"
    assert json.loads(entry["after"])["unit_price"] == "0.09"


FIGURE = {name: st.decimals(0, 9, places=4).map(str) for name in FIGURES if "increment" not in name}
FIGURE |= {"first_increment": st.integers(0, 90).map(str), "next_increment": st.integers(1, 90).map(str)}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["33", "336", "=3900"]), st.fixed_dictionaries({}, optional=FIGURE))
async def test_an_edit_copies_everything_else_exactly(september, prefix, figures):
    before = {key(one): one for one in await prices.rows_of(september)}
    asked = figures | {"valid_from": "2026-12-01"}
    try:
        made = await repricing.save(await rate_id(prefix), asked, "essai", NOW)
    except repricing.BadPrice:
        assert (await repricing.edit(await rate_id(prefix), asked)).changes == []
        return
    after = {key(one): one for one in await prices.rows_of(made)}
    assert before.keys() == after.keys()
    for place, stored in before.items():
        same = {name: stored[name] for name in prices.NAMES}
        if stored["prefix"] == prefix:
            same |= {name: Decimal(value) if "increment" not in name else int(value) for name, value in figures.items()}
        assert {name: after[place][name] for name in prices.NAMES} == same
    async with transaction():
        await Rate.delete().where(Rate.version == made)
        await RateVersion.delete().where(RateVersion.id == made)


@pytest.mark.parametrize(
    "day, told",
    [
        ("2026-09-01", "commence déjà le 1er septembre 2026"),
        ("2026-08-01", "vaut à partir du 1er septembre 2026"),
        ("2026-10-15", "octobre 2026 est facturé. Choisissez un jour à partir du 1er novembre 2026"),
        ("2027-02-01", "c'est la version du 1er janvier 2027 qui vaut"),
        ("01/12/2026", "n'est pas une date"),
        ("", "La case est vide"),
    ],
)
async def test_a_day_on_which_no_version_may_begin_is_refused(september, day, told):
    if "octobre" in told:
        await BillingRun(month="2026-10", validated_at=NOW).save()
    await load("rates", change("rates", ("0.083333", "0.09")), valid_from=date(2027, 1, 1))
    asked = {"unit_price": "0,5", "valid_from": day}
    seen = await repricing.edit(await rate_id("336"), asked)
    assert told in seen.problems["valid_from"]
    with pytest.raises(repricing.BadPrice, match=told):
        await repricing.save(await rate_id("336"), asked, "essai", NOW)
    assert await RateVersion.count() == 2


async def test_a_later_version_is_told_and_keeps_its_own_price(september):
    await load("rates", change("rates", ("0.083333", "0.09")), valid_from=date(2027, 1, 1))
    seen = await repricing.edit(await rate_id("336"), {"unit_price": "0,5", "valid_from": "2026-12-01"})
    assert (seen.problems, seen.until) == ({}, date(2027, 1, 1))


async def test_figures_are_held_to_the_law_of_the_file(september):
    wrong = {"unit_price": "0,1234567", "first_increment": "une minute", "next_increment": "0", "valid_from": "2026-12-01"}
    seen = await repricing.edit(await rate_id("336"), wrong)
    assert set(seen.problems) == {"unit_price", "first_increment", "next_increment"}
    assert "nous n'arrondissons jamais" in seen.problems["unit_price"]
    data = await repricing.edit(await rate_id(""), {"offpeak_unit_price": "1", "valid_from": "2026-12-01"})
    assert set(data.problems) == {"offpeak_unit_price"}
    with pytest.raises(prices.UnknownRates):
        await repricing.edit(999_999, {})


@pytest.mark.parametrize("guarded", [True, False])
async def test_two_clerks_at_once_make_one_version(september, monkeypatch, guarded):
    """The control, without the look inside the transaction and the unique index, makes two."""
    if not guarded:

        async def room(of, start):
            return None

        monkeypatch.setattr(repricing, "_room", room)
        await RateVersion.raw("DROP INDEX rate_version_identity")
    asked = {"unit_price": "0,5", "valid_from": "2026-12-01"}
    mobile = await rate_id("336")
    both = (repricing.save(mobile, asked, "essai", NOW) for _ in range(2))
    answers = await asyncio.gather(*both, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, (repricing.BadDay, repricing.BadPrice))]
    assert (len(refused), await RateVersion.count()) == ((1, 2) if guarded else (0, 3))


def test_the_sample_has_the_rows_that_these_tests_speak_of():
    assert RATES.count("\n") == 6
