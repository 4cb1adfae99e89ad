"""The files in which the network answers."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.scripts import migration

ID = "2026-11-24T22:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Network answers"


async def forwards() -> MigrationManager:
    return migration(ID, DESCRIPTION, "network_answers")
