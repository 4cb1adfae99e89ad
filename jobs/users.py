"""The people of the back-office: their role, and whether they may enter. One active administrator always remains."""

import json
from datetime import datetime
from typing import Any

from piccolo.columns import Column
from piccolo_api.session_auth.tables import SessionsBase

from jobs.access import BadAccount, clean_email, clean_name, close_links, held, newcomer, open_link
from rules.errors import RuleError
from rules.rights import Role
from tables.access import AccessLink, User
from tables.engine import NOT_UNIQUE, on_sqlite, transaction
from tables.timeline import TimelineEntry, tell


class UnknownUser(RuleError):
    """An account that is not there."""

    status = 404


class LastAdministrator(RuleError):
    """An act after which nobody could manage the accounts."""

    status = 409


async def listing(now: datetime) -> list[dict[str, Any]]:
    """Everyone, by name; `invited_until`: until when their link opens, for those who have one."""
    links = AccessLink.select(AccessLink.account, AccessLink.expires_at)
    open_links = await links.where(AccessLink.used_at.is_null(), AccessLink.expires_at > now)
    until = {link["account"]: link["expires_at"] for link in open_links}
    columns = (User.id, User.username, User.first_name, User.last_name, User.role, User.active, User.last_login)
    people = await User.select(*columns).where(User.admin.eq(True)).order_by(User.last_name, User.first_name, User.username)
    return [row | {"role": Role(row["role"]), "invited_until": until.get(row["id"])} for row in people]


async def told() -> list[dict[str, Any]]:
    """What was last done to accounts, latest first."""
    entry = TimelineEntry
    rows = await entry.select().where(entry.subject == "piccolo_user").order_by(entry.id, ascending=False).limit(20)
    return [row | {side: json.loads(row[side]) for side in ("before", "after")} for row in rows]


async def invite(first_name: str, last_name: str, email: str, role: str, *, actor: str, now: datetime) -> str:
    """The path of the link to hand over. Raises BadAccount."""
    email, wanted = clean_email(email), _role(role)
    user = newcomer(email, first_name=clean_name(first_name), last_name=clean_name(last_name), role=wanted.value)
    taken = BadAccount(f"« {email} » a déjà un compte. Donnez-lui un nouveau lien dans la liste.")
    try:
        async with transaction():
            if await User.exists().where((User.email == email) | (User.username == email)):
                raise taken
            await user.save()
            await tell(actor, "user_invited", "piccolo_user", user.id, {}, {"username": email, "role": wanted.value}, now)
            return await open_link(user.id, actor, now)
    except NOT_UNIQUE:
        raise taken from None


async def new_link(user_id: int, *, actor: str, now: datetime) -> tuple[str, str]:
    """For who forgot the password, never used the first link, or comes back: their identifier, the path."""
    async with transaction():
        user = await _get(user_id)
        return user.username, await open_link(user.id, actor, now)


async def set_role(user_id: int, role: str, *, actor: str, now: datetime) -> None:
    """Their sessions end: the next one is of the new role."""
    wanted = _role(role)
    async with transaction():
        administrators, user = await _administrators(), await _get(user_id)
        if wanted != user.role:
            _spare_last(user, administrators)
            await _close(user, {User.role: wanted.value})
            await tell(actor, "role_changed", "piccolo_user", user.id, {"role": user.role}, {"role": wanted.value}, now)


async def deactivate(user_id: int, *, actor: str, now: datetime) -> None:
    """Out at once; a new link lets them in again."""
    async with transaction():
        administrators, user = await _administrators(), await _get(user_id)
        _spare_last(user, administrators)
        await close_links(user.id, now)
        await _close(user, {User.active: False})
        await tell(actor, "user_deactivated", "piccolo_user", user.id, {"active": user.active}, {"active": False}, now)


async def _close(user: User, change: dict[Column | str, Any]) -> None:
    await User.update(change).where(User.id == user.id)
    await SessionsBase.delete().where(SessionsBase.user_id == user.id)


async def _administrators() -> set[int]:
    """Those who may enter now, their rows held until the transaction ends: two acts at once see one another."""
    query = User.select(User.id).where(User.role == Role.administrator.value, User.active.eq(True), User.admin.eq(True))
    rows = await (query if on_sqlite() else query.order_by(User.id).lock_rows("UPDATE"))
    return {row["id"] for row in rows}


def _spare_last(user: User, administrators: set[int]) -> None:
    if administrators == {user.id}:
        raise LastAdministrator(
            "C'est le dernier administrateur actif : sans lui, personne ne gérerait les accès. Nommez-en d'abord un autre."
        )


async def _get(user_id: int) -> User:
    user = await held(user_id)
    if user is None:
        raise UnknownUser("Ce compte n'existe pas. Revenez à la liste des utilisateurs.")
    return user


def _role(code: str) -> Role:
    role = next((known for known in Role if known == code), None)
    if role is None:
        raise BadAccount("Ce rôle n'existe pas. Choisissez dans la liste.")
    return role
