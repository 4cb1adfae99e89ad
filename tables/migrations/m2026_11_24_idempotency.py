"""The calls that programs made with a key, and what they were answered."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.scripts import migration

ID = "2026-11-24T20:05:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Idempotency"


async def forwards() -> MigrationManager:
    return migration(ID, DESCRIPTION, "idempotency")
