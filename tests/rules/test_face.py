"""The laws of the reseller's colour, of its numbers, of its due dates, of its words."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules import colours, invoice_words, numbering
from rules.due import due_on

CSS = (Path(__file__).parents[2] / "static/style.css").read_text(encoding="utf-8")
COLOURS = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")


def tokens(scheme):
    start = CSS.index("prefers-color-scheme: dark") if scheme == "dark" else 0
    found = dict(re.findall(r"--([\w-]+):\s*(#\w+);", CSS[start : CSS.index("}", start)]))
    return {name: "#" + 2 * value[1:] if len(value) == 4 else value for name, value in found.items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_grounds_and_the_house_s_accent_are_those_of_the_stylesheet(scheme):
    ours = tokens(scheme)
    assert {name: colour for name, (_, colour) in colours.GROUNDS[scheme].items()} == {
        name: ours[name] for name in colours.GROUNDS[scheme]
    }
    assert colours.ON_ACCENT[scheme] == ours["on-accent"]
    assert scheme == "dark" or ours["accent"] == colours.HOUSE


@given(COLOURS, st.sampled_from(["light", "dark"]))
def test_the_proposed_shade_stands_out_on_every_ground_and_bears_its_own_text(colour, scheme):
    shade = colours.nearest(colour, scheme)
    assert all(colours.contrast(shade, ground) >= 4.5 for _, ground in colours.GROUNDS[scheme].values())
    assert colours.contrast(shade, colours.ON_ACCENT[scheme]) >= 4.5
    assert colours.nearest(shade, scheme) == shade


@given(COLOURS)
def test_a_refused_colour_names_the_ground_and_the_shade_that_would_pass(colour):
    ground, ratio = colours.weakest(colour, "light")
    if ratio >= 4.5:
        assert colours.accent(colour) == colour
        return
    with pytest.raises(colours.TooPale) as refusal:
        colours.accent(colour)
    assert ground in str(refusal.value)
    assert refusal.value.nearest in str(refusal.value)
    assert colours.accent(refusal.value.nearest) == refusal.value.nearest


@pytest.mark.parametrize("text", ["", "red", "#fff", "#12345g", "14549c", "#14549c;", "#14549c\n", "url(x)", "#١٢٣٤٥٦"])
def test_what_is_no_colour_is_refused(text):
    with pytest.raises(colours.BadColour):
        colours.accent(text)


@pytest.mark.parametrize(
    "issued, days, plain, to_end",
    [
        ("2026-11-23", 30, "2026-12-23", "2026-12-31"), ("2026-01-31", 30, "2026-03-02", "2026-03-31"),
        ("2026-01-31", 28, "2026-02-28", "2026-02-28"), ("2028-01-31", 29, "2028-02-29", "2028-02-29"),
        ("2028-01-30", 30, "2028-02-29", "2028-02-29"), ("2026-11-30", 0, "2026-11-30", "2026-11-30"),
        ("2026-12-01", 0, "2026-12-01", "2026-12-31"), ("2026-12-02", 30, "2027-01-01", "2027-01-31"),
        ("2026-03-31", 45, "2026-05-15", "2026-05-31"), ("2026-04-30", 60, "2026-06-29", "2026-06-30"),
    ],
)  # fmt: skip
def test_terms_at_the_ends_of_months(issued, days, plain, to_end):
    day = date.fromisoformat(issued)
    assert (due_on(day, days).isoformat(), due_on(day, days, end_of_month=True).isoformat()) == (plain, to_end)


@given(st.dates(date(2020, 1, 1), date(2090, 1, 1)), st.integers(0, 365))
def test_the_end_of_the_month_is_the_last_day_of_the_month_of_the_plain_term(issued, days):
    plain, to_end = due_on(issued, days), due_on(issued, days, end_of_month=True)
    assert (plain - issued).days == days
    assert (plain.year, plain.month) == (to_end.year, to_end.month)
    assert (to_end + timedelta(days=1)).day == 1


PATTERNS = st.builds(
    "{}{{year}}{}{{counter{}}}{}".format,
    *(st.text("A1-", max_size=2), st.text("A1-", max_size=2), st.sampled_from(["", ":02", ":03"]), st.text("A1-", max_size=1)),
)


@example("F{year}-{counter:06}", "F{year}-{counter:05}", [(2026, 1)], 2026)
@given(PATTERNS, PATTERNS, st.lists(st.tuples(st.just(2026), st.integers(1, 1_200)), max_size=20), st.integers(2026, 2027))
def test_series_that_are_said_never_to_meet_never_do(one, other, taken, year):
    first, second = numbering.series(one, 2026), numbering.series(other, year)
    if not numbering.may_meet(first, second):
        numbers = {numbering.number(one, 2026, counter) for counter in range(1, 1_200)}
        assert not numbers & {numbering.number(other, year, counter) for counter in range(1, 1_200)}
    assert numbering.may_meet(first, first)


def test_the_shipped_mentions_are_lawful_and_their_substance_cannot_go():
    for name, text in invoice_words.SHIPPED.items():
        assert invoice_words.mention(name, text) == text
    for empty in ("", "   ", "Merci de payer.", "Pénalités : 10 %.", "Indemnité de 40 €.", "Pénalités, indemnité de 140 €"):
        with pytest.raises(invoice_words.UnlawfulText, match="L441-10 et D441-5"):
            invoice_words.mention("late_payment", empty)
    with pytest.raises(invoice_words.UnlawfulText, match="L441-9"):
        invoice_words.mention("early_payment", "")


@pytest.mark.parametrize(
    "text", ["{ibann}", "{__class__}", "{iban.x}", "{iban[0]}", "{}", "{IBAN}", "{{montant}}", "{amount:>9}"]
)
def test_an_unknown_variable_is_refused(text):
    with pytest.raises(invoice_words.UnknownVariable):
        invoice_words.with_variables(f"Payez sur {text}.")


def test_known_variables_and_lone_braces_pass():
    text = "Avant le {due_on} { } {iban} {{amount}} }{"
    assert invoice_words.with_variables(text) == text
