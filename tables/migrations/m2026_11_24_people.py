"""Customers as their page has them; on SQLite, names without accents beside those that have some.

SQLite compares ASCII letters only without case, and has no regular expression: triggers keep the plain form of what is
written with other signs, whoever writes it. PostgreSQL needs nothing (jobs/search.py).
"""

import unicodedata
from collections.abc import Iterable

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.engine import connection, on_sqlite
from tables.scripts import migration

ID = "2026-11-24T22:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "People"

SPELT = {"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ð": "d", "đ": "d", "þ": "th", "ł": "l", "ı": "i"}
STEP = 20
NAMES = {
    "line": ["user_name"],
    "customer": ["company_name", "city", "billing_contact_name", "site_contact_name"],
}


def plain(sql: str, letters: Iterable[tuple[str, str]]) -> str:
    """An expression of which these letters lose their accents."""
    for sign, written in letters:
        sql = f"replace({sql}, '{sign}', '{written}')"
    return sql


def letters() -> list[tuple[str, str]]:
    """Every accented Latin letter, and what it is without."""
    found = []
    for sign in filter(str.isalpha, map(chr, range(0xC0, 0x180))):
        small = sign.lower()[0]
        found.append((sign, SPELT.get(small, unicodedata.normalize("NFKD", small)[0])))
    return [(sign, written) for sign, written in found if written.isascii()]


async def names() -> None:
    """SQLite nests few calls in each other: the letters go in several steps."""
    steps = [letters()[start : start + STEP] for start in range(0, len(letters()), STEP)]
    for table, columns in NAMES.items() if on_sqlite() else ():
        kept = f"{table}_plain"
        new = " || ' ' || ".join(f"NEW.{column}" for column in columns)
        write = f"INSERT INTO {kept} (id, name) SELECT NEW.id, {new} WHERE {new} GLOB '*[^ -~]*';"
        write += "".join(f" UPDATE {kept} SET name = {plain('name', step)} WHERE id = NEW.id;" for step in steps)
        forget = f"DELETE FROM {kept} WHERE id = OLD.id;"
        for statement in (
            f"CREATE TABLE {kept} (id INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL)",
            f"CREATE TRIGGER {kept}_insert AFTER INSERT ON {table} BEGIN {write} END",
            f"CREATE TRIGGER {kept}_update AFTER UPDATE OF {', '.join(columns)} ON {table} BEGIN {forget} {write} END",
            f"CREATE TRIGGER {kept}_delete AFTER DELETE ON {table} BEGIN {forget} END",
            f"UPDATE {table} SET {columns[0]} = {columns[0]}",
        ):
            await connection().execute(statement)


async def forwards() -> MigrationManager:
    manager = migration(ID, DESCRIPTION, "people")
    manager.add_raw(names)
    return manager
