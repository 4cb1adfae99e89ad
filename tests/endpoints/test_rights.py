"""Every cell of role × act, walked from the routes themselves (promises S-01, S-08): what no door names is shut."""

import re
from pathlib import Path

import pytest
from litestar import Litestar, get

from app import inner
from endpoints.admin import ADMIN, CLOSED, CONFIGS
from endpoints.admin import RIGHTS as CHANGING
from endpoints.problems import answer
from endpoints.rights import allowed
from endpoints.session import OTHER_LOCKS, SESSION
from rules import rights
from rules.errors import RuleError
from rules.rights import RIGHTS, Right, Role
from tables.access import User
from tests.endpoints.test_tokens import PUBLIC, admin_paths, filled
from tests.endpoints.visitor import EMAIL, PASSWORD, Visitor

DOCS = Path(__file__).parent.parent.parent / "docs"
WRITES = ("POST", "PUT", "PATCH", "DELETE")
PAGES = sorted(
    (path, method, handler)
    for path, route in {route.path: route for route in inner.routes}.items()
    if path not in PUBLIC and not re.match(OTHER_LOCKS, path)
    for method, (handler, _) in route.route_handler_map.items()
    if method != "OPTIONS"
)


class Passed(RuleError):
    """The door let in: the walk goes no further, so that it changes nothing."""

    status = 418


@pytest.fixture
def at_the_door(monkeypatch):
    """Each door asks the table as ever, then stops: 403 is the table's no, 418 its yes."""

    def stop(role, right):
        rights.check(role, right)
        raise Passed("")

    monkeypatch.setattr("endpoints.rights.check", stop)


@pytest.fixture
def engine_name():
    """What a role may is the same on both engines."""
    return "sqlite"


@pytest.fixture
async def as_role(user):
    """Enters in a role."""
    visitors = []

    async def enter(role):
        await User.update({User.role: role.value}).where(User.username == EMAIL)
        visitors.append(visitor := Visitor())
        await visitor.login(EMAIL, PASSWORD)
        return visitor

    yield enter
    for visitor in visitors:
        await visitor.aclose()


def test_every_page_names_its_right():
    nameless = [f"{method} {path} ({handler.fn.__module__})" for path, method, handler in PAGES if "right" not in handler.opt]
    assert not nameless, "these pages name no right: `@get(…, right=Right.see)`"
    assert all(isinstance(handler.opt["right"], Right) for _, _, handler in PAGES)
    assert len(PAGES) > 80


@pytest.mark.parametrize("role", Role)
async def test_every_cell_of_role_and_page(as_role, at_the_door, role):
    visitor = await as_role(role)
    token = visitor.cookies["csrftoken_lc"]
    cells = {}
    for path, method, handler in PAGES:
        reply = await visitor.request(method, filled(path), headers={"x-csrftoken": token})
        cells[method, path] = reply.status_code, 418 if handler.opt["right"] in RIGHTS[role] else 403
        if reply.status_code == 403:
            assert "Votre rôle ne permet pas" in reply.text, path
    assert {cell: found for cell, (found, expected) in cells.items() if found != expected} == {}
    assert len(cells) == len(PAGES)


async def test_nobody_passes_a_page_without_a_session(database, at_the_door):
    async with Visitor() as stranger:
        await stranger.get("/entrer")
        for path, method, _ in PAGES:
            reply = await stranger.request(method, filled(path), headers={"x-csrftoken": stranger.cookies["csrftoken_lc"]})
            assert reply.status_code == 303, path
            assert reply.headers["location"].startswith("/entrer"), path


