"""The one-time link by which a person chooses a password (promise S-07)."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from jobs.access import BadAccount, LinkSpent, create_access_link, holder, use_access_link
from tables.access import AccessLink, User
from tables.timeline import TimelineEntry
from tests.endpoints.visitor import EMAIL, PASSWORD, Visitor

NOW = datetime.now(UTC)
WANTED = {"first_name": "Camille", "last_name": "Exemple", "email": EMAIL, "password": PASSWORD}


def token_of(link):
    return link.removeprefix("/acces/")


async def choose(visitor, link, **changes):
    form = {**WANTED, **changes, "_csrf_token": await visitor.csrf()}
    return await visitor.post(link, data=form)


async def test_the_link_lets_choose_a_password_and_enters(visitor):
    link = await create_access_link("first@exemple.example", NOW)
    page = await visitor.get(link)
    assert 'value="first@exemple.example"' in page.text
    answer = await choose(visitor, link)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert (await visitor.get("/admin/api/user/")).json()["username"] == EMAIL
    async with Visitor() as later:
        assert (await later.login()).status_code == 303


async def test_the_link_serves_once(visitor):
    link = await create_access_link(EMAIL, NOW)
    assert (await choose(visitor, link)).status_code == 303
    again = await choose(visitor, link, password="une autre phrase longue")
    assert again.status_code == 404
    assert "Ce lien n’est plus valable" in again.text
    assert await User.login(EMAIL, PASSWORD)


async def test_nobody_enters_before_the_link_is_used(visitor):
    await create_access_link(EMAIL, NOW)
    user = await User.objects().get(User.username == EMAIL)
    assert (user.active, user.admin) == (False, True)
    assert (await visitor.login()).status_code == 401


@pytest.mark.parametrize("age, holds", [(timedelta(minutes=29), True), (timedelta(minutes=30), False)])
async def test_the_link_holds_thirty_minutes(visitor, age, holds):
    link = await create_access_link(EMAIL, datetime.now(UTC) - age)
    assert (await visitor.get(link)).status_code == (200 if holds else 404)
    assert (await choose(visitor, link)).status_code == (303 if holds else 404)


async def test_unknown_used_and_old_links_are_told_alike(visitor):
    old, used = await create_access_link(EMAIL, NOW - timedelta(hours=1)), await create_access_link(EMAIL, NOW)
    await use_access_link(token_of(used), now=NOW, **WANTED)
    texts = {(await visitor.get(link)).text for link in (used, old, "/acces/unknown")}
    assert len(texts) == 1


async def test_two_uses_at_once_have_one_winner(database):
    for _ in range(10):
        token = token_of(await create_access_link(EMAIL, NOW))
        # The control: read alone, the link would let both through.
        assert len(await asyncio.gather(holder(token, NOW), holder(token, NOW))) == 2
        passwords = ["la phrase de l'un", "la phrase de l'autre"]
        uses = (use_access_link(token, now=NOW, **{**WANTED, "password": password}) for password in passwords)
        results = await asyncio.gather(*uses, return_exceptions=True)
        assert sorted(type(result) for result in results if not isinstance(result, int)) == [LinkSpent]
        winner = next(place for place, result in enumerate(results) if isinstance(result, int))
        assert await User.login(EMAIL, passwords[winner])
        assert not await User.login(EMAIL, passwords[1 - winner])


@pytest.mark.parametrize(
    "change", [{"password": "x" * 11}, {"password": "x" * 129}, {"first_name": " "}, {"last_name": "a\x00b"}, {"email": "nobody"}]
)
async def test_what_cannot_be_kept_is_said_and_the_link_still_holds(visitor, change):
    link = await create_access_link(EMAIL, NOW)
    answer = await choose(visitor, link, **change)
    assert answer.status_code == 422
    assert "recit is-bad" in answer.text
    assert PASSWORD not in answer.text
    assert (await choose(visitor, link)).status_code == 303


@pytest.mark.parametrize("password", ["xkdvrbqwmzju", "étés " * 24 + "ailleurs", "  des blancs   ", "🦊🐌🌵🧲🎈🪴🦀🪁🛶🧅🪵🐚"])
async def test_any_twelve_characters_make_a_password(visitor, password):
    link = await create_access_link(EMAIL, NOW)
    assert (await choose(visitor, link, password=password)).status_code == 303
    async with Visitor() as later:
        assert (await later.login(password=password)).status_code == 303


async def test_the_address_of_another_account_cannot_be_taken(database):
    other = await create_access_link("other@exemple.example", NOW)
    await use_access_link(token_of(other), now=NOW, **{**WANTED, "email": "other@exemple.example"})
    link = await create_access_link(EMAIL, NOW)
    with pytest.raises(BadAccount, match="autre compte"):
        await use_access_link(token_of(link), now=NOW, **{**WANTED, "email": "OTHER@exemple.example"})
    assert await holder(token_of(link), NOW)


async def test_a_link_for_someone_known_ends_their_sessions(clerk):
    link = await create_access_link(EMAIL.upper(), NOW)
    assert await User.count().where(User.email == EMAIL) == 1
    await use_access_link(token_of(link), now=NOW, **WANTED)
    assert (await clerk.get("/")).headers["location"].startswith("/entrer")


async def test_neither_the_database_nor_the_journal_holds_the_token(database):
    token = token_of(await create_access_link(EMAIL, NOW))
    kept = [await AccessLink.select(), await TimelineEntry.select(), await User.select()]
    assert token not in str(kept)
    assert [entry["event"] for entry in kept[1]] == ["access_link"]


def test_the_command_prints_the_whole_address(database_env):
    env = {**os.environ, **database_env, "PUBLIC_URL": "https://lc.example"}
    done = subprocess.run([sys.executable, "-m", "jobs.access", EMAIL], env=env, capture_output=True, text=True)
    assert done.stdout.startswith("https://lc.example/acces/"), done.stderr
    refused = subprocess.run([sys.executable, "-m", "jobs.access", "nobody"], env=env, capture_output=True, text=True)
    assert refused.returncode != 0
