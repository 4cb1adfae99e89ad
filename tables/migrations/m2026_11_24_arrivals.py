"""Files that arrive by themselves, originals that are kept, rejects that are judged again."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.scripts import migration

ID = "2026-11-24T20:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Arrivals"


async def forwards() -> MigrationManager:
    return migration(ID, DESCRIPTION, "arrivals")
