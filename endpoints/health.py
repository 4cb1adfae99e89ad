"""Alive or not."""

from litestar import get

from endpoints.session import PUBLIC


@get("/healthz", opt=PUBLIC)
async def healthz() -> dict[str, str]:
    return {"status": "ok"}
