"""An answer held back on its way out, to be read, replaced or released."""

import json
from typing import Any


class Held:
    """An answer kept until what it says is true."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def send(self, message: Any) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        """0: no answer came."""
        return int(self.messages[0]["status"]) if self.messages else 0

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    def header(self, name: bytes) -> str:
        return next((value.decode("latin-1") for key, value in self.messages[0]["headers"] if key.lower() == name), "")

    def replace(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        headers = [pair for pair in self.messages[0]["headers"] if pair[0].lower() not in (b"content-length", b"content-type")]
        headers += [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
        self.messages = [
            {"type": "http.response.start", "status": status, "headers": headers},
            {"type": "http.response.body", "body": body},
        ]

    async def release(self, send: Any) -> None:
        for message in self.messages:
            await send(message)
