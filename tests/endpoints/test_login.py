"""Entering and leaving (promises S-03, S-04, S-06)."""

import json
import re

import pytest
from piccolo_api.session_auth.tables import SessionsBase

from endpoints.login import local
from gateways.settings import SETTINGS
from tables.access import User
from tests.endpoints.visitor import EMAIL, PASSWORD, Visitor


async def test_a_login_opens_the_pages_and_the_generated_admin(visitor, user):
    answer = await visitor.login(suite="/facturation?mois=2026-10")
    assert (answer.status_code, answer.headers["location"]) == (303, "/facturation?mois=2026-10")
    cookie = next(
        value for value in answer.headers.get_list("set-cookie") if value.startswith("id=") and "Max-Age=604800" in value
    )
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Bonjour Camille" in (await visitor.get("/")).text
    assert (await visitor.get("/admin/api/user/")).json()["username"] == EMAIL


async def test_an_identifier_is_read_without_case_or_blanks(visitor, user):
    assert (await visitor.login(username=f"  {EMAIL.upper()} ")).status_code == 303


async def test_a_name_that_no_database_holds_is_unknown(visitor, user):
    assert (await visitor.login(username="a\x00b")).status_code == 401
    for name in ("a\x00b", "\ud800"):
        answer = await visitor.admin("POST", "public/login/", content=json.dumps({"username": name, "password": "x"}))
        assert answer.status_code == 400


async def test_a_login_sets_one_session_cookie(visitor, user):
    visitor.cookies.set("id", "attackerchosen", domain="testserver.local")
    cookies = (await visitor.login()).headers.get_list("set-cookie")
    assert [cookie.split("=")[0] for cookie in cookies] == ["id"]


async def test_a_page_asked_too_early_comes_back_after_the_login(visitor):
    answer = await visitor.get("/facturation?mois=2026-10")
    assert (answer.status_code, answer.headers["location"]) == (303, "/entrer?suite=%2Ffacturation%3Fmois%3D2026-10")
    assert 'name="suite" value="/facturation?mois=2026-10"' in (await visitor.get(answer.headers["location"])).text


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil",
        "evil",
        "",
        "/sortir",
    ],
)
async def test_the_way_on_after_a_login_is_a_path_of_ours(visitor, user, path):
    assert local(path) == "/"
    assert (await visitor.login(suite=path)).headers["location"] == "/"


async def test_a_session_id_brought_along_is_never_adopted(user):
    async with Visitor(cookies={"id": "attackerchosen"}) as victim, Visitor(cookies={"id": "attackerchosen"}) as attacker:
        await victim.login()
        assert (await attacker.get("/")).headers["location"].startswith("/entrer")
        assert not await SessionsBase.exists().where(SessionsBase.token == "attackerchosen")


async def test_each_login_has_a_session_of_its_own_and_ends_the_one_before(clerk):
    before = clerk.cookies["id"]
    await clerk.login()
    assert clerk.cookies["id"] != before
    async with Visitor(cookies={"id": before}) as other:
        assert (await other.get("/")).status_code == 303
        assert (await other.get("/")).headers["location"].startswith("/entrer")


async def test_leaving_ends_the_session_on_the_server(clerk):
    token = clerk.cookies["id"]
    answer = await clerk.post("/sortir", data={"_csrf_token": await clerk.csrf()})
    assert (answer.status_code, answer.headers["location"]) == (303, "/entrer")
    async with Visitor(cookies={"id": token}) as other:
        assert (await other.get("/")).headers["location"].startswith("/entrer")
        assert (await other.get("/admin/api/user/")).status_code == 401


