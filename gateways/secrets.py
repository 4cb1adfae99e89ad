"""Secrets at rest, encrypted with a key drawn from DATA_KEY (HKDF-SHA256, then Fernet); texts signed with SECRET_KEY."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateways.settings import SETTINGS
from rules.errors import RuleError


class UnreadableSecret(RuleError):
    """A secret that was sealed with another DATA_KEY, or altered since."""


@lru_cache(maxsize=4)
def _cipher(data_key: str) -> Fernet:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"ligne-claire/secrets").derive(data_key.encode())
    return Fernet(urlsafe_b64encode(key))


def seal(text: str) -> str:
    """The text encrypted; twice the same text gives two different results."""
    return _cipher(SETTINGS.data_key).encrypt(text.encode()).decode()


def open_(sealed: str) -> str:
    """The text that was sealed. Raises UnreadableSecret."""
    try:
        return _cipher(SETTINGS.data_key).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise UnreadableSecret("Un code chiffré ne se lit pas avec cette DATA_KEY. Remettez la clé d'origine.") from None


def sign(text: str, purpose: str, until: datetime) -> str:
    """A token that stands for the text until that instant, for that purpose only; anyone may read it, nobody can make another."""
    signed = f"{int(until.timestamp())}.{text}".encode()
    return urlsafe_b64encode(_mark(signed, purpose) + signed).decode().rstrip("=")


def signed(token: str, purpose: str, now: datetime) -> str | None:
    """The text of a token of ours that still holds; else None."""
    try:
        whole = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        mark, body = whole[: sha256().digest_size], whole[sha256().digest_size :]
        until, _, text = body.decode().partition(".")
        good = hmac.compare_digest(mark, _mark(body, purpose)) and now.timestamp() < int(until)
    except ValueError:
        return None
    return text if good else None


def _mark(body: bytes, purpose: str) -> bytes:
    return hmac.digest(SETTINGS.secret_key.encode(), f"ligne-claire/{purpose}\n".encode() + body, "sha256")
