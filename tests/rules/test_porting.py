"""The days on which a number may be ported: bounds that are excluded, Sundays and holidays refused by their names."""

from datetime import UTC, date, datetime, timedelta

import pytest

from jobs.lawful import NotLawful, lawful
from jobs.reseller import SELLER
from rules.paris import paris_date
from rules.porting import NotAWorkingDay, PortingTooLate, PortingTooSoon, Window

SOON, LATE, CLOSED = PortingTooSoon, PortingTooLate, NotAWorkingDay
DAYS = [
    # today, days ahead, what becomes of it
    ("2026-11-23", 5, SOON), ("2026-11-23", 6, CLOSED), ("2026-11-23", 7, None), ("2026-11-23", 58, None),
    ("2026-11-23", 59, LATE),
    ("2026-12-24", 5, SOON), ("2026-12-24", 6, None), ("2026-12-24", 58, None), ("2026-12-24", 59, LATE),
    ("2027-05-04", 5, SOON), ("2027-05-04", 6, None), ("2027-05-04", 58, None), ("2027-05-04", 59, LATE),
    ("2026-07-13", 5, SOON), ("2026-07-13", 6, CLOSED), ("2026-07-13", 58, None), ("2026-07-13", 59, LATE),
]  # fmt: skip


@pytest.mark.parametrize("today, ahead, refusal", DAYS)
def test_the_bounds_are_excluded_and_sundays_are_refused(today, ahead, refusal):
    start = date.fromisoformat(today)
    day = start + timedelta(ahead)
    if refusal is None:
        assert Window().check(day, start) == day
        assert Window().refusal(day, start) == ""
        return
    with pytest.raises(refusal) as caught:
        Window().check(day, start)
    first, last = Window().first(start), Window().last(start)
    said = str(caught.value).replace("\u00a0", " ")
    assert f"{first.day} " in said.partition("Choisissez")[2] and f" {last.year}" in said
    assert Window().refusal(day, start)


@pytest.mark.parametrize(
    "day, name",
    [
        ("2026-12-25", "Noël"), ("2027-01-01", "Jour de l’an"), ("2027-05-06", "Ascension"), ("2027-05-08", "Victoire"),
        ("2027-07-14", "Fête nationale"), ("2026-11-29", "dimanche"),
    ],
)  # fmt: skip
def test_a_holiday_is_refused_by_its_name(day, name):
    closed = date.fromisoformat(day)
    with pytest.raises(NotAWorkingDay, match=name):
        Window().check(closed, closed - timedelta(20))
    assert Window(working_days=False).check(closed, closed - timedelta(20)) == closed


def test_late_in_the_evening_the_day_is_that_of_paris():
    instant = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)  # 0 h 30 on the 24th in Paris
    today = paris_date(instant)
    assert today == date(2026, 11, 24)
    with pytest.raises(PortingTooSoon):  # five days ahead of the 24th, six of the 23rd
        Window(working_days=False).check(date(2026, 11, 29), today)
    assert Window(working_days=False).check(date(2026, 11, 29), instant.date()) == date(2026, 11, 29)
    assert Window().last(today) == date(2027, 1, 21)


def test_the_first_and_last_day_are_the_outermost_that_are_accepted_whatever_the_day():
    for step in range(400):
        today = date(2026, 11, 23) + timedelta(step)
        window = Window()
        accepted = [
            day for day in (today + timedelta(ahead) for ahead in range(-3, 70)) if not window.refusal(day, today)
        ]  # fmt: skip
        assert (accepted[0], accepted[-1]) == (window.first(today), window.last(today))
        assert accepted[0] - today >= timedelta(6) and accepted[-1] - today <= timedelta(58)


def test_the_bounds_are_settings_that_leave_a_day_to_choose():
    assert Window(2, 90).check(date(2026, 11, 26), date(2026, 11, 23)) == date(2026, 11, 26)
    lawful(SELLER, {"name": "X", "port_after_days": 2, "port_before_days": 90, "port_working_days": False})
    for after, before in ((5, 12), (60, 59), (-1, 59), (5, 400)):
        with pytest.raises(NotLawful):
            lawful(SELLER, {"name": "X", "port_after_days": after, "port_before_days": before})
