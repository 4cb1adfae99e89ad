"""The whole program as a browser or a script meets it, without a socket; each test on both engines."""

import pytest

from endpoints.throttle import THROTTLE
from gateways.settings import SETTINGS
from rules.rights import Role
from tables.access import User
from tests.endpoints.visitor import API_TOKEN, CRON_TOKEN, EMAIL, PASSWORD, Visitor


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(THROTTLE, "_failures", [])
    monkeypatch.setattr(SETTINGS, "api_tokens", (API_TOKEN,))
    monkeypatch.setattr(SETTINGS, "cron_tokens", (CRON_TOKEN,))
    monkeypatch.setattr(User, "_pbkdf2_iteration_count", 1000)


@pytest.fixture
async def visitor(database):
    async with Visitor() as client:
        yield client


@pytest.fixture
async def user(database):
    return await User.create_user(
        username=EMAIL, email=EMAIL, password=PASSWORD, first_name="Camille", last_name="Exemple", active=True, admin=True,
        role=Role.administrator.value,
    )  # fmt: skip


@pytest.fixture
async def clerk(user):
    """Someone who has entered."""
    async with Visitor() as client:
        assert (await client.login()).status_code == 303
        yield client


@pytest.fixture
async def program(database):
    """A script with the token of the API."""
    async with Visitor(headers={"authorization": f"Bearer {API_TOKEN}"}) as client:
        yield client
