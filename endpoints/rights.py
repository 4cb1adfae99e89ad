"""What the person who is here may do: every page names its right, so does every table of the generated admin that changes.
A door that names none is open to nobody."""

import re
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from endpoints.problems import describe, send_refusal
from rules.errors import RuleError
from rules.rights import NotYourRight, Right, check

SAFE = ("GET", "HEAD", "OPTIONS")
TABLE = re.compile(r"/admin/api/tables/(\w+)")
OWN = re.compile(r"/admin/api/change-password/?")
"""What everyone may write there: one's own password."""


class NoRightNamed(NotYourRight):
    """A door that forgot to say what it lets do."""

    def __init__(self) -> None:
        super().__init__("Cette porte ne nomme aucun droit : personne ne l'ouvre. Signalez-le au support.")


def named(right: Right | None, role: str) -> None:
    """Raises NotYourRight."""
    if right is None:
        raise NoRightNamed
    check(role, right)


async def allowed(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    """The guard of every route that a session opens (session.py): the public ones, tokens and the generated admin have none."""
    if "user" in connection.scope:
        named(handler.opt.get("right"), connection.user.role)


class Rightful:
    """The same inside the generated admin, past its login. `changing`: the right of each table that changes; no other does."""

    def __init__(self, app: Any, changing: dict[str, Right | None]) -> None:
        self.app, self.changing = app, changing

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            if scope["type"] == "http" and not OWN.fullmatch(scope["path"]):
                self._ask(scope["user"].user.role, scope["method"], TABLE.match(scope["path"]))
        except RuleError as refusal:
            return await send_refusal(describe(refusal, scope), scope, receive, send)
        await self.app(scope, receive, send)

    def _ask(self, role: str, method: str, place: re.Match[str] | None) -> None:
        if method in SAFE:
            return check(role, Right.see)
        if place is None:
            raise NoRightNamed
        if place[1] in self.changing:
            named(self.changing[place[1]], role)
