"""Orders: sent once, summed up on paper."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.scripts import migration

ID = "2026-11-24T22:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Orders"


async def forwards() -> MigrationManager:
    return migration(ID, DESCRIPTION, "orders")
