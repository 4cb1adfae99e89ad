"""Migrations as SQL scripts beside their module: one statement per paragraph; {pk} and {bytes} are the engine's key and bytes.

`name.sql` runs on both engines, `name.sqlite.sql` and `name.postgres.sql` on one.
"""

from pathlib import Path

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.engine import connection, engine

FOLDER = Path(__file__).parent / "migrations"
KEY = {"sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL", "postgres": "BIGSERIAL PRIMARY KEY"}
BYTES = {"sqlite": "BLOB", "postgres": "BYTEA"}


def migration(migration_id: str, description: str, *names: str) -> MigrationManager:
    """What a migration module gives back: the scripts of those names, in that order."""

    async def run() -> None:
        kind = engine().engine_type
        for name in names:
            for path in (FOLDER / f"{name}.sql", FOLDER / f"{name}.{kind}.sql"):
                for statement in path.read_text(encoding="utf-8").split("\n\n") if path.exists() else ():
                    if not all(row.startswith("--") for row in statement.strip().splitlines()):
                        await connection().execute(statement.replace("{pk}", KEY[kind]).replace("{bytes}", BYTES[kind]))

    manager = MigrationManager(migration_id=migration_id, app_name="tables", description=description)
    manager.add_raw(run)
    return manager
