"""Ten thousand invoices against a second reckoning in Decimal: no cent lost, none made."""

import random
from decimal import ROUND_HALF_UP, Decimal

import pytest

from rules.invoicing import BillLine, kind, totals

RATES = [Decimal(rate) for rate in ("20", "8.5", "10", "5.5", "2.1", "0")]
INVOICES = 10_000


@pytest.mark.parametrize("seed", [20_261_101])
def test_base_and_vat_of_ten_thousand_invoices_are_those_of_a_second_reckoning(seed):
    chance, sides = random.Random(seed), set()
    for number in range(INVOICES):
        lines = [
            BillLine("USAGE", "", chance.choice((1, -1)) * chance.randrange(10 ** chance.randrange(1, 8)), chance.choice(RATES))
            for _ in range(chance.randrange(1, 12))
        ]
        found = totals(lines)
        assert sum(total.base_cents for total in found) == sum(line.amount_cents for line in lines), (seed, number)
        assert [total.rate for total in found] == sorted({line.vat_rate for line in lines}, reverse=True)
        for total in found:
            base = sum(Decimal(line.amount_cents) / 100 for line in lines if line.vat_rate == total.rate)
            vat = (base * total.rate / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
            assert (Decimal(total.base_cents) / 100, Decimal(total.vat_cents) / 100) == (base, vat), (seed, number)
        incl = sum(total.base_cents + total.vat_cents for total in found)
        assert kind(incl) == ("CREDIT_NOTE" if incl < 0 else "INVOICE")
        sides.add(incl < 0)
    assert sides == {True, False}
