"""Secrets at rest: one text, encrypted with a key drawn from DATA_KEY (HKDF-SHA256, then Fernet)."""

from base64 import urlsafe_b64encode
from functools import lru_cache

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
