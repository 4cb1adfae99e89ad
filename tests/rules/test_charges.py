"""Instalments, services and fees, run after run: what is charged in all is what was agreed, once."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from rules.charges import Owed, charges, months_between
from rules.money import cents
from rules.paris import Month
from rules.states import ChargeKind, Section, Terms

START = Month(2026, 10)
days = st.dates(date(2026, 10, 1), date(2030, 12, 31))


def billed(owed: Owed, runs: int, ends: dict[int, date] | None = None, skipped: frozenset[int] = frozenset()) -> list:
    """The lines of so many monthly runs; `ends`: from which run on an end is known; a skipped run was never made."""
    found = []
    for rank in range(runs):
        if rank in skipped:
            continue
        known = [day for since, day in (ends or {}).items() if since <= rank]
        owed = replace(owed, ends_on=min(known) if known else None)
        lines = charges(owed, START.back(-rank))
        for line in lines:
            if line.section == Section.recurring:
                owed = replace(owed, billed_until=max(owed.billed_until or line.last, line.last))
            elif line.section == Section.refund:
                owed = replace(owed, billed_until=min(owed.billed_until, line.first - timedelta(days=1)))
            else:
                owed = replace(owed, invoiced=True)
        found += lines
    return found


@given(
    count=st.integers(1, 36), price=st.integers(0, 10**9), quantity=st.integers(1, 5), terms=st.sampled_from(list(Terms)),
    starts_on=st.dates(date(2026, 9, 1), date(2027, 3, 31)), end=st.none() | days, told=st.integers(0, 60),
    skipped=st.frozensets(st.integers(0, 50)),
)  # fmt: skip
def test_instalments_come_to_n_times_their_price_whatever_the_day_of_termination(
    count, price, quantity, terms, starts_on, end, told, skipped
):
    """Also when the end is told late, in the past, before the first of them, or when runs were not made."""
    owed = Owed(ChargeKind.instalments, "Téléphone", price, starts_on, quantity, terms, count)
    lines = billed(owed, 66, {told: end} if end else None, skipped)
    assert sum(line.amount_cents for line in lines) == count * cents(price * quantity)
    months = [month for line in lines for month in range(months_between(START, Month.of(line.first)), _after(line))]
    first = months_between(START, Month.of(starts_on))
    assert months == list(range(first, first + count))  # each month once, in order
    assert sum("solde" in line.label for line in lines) <= 1


def _after(line) -> int:
    return months_between(START, Month.of(line.last)) + 1


def test_an_instalment_comes_in_the_run_of_its_month_by_its_terms_and_is_never_prorated():
    phone = Owed(ChargeKind.instalments, "Téléphone", 13_888_889, date(2026, 10, 31), terms=Terms.arrears, count=3)
    assert [(line.first, line.last, line.amount_cents) for line in charges(phone, START)] == [
        (date(2026, 10, 1), date(2026, 10, 31), 1389)
    ]
    assert [line.first.month for line in charges(replace(phone, terms=Terms.advance), START)] == [10, 11]


def test_what_remains_is_due_in_the_run_of_the_month_in_which_the_line_ends():
    phone = Owed(
        ChargeKind.instalments, "Téléphone", 20_000_000, date(2026, 10, 5), terms=Terms.advance, count=24,
        billed_until=date(2026, 11, 30), ends_on=date(2026, 12, 20),
    )  # fmt: skip
    assert [(line.first.month, line.amount_cents) for line in charges(phone, START.next)] == [(12, 2000)]  # the end is to come
    then = replace(phone, billed_until=date(2026, 12, 31))
    (rest,) = charges(then, START.next.next)
    assert (rest.label, rest.quantity, rest.amount_cents) == ("Téléphone, solde de 21 mensualités", 21, 42_000)
    assert charges(replace(then, billed_until=rest.last), Month(2027, 1)) == []


def test_the_customers_percentage_lowers_what_comes_each_month_and_nothing_that_comes_once():
    ten = Decimal(10)
    service = Owed(ChargeKind.recurring, "Astreinte", 4_990_000, date(2026, 10, 1), quantity=3, terms=Terms.arrears)
    assert [line.amount_cents for line in charges(service, START, ten)] == [1497, -150]  # 149.7
    phone = Owed(ChargeKind.instalments, "Téléphone", 20_000_000, date(2026, 10, 1), terms=Terms.arrears, count=2)
    assert [line.amount_cents for line in charges(phone, START, ten)] == [2000, -200]
    once = Owed(ChargeKind.one_off, "Coque", 19_995_000, date(2026, 10, 1), quantity=3)
    assert [line.amount_cents for line in charges(once, START, ten)] == [5999]  # 5998.5, half up


def test_a_one_off_comes_in_the_run_of_its_month_or_the_first_after_it_once():
    fee = Owed(ChargeKind.one_off, "Frais de résiliation", 50_000_000, date(2026, 10, 31))
    assert charges(fee, START.previous) == []
    assert [line.amount_cents for line in charges(fee, START)] == [5000]
    assert [line.amount_cents for line in billed(fee, 6, skipped=frozenset({0, 1}))] == [5000]


def test_a_service_of_quantity_q_is_an_item_of_q_times_its_price():
    """« A recurring service of quantity q has price q × unit price »: rounded once a month, prorated, refunded after its end."""
    service = Owed(ChargeKind.recurring, "Astreinte", 3_333_333, date(2026, 10, 11), quantity=3)
    october, november = charges(service, START)
    assert (october.amount_cents, october.days, november.amount_cents) == (677, 21, 1000)  # 9.999999 × 21/31 = 6.774
    assert (october.quantity, october.unit_micro) == (3, 3_333_333)
    ended = replace(service, billed_until=date(2026, 11, 30), ends_on=date(2026, 11, 15))
    (refund,) = charges(ended, START.next)
    assert (refund.section, refund.amount_cents, refund.first) == (Section.refund, -500, date(2026, 11, 16))
