"""The record of what the clock starts."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.scripts import migration

ID = "2026-11-24T20:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Scheduling"


async def forwards() -> MigrationManager:
    return migration(ID, DESCRIPTION, "scheduling")
