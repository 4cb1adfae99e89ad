"""The program: the doors, mounted; around them the layers that no request goes around. `python app.py` serves."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from litestar import Litestar, get
from litestar.response import Redirect
from litestar.static_files import create_static_files_router

import piccolo_conf
from endpoints import admin, billing_runs, docs, health, imports, login, reseller
from endpoints.faces import STATIC, TEMPLATES
from endpoints.incidents import start_log
from endpoints.outer import Outer
from endpoints.problems import answer
from endpoints.session import CSRF, PUBLIC, SESSION
from endpoints.tokens import TokenDoor
from gateways.settings import SETTINGS

os.environ["TZ"] = "UTC"
time.tzset()


@asynccontextmanager
async def connections(_: Litestar) -> AsyncIterator[None]:
    await piccolo_conf.DB.start_connection_pool()
    yield
    await piccolo_conf.DB.close_connection_pool()


@get("/", include_in_schema=False)
async def first_page() -> Redirect:
    return Redirect("/facturation")


inner = Litestar(
    route_handlers=[
        first_page, *login.HANDLERS, admin.door, reseller.router, imports.router, imports.cdr_router,
        billing_runs.router, billing_runs.documents_router, docs.viewer, health.healthz,
        create_static_files_router("/static", [STATIC], opt=PUBLIC),
    ],
    middleware=[SESSION],
    csrf_config=CSRF,
    exception_handlers={Exception: answer},
    template_config=TEMPLATES,
    openapi_config=docs.OPENAPI,
    lifespan=[connections],
    request_max_body_size=None,
    logging_config=None,
)  # fmt: skip
app = Outer(TokenDoor(inner))

if __name__ == "__main__":
    start_log()
    uvicorn.run(
        app, host=SETTINGS.host, port=SETTINGS.port, access_log=False, server_header=False, log_config=None,
        proxy_headers=bool(SETTINGS.trusted_proxies), forwarded_allow_ips=list(SETTINGS.trusted_proxies),
    )  # fmt: skip
