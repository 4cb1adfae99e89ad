"""The outbox of mails, and what the seller decides about them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.scripts import migration

ID = "2026-11-24T21:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Mail"


async def forwards() -> MigrationManager:
    return migration(ID, DESCRIPTION, "mail")
