"""The people of the back-office: invited, changed, shut out; the last administrator stays (promises S-03, S-07, S-12)."""

import asyncio
import json
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from jobs import users
from jobs.access import LinkSpent, create_access_link, holder, use_access_link
from jobs.reseller import current
from rules.rights import Role
from tables.access import User
from tables.parties import Reseller
from tables.timeline import TimelineEntry
from tests.endpoints.visitor import EMAIL, PASSWORD, Visitor

NOW = datetime.now(UTC)
NINA = {"first_name": "Nina", "last_name": "Essai", "email": "nina@exemple.example"}
GOOD = "trois escargots sous la pluie"


@pytest.fixture
async def nina(user):
    """The path of the link of someone invited, who has not entered yet."""
    return await users.invite(**NINA, role="sales", actor=EMAIL, now=NOW)


async def row_of(email):
    return await User.objects().get(User.username == email)


async def posted(clerk, path, **form):
    return await clerk.post(f"/utilisateurs{path}", data={"_csrf_token": await clerk.csrf("/utilisateurs"), **form})


async def enter(visitor, link, **changes):
    form = {**NINA, "password": GOOD, "_csrf_token": await visitor.csrf(), **changes}
    return await visitor.post(link, data=form)


async def events():
    rows = await TimelineEntry.select().where(TimelineEntry.subject == "piccolo_user").order_by(TimelineEntry.id)
    return [(row["actor"], row["event"], json.loads(row["before"]), json.loads(row["after"])) for row in rows]


async def test_an_invited_person_enters_by_the_link_in_the_role_given(clerk):
    page = await posted(clerk, "", **NINA, role="support")
    link = re.search(r"/acces/[\w-]+", page.text)[0]
    assert "nina@exemple.example" in page.text
    assert link not in (await clerk.get("/utilisateurs")).text, "shown once"
    async with Visitor() as visitor:
        assert (await enter(visitor, link)).status_code == 303
        assert (await visitor.get("/cartes")).status_code == 200
        assert (await visitor.get("/utilisateurs")).status_code == 403
    kept = await row_of(NINA["email"])
    assert (kept.role, kept.active, kept.admin, kept.superuser) == ("support", True, True, False)
    assert (await events())[0] == (EMAIL, "user_invited", {}, {"username": NINA["email"], "role": "support"})


@pytest.mark.parametrize(
    "change, said",
    [
        ({"email": "nobody"}, "adresse e-mail"), ({"email": EMAIL.upper()}, "déjà un compte"), ({"role": "king"}, "Ce rôle"),
        ({"first_name": " "}, "prénom"), ({"last_name": "a\x07b"}, "prénom"),
        ({"email": "a@b.example\nBcc: x@y.example"}, "adresse e-mail"),
    ],
)  # fmt: skip
async def test_what_cannot_be_kept_comes_back_in_the_form(clerk, change, said):
    page = await posted(clerk, "", **{**NINA, "role": "sales", **change})
    assert page.status_code == 422
    assert said in page.text
    assert await User.count() == 1


async def test_two_invitations_of_one_address_make_one_account(user):
    calls = (users.invite(**NINA, role=role, actor=EMAIL, now=NOW) for role in ("sales", "support"))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["BadAccount", "str"]
    assert await User.count().where(User.email == NINA["email"]) == 1


async def test_a_new_role_ends_the_sessions_and_is_written_from_what_to_what(clerk, nina):
    async with Visitor() as visitor:
        await enter(visitor, nina)
        assert (await visitor.get("/facturation")).status_code == 200
        assert (await posted(clerk, f"/{(await row_of(NINA['email'])).id}/role", role="billing")).status_code == 303
        assert (await visitor.get("/facturation")).headers["location"].startswith("/entrer")
    assert (await events())[-1] == (EMAIL, "role_changed", {"role": "sales"}, {"role": "billing"})
    page = (await clerk.get("/utilisateurs")).text
    assert "nina@exemple.example : rôle <del>Commercial</del> → <ins>Facturation</ins>" in page
    told = await TimelineEntry.count()
    await users.set_role((await row_of(NINA["email"])).id, "billing", actor=EMAIL, now=NOW)
    assert await TimelineEntry.count() == told, "the same role again is no event"


async def test_a_person_deactivated_is_out_at_once_and_comes_back_by_a_new_link(clerk, nina):
    key = (await row_of(NINA["email"])).id
    async with Visitor() as visitor:
        await enter(visitor, nina)
        await posted(clerk, f"/{key}/lien")
        assert (await posted(clerk, f"/{key}/desactiver")).status_code == 303
        assert (await visitor.get("/")).headers["location"].startswith("/entrer")
        assert (await visitor.login(NINA["email"], GOOD)).status_code == 401
        link = re.search(r"/acces/[\w-]+", (await posted(clerk, f"/{key}/lien")).text)[0]
        assert (await enter(visitor, link)).status_code == 303
    assert (await row_of(NINA["email"])).role == "sales"
    assert (EMAIL, "user_deactivated", {"active": True}, {"active": False}) in await events()