async def test_a_new_password_ends_every_session_and_is_written_in_the_journal(clerk):
    from tables.timeline import TimelineEntry

    async with Visitor() as elsewhere:
        await elsewhere.login()
        passwords = {"current_password": PASSWORD, "new_password": PASSWORD * 2, "confirm_new_password": PASSWORD * 2}
        assert (await clerk.admin("POST", "api/change-password/", json=passwords)).status_code == 303
        assert (await elsewhere.get("/")).headers["location"].startswith("/entrer")
    entry = await TimelineEntry.objects().order_by(TimelineEntry.id, ascending=False).first()
    assert (entry.actor, entry.event, entry.subject) == (EMAIL, "password_changed", "piccolo_user")
    assert PASSWORD not in str(entry.to_dict())


@pytest.mark.parametrize("change", [{"active": False}, {"admin": False}])
async def test_an_account_closed_meanwhile_is_out_at_once(clerk, change):
    await User.update(change).where(User.username == EMAIL)
    assert (await clerk.get("/")).headers["location"].startswith("/entrer")
    assert (await clerk.get("/admin/api/user/")).status_code == 401
    async with Visitor() as again:
        assert (await again.login()).status_code == 401


async def test_an_unknown_account_and_a_wrong_password_are_told_alike(visitor, user, monkeypatch):
    hashes = []
    real = User.hash_password.__func__
    monkeypatch.setattr(User, "hash_password", classmethod(lambda cls, *given: (hashes.append(1), real(cls, *given))[1]))

    async def told(username):
        hashes.clear()
        answer = await visitor.login(username=username, password="pas le bon mot")
        text = re.sub(r'value="\w+"', "", answer.text).replace(username, "")
        return answer.status_code, text, len(hashes)

    known, unknown = await told(EMAIL), await told("nobody@exemple.example")
    assert known == unknown
    assert known[0] == 401
    assert "Identifiant ou mot de passe inconnu" in known[1]
    assert known[2] == 1


async def test_a_post_without_the_page_s_token_is_refused(clerk):
    for path in ("/entrer", "/sortir", "/acces/x"):
        for forged in ("", "x" * 128, (await clerk.csrf())[:-1] + "!"):
            assert (await clerk.post(path, data={"_csrf_token": forged})).status_code == 403, path
    token = await clerk.csrf()
    clerk.cookies.delete("csrftoken_lc")
    assert (await clerk.post("/sortir", data={"_csrf_token": token})).status_code == 403
    for path in ("public/login/", "public/logout/", "api/tables/customer/", "api/change-password/"):
        assert (await clerk.post(f"/admin/{path}", json={})).status_code == 403, path


async def test_the_tokens_of_pages_and_admin_do_not_disturb_each_other(visitor, user):
    await visitor.get("/admin/")
    assert (await visitor.login()).status_code == 303
    await visitor.get("/admin/")
    answer = await visitor.post("/sortir", data={"_csrf_token": visitor.cookies["csrftoken"]})
    assert answer.status_code == 403, "the admin's token is not ours"
    assert (await visitor.post("/sortir", data={"_csrf_token": await visitor.csrf()})).status_code == 303
    assert (await visitor.admin("POST", "public/login/", json={"username": EMAIL, "password": PASSWORD})).status_code == 200


async def test_a_page_token_that_no_longer_holds_is_replaced(visitor, user):
    visitor.cookies.set("csrftoken_lc", "f" * 128, domain="testserver.local")
    assert (await visitor.login()).status_code == 403
    assert (await visitor.login()).status_code == 303


async def test_cookies_are_for_https_only_in_production(user, monkeypatch):
    monkeypatch.setattr(SETTINGS, "production", True)
    async with Visitor(base_url="https://testserver") as visitor:
        cookies = (await visitor.login()).headers.get_list("set-cookie")
        cookies += (await visitor.get("/admin/")).headers.get_list("set-cookie")
    assert {cookie.split("=")[0] for cookie in cookies} == {"id", "csrftoken"}
    assert all("Secure" in cookie for cookie in cookies)


async def test_the_ready_made_forms_of_the_generated_admin_lead_to_ours(visitor):
    for path in ("public/login/", "public/logout/", "api/change-password/"):
        assert (await visitor.get(f"/admin/{path}")).headers["location"] == "/entrer"
