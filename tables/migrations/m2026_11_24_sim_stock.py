"""The stock of SIM cards."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.scripts import migration

ID = "2026-11-24T20:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Stock of SIM cards"


async def forwards() -> MigrationManager:
    return migration(ID, DESCRIPTION, "sim_stock")
