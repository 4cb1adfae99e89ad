"""Two versions of a rate table compared: every difference told once, none invented."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from rules.rate_changes import FIGURES, IDENTITY, ChangeKind, compare, key, percent

PRICES = st.decimals(0, 9, places=6)
ROW = st.fixed_dictionaries(
    {
        "origin": st.sampled_from(["HOME", "EU"]), "type": st.sampled_from(["VOICE", "SMS"]), "direction": st.just("OUT"),
        "prefix": st.from_regex(r"[1-9][0-9]{0,3}", fullmatch=True), "destination": st.sampled_from(["Ici", "Là"]),
        "category": st.just("INTL"), "unit_price": PRICES, "offpeak_unit_price": st.none() | PRICES, "setup_fee": PRICES,
        "first_increment": st.integers(0, 60), "next_increment": st.integers(1, 60), "service_per_call": PRICES,
        "service_per_minute": PRICES,
    }
)  # fmt: skip
VERSION = st.lists(ROW, max_size=12, unique_by=key)


@given(VERSION)
def test_a_version_does_not_differ_from_itself(rows):
    assert compare(rows, [dict(row) for row in reversed(rows)]) == []


@given(VERSION, VERSION)
def test_the_differences_make_one_version_of_the_other(before, after):
    rows = {key(row): dict(row) for row in before}
    for change in compare(before, after):
        place = tuple(getattr(change, name) for name in IDENTITY)
        if change.kind == ChangeKind.gone:
            del rows[place]
        else:
            rows[place] = rows.get(place, dict(zip(IDENTITY, place, strict=True))) | change.after
    assert compare(rows.values(), after) == []


@given(VERSION, VERSION)
def test_what_is_dearer_one_way_is_cheaper_the_other(before, after):
    turned = {"dearer": "cheaper", "cheaper": "dearer", "new": "gone", "gone": "new", "other": "other"}
    back = [turned[change.kind] for change in compare(after, before)]
    assert [change.kind.value for change in compare(before, after)] == back


@given(ROW, st.sampled_from([name for name in FIGURES if name != "offpeak_unit_price"]))
def test_a_figure_that_rises_alone_is_dearer(row, name):
    (change,) = compare([row], [row | {name: row[name] + 1}])
    assert change.kind == ChangeKind.dearer
    assert (change.percent is None) == (name != "unit_price" or not row["unit_price"])


def test_up_here_and_down_there_is_neither_dearer_nor_cheaper():
    row = dict.fromkeys(FIGURES, Decimal(1)) | dict.fromkeys((*IDENTITY, "destination", "category"), "x")
    (change,) = compare([row], [row | {"unit_price": Decimal(2), "setup_fee": Decimal(0)}])
    assert (change.kind, change.percent, change.after) == ("other", Decimal("100.0"), {"unit_price": Decimal(2), "setup_fee": 0})


def test_an_off_peak_price_that_only_repeats_the_price_is_no_difference():
    row = dict.fromkeys(FIGURES, Decimal(1)) | dict.fromkeys((*IDENTITY, "destination", "category"), "x")
    assert compare([row], [row | {"offpeak_unit_price": None}]) == []


def test_from_zero_there_is_no_per_cent():
    assert percent(Decimal(0), Decimal(1)) is None
    assert percent(Decimal("0.200000"), Decimal("0.22")) == Decimal("10.0")
    assert percent(Decimal("0.1"), Decimal(0)) == Decimal("-100.0")
