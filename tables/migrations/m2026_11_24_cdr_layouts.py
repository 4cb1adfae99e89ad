"""What suppliers' CDR files look like."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.scripts import migration

ID = "2026-11-24T20:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "CDR layouts"


async def forwards() -> MigrationManager:
    return migration(ID, DESCRIPTION, "cdr_layouts")
