"""The doors through which files come: ids against ten million, the preview of a rate table, a million lines by HTTP."""

import asyncio
import csv
import io
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from bench.clock import Clock
from gateways import cdr_store
from gateways.settings import SETTINGS
from jobs.cdrs import load_files
from jobs.imports import import_file
from rules.paris import Month

Figures = dict[str, Any]
HELD = 10  # times the CDRs of the month
RATES = 5_000
ROOT = Path(__file__).parent.parent
TOKEN = "bench-" + "0" * 32
PORT = 8_093


async def twins(files: list[Path], month: Month) -> Figures:
    """The month's files against a store of ten times as many ids; then an index of SQLite asked id by id."""
    seconds = Clock()
    held: list[int] = []

    def timed(con: Any, root: Path, stored: Any, real: Callable[..., Any] = cdr_store._twins) -> Any:
        rows = con.execute("SELECT count(*) FROM judged").fetchone()[0]
        parts = _fill_store(con, root)
        held.append(rows * HELD)
        with seconds:
            real(con, root, {**stored, str(month): [*stored.get(str(month), ()), parts]})

    with patch.object(cdr_store, "_twins", timed):
        reports = await load_files([_joined(files)], now=SETTINGS.now(), preview=True)
    return {**seconds.figures, "held": held[0], "asked": reports[0].rows, "index": _index(held[0], reports[0].rows)}


def _joined(files: list[Path]) -> tuple[Path, str]:
    """The files of one form as one."""
    path = SETTINGS.data_dir / "joined.csv"
    header = files[0].read_bytes().split(b"\n", 1)[0]
    with open(path, "wb") as out:
        out.write(header + b"\n")
        for file in files:
            first, _, rest = file.read_bytes().partition(b"\n")
            if first == header:
                out.write(rest)
    return path, path.name


def _fill_store(con: Any, root: Path) -> str:
    """Ids that look like those of the file; one in a thousand is one of them."""
    path = root / "held.parquet"
    con.execute(
        "COPY (SELECT line_id, ts, key || CASE WHEN n = 0 AND line_number % 100 = 0 THEN '' ELSE '-' || n END AS key,"
        " day, type, direction, msisdn, other, duration_s, volume_bytes, plmn, origin, cost_micro, line_number"
        f" FROM judged, range({HELD}) t(n) WHERE early IS NULL ORDER BY line_id, ts)"
        f" TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
    )
    return path.name


def _index(held: int, asked: int) -> Figures:
    """The ordinary way: a unique index, one question an id."""
    con = sqlite3.connect(SETTINGS.data_dir / "index.sqlite")
    con.execute("PRAGMA journal_mode=OFF")
    con.execute("CREATE TABLE ids (id TEXT PRIMARY KEY) WITHOUT ROWID")
    con.executemany("INSERT INTO ids VALUES (?)", ((f"held-{number:09}",) for number in range(held)))
    ids = [f"held-{number:09}" for number in random.Random(7).sample(range(2 * held), asked)]
    with Clock() as clock:
        found = sum(con.execute("SELECT 1 FROM ids WHERE id = ?", (one,)).fetchone() is not None for one in ids)
    return {**clock.figures, "found": found}


async def preview(month: Month) -> Figures:
    """A rate table of 5 000 rows previewed; then the same rows through csv.DictReader, as text."""
    header = "origin;type;direction;prefix;destination;category;unit_price;setup_fee;first_increment;next_increment"
    rows = [
        f"HOME;VOICE;OUT;{prefix};Destination {prefix};INTL;0,{prefix:06};0,05;60;1" for prefix in range(10_000, 10_000 + RATES)
    ]
    data = "\n".join([header, *rows]).encode()
    arguments: Figures = {"now": SETTINGS.now(), "code": "BENCH", "valid_from": date(2026, 12, 1)}
    with Clock() as clock:
        report = await import_file("rates", data, "rates.csv", mode="preview", **arguments)
    with Clock() as bare:
        read = sum(1 for _ in csv.DictReader(io.StringIO(data.decode()), delimiter=";"))
    return {**clock.figures, "rows": report.created, "bare_s": bare.seconds, "read": read}


async def upload(files: list[Path]) -> Figures:
    """The month's CDRs as one file, sent to a real server; meanwhile the login page, asked again and again."""
    path, name = _joined(files)
    env = os.environ | {"PORT": str(PORT), "API_TOKEN": TOKEN, "DEMO": "0", "DATA_DIR": str(SETTINGS.data_dir)}
    server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{PORT}"
    try:
        async with httpx.AsyncClient(base_url=address, timeout=600) as client:
            await _up(client)
            before, waits, done = _peak_mb(server.pid), [0.0], asyncio.Event()
            asking = asyncio.create_task(_ask(client, waits, done))
            with Clock() as clock, open(path, "rb") as file:
                answer = await client.post(
                    "/api/imports/cdrs?mode=valid", files={"file": (name, file)}, headers={"authorization": f"Bearer {TOKEN}"}
                )
            done.set()
            await asking
        report = answer.json()
        return {
            **clock.figures, "rows": report["rows"], "created": report["created"], "grown_mb": _peak_mb(server.pid) - before,
            "slowest_page_s": max(waits), "pages": len(waits) - 1,
        }  # fmt: skip
    finally:
        server.terminate()
        server.wait(30)


async def _up(client: httpx.AsyncClient) -> None:
    for _ in range(200):
        try:
            await client.get("/entrer")
            return
        except httpx.HTTPError:
            await asyncio.sleep(0.1)
    sys.exit("the server does not start")


async def _ask(client: httpx.AsyncClient, waits: list[float], done: asyncio.Event) -> None:
    while not done.is_set():
        start = time.perf_counter()
        await client.get("/entrer")
        waits.append(time.perf_counter() - start)
        await asyncio.sleep(0.05)


def _peak_mb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024
