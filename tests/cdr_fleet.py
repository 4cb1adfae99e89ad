"""A fleet small enough to know by heart, for files of tests/cdr_samples.py."""

from datetime import UTC, date, datetime

from rules.states import LineState
from tables.catalogue import RateTable, RoamingZone
from tables.fleet import Line
from tables.parties import Customer

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)


async def make() -> None:
    """06 39 98 00 01, live from 2025 on; Germany and Italy are known."""
    customer, table = Customer(customer_number="C1", login="C1", company_name="Essai"), RateTable(code="STD")
    await customer.save()
    await table.save()
    await add_line("+33639980001")
    await RoamingZone(zone="EU", mcc="262+222").save()


async def add_line(msisdn: str) -> None:
    customer, table = await Customer.objects().first(), await RateTable.objects().first()
    line = Line({Line.msisdn: msisdn, Line.customer: customer.id, Line.rate_table: table.id, Line.state: LineState.active})
    line.activated_on = date(2025, 1, 1)
    await line.save()
