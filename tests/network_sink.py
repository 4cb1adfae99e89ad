"""A wholesaler's webhook over loopback, with scripted answers, that keeps every call; and requests to send."""

import json
import threading
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from jobs.network.asking import ask
from rules.states import RequestKind
from tables.engine import transaction

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = "un secret de loopback, assez long"
MSISDN = "+33639980001"


class Sink:
    """`script`: for each request_id, or for all under 0, what is answered: a status, (status, body), `drop` or `mute`."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.script: dict[int, object] = {}
        self.before = lambda: None
        self.muted = threading.Event()

    @property
    def ids(self) -> list[int]:
        return [json.loads(body)["request_id"] for _, body in self.calls]


class Server:
    """The address of a sink, served by threads as long as it is entered."""

    def __init__(self, sink: Sink) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.before()
                sink.calls.append((dict(self.headers), body))
                answer = sink.script.get(json.loads(body)["request_id"], sink.script.get(0, 200))
                if answer == "mute":
                    sink.muted.wait(20)
                if answer in ("drop", "mute"):
                    self.close_connection = True
                    return
                status, text = answer if isinstance(answer, tuple) else (answer, "")
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/ailleurs")
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(text.encode())

            def log_message(self, *_) -> None:
                pass

        self.sink, self.server = sink, ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/demandes"

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self.url

    def __exit__(self, *_) -> None:
        self.sink.muted.set()
        self.server.shutdown()
        self.server.server_close()


async def queue(*kinds: RequestKind, msisdn: str = MSISDN, **content) -> list[int]:
    """Requests that belong to nothing: they are settled alone."""
    async with transaction():
        return [await ask(kind, actor="Camille", now=NOW, msisdn=msisdn, **content) for kind in kinds]
