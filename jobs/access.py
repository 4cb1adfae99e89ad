"""Who may enter: a one-time link lets its holder choose a name and a password. `python -m jobs.access EMAIL` prints one for
an administrator."""

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
from jobs.reseller import current
from rules.errors import RuleError
from rules.passwords import LONGEST, SHORTEST, usual
from rules.rights import Role
from tables.access import AccessLink, User
from tables.engine import claim, on_sqlite, transaction
from tables.timeline import tell

VALID = timedelta(minutes=30)
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
    async with transaction():
        known = await User.objects().where((User.email == email) | (User.username == email)).first()
        role = Role.administrator.value
        user = known or newcomer(email, role=role)
        if known is None:
            await user.save()
        elif user.role != role:
            await User.update({User.role: role}).where(User.id == user.id)
            await SessionsBase.delete().where(SessionsBase.user_id == user.id)
            await tell("console", "role_changed", "piccolo_user", user.id, {"role": user.role}, {"role": role})
        return await open_link(user.id, "console", now)


def newcomer(email: str, **known: str) -> User:
    """An account that nobody can enter yet: its password is unknown to everyone."""
    return User(username=email, email=email, password=User.hash_password(secrets.token_urlsafe(32)), admin=True, **known)


async def open_link(account: int, actor: str, now: datetime) -> str:
    """The path of a new link, in the transaction under way; the account's links before it open nothing more."""
    token = secrets.token_urlsafe(32)
    await close_links(account, now)
    await AccessLink(account=account, token_sha256=_digest(token), expires_at=now + VALID).save()
    await tell(actor, "access_link", "piccolo_user", account)
    return f"/acces/{token}"


async def held(account: int) -> User | None:
    """An account, its row held until the transaction ends: always before its links, so that two acts never wait crosswise."""
    query = User.objects().where(User.id == account, User.admin.eq(True))
    return await (query if on_sqlite() else query.lock_rows("UPDATE")).first()


async def close_links(account: int, now: datetime) -> None:
    open_ones = (AccessLink.account == account) & (AccessLink.expires_at > now)
    await AccessLink.update({AccessLink.expires_at: now}).where(open_ones, AccessLink.used_at.is_null())


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
    await check_password(password, email, first_name, last_name)
    values: dict[Column | str, Any] = {
        User.username: email, User.email: email, User.password: User.hash_password(password), User.active: True,
        User.first_name: clean_name(first_name), User.last_name: clean_name(last_name), User.last_login: now.replace(tzinfo=None),
    }  # fmt: skip
    async with transaction():
        await held(user.id)
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
        raise BadAccount("Donnez le prénom et le nom, en cent caractères au plus.")
    return name


async def check_password(password: str, *own: str) -> None:
    """`own`: what the account is known by. Raises BadAccount."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadAccount(f"Choisissez un mot de passe de {SHORTEST} à {LONGEST} caractères ; tous sont permis.")
    if usual(password, [*own, (await current()).name]):
        raise BadAccount("Ce mot de passe est parmi les premiers que l'on essaie. Prenez quelques mots sans lien entre eux.")


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _usable(token: str, now: datetime):
    return AccessLink.token_sha256 == _digest(token), AccessLink.used_at.is_null(), AccessLink.expires_at > now


if __name__ == "__main__":
    try:
        print(SETTINGS.public_url + asyncio.run(create_access_link(" ".join(sys.argv[1:]), datetime.now(UTC))))
    except RuleError as refusal:
        sys.exit(str(refusal))