@pytest.mark.parametrize("role", [*Role, None])
async def test_every_cell_of_role_and_table_of_the_generated_admin(database, as_role, at_the_door, role):
    visitor = await as_role(role) if role else Visitor()
    wrong = {}
    for config in CONFIGS:
        table, right = config.table_class._meta.tablename, CHANGING.get(config.table_class)
        for place in ("", "1/"):
            for method in WRITES:
                reply = await visitor.admin(method, f"api/tables/{table}/{place}", json={})
                if role is None:
                    expected = {401}
                elif "readonly" in config.locks:
                    expected = {404, 405}  # by the factory, whoever asks: test_admin_guard.py
                else:
                    expected = {418 if right in RIGHTS[role] else 403}
                said = reply.status_code != 403 or reply.json()["type"] == "urn:ligne-claire:NOT_YOUR_RIGHT"
                if reply.status_code not in expected or not said:
                    wrong[method, table, place] = reply.status_code, expected
        for place in ("", "1/", "new/", "schema/", "ids/", "count/", "references/"):
            reply = await visitor.admin("GET", f"api/tables/{table}/{place}")
            expected = 418 if role else 401
            if reply.status_code != expected:
                wrong["GET", table, place] = reply.status_code, expected
    assert wrong == {}


async def test_the_generated_admin_has_no_other_way_to_write(as_role):
    """Forms, media and whatever it learns one day: no right is named, so nobody."""
    app = next(route for route in ADMIN.routes if getattr(route, "path", "") == "/api").app
    while not hasattr(app, "routes"):
        app = app.app
    others = {filled(path) for path in admin_paths(app.routes) if not CLOSED.match(f"/admin/api{path}")}
    others = {path for path in others if not path.startswith("/tables/")} - {"/change-password/"}
    assert "/media/" in others
    for role in (Role.reader, Role.administrator):
        visitor = await as_role(role)
        for path in others:
            for method in WRITES:
                reply = await visitor.admin(method, f"api{path}", json={})
                assert (reply.status_code, reply.json()["type"]) == (403, "urn:ligne-claire:NO_RIGHT_NAMED"), (method, path)


def test_each_table_that_changes_names_a_right():
    assert {config.table_class for config in CONFIGS if "readonly" not in config.locks} == set(CHANGING)


async def test_a_page_without_a_right_is_shut_to_every_role(as_role, monkeypatch):
    @get("/sans-droit")
    async def nameless() -> str:
        return "ouvert"

    app = Litestar([nameless], middleware=[SESSION], guards=[allowed], exception_handlers={Exception: answer})
    for role in Role:
        token = (await as_role(role)).cookies["id"]
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr("tests.endpoints.visitor.app", app)
            visitor = Visitor(cookies={"id": token})
        async with visitor:
            reply = await visitor.get("/sans-droit")
        assert (reply.status_code, "ouvert" in reply.text) == (403, False)
        assert "<h1>Porte fermée</h1>" in reply.text


async def test_a_refusal_is_a_page_for_people_and_a_document_for_programs(as_role):
    visitor = await as_role(Role.reader)
    form = {"_csrf_token": await visitor.csrf("/facturation"), "mois": "2026-10"}
    page = await visitor.post("/facturation/lancer", data=form)
    assert page.status_code == 403
    assert "Réservé à un autre rôle" in page.text
    assert "Votre rôle ne permet pas de préparer une facturation. Demandez à\xa0: Administrateur, Facturation." in page.text
    document = await visitor.admin("PATCH", "api/tables/customer/1/", json={"city": "Paris"})
    assert (document.status_code, document.json()["title"]) == (403, "Réservé à un autre rôle")
    assert document.json()["detail"].startswith("Votre rôle ne permet pas de créer ou modifier un client.")


async def test_the_menu_offers_what_the_role_may(as_role):
    shown = {}
    for role in Role:
        page = (await (await as_role(role)).get("/cartes")).text
        shown[role] = set(re.findall(r'<li><a href="(/[a-z-]*/?)"', page))
    assert shown[Role.administrator] - shown[Role.reader] == {
        "/personnalisation", "/modele-facture", "/modeles", "/formats", "/utilisateurs",
    }  # fmt: skip
    assert shown[Role.reader] == shown[Role.sales] == shown[Role.billing] == shown[Role.support]


def test_the_documented_table_is_the_table():
    header = "| droit | " + " | ".join(role.label for role in Role) + " |"
    rows = [f"| {right.act} | " + " | ".join("oui" if right in RIGHTS[role] else "" for role in Role) + " |" for right in Right]
    expected = "\n".join([header, "|---" * (len(Role) + 1) + "|", *rows])
    assert expected in (DOCS / "droits.md").read_text(), expected
