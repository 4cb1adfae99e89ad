"""The processes that are killed and raced."""

import json
import os
import subprocess
import sys
from pathlib import Path

import month_samples

CHILD = Path(__file__).with_name("child.py")


class Dead(Exception):
    """The child was killed before it answered."""


class Child:
    """A process of child.py. Give it orders with `ask`, or `send` and `answer`."""

    def __init__(self, env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD)],
            env={**os.environ, "CLOCK": month_samples.CLOCKS["2026-10"], **env},
            cwd=month_samples.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "ready\n"

    def send(self, order: str, **values) -> None:
        self.process.stdin.write(json.dumps({"order": order, **values}) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise Dead(self.process.wait())
        return json.loads(line)

    def ask(self, order: str, **values):
        self.send(order, **values)
        answer = self.answer()
        assert "error" not in answer, answer
        return answer["answer"]

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


def paths_of(source: Path, month: str) -> list[str]:
    return [str(source / "BilledCDRs/MOBILE" / name) for name in month_samples.files_of(source, month)]
