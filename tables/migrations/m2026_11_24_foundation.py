"""The foundation: all tables of the first release, with what the database itself refuses."""

from pathlib import Path

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.engine import connection, engine

ID = "2026-11-24T16:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Foundation"

KEY = {"sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL", "postgres": "BIGSERIAL PRIMARY KEY"}


async def run_scripts() -> None:
    kind = engine().engine_type
    for name in ("foundation.sql", f"guards.{kind}.sql"):
        script = Path(__file__).with_name(name).read_text(encoding="utf-8")
        for statement in script.split("\n\n"):
            if not all(row.startswith("--") for row in statement.strip().splitlines()):
                await connection().execute(statement.replace("{pk}", KEY[kind]))


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="tables", description=DESCRIPTION)
    manager.add_raw(run_scripts)
    return manager
