"""Imports that are previewed, confirmed and undone; a CDR file backed out can be loaded again."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.engine import connection, on_sqlite
from tables.scripts import migration

ID = "2026-11-24T20:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Imports"
UNIQUE = "sha256 VARCHAR(64) NOT NULL UNIQUE DEFAULT ''"


async def forwards() -> MigrationManager:
    manager = migration(ID, DESCRIPTION, "imports")
    manager.raw.insert(0, _no_longer_unique)
    return manager


async def _no_longer_unique() -> None:
    """SQLite drops no constraint: the table is made again, as it stands at this moment but for that word."""
    if not on_sqlite():
        return
    run = connection().execute
    found = await (await run("SELECT type, sql FROM sqlite_master WHERE tbl_name = 'cdr_file' AND sql IS NOT NULL")).fetchall()
    scripts = sorted((row["type"], row["sql"]) for row in found)
    assert UNIQUE in dict(scripts)["table"]
    await run("PRAGMA defer_foreign_keys = ON")
    await run("CREATE TEMPORARY TABLE kept AS SELECT * FROM cdr_file")
    await run("DROP TABLE cdr_file")
    for kind, script in sorted(scripts, key=lambda one: one[0] != "table"):
        await run(script.replace(UNIQUE, UNIQUE.replace(" UNIQUE", "")) if kind == "table" else script)
    await run("INSERT INTO cdr_file SELECT * FROM kept")
    await run("DROP TABLE kept")
