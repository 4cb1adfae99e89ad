"""What the database itself refuses, on both engines."""

from datetime import date

import pytest

from tables.catalogue import RateTable
from tables.fleet import Line
from tables.parties import Customer
from tables.piccolo_app import TABLES


async def a_line(**values):
    customer = await Customer.objects().get_or_create(
        Customer.customer_number == "C1", defaults={Customer.login: "C1", Customer.company_name: "Essai"}
    )
    table = await RateTable.objects().get_or_create(RateTable.code == "STD")
    line = Line({Line.msisdn: "+33639980001", Line.customer: customer.id, Line.rate_table: table.id})
    for name, value in values.items():
        setattr(line, name, value)
    await line.save()
    return line


async def test_two_lines_of_one_number_share_no_day(database):
    await a_line(activated_on=date(2026, 1, 1), terminated_on=date(2026, 1, 31))
    with pytest.raises(Exception, match="line_no_shared_day"):
        await a_line(activated_on=date(2026, 1, 31))
    later = await a_line(activated_on=date(2026, 2, 1))
    with pytest.raises(Exception, match="line_no_shared_day"):
        await Line.update({Line.activated_on: date(2026, 1, 15)}).where(Line.id == later.id)


async def test_the_migrated_tables_have_exactly_the_columns_of_the_classes(database, engine_name):
    for table in TABLES:
        name = table._meta.tablename
        if engine_name == "sqlite":
            found = {row["name"] for row in await table.raw(f"SELECT name FROM pragma_table_info('{name}')")}
        else:
            query = f"SELECT column_name AS name FROM information_schema.columns WHERE table_name = '{name}'"
            found = {row["name"] for row in await table.raw(query)}
        assert found == {column._meta.db_column_name for column in table._meta.columns}, name
