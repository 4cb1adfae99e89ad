"""A million lines through the API: the web process stays small and its pages quick; the work is a worker's."""

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import cdr_fleet
import httpx
from cdr_samples import COLUMNS
from visitor import API_TOKEN

from tables.usage import CdrFile

ROOT = Path(__file__).parents[2]
LINES = 1_000_000
GROWTH_MB, PAGE_S = 300, 0.2


def peak_mb(pid: int) -> float:
    """The most memory that a process ever held."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


def write(path: Path) -> None:
    with open(path, "w") as file:
        file.write(";".join(COLUMNS) + "\n")
        for start in range(0, LINES, 10_000):
            file.writelines(
                f"OP{n:010};VOICE;OUT;33639980001;0639980099;2026-10-{n % 31 + 1:02}T10:00:00+01:00;65;0;;0.0123\n"
                for n in range(start, start + 10_000)
            )


async def test_a_million_lines_are_loaded_while_pages_answer_and_the_web_process_hardly_grows(database, database_env, tmp_path):
    await cdr_fleet.make()
    write(tmp_path / "big.csv")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    env = {**os.environ, **database_env, "PORT": str(port), "HOST": "127.0.0.1", "PUBLIC_URL": address, "API_TOKEN": API_TOKEN}
    server = subprocess.Popen([sys.executable, "app.py"], env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{address}/entrer")
                break
            except OSError:
                time.sleep(0.1)
        before, answers = peak_mb(server.pid), []

        def upload() -> None:
            headers = {"authorization": f"Bearer {API_TOKEN}"}
            with open(tmp_path / "big.csv", "rb") as file:
                answers.append(
                    httpx.post(f"{address}/api/imports/cdrs", files={"file": file}, headers=headers, timeout=300).json()
                )

        at_work = threading.Thread(target=upload)
        at_work.start()
        waits = []
        while at_work.is_alive():
            begun = time.perf_counter()
            urllib.request.urlopen(f"{address}/entrer").read()
            waits.append(time.perf_counter() - begun)
            time.sleep(0.05)
        at_work.join()
        growth = peak_mb(server.pid) - before
    finally:
        server.terminate()
        server.wait()
    waits.sort()
    late = waits[len(waits) * 95 // 100]
    print(f"web +{growth:.0f} MB; {len(waits)} pages, median {waits[len(waits) // 2]:.3f} s, 95 % {late:.3f} s")
    assert answers[0]["created"] == LINES
    assert await CdrFile.select(CdrFile.loaded) == [{"loaded": LINES}]
    assert growth <= GROWTH_MB
    assert late <= PAGE_S
