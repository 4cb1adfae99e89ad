"""Credit notes one after another: never more than was invoiced, per line, per rate, in all; the last takes the last cent."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.crediting import CreditTooHigh, Invoiced, Line, NothingToCredit, credit, rest
from rules.invoicing import BillLine, VatTotal, totals

RATES = [Decimal(20), Decimal("8.5"), Decimal("2.1"), Decimal(0)]
TWENTY = RATES[0]


class Book:
    """An invoice and its credit notes, as the tables keep them."""

    def __init__(self, lines):
        self.lines = [Line(rank, amount, rate) for rank, (amount, rate) in enumerate(lines, 1)]
        self.vat = totals(BillLine("USAGE", "", line.amount_cents, line.vat_rate) for line in self.lines)
        self.incl = sum(total.base_cents + total.vat_cents for total in self.vat)
        self.credited, self.vat_credited, self.notes = {}, {}, []

    @property
    def invoiced(self):
        lines = [Line(one.rank, one.amount_cents, one.vat_rate, self.credited.get(one.rank, 0)) for one in self.lines]
        return Invoiced(lines, self.vat, self.vat_credited, self.incl - sum(self.notes))

    def credit(self, wanted):
        found = credit(self.invoiced, wanted)
        for rank, amount in wanted.items():
            self.credited[rank] = self.credited.get(rank, 0) + amount
        for total in found:
            self.vat_credited[total.rate] = self.vat_credited.get(total.rate, 0) + total.vat_cents
        self.notes.append(sum(total.base_cents + total.vat_cents for total in found))
        return found


lines = st.lists(st.tuples(st.integers(-3_000, 30_000), st.sampled_from(RATES)), min_size=1, max_size=6)


@given(lines)
def test_a_full_credit_is_the_invoice_to_the_cent(given_lines):
    book = Book(given_lines)
    if book.incl <= 0:
        with pytest.raises((NothingToCredit, CreditTooHigh)):
            book.credit(rest(book.invoiced))
        return
    found = book.credit(rest(book.invoiced))
    assert {total.rate: total for total in found} == {
        total.rate: total for total in book.vat if total.base_cents or total.vat_cents
    }
    assert (sum(book.notes), rest(book.invoiced)) == (book.incl, {})
    with pytest.raises(NothingToCredit):
        book.credit(rest(book.invoiced))


@given(lines, st.data())
def test_credits_in_part_never_pass_what_was_invoiced_and_the_rest_ends_them_to_the_cent(given_lines, data):
    book = Book(given_lines)
    for _ in range(data.draw(st.integers(0, 6))):
        wanted = {}
        for line in book.invoiced.lines:
            low, high = sorted((0, line.left_cents))
            if amount := data.draw(st.integers(low - 1, high + 1)):  # one cent too much, now and then
                wanted[line.rank] = amount
        try:
            found = book.credit(wanted)
        except (CreditTooHigh, NothingToCredit):
            continue
        bases = {total.rate: total.base_cents for total in found}
        for total in found:  # the law, but for the cents that the invoice itself had lost in rounding
            exact = Decimal(total.base_cents) * total.rate / 100
            assert abs(total.vat_cents - exact) <= Decimal("0.5") + len(book.notes)
        assert sum(wanted.values()) == sum(bases.values())
        _never_more(book)
    try:
        book.credit(rest(book.invoiced))
    except (CreditTooHigh, NothingToCredit):
        _never_more(book)
        return
    _never_more(book)
    assert rest(book.invoiced) == {}
    assert {rate: cents for rate, cents in book.vat_credited.items() if cents} == {
        total.rate: total.vat_cents for total in book.vat if total.vat_cents
    }
    assert sum(book.notes) == book.incl


def _never_more(book):
    for line in book.invoiced.lines:
        low, high = sorted((0, line.amount_cents))
        assert low <= line.credited_cents <= high
    for total in book.vat:
        low, high = sorted((0, total.vat_cents))
        assert low <= book.vat_credited.get(total.rate, 0) <= high
        base = sum(line.credited_cents for line in book.invoiced.lines if line.vat_rate == total.rate)
        assert min(0, total.base_cents) <= base <= max(0, total.base_cents)
    assert 0 <= sum(book.notes) <= max(0, book.incl)


def test_vat_is_that_of_the_law_until_the_invoice_has_none_left():
    """Ten lines of one cent: VAT 2 cents. By the law 3 of them give 0.6, so 1 cent back; the third time nothing is left."""
    book = Book([(1, TWENTY)] * 10)
    assert book.vat == [VatTotal(TWENTY, 10, 2)]
    taken = [book.credit(dict.fromkeys(ranks, 1))[0].vat_cents for ranks in ((1, 2, 3), (4, 5, 6), (7, 8, 9), (10,))]
    assert taken == [1, 1, 0, 0]


def test_what_another_credit_note_gave_back_is_no_longer_left():
    """Days refunded by a month's own credit note count in the total, though no line says which."""
    book = Book([(1000, TWENTY)])
    book.notes.append(600)
    with pytest.raises(CreditTooHigh, match="Il reste 6,00\u202f€ TTC"):
        book.credit({1: 1000})
    assert book.credit({1: 500})[0].vat_cents == 100
