"""The foundation: all tables of the first release, with what the database itself refuses."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.scripts import migration

ID = "2026-11-24T16:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Foundation"


async def forwards() -> MigrationManager:
    return migration(ID, DESCRIPTION, "foundation", "guards")
