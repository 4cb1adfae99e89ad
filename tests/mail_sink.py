"""A real mail server over loopback, with scripted answers, and a certificate authority of its own."""

import asyncio
import ssl
import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from ipaddress import ip_address
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "facturation", "s3cret-très-long"
HANG_S = 30


class Sink:
    """Keeps every accepted message. A recipient says what happens to it: `550@` and `hang@` at RCPT, `550-data@` after its
    text, `drop@` and `mute@` once it is accepted."""

    def __init__(self) -> None:
        self.accepted: list[Envelope] = []
        self.sessions: list[Session] = []
        self.slowness_s = 0.0

    @property
    def recipients(self) -> list[str]:
        return [address for envelope in self.accepted for address in envelope.rcpt_tos]

    @property
    def ids(self) -> list[str]:
        return [message_from_bytes(envelope.content, policy=default)["Message-ID"] for envelope in self.accepted]

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        word = address.partition("@")[0]
        if word == "hang":
            await asyncio.sleep(HANG_S)
        if word.isdigit():
            return f"{word} as scripted"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        word = envelope.rcpt_tos[0].partition("@")[0]
        if word.endswith("-data"):
            return f"{word[:3]} as scripted, after the text"
        await asyncio.sleep(self.slowness_s)
        self.sessions.append(session)
        self.accepted.append(envelope)
        if word == "drop":
            server.transport.abort()
        if word == "mute":
            await asyncio.sleep(HANG_S)
        return "250 OK queued"


def authority(folder: Path, *names: str) -> tuple[Path, ssl.SSLContext]:
    """The file of a self-made authority, and the context of a server that it vouches for under these names."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Essai")])
    own = ec.generate_private_key(ec.SECP256R1())
    root = _certificate(name, key.public_key(), name, key, ca=True).sign(key, hashes.SHA256())
    alt = x509.SubjectAlternativeName(
        [x509.IPAddress(ip_address(text)) if text[0].isdigit() else x509.DNSName(text) for text in names]
    )
    leaf = _certificate(x509.Name([]), own.public_key(), name, key, ca=False).add_extension(alt, True).sign(key, hashes.SHA256())
    ca, chain = folder / "ca.pem", folder / "server.pem"
    ca.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    private = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain.write_bytes(private + leaf.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return ca, context


def _certificate(subject, public_key, issuer, issuer_key, ca: bool) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


def _authenticate(server, session, envelope, mechanism, data) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


class Server:
    """The sink behind a port; `with Server(sink) as server: server.port`."""

    def __init__(self, sink: Sink, *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None) -> None:
        options = {"tls_context": starttls, "require_starttls": True, "auth_required": True} if starttls else {}
        self.controller = Controller(
            sink, hostname="127.0.0.1", port=0, ssl_context=tls, authenticator=_authenticate, auth_require_tls=True,
            decode_data=False, **options,
        )  # fmt: skip

    def __enter__(self) -> "Server":
        self._start()
        return self

    def _start(self) -> None:
        controller, ready = self.controller, threading.Event()

        def run() -> None:
            asyncio.set_event_loop(controller.loop)
            self._listening = controller.loop.run_until_complete(controller._create_server())
            self.port = self._listening.sockets[0].getsockname()[1]
            ready.set()
            controller.loop.run_forever()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        assert ready.wait(10)

    def __exit__(self, *_: object) -> None:
        loop = self.controller.loop
        loop.call_soon_threadsafe(self._listening.close)
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join(10)
