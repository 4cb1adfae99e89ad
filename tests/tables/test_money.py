"""Money is integer; the few columns that a person types as a decimal come back exactly as typed, on both engines."""

import random
from datetime import date
from decimal import Decimal

from piccolo.columns import DoublePrecision, Numeric, Real

from rules.money import micro
from tables.catalogue import Offer
from tables.engine import transaction
from tables.piccolo_app import TABLES

TYPED = {
    "offer": {"monthly_price", "activation_fee", "vat_rate"},
    "rate": {"unit_price", "offpeak_unit_price", "setup_fee", "service_per_call", "service_per_minute"},
    "commitment_type": {"percent_first_year", "percent_after"},
    "customer": {"discount_percent"},
    "line_item": {"monthly_price"},
    "product": {"price", "vat_rate"},
    "device": {"price", "vat_rate"},
    "charge": {"unit_price", "vat_rate"},
    "account": {"vat_rate"},
    "discount": {"percent", "amount"},
    "invoice_line": {"vat_rate"},
}


def test_no_column_is_a_float_and_only_what_a_person_types_is_a_decimal_of_twelve_digits():
    found: dict[str, set[str]] = {}
    for table in TABLES:
        for column in table._meta.columns:
            assert not isinstance(column, Real | DoublePrecision), column
            if isinstance(column, Numeric):
                assert column.precision <= 12
                found.setdefault(table._meta.tablename, set()).add(column._meta.name)
    assert found == TYPED


async def test_a_typed_price_comes_back_to_the_micro_euro(database):
    draw = random.Random(20261031)
    micros = [0, 1, 999_999, 1_000_001, 999_999_999_999, 999_999_000_001, *(draw.randrange(10**12) for _ in range(400))]
    async with transaction():
        for number, amount in enumerate(micros):
            price = Decimal(amount).scaleb(-6)
            await Offer(
                code=f"P{number}", monthly_price=price, activation_fee=price, vat_rate=Decimal("8.5"), valid_from=date(2026, 9, 1)
            ).save()
    rows = await Offer.select(Offer.monthly_price, Offer.vat_rate).order_by(Offer.id)
    assert [micro(row["monthly_price"]) for row in rows] == micros
    assert {row["vat_rate"] for row in rows} == {Decimal("8.5")}
