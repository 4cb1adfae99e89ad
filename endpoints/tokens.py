"""The doors for programs open with a bearer token only: never with a cookie, and before anything else is looked at."""

import hmac
from typing import Any

from endpoints.problems import of_status, send_refusal
from gateways.settings import SETTINGS

OPEN = ("/api/docs", "/api/schema/openapi.json")


def tokens_for(path: str) -> tuple[str, ...] | None:
    """The tokens that open an address; none at all closes it; None = no token is asked here."""
    place = f"{path.rstrip('/')}/"
    if place.startswith("/jobs/"):
        return (*SETTINGS.cron_tokens, *SETTINGS.api_tokens)
    if place.startswith("/api/") and path.rstrip("/") not in OPEN:
        return SETTINGS.api_tokens
    return None


def bearer(scope: Any) -> bytes:
    found = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
    scheme, _, token = found[0].partition(b" ") if len(found) == 1 else (b"", b"", b"")
    return token.strip() if scheme.lower() == b"bearer" else b""


class TokenDoor:
    """Stands before the routing, so that unknown addresses, wrong methods and bad bodies are 401 too."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        accepted = tokens_for(scope["path"]) if scope["type"] == "http" else None
        given = bearer(scope) if accepted is not None else b""
        if accepted is None or sum(hmac.compare_digest(given, token.encode()) for token in accepted):
            return await self.app(scope, receive, send)
        await send_refusal(of_status(401), scope, receive, send)
