"""The chain of seals, the accounts of the sales journal, the day on which a holder asked for whole numbers."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.scripts import migration

ID = "2026-11-24T23:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Seals and the sales journal"


async def forwards() -> MigrationManager:
    return migration(ID, DESCRIPTION, "seals")