async def test_an_account_has_one_link_that_opens(nina):
    user = await row_of(NINA["email"])
    _, second = await users.new_link(user.id, actor=EMAIL, now=NOW)
    with pytest.raises(LinkSpent):
        await holder(nina.removeprefix("/acces/"), NOW)
    assert (await holder(second.removeprefix("/acces/"), NOW)).id == user.id
    await users.deactivate(user.id, actor=EMAIL, now=NOW + timedelta(minutes=1))
    with pytest.raises(LinkSpent):
        await holder(second.removeprefix("/acces/"), NOW + timedelta(minutes=1))


async def test_the_last_active_administrator_stays(clerk, user, nina):
    await create_access_link("never-entered@exemple.example", NOW)  # an administrator, who is not active
    for path, form in ((f"/{user.id}/desactiver", {}), (f"/{user.id}/role", {"role": "reader"})):
        page = await posted(clerk, path, **form)
        assert page.status_code == 409
        assert "dernier administrateur" in page.text
    assert (await posted(clerk, "/999/role", role="reader")).status_code == 404
    await User.update({User.role: "administrator", User.active: True}).where(User.username == NINA["email"])
    assert (await posted(clerk, f"/{user.id}/role", role="reader")).status_code == 303


async def two_administrators():
    for name in ("a", "b"):
        email = f"{name}@exemple.example"
        await User.create_user(email, PASSWORD, email=email, active=True, admin=True, role=Role.administrator.value)
    return [row["id"] for row in await User.select(User.id).where(User.role == "administrator").order_by(User.id)]


async def administrators_left():
    return await User.count().where(User.role == "administrator", User.active.eq(True))


async def test_without_the_transaction_two_administrators_take_each_other_out(database, monkeypatch):
    """The control: read, wait until the other has read too, write."""
    first, second = await two_administrators()
    barrier, look = asyncio.Barrier(2), users._administrators

    @asynccontextmanager
    async def nothing():
        yield

    async def looked():
        found = await look()
        await barrier.wait()
        return found

    monkeypatch.setattr(users, "transaction", nothing)
    monkeypatch.setattr(users, "_administrators", looked)
    await asyncio.gather(users.deactivate(first, actor="b", now=NOW), users.set_role(second, "reader", actor="a", now=NOW))
    assert await administrators_left() == 0


async def test_two_administrators_cannot_take_each_other_out(database, monkeypatch):
    first, second = await two_administrators()
    begun, look = asyncio.Event(), users._administrators

    async def looked():
        found = await look()
        await begun.wait()  # whoever sees both holds them until the other is under way
        await asyncio.sleep(0.1)
        return found

    async def other():
        begun.set()
        await users.set_role(second, "reader", actor="a", now=NOW)

    monkeypatch.setattr(users, "_administrators", looked)
    results = await asyncio.gather(users.deactivate(first, actor="b", now=NOW), other(), return_exceptions=True)
    assert sorted(type(result) for result in results if result is not None) == [users.LastAdministrator]
    assert await administrators_left() == 1


@pytest.mark.parametrize(
    "password",
    [
        "Motdepasse2026!", "azertyuiop123", "P@ssw0rd1234", "111111111111", "abcabcabcabcabc", "Nina@exemple.example",
        "NinaEssai2026", "Telecom-Sud-2026",
    ],
)  # fmt: skip
async def test_what_everyone_tries_first_is_no_password(nina, password):
    await current()
    await Reseller.update({Reseller.name: "Télécom Sud"}, force=True)
    async with Visitor() as visitor:
        answer = await enter(visitor, nina, password=password)
        assert (answer.status_code, "premiers que l’on essaie" in answer.text) == (422, True)
        assert (await enter(visitor, nina)).status_code == 303


async def test_the_generated_admin_s_own_form_holds_passwords_to_the_same_rule(clerk):
    link = await create_access_link(EMAIL, datetime.now(UTC))
    for wanted, status in (("Azerty123456", 422), ("Camille-Exemple", 422), ("court", 422), (GOOD, 303)):
        form = {"current_password": PASSWORD, "new_password": wanted, "confirm_new_password": wanted}
        assert (await clerk.admin("POST", "api/change-password/", json=form)).status_code == status, wanted
    with pytest.raises(LinkSpent):
        await holder(link.removeprefix("/acces/"), datetime.now(UTC))


async def test_the_operator_s_link_makes_an_administrator_of_someone_known(nina):
    link = await create_access_link(NINA["email"], NOW)
    assert (EMAIL, "role_changed") not in [event[:2] for event in await events()]
    assert ("console", "role_changed", {"role": "sales"}, {"role": "administrator"}) in await events()
    await use_access_link(link.removeprefix("/acces/"), now=NOW, **NINA, password=GOOD)
    assert (await row_of(NINA["email"])).role == "administrator"
