"""Programs enter with a token; everyone else is answered 401 or the way to the login (promise S-01)."""

import re
from itertools import product

import pytest

from app import inner
from endpoints.admin import ADMIN
from gateways.settings import SETTINGS
from tests.endpoints.visitor import API_TOKEN, CRON_TOKEN, Visitor

ROUTES = sorted({route.path for route in inner.routes})
PUBLIC = {
    "/entrer", "/acces/{token:str}", "/healthz", "/api/docs", "/api/schema/openapi.json", "/static/{file_path:path}",
    "/document/{token:str}",  # the signed, expiring link of a mail whose PDF was too heavy to be attached: that document only
    "/marque/{name:str}",  # the logo and the colours: the login page shows them
}  # fmt: skip
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def filled(path):
    return re.sub(r"{[^}]+}", "1", path)


@pytest.mark.parametrize("method", METHODS)
async def test_every_route_asks_who_is_there(visitor, method):
    walked = []
    for path in ROUTES:
        if path in PUBLIC or path == "/admin":
            continue
        answer = await visitor.request(method, filled(path))
        expected = {401} if path.startswith(("/api", "/jobs")) else {303, 403, 405}
        assert answer.status_code in expected, path
        if answer.status_code == 303:
            assert answer.headers["location"].startswith("/entrer"), path
        walked.append(path)
    assert len(PUBLIC) <= 8
    assert set(ROUTES) == {*walked, *PUBLIC, "/admin"}


def admin_paths(routes, prefix=""):
    for route in routes:
        path = prefix + getattr(route, "path", "")
        inner_routes = getattr(getattr(route, "app", None), "routes", None)
        yield from admin_paths(inner_routes, path) if inner_routes else [path]


async def test_every_route_of_the_generated_admin_but_its_page_asks_too(visitor):
    private = next(route for route in ADMIN.routes if getattr(route, "path", "") == "/api")
    app = private.app
    while not hasattr(app, "routes"):
        app = app.app
    paths = [filled(path) for path in admin_paths(app.routes)]
    assert len(paths) > 100
    for path in paths:
        answer = await visitor.admin("GET", f"api{path}")
        assert answer.status_code in (401, 404) or answer.headers.get("location") == "/entrer", path
    for path in ("api/docs/", "api/openapi.json", "public/docs/", "public/openapi.json", "openapi.json", "public/%64ocs/"):
        assert (await visitor.get(f"/admin/{path}")).status_code == 404, path


CLOSED = ("/api/reseller", "/api/reseller/", "/api", "/api/", "/api/nulle-part", "/api/docs/x", "/jobs/x", "/%61pi/reseller")
WRONG = (
    None, "", "Bearer", "Bearer ", f"Bearer {API_TOKEN[:-1]}", f"Bearer {API_TOKEN}a", f"Basic {API_TOKEN}", API_TOKEN,
    "Bearer é",
)  # fmt: skip


async def test_without_the_right_token_it_is_401_before_anything_else(visitor):
    for path, authorization in product(CLOSED, WRONG):
        headers = {} if authorization is None else {"authorization": authorization.encode()}
        answer = await visitor.put(path, content=b"{not json", headers=headers)
        assert answer.status_code == 401, (path, authorization)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["title"] == "Jeton absent ou inconnu"


async def test_a_login_session_never_opens_the_api(clerk):
    assert (await clerk.get("/api/reseller")).status_code == 401


async def test_without_a_token_in_the_settings_the_door_is_closed(program, monkeypatch):
    assert (await program.get("/api/reseller")).status_code == 200
    monkeypatch.setattr(SETTINGS, "api_tokens", ())
    assert (await program.get("/api/reseller")).status_code == 401
    for empty in ("Bearer", "Bearer "):
        assert (await program.get("/api/reseller", headers={"authorization": empty})).status_code == 401


async def test_two_tokens_open_during_a_rotation(program, monkeypatch):
    monkeypatch.setattr(SETTINGS, "api_tokens", ("b" * 40, API_TOKEN))
    assert (await program.get("/api/reseller")).status_code == 200


async def test_the_token_of_the_scheduler_opens_the_jobs_only(database):
    async with Visitor(headers={"authorization": f"Bearer {CRON_TOKEN}"}) as scheduler:
        assert (await scheduler.post("/jobs/nothing")).status_code == 404
        assert (await scheduler.get("/api/reseller")).status_code == 401


async def test_refusals_to_programs_are_problem_documents(program):
    for method, path, status in (
        ("GET", "/api/nulle-part", 404),
        ("DELETE", "/api/reseller", 405),
        ("PUT", "/api/reseller", 400),
    ):
        answer = await program.request(method, path, content=b"{" if status == 400 else None)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.json()) == {"type", "title", "status", "detail", "errors"}
    assert (await program.delete("/api/reseller")).headers["allow"]


async def test_the_api_is_described_by_pages_of_our_own(visitor):
    page = (await visitor.get("/api/docs")).text
    assert "/api/reseller" in page
    assert not re.search(r'(src|href)="(https?:)?//', page)
    document = (await visitor.get("/api/schema/openapi.json")).json()
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert not [path for path in document["paths"] if not path.startswith(("/api", "/jobs"))]
