"""Orders, porting, changes of lines, network requests, charges, roles."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.scripts import migration

ID = "2026-11-24T22:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The clerk's day"


async def forwards() -> MigrationManager:
    return migration(ID, DESCRIPTION, "clerks_day")
