"""The mail server: a letter becomes MIME, and is handed over on a connection that is never less safe than it was asked to be."""

import ssl
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from typing import Self
from uuid import uuid4

import aiosmtplib
from aiosmtplib.errors import SMTPAuthenticationError, SMTPResponseException

from gateways.settings import SETTINGS
from rules.errors import RuleError
from rules.mail import SmtpServer, address, is_passing, message_id, one_line, smtp_server
from rules.states import MailState

TIMEOUT_S = 60
LONGEST_ANSWER = 500
CLOSING = 421
LONGEST_LINE = 76  # of base64 (RFC 2045)


class ServerAway(RuleError):
    """No connection could be opened: no mail is to blame."""


@dataclass(frozen=True)
class File:
    """What goes with a letter; with a `cid`, an image that its HTML shows."""

    name: str
    data: bytes
    cid: str = ""


@dataclass(frozen=True)
class Letter:
    sender_name: str
    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    message_id: str
    written_at: datetime
    files: tuple[File, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What became of a letter, and what the server said."""

    state: MailState
    text: str


TYPES = {"pdf": ("application", "pdf"), "png": ("image", "png"), "jpg": ("image", "jpeg"), "webp": ("image", "webp")}


def mime(letter: Letter) -> bytes:
    """The message with its parts. Raises BadMail when a field could begin a header of its own.

    Each file holds its place with a word of chance until the message is written: writing files line by line took half the time.
    """
    places: dict[bytes, bytes] = {}
    message = EmailMessage(policy=WIRE)
    local, _, domain = address(letter.sender).rpartition("@")
    message["From"] = Address(one_line(letter.sender_name), local, domain)
    message["To"] = address(letter.recipient)
    message["Subject"] = one_line(letter.subject)
    message["Date"] = letter.written_at
    message["Message-ID"] = message_id(letter.message_id)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte="quoted-printable")
    if letter.html:
        message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    for file in letter.files:
        maintype, subtype = TYPES.get(file.name.rpartition(".")[2].lower(), ("application", "octet-stream"))
        shown = message.get_body(("html",)) if file.cid else None
        place = uuid4().bytes * 3  # 48 bytes: one whole line of base64
        if isinstance(shown, EmailMessage):
            shown.add_related(place, maintype, subtype, cid=f"<{one_line(file.cid)}>")
        elif not file.cid:
            message.add_attachment(place, maintype, subtype, filename=one_line(file.name))
        places[b64encode(place)] = _in_lines(b64encode(file.data))
    written = message.as_bytes()
    for place, data in places.items():
        written = written.replace(place, data)
    return written


def _in_lines(encoded: bytes) -> bytes:
    return b"\r\n".join(encoded[start : start + LONGEST_LINE] for start in range(0, len(encoded), LONGEST_LINE))


class Post:
    """One connection for many letters, opened when the first comes and again when it broke."""

    def __init__(self) -> None:
        self.server: SmtpServer = smtp_server(SETTINGS.smtp_url, SETTINGS.production, bool(SETTINGS.smtp_ca_file))
        self._client: aiosmtplib.SMTP | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(aiosmtplib.SMTPException, OSError):
            if self._client:
                await self._client.quit()
        self._hang_up()

    async def hand_over(self, sender: str, recipient: str, message: bytes) -> Answer:
        """Give one letter to one recipient. Raises ServerAway before anything was said of it.

        Once its text is on its way, silence is doubt: the server may have taken it.
        """
        client = self._client or await self._open()
        text_given = False
        try:
            await client.mail(sender)
            await client.rcpt(recipient)
            text_given = True
            said = await client.data(message)
            return Answer(MailState.sent, _shown(said.code, said.message))
        except SMTPResponseException as refusal:
            await self._start_afresh(refusal.code)
            state = MailState.waiting if is_passing(refusal.code) else MailState.failed
            return Answer(state, _shown(refusal.code, refusal.message))
        except (aiosmtplib.SMTPException, OSError, ValueError) as broken:
            self._hang_up()
            if text_given:
                return Answer(MailState.in_doubt, "Le serveur s'est tu après avoir reçu le message : il l'a peut-être pris.")
            return Answer(MailState.waiting, f"La liaison avec le serveur s'est rompue ({type(broken).__name__}).")

    async def _open(self) -> aiosmtplib.SMTP:
        server = self.server
        secured = server.security != "plain"
        context = ssl.create_default_context(cafile=SETTINGS.smtp_ca_file or None) if secured else None
        client = aiosmtplib.SMTP(
            hostname=server.host, port=server.port, timeout=TIMEOUT_S, tls_context=context,
            use_tls=server.security == "tls", start_tls=server.security == "starttls",
            username=server.user or None, password=server.password or None,
        )  # fmt: skip
        try:
            await client.connect()
        except SMTPAuthenticationError as refusal:
            client.close()
            raise ServerAway(f"Le serveur d'envoi refuse l'identifiant ou le mot de passe ({refusal.code}).") from None
        except SMTPResponseException as refusal:
            client.close()
            raise ServerAway(f"Le serveur d'envoi ne prend pas de message ({_shown(refusal.code, refusal.message)}).") from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as broken:
            client.close()
            raise ServerAway(_why_not_open(broken, server)) from None
        self._client = client
        return client

    async def _start_afresh(self, code: int) -> None:
        """Ready for the next letter after a refusal."""
        try:
            if self._client and code != CLOSING:
                await self._client.rset()
                return
        except (aiosmtplib.SMTPException, OSError):
            pass
        self._hang_up()

    def _hang_up(self) -> None:
        if self._client:
            self._client.close()
            self._client = None


def _why_not_open(broken: Exception, server: SmtpServer) -> str:
    cause = broken.__cause__ or broken.__context__ or broken
    if isinstance(broken, ssl.SSLError) or isinstance(cause, ssl.SSLError):
        return "La liaison chiffrée avec le serveur d'envoi n'a pas abouti : son certificat n'est pas sûr."
    if "STARTTLS extension not supported" in str(broken):
        return "Le serveur d'envoi n'offre pas de liaison chiffrée (STARTTLS) : rien n'est parti en clair."
    return f"Le serveur d'envoi ne répond pas ({server.host}, port {server.port})."


def _shown(code: int, text: str) -> str:
    """An answer of the server, on one line and not too long."""
    return " ".join(f"{code} {text}".split())[:LONGEST_ANSWER]
