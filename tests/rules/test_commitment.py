"""What leaving early costs (billing law § 3; Code de la consommation, art. L224-28), each figure with its arithmetic."""

from datetime import date
from decimal import Decimal

import pytest

from rules.commitment import Commitment, termination_fee

START = date(2025, 3, 12)
HALF = {"percent_first_year": Decimal(50), "percent_after": Decimal("12.5")}


@pytest.mark.parametrize(
    "kind, months, last_day, subsidised, percents, cents",
    [
        ("BUSINESS", 24, date(2026, 11, 24), False, {}, 4997),  # 3 whole months of 16.6583 € after the 21st begun: 49.9749
        ("BUSINESS", 24, date(2026, 12, 11), False, {}, 4997),  # the last day of the 21st month
        ("BUSINESS", 24, date(2026, 12, 12), False, {}, 3332),  # the 22nd is begun: 2 × 16.6583 = 33.3166
        ("BUSINESS", 24, date(2027, 3, 11), False, {}, 0),  # its last day
        ("BUSINESS", 36, date(2025, 3, 12), False, {}, 58304),  # 35 × 16.6583 = 583.0405
        ("BUSINESS", 0, date(2025, 3, 12), False, {}, 0),
        ("BUSINESS", 24, date(2026, 1, 20), False, HALF, 3332),  # the 12th at 50 %, 12 at 12.5 %: 2 × 16.6583 = 33.3166
        ("CONSUMER", 12, date(2026, 1, 20), False, {}, 1666),  # the 12th alone
        ("CONSUMER", 24, date(2026, 1, 20), False, {}, 1666),  # after the 12th: nothing
        ("CONSUMER", 24, date(2026, 1, 20), True, {}, 5664),  # 16.6583 + 12 × 20 % × 16.6583 = 56.6382
        ("CONSUMER", 36, date(2027, 3, 12), True, {}, 0),  # 24 months at most
        ("CONSUMER", 24, date(2026, 1, 20), True, HALF, 3332),  # 50 % + 12 × 12.5 %: what was agreed is below the cap
    ],
)
def test_a_fee_is_the_share_of_each_whole_month_left(kind, months, last_day, subsidised, percents, cents):
    assert termination_fee(Commitment(START, months, **percents), 16_658_300, last_day, kind, subsidised) == cents
