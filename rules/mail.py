"""Mail: who can receive it, what stands on one line, by which way it goes, what an answer means, when to try again."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from rules.errors import RuleError
from rules.files import cells

LONGEST_ADDRESS = 254
ENDS_A_LINE = ("Cc", "Cs", "Zl", "Zp")
CODED = "=?"  # begins an encoded word (RFC 2047): the email package would decode it, ends of line included
MESSAGE_ID = re.compile(r"<[A-Za-z0-9_-]+@[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*>")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PORTS = {"smtp": 587, "smtps": 465}
FIRST_DELAYS_MIN, LATER_DELAY_MIN, LONGEST_MIN = (1, 5, 15, 60), 240, 48 * 60


class BadMail(RuleError):
    """A field that no mail may bear."""


class BadSmtpUrl(RuleError):
    """An SMTP_URL by which nothing may leave; the message never repeats it: it holds a password."""


def addresses(text: str) -> list[str]:
    """The addresses of a field that may hold several, each once, in their order; they are not judged.

    >>> addresses("a@x.example; b@x.example, A@x.example")
    ['a@x.example', 'b@x.example']
    """
    found: dict[str, str] = {}
    for part in re.split("[,; ]+", text):
        if part:
            found.setdefault(part.casefold(), part)
    return list(found.values())


def address(text: str) -> str:
    """The address as a server takes it, its domain in ASCII. Raises BadMail, cells.BadText.

    >>> address("zoé@exemple.example")
    Traceback (most recent call last):
    rules.mail.BadMail: « zoé@exemple.example » a un accent avant l'@ : elle ne passe pas partout. Demandez une autre adresse.
    >>> address("a@zoé.example")
    'a@xn--zo-cja.example'
    """
    local, _, domain = cells.email(one_line(text)).rpartition("@")
    if not local.isascii():
        raise BadMail(f"« {text} » a un accent avant l'@ : elle ne passe pas partout. Demandez une autre adresse.")
    try:
        written = f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        raise BadMail(f"« {text} » : ce domaine ne peut pas exister. Vérifiez l'adresse.") from None
    if len(written) > LONGEST_ADDRESS:
        raise BadMail(f"Cette adresse a {len(written)} caractères, {LONGEST_ADDRESS} au plus. Vérifiez-la.")
    return written


def one_line(text: str) -> str:
    """The text, if it can stand in a header. Raises BadMail: what ends a line there would begin a header of its own.

    >>> one_line("F1\\r\\nBcc: a@x.example")
    Traceback (most recent call last):
    rules.mail.BadMail: « F1\\r\\nBcc: a@x.example » contient un retour à la ligne, un signe invisible ou codé (=?). Retirez-le.
    """
    if any(unicodedata.category(sign) in ENDS_A_LINE for sign in text) or CODED in text:
        shown = visible(text[:100])
        raise BadMail(f"« {shown} » contient un retour à la ligne, un signe invisible ou codé (=?). Retirez-le.")
    return text


def message_id(text: str) -> str:
    """The identity of a message. Raises BadMail: only one of the shape that we give can be read back everywhere (RFC 5322).

    >>> message_id("<4f1c@telecoms-imaginaires.example>")
    '<4f1c@telecoms-imaginaires.example>'
    """
    if not MESSAGE_ID.fullmatch(text):
        raise BadMail(f"« {visible(text[:100])} » n'est pas l'identifiant d'un message.")
    return text


def visible(text: str) -> str:
    """The text with its signs that do not print told by their code.

    >>> visible("a\\nb")
    'a\\\\nb'
    """
    return "".join(ascii(sign)[1:-1] if unicodedata.category(sign) in ENDS_A_LINE else sign for sign in text)


def may_leave(address: str, allowed: tuple[str, ...]) -> bool:
    """Whether an address, or its domain, is one of those allowed.

    >>> may_leave("Zoe@Essai.example", ("essai.example",)), may_leave("zoe@pas-essai.example", ("essai.example",))
    (True, False)
    """
    address = address.casefold()
    return any(address == entry or address.endswith("@" + entry.removeprefix("@")) for entry in map(str.casefold, allowed))


@dataclass(frozen=True)
class SmtpServer:
    """Where mails are handed over. `security`: `tls` from the first byte, `starttls` or `plain`; never the server's choice."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    security: str

    @property
    def on_loopback(self) -> bool:
        return self.host in LOOPBACK


def smtp_server(url: str, production: bool, own_authority: bool = False) -> SmtpServer:
    """From `smtp://user:password@host:587` (STARTTLS) or `smtps://…:465`. Raises BadSmtpUrl.

    Clear text only in development, to this machine, without a password and without an authority of our own to trust.

    >>> smtp_server("smtp://127.0.0.1:1025", production=False).security, smtp_server("smtp://127.0.0.1", production=True).security
    ('plain', 'starttls')
    """
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        parts, port = urlsplit(""), 0
    if not parts.hostname or parts.path.strip("/") or parts.query or not url.isprintable():
        raise BadSmtpUrl("SMTP_URL s'écrit smtp://utilisateur:mot-de-passe@serveur:587, ou smtps:// pour le port 465.")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    near = parts.hostname in LOOPBACK and not production and not user and not own_authority
    security = "tls" if parts.scheme == "smtps" else "plain" if near else "starttls"
    return SmtpServer(parts.hostname, port, user, password, security)


def is_passing(code: int) -> bool:
    """Whether a refusal may end by itself (RFC 5321, 4.2.1): full, busy, greylisted.

    >>> is_passing(451), is_passing(550)
    (True, False)
    """
    return 400 <= code < 500


def next_try(refusals: int) -> timedelta | None:
    """How long to wait after so many passing refusals in a row; None once 48 hours would be exceeded.

    >>> [next_try(refusals) // timedelta(minutes=1) for refusals in (1, 2, 3, 4, 5, 15)], next_try(16)
    ([1, 5, 15, 60, 240, 240], None)
    """
    later = refusals - len(FIRST_DELAYS_MIN)
    if later <= 0:
        return timedelta(minutes=FIRST_DELAYS_MIN[refusals - 1])
    waited = sum(FIRST_DELAYS_MIN) + later * LATER_DELAY_MIN
    return timedelta(minutes=LATER_DELAY_MIN) if waited <= LONGEST_MIN else None
