"""How many e-invoices of a run are held to every rule before they take a number."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.scripts import migration

ID = "2026-11-24T21:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "E-invoices"


async def forwards() -> MigrationManager:
    return migration(ID, DESCRIPTION, "einvoice")
