"""The server that suppliers really run: OpenSSH, with its own keys and configuration, on a free port."""

import asyncio
import getpass
import socket
import subprocess
from contextlib import closing
from pathlib import Path

import asyncssh
import cdr_fleet
import pytest
from cdr_samples import csv, row
from sftp_servers import KEYS, public, put

from gateways.settings import SETTINGS
from jobs import arrivals
from jobs.report import Report
from tables.usage import Arrival, CdrFile

SSHD = Path("/usr/sbin/sshd")
CONFIG = """Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
Subsystem sftp internal-sftp
"""


@pytest.fixture
def sshd(tmp_path_factory):
    """Its port, the private key that opens it, its own key, and its log."""
    if not SSHD.exists():
        pytest.fail("OpenSSH's server is not installed: apt-get install openssh-server. This test is never skipped.")
    folder = tmp_path_factory.mktemp("sshd")
    ours, theirs = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    for name, key in (("host_key", theirs), ("our_key", ours)):
        key.write_private_key(str(folder / name))
        (folder / name).chmod(0o600)
    ours.write_public_key(str(folder / "authorized_keys"))
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "config").write_text(CONFIG.format(port=port, folder=folder))
    Path("/run/sshd").mkdir(exist_ok=True)  # where a server started by root wants to lock itself in
    log = open(folder / "log", "w")  # noqa: SIM115
    process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(folder / "config")], stderr=log)
    yield port, folder / "our_key", theirs, folder / "log"
    process.terminate()
    process.wait()
    log.close()


async def listening(port: int, log: Path) -> None:
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            return writer.close()
        except OSError:
            await asyncio.sleep(0.05)
    pytest.fail(f"sshd did not start: {log.read_text()}")


@pytest.mark.system
async def test_openssh_serves_a_file_to_our_key_and_is_refused_when_its_own_changed(
    database, sshd, tmp_path_factory, monkeypatch
):
    port, our_key, their_key, log = sshd
    await listening(port, log)
    await cdr_fleet.make()
    root = tmp_path_factory.mktemp("supplier")
    monkeypatch.setattr(SETTINGS, "sftp_url", f"sftp://{getpass.getuser()}@127.0.0.1:{port}{root}")
    monkeypatch.setattr(SETTINGS, "sftp_key_file", str(our_key))
    monkeypatch.setattr(SETTINGS, "sftp_host_keys", (public(KEYS[0]),))
    put(root, "CDR é 1.csv", csv(*(row(cdr_id=str(n)) for n in range(5000))))
    (root / "BilledCDRs/MOBILE/link.csv").symlink_to("/etc/hostname")
    (problem,) = (await arrivals.fetch()).problems
    assert their_key.get_fingerprint() in problem and KEYS[0].get_fingerprint() in problem
    assert await Arrival.count() == 0

    monkeypatch.setattr(SETTINGS, "sftp_host_keys", (public(their_key),))
    first = await arrivals.fetch()
    assert (first.done, first.skipped, len(first.problems)) == (0, 1, 1)
    assert await arrivals.fetch() == Report(1, 1)
    assert await arrivals.load() == Report(1)
    assert [one["loaded"] for one in await CdrFile.select(CdrFile.loaded)] == [5000]
