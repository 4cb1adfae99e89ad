"""What a clerk adds once, and what is invoiced again once."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.scripts import migration

ID = "2026-11-24T23:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Charges and credit notes"


async def forwards() -> MigrationManager:
    return migration(ID, DESCRIPTION, "charges")
