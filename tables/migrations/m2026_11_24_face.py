"""The reseller's own face and words."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.scripts import migration

ID = "2026-11-24T21:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Branding and invoice template"


async def forwards() -> MigrationManager:
    return migration(ID, DESCRIPTION, "face")
