"""Files that are there whole or not at all: written beside, flushed to disk, then renamed."""

import asyncio
import fcntl
import hashlib
import os
import shutil
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO

POLL_S = 0.02

_queues: dict[Path, deque[object]] = {}


def publish(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, flush it to disk, and give it its name; a crash leaves no half file under that name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    write(part)
    _flush(part)
    os.replace(part, path)
    _flush(path.parent)


def _flush(target: Path) -> None:
    handle = os.open(target, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def publish_bytes(path: Path, data: bytes) -> None:
    publish(path, lambda part: part.write_bytes(data))


def keep(source: Path, folder: Path) -> str:
    """Keep a file under the SHA-256 of its bytes, once; the SHA-256."""
    with open(source, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not (folder / digest).exists():
        publish(folder / digest, lambda part: shutil.copyfile(source, part))
    return digest


class Busy(Exception):
    """Another process holds the lock."""


def take_lock(path: Path) -> IO[str]:
    """The open file that holds a lock. It can be handed over to a child process, which then holds it; whoever holds it may die
    in any way, the kernel frees it. Raises Busy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = open(path, "w")  # noqa: SIM115 (open as long as the lock is held)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise Busy(path.name) from None
    return file


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """One process at a time. Raises Busy."""
    with take_lock(path):
        yield


@asynccontextmanager
async def turn(path: Path) -> AsyncIterator[None]:
    """The lock, waited for without holding up the event loop; within a process, first come, first served."""
    queue, ticket = _queues.setdefault(path, deque()), object()
    queue.append(ticket)
    try:
        with ExitStack() as held:
            while True:
                if queue[0] is ticket:
                    with suppress(Busy):
                        held.enter_context(lock(path))
                        break
                await asyncio.sleep(POLL_S)
            yield
    finally:
        queue.remove(ticket)


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        with lock(path):
            return False
    except Busy:
        return True


def sweep(folder: Path, known: set[Path]) -> int:
    """Remove the files of a folder that no manifest row names: what a crash left behind. How many went."""
    lost = [path for path in folder.rglob("*") if path.is_file() and path not in known]
    for path in lost:
        path.unlink()
    return len(lost)
