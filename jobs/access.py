"""Who may enter: a one-time link lets its holder choose a name and a password. `python -m jobs.access EMAIL` prints one."""

import asyncio
import re
import secrets
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from piccolo.columns import Column
from piccolo_api.session_auth.tables import SessionsBase

from gateways.settings import SETTINGS
from rules.errors import RuleError
from tables.access import AccessLink, User
from tables.engine import claim, transaction
from tables.timeline import tell

VALID = timedelta(minutes=30)
SHORTEST, LONGEST = 12, 128
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]+")


class LinkSpent(RuleError):
    """A link unknown, used, or too old: the three are not told apart."""

    status = 404

    def __init__(self) -> None:
        super().__init__("Ce lien n'est plus valable : il sert une seule fois, pendant trente minutes. Demandez-en un autre.")


class BadAccount(RuleError):
    """A name, an e-mail or a password that cannot be kept."""


async def create_access_link(email: str, now: datetime) -> str:
    """The path of a new link for an administrator, who is created when unknown and cannot enter before using it."""
    email = clean_email(email)
    token = secrets.token_urlsafe(32)
    user = User(username=email, email=email, password=User.hash_password(secrets.token_urlsafe(32)), admin=True, superuser=True)
    async with transaction():
        known = await User.objects().where((User.email == email) | (User.username == email)).first()
        if known is None:
            await user.save()
        link = AccessLink(account=(known or user).id, token_sha256=_digest(token), expires_at=now + VALID)
        await link.save()
        await tell("console", "access_link", "piccolo_user", link.account)
    return f"/acces/{token}"


async def holder(token: str, now: datetime) -> User:
    """The account that a link opens. Raises LinkSpent."""
    link = await AccessLink.objects(AccessLink.account).where(*_usable(token, now)).first()
    if link is None:
        raise LinkSpent
    return link.account


async def use_access_link(token: str, email: str, first_name: str, last_name: str, password: str, now: datetime) -> int:
    """Set name and password, once; every session of the account ends. The account's id. Raises LinkSpent, BadAccount."""
    user = await holder(token, now)
    email = clean_email(email)
    check_password(password)
    values: dict[Column | str, Any] = {
        User.username: email, User.email: email, User.password: User.hash_password(password), User.active: True,
        User.first_name: clean_name(first_name), User.last_name: clean_name(last_name),
    }  # fmt: skip
    async with transaction():
        if not await claim(AccessLink, {AccessLink.used_at: now}, *_usable(token, now)):
            raise LinkSpent
        if await User.exists().where(User.id != user.id, (User.email == email) | (User.username == email)):
            raise BadAccount("Cette adresse est déjà celle d'un autre compte. Choisissez-en une autre.")
        await User.update(values).where(User.id == user.id)
        await SessionsBase.delete().where(SessionsBase.user_id == user.id)
        await tell(email, "access_link_used", "piccolo_user", user.id, {"username": user.username}, {"username": email})
    return user.id


def clean_email(text: str) -> str:
    email = text.strip().lower()
    if not (EMAIL.fullmatch(email) and email.isprintable() and len(email) <= 100):
        raise BadAccount(f"« {text.strip()[:100]} » n'est pas une adresse e-mail. Écrivez-la ainsi : nom@exemple.fr.")
    return email


def clean_name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > 100 or not name.isprintable():
        raise BadAccount("Donnez votre prénom et votre nom, en cent caractères au plus.")
    return name


def check_password(password: str) -> None:
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadAccount(f"Choisissez un mot de passe de {SHORTEST} à {LONGEST} caractères ; tous sont permis.")


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _usable(token: str, now: datetime):
    return AccessLink.token_sha256 == _digest(token), AccessLink.used_at.is_null(), AccessLink.expires_at > now


if __name__ == "__main__":
    try:
        print(SETTINGS.public_url + asyncio.run(create_access_link(" ".join(sys.argv[1:]), datetime.now(UTC))))
    except RuleError as refusal:
        sys.exit(str(refusal))
