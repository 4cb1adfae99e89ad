"""The outermost layer, around pages, API, admin and errors alike: what no answer goes without, what no request may be."""

from typing import Any
from urllib.parse import urlsplit

from litestar.exceptions import HTTPException

from endpoints.problems import Problem, describe, of_status, send_refusal
from gateways.settings import SETTINGS

MEGABYTE = 1024 * 1024
LIMITS = {
    "/api/imports/cdrs": 200 * MEGABYTE,
    "/api/imports/": 10 * MEGABYTE,
    "/api/cdr-files/": 10 * MEGABYTE,
    "/cdr/": 10 * MEGABYTE,
    "/cdr": 200 * MEGABYTE,
    "/imports/deposer": 201 * MEGABYTE,  # any kind, and the form around the file; the verb holds each kind to its own limit
    "/api/cdr-layouts/": 10 * MEGABYTE,
    "/formats/": 10 * MEGABYTE,
    "/": MEGABYTE,
}

NOTHING_ELSE = "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
OWN = " ".join(f"{kind}-src 'self';" for kind in ("script", "style", "font", "connect"))
CSP = f"default-src 'none'; {OWN} img-src 'self' data:; {NOTHING_ELSE}"
ADMIN_STYLES = """
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'sha256-U2kEcnngcrfdto6sFJKrtW80odoJ5yOgdz80DpMDrWA='
    'sha256-36E+CbvABov6CENfak/CBFxx0LsZtt+fKdRCtVFGtkw=' 'sha256-t4I2teZN5ZH+VM+XOiWlaPbsjQHe+k9d6viXPpKpNWA='
"""
"""The style sheets that the generated admin makes in the browser (1.14): a browser test fails when an upgrade changes one."""
FRAMING_CSP = f"{CSP}; frame-src 'self'"
PREVIEW_CSP = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'"
)
"""A mail shown to its writer: styled on its elements as mails are, cut off from everything, framed by our own pages alone."""
ADMIN_CSP = CSP.replace("style-src 'self'", " ".join(["style-src 'self'", *ADMIN_STYLES.split()]))
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
HSTS = {"strict-transport-security": "max-age=31536000"}


class TooLarge(HTTPException):
    """A body past the limit of its address."""

    status_code = 413


class Answer:
    """The sending side of one request: adds the headers, and lets go of an answer that the refusal of the body overtakes."""

    def __init__(self, scope: Any, send: Any) -> None:
        self._path, self._send = scope["path"], send
        self.started = self.dropped = False

    async def send(self, message: Any) -> None:
        if self.dropped:
            return
        if message["type"] == "http.response.start":
            self.started = True
            message = {**message, "headers": self._dressed(message.get("headers", []))}
        await self._send(message)

    def _dressed(self, headers: Any) -> list[tuple[bytes, bytes]]:
        ours = {"content-security-policy": policy(self._path), **HEADERS}
        if SETTINGS.production:
            ours |= HSTS
            headers = [(name, value + b"; Secure" * _is_open_cookie(name, value)) for name, value in headers]
        kept = [(name, value) for name, value in headers if name.lower().decode() not in ours]
        if not self._path.startswith(("/static/", "/admin/assets/")) and b"cache-control" not in {name for name, _ in kept}:
            ours["cache-control"] = "no-store"
        return [*kept, *((name.encode(), value.encode()) for name, value in ours.items())]


class Outer:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        answer = Answer(scope, send)
        problem = refused(scope)
        if problem is None:
            problem = await self._passed_on(scope, receive, answer)
        if problem and not answer.started:
            answer.dropped = False
            await send_refusal(problem, scope, receive, answer.send)

    async def _passed_on(self, scope: Any, receive: Any, answer: Answer) -> Problem | None:
        """Let the program answer; what it could not answer, if anything."""
        read, limit = 0, body_limit(scope["path"])

        async def counted() -> Any:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                answer.dropped = not answer.started
                raise TooLarge
            return message

        try:
            await self.app({**scope}, counted, answer.send)
        except Exception as exc:
            return describe(exc, scope)
        return of_status(413) if answer.dropped else None


def policy(path: str) -> str:
    """What the browser may load and run at this address."""
    if path.startswith(("/modeles/", "/envois/")):
        return PREVIEW_CSP if path.endswith(("/apercu", "/message")) else FRAMING_CSP
    return ADMIN_CSP if path.startswith("/admin/") else CSP


def _is_open_cookie(name: bytes, value: bytes) -> bool:
    """A cookie that a browser would send without encryption too: the generated admin sets one."""
    return name.lower() == b"set-cookie" and b"secure" not in value.lower()


def body_limit(path: str) -> int:
    """Bytes that a request to this address may bring."""
    return next(limit for start, limit in LIMITS.items() if path.startswith(start))


def refused(scope: Any) -> Problem | None:
    """What is answered without opening any door: a crooked path, a host that is not ours, a body announced too large."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    path = scope["path"]
    if not path.startswith("/") or "//" in path or "\\" in path:
        return of_status(404)
    if "\x00" in path or b"%00" in scope["query_string"]:
        return of_status(400)
    if SETTINGS.allowed_hosts and _host_name(headers.get(b"host", "")) not in SETTINGS.allowed_hosts:
        return Problem(400, "Ce nom d'hôte n'est pas servi ici.")
    announced = headers.get(b"content-length", "0")
    if announced.isdigit() and int(announced) > body_limit(path):
        return of_status(413)
    return None


def _host_name(header: str) -> str | None:
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None
