"""The processes that are killed and raced, seen from the test."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import month_samples

SERVER = Path(__file__).with_name("child.py")
PATIENCE_S = 120


class Dead(Exception):
    """The child was killed before it answered."""


class Nursery:
    """Where children are born (child.py)."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "s")
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(self.address)
        self.listening.listen()
        paths = os.pathsep.join(map(str, (month_samples.ROOT, month_samples.ROOT / "tests")))
        self.server = subprocess.Popen(
            [sys.executable, str(SERVER)],
            env={**os.environ, "PYTHONPATH": paths},
            cwd=month_samples.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.server.stdout.readline() == "ready\n"

    def child(self, env: dict[str, str]) -> "Child":
        order = {"env": {"CLOCK": month_samples.CLOCKS["2026-10"], **env}, "address": self.address}
        self.server.stdin.write(json.dumps(order) + "\n")
        self.server.stdin.flush()
        return Child(self.listening.accept()[0])

    def close(self) -> None:
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()
        self.listening.close()


class Child:
    """A process of its own. Give it orders with `ask`, or `send` and `answer`."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE_S)
        self.connection, self.stream = connection, connection.makefile("rw")
        self.pid = self.answer()["pid"]

    def send(self, order: str, **values) -> None:
        self.stream.write(json.dumps({"order": order, **values}) + "\n")
        self.stream.flush()

    def answer(self) -> dict:
        try:
            line = self.stream.readline()
        except ConnectionResetError:  # killed before it read the order
            line = ""
        if not line:
            raise Dead
        return json.loads(line)

    def ask(self, order: str, **values):
        self.send(order, **values)
        answer = self.answer()
        assert "error" not in answer, answer
        return answer["answer"]

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        self.kill()
        with suppress(OSError):
            self.stream.close()
        self.connection.close()


def paths_of(source: Path, month: str) -> list[str]:
    return [str(source / "BilledCDRs/MOBILE" / name) for name in month_samples.files_of(source, month)]
