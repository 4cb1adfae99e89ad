"""`Idempotency-Key` on unsafe API calls: the same call again within 24 hours gets the first answer, without a second effect."""

import tempfile
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import IO, Any

from endpoints.held import Held
from endpoints.problems import Problem, send_refusal
from tables.access import IdempotentCall
from tables.engine import NOT_UNIQUE

KEPT = timedelta(hours=24)
GIVEN_UP = timedelta(minutes=15)  # a call that never came to its end: its process died
IN_MEMORY = 1024 * 1024
LONGEST_KEY = 255
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")

OTHER_CALL = Problem(
    422, "Cette clé d'idempotence a déjà servi à un autre appel. Donnez-en une nouvelle.", "IDEMPOTENCY_MISMATCH"
)
STILL_RUNNING = Problem(409, "Le premier appel avec cette clé est encore en cours. Redemandez plus tard.", "IDEMPOTENCY_RUNNING")
BAD_KEY = Problem(400, f"Idempotency-Key : de 1 à {LONGEST_KEY} caractères visibles.", "IDEMPOTENCY_KEY")


class Idempotent:
    """Stands behind the token door. A breakdown (5xx) is not kept: that call may be made again."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        key = next((value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"idempotency-key"), None)
        if key is None or scope["method"] not in UNSAFE or not scope["path"].startswith("/api/"):
            return await self.app(scope, receive, send)
        if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
            return await send_refusal(BAD_KEY, scope, receive, send)
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
            call = await _fingerprint(scope, receive, body)
            first = await _first(key, call)
            if first is None:
                return await self._act(key, scope, body, send)
        if first["call_sha256"] != call:
            return await send_refusal(OTHER_CALL, scope, receive, send)
        if first["status"] is None:
            return await send_refusal(STILL_RUNNING, scope, receive, send)
        headers = [(b"content-type", first["content_type"].encode("latin-1")), (b"idempotent-replayed", b"true")]
        await send({"type": "http.response.start", "status": first["status"], "headers": headers})
        await send({"type": "http.response.body", "body": first["body"]})

    async def _act(self, key: str, scope: Any, body: IO[bytes], send: Any) -> None:
        held = Held()
        try:
            await self.app(scope, _read_again(body), held.send)
        finally:
            mine = IdempotentCall.key == key
            if 0 < held.status < 500:
                await IdempotentCall.update(
                    {
                        IdempotentCall.status: held.status,
                        IdempotentCall.content_type: held.header(b"content-type"),
                        IdempotentCall.body: held.body,
                    }
                ).where(mine)
            else:
                await IdempotentCall.delete().where(mine)
        await held.release(send)


async def _fingerprint(scope: Any, receive: Any, body: IO[bytes]) -> str:
    """What makes two calls the same: method, address, body. The body is laid aside."""
    digest = sha256(f"{scope['method']} {scope['path']}?".encode() + scope["query_string"] + b"\n")
    more = True
    while more:
        message = await receive()
        digest.update(message.get("body", b""))
        body.write(message.get("body", b""))
        more = message.get("more_body", False)
    return digest.hexdigest()


async def _first(key: str, call: str) -> dict[str, Any] | None:
    """The call that used the key before; None when it is this one, which holds it from now on."""
    now = datetime.now(UTC)
    table = IdempotentCall
    lapsed = (table.created_at < now - KEPT) | (table.status.is_null() & (table.created_at < now - GIVEN_UP))
    await table.delete().where(lapsed)
    try:
        await table(key=key, call_sha256=call, created_at=now).save()
    except NOT_UNIQUE:
        return await table.select().where(table.key == key).first()
    return None


def _read_again(body: IO[bytes]) -> Any:
    body.seek(0)

    async def receive() -> dict[str, Any]:
        chunk = body.read(IN_MEMORY)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

    return receive
