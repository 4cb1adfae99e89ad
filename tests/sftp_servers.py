"""SFTP servers on loopback: a good one, hostile ones, and a line that can be cut or go dead."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncssh

from gateways.settings import SETTINGS

KEYS = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(2)]
RSA = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
FOLDER = "BilledCDRs/MOBILE"


def public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


class Open(asyncssh.SSHServer):
    """Whoever knows the password may come in."""

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("revendeur", "mot:de passe")


@asynccontextmanager
async def serving(root: Path, keys: Iterable[asyncssh.SSHKey] = KEYS[:1], kind: type = asyncssh.SFTPServer) -> AsyncIterator[int]:
    """The port of a server of that folder."""
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=Open,
        server_host_keys=list(keys),
        sftp_factory=lambda channel: kind(channel, chroot=str(root)),
    )
    try:
        yield server.get_port()
    finally:
        server.close()
        await server.wait_closed()


def point_to(monkeypatch, port: int, *keys: asyncssh.SSHKey) -> None:
    """Set the address that is looked at, and the keys that are pinned."""
    monkeypatch.setattr(SETTINGS, "sftp_url", f"sftp://revendeur:mot%3Ade%20passe@127.0.0.1:{port}/")
    monkeypatch.setattr(SETTINGS, "sftp_host_keys", tuple(map(public, keys)))


class Names(asyncssh.SFTPServer):
    """Lists names that no file system would hold."""

    names: tuple[bytes, ...] = ()
    opened: list[bytes] = []

    async def scandir(self, path: bytes):
        for name in self.names:
            yield asyncssh.SFTPName(name, attrs=asyncssh.SFTPAttrs(size=3, mtime=1_790_000_000, permissions=0o100644))

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs):
        self.opened.append(path)
        return super().open(path, pflags, attrs)


class Relay:
    """Passes bytes on to a port; cuts after so many bytes of an answer, or lets nothing more through."""

    def __init__(self, port: int) -> None:
        self.port, self.cut_after, self.deaf = port, 1 << 60, False
        self.passed = 0

    async def __aenter__(self) -> int:
        self.server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_) -> None:
        self.server.close()

    async def _meet(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        self.passed = 0
        far_in, far_out = await asyncio.open_connection("127.0.0.1", self.port)
        tasks = [
            asyncio.create_task(self._pass(near_in, far_out, False)),
            asyncio.create_task(self._pass(far_in, near_out, True)),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for writer in (near_out, far_out):
            writer.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, answers: bool) -> None:
        with suppress(OSError):
            while chunk := await source.read(4096):
                if self.deaf:
                    await asyncio.Event().wait()
                if answers:
                    chunk = chunk[: self.cut_after - self.passed]
                    self.passed += len(chunk)
                target.write(chunk)
                await target.drain()
                if answers and self.passed >= self.cut_after:
                    return


def put(root: Path, name: str, data: bytes, at_s: int = 1_790_000_000) -> Path:
    """A file at the supplier's, with its date."""
    path = root / FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (at_s, at_s))
    return path
