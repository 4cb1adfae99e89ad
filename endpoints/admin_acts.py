"""Around the generated admin: each write is one transaction with its journal entry; each login is counted."""

import json
import re
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from piccolo.table import Table
from piccolo.utils.encoding import dump_json

from endpoints.held import Held
from endpoints.problems import describe, send_refusal
from endpoints.session import cookie, person
from endpoints.throttle import THROTTLE, TooManyTries, address_of
from gateways.settings import SETTINGS
from jobs.access import check_password, close_links
from rules.errors import RuleError
from tables.engine import transaction
from tables.timeline import tell

WRITES = ("POST", "PATCH", "DELETE", "PUT")
ONE_TABLE = re.compile(r"/api/tables/(\w+)/(?:(\d+)/?)?$")
UNWRITABLE = re.compile(r"\\u0000|[\ud800-\udfff]")
EVENTS = {"POST": "created", "PATCH": "changed", "PUT": "changed", "DELETE": "deleted"}


class Undone(Exception):
    """The write was refused: what it began is rolled back."""


class Unwritable(RuleError):
    """A text that no database holds: a nul, or half of a pair of surrogates, on which the generated admin would break."""

    status = 400


async def whole_body(receive: Any) -> bytes:
    """The body of a write. Raises Unwritable."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    with suppress(json.JSONDecodeError, UnicodeDecodeError):
        if UNWRITABLE.search(json.dumps(json.loads(body), ensure_ascii=False)):
            raise Unwritable("Un caractère de ce texte ne peut pas être enregistré. Retapez-le.")
    return body


def replay(body: bytes) -> Any:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


class Audited:
    """Who changed what, from what to what, read from the database itself before and after, in the act's transaction."""

    def __init__(self, app: Any, tables: list[type[Table]]) -> None:
        self.app = app
        self.tables = {table._meta.tablename: table for table in tables}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST" and "/api/change-password" in scope["path"]:
            return await self._new_password(scope, receive, send)
        place = ONE_TABLE.search(scope["path"])
        if scope["method"] not in WRITES or not place or place[1] not in self.tables:
            return await self.app(scope, receive, send)
        body, held = await whole_body(receive), Held()
        try:
            async with transaction():
                await self._act(self.tables[place[1]], place[2], scope, body, held)
        except Undone:
            pass
        await held.release(send)

    async def _new_password(self, scope: Any, receive: Any, send: Any) -> None:
        body, held = await whole_body(receive), Held()
        if wanted := _field(body, "new_password"):
            user = await person(cookie(scope))
            await check_password(wanted, *(user.username, user.first_name or "", user.last_name or "") if user else ())
        await self.app(scope, replay(body), held.send)
        if held.status == 303:
            user = scope["user"]
            async with transaction():
                await close_links(user.user_id, SETTINGS.now())
                await tell(user.display_name, "password_changed", "piccolo_user", user.user_id)
        await held.release(send)

    async def _act(self, table: type[Table], row_id: str | None, scope: Any, body: bytes, held: Held) -> None:
        before = await _row(table, row_id)
        await self.app(scope, replay(body), held.send)
        if held.status >= 300:
            raise Undone
        row_id = row_id or json.loads(held.body)[0][table._meta.primary_key._meta.name]
        after = await _row(table, row_id)
        changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        if changed:
            old, new = ({name: side[name] for name in side if name in changed} for side in (before, after))
            await tell(scope["user"].display_name, EVENTS[scope["method"]], table._meta.tablename, int(row_id), old, new)


async def _row(table: type[Table], row_id: Any) -> dict[str, Any]:
    """The row as the journal keeps it, without its secrets; empty when there is none."""
    key = table._meta.primary_key
    row = await table.select(exclude_secrets=True).where(key == int(row_id)).first() if row_id else None
    return json.loads(dump_json(row)) if row else {}


class LoginThrottled:
    """The admin's own login, counted with ours."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] != "POST" or "/public/login" not in scope["path"]:
            return await self.app(scope, receive, send)
        body, held = await whole_body(receive), Held()
        account, address = _field(body, "username"), address_of(scope)
        try:
            THROTTLE.count(account, address)
        except TooManyTries as refusal:
            return await send_refusal(describe(refusal, scope), scope, receive, send)
        await self.app(scope, replay(body), held.send)
        if held.status == 200:
            THROTTLE.forgive(account, address)
        elif held.status != 401:
            THROTTLE.take_back(account, address)
        await held.release(send)


def _field(body: bytes, name: str) -> str:
    try:
        fields = json.loads(body)
    except ValueError:
        fields = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    return str(fields.get(name, "")) if isinstance(fields, dict) else ""
