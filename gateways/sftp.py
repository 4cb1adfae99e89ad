"""The supplier's SFTP server: who it is must be known beforehand, and nothing that it says is trusted.

Its CDRs are fetched there, network requests laid down, answers read back.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import asyncssh

from gateways.cdr_file import OUR_DISK
from gateways.files import publish
from gateways.settings import SETTINGS
from rules.errors import RuleError

CONNECT_S, IDLE_S, PASSAGE_S = 30.0, 60.0, 3600.0
SIZE_LIMIT = 200 * 1024 * 1024
MOST_NAMES = 20_000
LONGEST_NAME = 200
CHUNK = 256 * 1024
FOLDER = "BilledCDRs/MOBILE"
BEING_WRITTEN = (".tmp", ".part", ".filepart", ".swp", "~")
Answer = TypeVar("Answer")

asyncssh.set_log_level("WARNING")  # its other lines are of no use to an operator


class DepotUnreachable(RuleError):
    """The server does not answer, refuses us, or breaks off."""


class HostKeyRefused(RuleError):
    """The server shows another key than the one that we were given: nothing was read from it."""


class FileRefused(RuleError):
    """One file that cannot be fetched; the others can."""


@dataclass(frozen=True)
class RemoteFile:
    """`path`: as the server names it; `name`: printable, told apart from any other; `refusal`: why it is never fetched."""

    path: bytes
    name: str
    size_bytes: int
    modified_s: int
    refusal: str = ""

    @property
    def being_written(self) -> bool:
        return self.name.startswith(".") or self.name.lower().endswith(BEING_WRITTEN)


def shown(raw: bytes) -> tuple[str, str]:
    """A remote name as we may show it, and why it is refused, if it is."""
    text = raw.decode("utf-8", "backslashreplace")
    reasons = (
        (b"\0" in raw, "un octet nul"),
        (not text.isprintable() or text.encode("utf-8", "replace") != raw, "un signe invisible ou illisible"),
        (b"/" in raw or b"\\" in raw, "un séparateur de dossier"),
        (len(text) > LONGEST_NAME, f"plus de {LONGEST_NAME} signes"),
    )
    reason = next((word for found, word in reasons if found), "")
    if not reason:
        return text, ""
    safe = "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in text)[: LONGEST_NAME - 20]
    return f"{safe}… ({sha256(raw).hexdigest()[:12]})", f"Le nom contient {reason}. Demandez au fournisseur de le renommer."


class LaidInDoubt(RuleError):
    """A file that was being given its name when the line broke: it may lie there."""


class Depot:
    """A folder of the supplier's, once the server was recognised."""

    def __init__(self, client: asyncssh.SFTPClient, folder: bytes) -> None:
        self._client, self._folder = client, folder

    async def list(self) -> list[RemoteFile]:
        """What lies there, in code-point order of names. Raises DepotUnreachable."""
        found: list[RemoteFile] = []
        names = self._client.scandir(self._folder)
        while len(found) < MOST_NAMES:
            try:
                entry: asyncssh.SFTPName = await _patient(anext(names))
            except StopAsyncIteration:
                break
            remote = self._remote(entry)
            if remote:
                found.append(remote)
        return sorted(found, key=lambda one: one.name)

    def _remote(self, entry: asyncssh.SFTPName) -> RemoteFile | None:
        raw = entry.filename if isinstance(entry.filename, bytes) else entry.filename.encode("utf-8", "surrogateescape")
        if raw in (b".", b"..") or entry.attrs.type == asyncssh.FILEXFER_TYPE_DIRECTORY:
            return None
        name, refusal = shown(raw)
        size = entry.attrs.size or 0
        if entry.attrs.type != asyncssh.FILEXFER_TYPE_REGULAR:
            refusal = refusal or "C'est un lien ou un fichier spécial. Demandez au fournisseur de déposer le fichier lui-même."
        elif size > SIZE_LIMIT:
            refusal = refusal or f"Plus de {SIZE_LIMIT // 1024**2} Mo. Demandez au fournisseur de le découper."
        known = min(max(size, 0), 2**62), min(max(entry.attrs.mtime or 0, 0), 2**62)
        return RemoteFile(self._folder + b"/" + raw, name, *known, refusal)

    async def fetch(self, remote: RemoteFile, target: Path) -> str:
        """Download whole to `target`, or nothing of it there; the SHA-256. Raises DepotUnreachable, FileRefused."""
        part = target.with_name(f"{target.name}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            digest = await self._download(remote, part)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure) as reason:
            raise FileRefused(f"« {remote.name} » ne se lit pas ({reason.reason}). Il sera essayé de nouveau.") from None
        await asyncio.to_thread(publish, target, lambda _: None)
        return digest

    async def _download(self, remote: RemoteFile, part: Path) -> str:
        digest, size = sha256(), 0
        source: Any = await _patient(self._client.open(remote.path, "rb"))
        with open(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            while size <= remote.size_bytes and (chunk := await _patient(source.read(CHUNK))):
                size += len(chunk)
                digest.update(chunk)
                file.write(chunk)
        after = await _patient(source.stat())
        await _patient(source.close())
        if size != remote.size_bytes or after.size != size or after.mtime != remote.modified_s:
            raise FileRefused(f"« {remote.name} » a changé pendant sa lecture. Il sera lu de nouveau quand il ne grandira plus.")
        return digest.hexdigest()

    async def lay(self, name: str, data: bytes) -> None:
        """Write a file that is there whole or not at all. Raises FileRefused, DepotUnreachable: not there; LaidInDoubt."""
        target = self._folder + b"/" + name.encode()
        part = target + b".part"
        try:
            file: Any = await _patient(self._client.open(part, "wb"))
            for start in range(0, len(data), CHUNK):
                await _patient(file.write(data[start : start + CHUNK]))
            await _patient(file.close())
        except (asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure) as reason:
            raise FileRefused(
                f"« {name} » n'a pas pu être écrit au dépôt ({reason.reason}). Il sera essayé de nouveau."
            ) from None
        try:
            await _patient(self._client.rename(part, target))
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure) as reason:
            raise FileRefused(
                f"« {name} » n'a pas pu être nommé au dépôt ({reason.reason}). Il sera essayé de nouveau."
            ) from None
        except (OSError, asyncssh.Error, TimeoutError):
            raise LaidInDoubt(f"La liaison s'est rompue pendant que « {name} » était déposé : il y est peut-être.") from None


async def _patient(answer: Coroutine[Any, Any, Answer] | Any) -> Answer:
    """An answer of the server, waited for within bounds."""
    return await asyncio.wait_for(answer, IDLE_S)


class _Careful(asyncssh.SSHClient):
    """Remembers the key that was refused."""

    presented: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.presented = key
        return False


@asynccontextmanager
async def depot(folder: str = FOLDER) -> AsyncIterator[Depot]:
    """A folder of the supplier's, open. Raises HostKeyRefused, DepotUnreachable."""
    url = urlsplit(SETTINGS.sftp_url)
    host, port = url.hostname or "", url.port or 22
    known, careful = _pinned(), _Careful()
    connection: asyncssh.SSHClientConnection | None = None
    try:
        async with asyncio.timeout(PASSAGE_S):
            async with asyncio.timeout(CONNECT_S):
                connection, _ = await asyncssh.create_connection(
                    lambda: careful, host, port, config=[], known_hosts=(known, [], []), agent_path=None,
                    username=unquote(url.username or ""), password=unquote(url.password) if url.password else None,
                    client_keys=[SETTINGS.sftp_key_file] if SETTINGS.sftp_key_file else None,
                    connect_timeout=CONNECT_S, login_timeout=CONNECT_S,
                )  # fmt: skip
                client = await connection.start_sftp_client(path_encoding=None)
            yield Depot(client, f"{unquote(url.path).rstrip('/') or '.'}/{folder}".encode())
    except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed):
        shown_key = careful.presented or await _key_of(host, port)
        raise HostKeyRefused(_refusal(host, known, shown_key)) from None
    except TimeoutError:
        raise DepotUnreachable(f"Le dépôt {host} ne répond plus. Rien n'est perdu : la prochaine recherche reprendra.") from None
    except asyncssh.PermissionDenied:
        raise DepotUnreachable(f"Le dépôt {host} refuse notre identité. Vérifiez SFTP_URL et SFTP_KEY_FILE.") from None
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        raise DepotUnreachable("La clé de SFTP_KEY_FILE ne se lit pas. Donnez une clé privée sans phrase secrète.") from None
    except asyncssh.SFTPNoSuchFile:
        raise DepotUnreachable(f"Le dossier {folder} n'existe pas au dépôt {host}. Vérifiez la fin de SFTP_URL.") from None
    except (OSError, asyncssh.Error) as reason:
        if getattr(reason, "errno", None) in OUR_DISK:
            raise
        if connection is None:
            raise DepotUnreachable(
                f"Le dépôt {host} ne répond pas à cette adresse. Vérifiez SFTP_URL, ou appelez le fournisseur."
            ) from None
        raise DepotUnreachable(f"La liaison avec le dépôt {host} a été coupée. La prochaine recherche la reprendra.") from None
    finally:
        if connection:
            connection.abort()


def _pinned() -> list[asyncssh.SSHKey]:
    try:
        return [asyncssh.import_public_key(text) for text in SETTINGS.sftp_host_keys]
    except asyncssh.KeyImportError:
        raise DepotUnreachable("SFTP_HOST_KEY ne se lit pas. Écrivez la clé publique ainsi : ssh-ed25519 AAAA….") from None


async def _key_of(host: str, port: int) -> asyncssh.SSHKey | None:
    """The key of a server that has none of the kind that we know; only to name it."""
    try:
        return await asyncio.wait_for(asyncssh.get_server_host_key(host, port, config=[]), CONNECT_S)
    except (OSError, asyncssh.Error):
        return None


def _refusal(host: str, known: list[asyncssh.SSHKey], presented: asyncssh.SSHKey | None) -> str:
    expected = ", ".join(key.get_fingerprint() for key in known) or "aucune"
    found = presented.get_fingerprint() if presented else "inconnue"
    return (
        f"Le dépôt {host} montre une clé qui n'est pas la sienne : {found} ; attendue : {expected}. Rien n'a été lu."
        " Appelez le fournisseur ; s'il a changé de clé, mettez la nouvelle dans SFTP_HOST_KEY."
    )
