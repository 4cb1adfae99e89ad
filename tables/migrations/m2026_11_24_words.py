"""The words of the mails, kept version after version."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.scripts import migration

ID = "2026-11-24T21:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Mail templates"


async def forwards() -> MigrationManager:
    return migration(ID, DESCRIPTION, "words")
