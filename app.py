"""The program: the doors, mounted; around them the layers that no request goes around. `python app.py` serves."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from litestar import Litestar, Router
from litestar.static_files import create_static_files_router

import piccolo_conf
from endpoints import (
    accounting,
    admin,
    billing,
    billing_runs,
    catalogue,
    cdr,
    charges,
    customers,
    docs,
    face,
    fleet,
    formats,
    health,
    home,
    import_pages,
    imports,
    invoice_template,
    invoices,
    layouts,
    line,
    lines_api,
    login,
    mails,
    money,
    network,
    network_api,
    orders,
    orders_api,
    ports,
    rate_tables,
    rates,
    reseller,
    retention,
    scheduler,
    seals,
    search,
    sims,
    sims_api,
    swap,
    users,
    words,
)
from endpoints.faces import STATIC, TEMPLATES, wear
from endpoints.idempotency import Idempotent
from endpoints.incidents import start_log
from endpoints.outer import Outer
from endpoints.problems import answer
from endpoints.rights import allowed
from endpoints.session import CSRF, PUBLIC, SESSION
from endpoints.tokens import TokenDoor
from gateways.press import PRESS
from gateways.settings import SETTINGS
from jobs.reseller import current
from jobs.seals.chain import begin

os.environ["TZ"] = "UTC"
time.tzset()


@asynccontextmanager
async def connections(_: Litestar) -> AsyncIterator[None]:
    await piccolo_conf.DB.start_connection_pool()
    await current()  # the one row of the seller is there to be filled
    await begin()  # what was issued before there were seals is chained
    await wear()
    yield
    PRESS.close()
    await piccolo_conf.DB.close_connection_pool()


ROOMS = (
    home, search, customers, login, import_pages, cdr, rates, catalogue, sims, billing,
    mails, money, retention, face, invoice_template, words, formats, users, fleet, line, swap,
    network, ports, orders, charges, invoices, accounting, seals,
)  # fmt: skip
PAGES = [docs.viewer, *(handler for room in ROOMS for handler in room.HANDLERS)]
PROGRAMS = [
    search.router, reseller.router, imports.router, imports.cdr_router, layouts.router, rate_tables.router,
    rate_tables.version_router, sims_api.router, billing_runs.router, billing_runs.documents_router, scheduler.router,
    network_api.router, lines_api.router, orders_api.router,
]  # fmt: skip

inner = Litestar(
    route_handlers=[
        Router("/", route_handlers=PAGES, include_in_schema=False, before_request=wear),
        Router("/", route_handlers=[health.healthz], include_in_schema=False),
        *PROGRAMS,
        admin.door,
        create_static_files_router("/static", [STATIC], opt=PUBLIC),
    ],
    middleware=[SESSION],
    guards=[allowed],
    csrf_config=CSRF,
    exception_handlers={Exception: answer},
    template_config=TEMPLATES,
    openapi_config=docs.OPENAPI,
    lifespan=[connections],
    request_max_body_size=None,
    logging_config=None,
)
app = Outer(TokenDoor(Idempotent(inner)))

if __name__ == "__main__":
    start_log()
    uvicorn.run(
        app, host=SETTINGS.host, port=SETTINGS.port, access_log=False, server_header=False, log_config=None,
        proxy_headers=bool(SETTINGS.trusted_proxies), forwarded_allow_ips=list(SETTINGS.trusted_proxies),
    )  # fmt: skip
