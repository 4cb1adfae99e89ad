"""Papers for a page that waits, made in one process that stays warm beside the web's.

Whatever a text does to the layout, only that process dies of it, after ten seconds or past a gigabyte; the next request
starts another.
"""

import asyncio
import pickle
import resource
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from gateways import paper

LONGEST_S = 10.0
LARGEST_BYTES = 1024**3


class PaperTooHeavy(paper.PaperRefused):
    """A layout that took too long or too much memory."""


class Press:
    """One process, one paper at a time; started at the first demand."""

    def __init__(self, longest_s: float = LONGEST_S, largest_bytes: int = LARGEST_BYTES) -> None:
        self.longest_s, self.largest_bytes = longest_s, largest_bytes
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    async def ask(self, form: str, *arguments: Any) -> Any:
        """What `paper.invoice`, `paper.pictures` or `paper.order` answers. Raises PaperRefused."""
        return await asyncio.to_thread(self._ask, form, arguments)

    def warm(self) -> None:
        """Have the process started while the person still reads; returns at once."""
        if self._turn.acquire(blocking=False):
            try:
                self._running()
            finally:
                self._turn.release()

    def close(self) -> None:
        with self._turn:
            self._end()

    def _ask(self, form: str, arguments: tuple[Any, ...]) -> Any:
        with self._turn:
            process = self._running()
            assert process.stdin
            assert process.stdout
            watch = threading.Timer(self.longest_s, process.kill)
            watch.start()
            try:
                pickle.dump((form, arguments), process.stdin)
                process.stdin.flush()
                raised, value = pickle.load(process.stdout)  # our own process wrote it
            except (EOFError, OSError, pickle.UnpicklingError):
                self._end()
                raise PaperTooHeavy("Cette mise en page demande trop de temps ou de mémoire. Raccourcissez les textes.") from None
            finally:
                watch.cancel()
        if raised:
            raise value
        return value

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process and self._process.poll() is not None:
            self._end()
        if not self._process:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateways.press", str(self.largest_bytes)],
                cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        return self._process

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None


PRESS = Press()


def serve(largest_bytes: int) -> None:
    """Papers, one after another, until nobody asks any more."""
    resource.setrlimit(resource.RLIMIT_AS, (largest_bytes, largest_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            form, arguments = pickle.load(sys.stdin.buffer)  # the web process wrote it
        except EOFError:
            return
        try:
            answer = False, getattr(paper, form)(*arguments)
        except Exception as problem:
            answer = True, problem if isinstance(problem, paper.PaperRefused) else paper.PaperRefused(str(problem))
        pickle.dump(answer, sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
