"""Guessing is slow, and nobody is locked out by another (promise S-05). The clock moves by hand."""

import asyncio

import pytest

from endpoints.throttle import PER_ACCOUNT, REMEMBERED_S, THROTTLE, WINDOW_S, Throttle, TooManyTries, address_of
from tests.endpoints.visitor import EMAIL, PASSWORD, Visitor

HOME, CAFE = "198.51.100.7", "203.0.113.9"


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def throttle(clock):
    return Throttle(clock)


def guesses(throttle, account, address, tries=100):
    """How many of these tries reach the password."""
    allowed = 0
    for _ in range(tries):
        try:
            throttle.count(account, address)
        except TooManyTries:
            continue
        allowed += 1
    return allowed


def test_one_address_has_ten_guesses_on_an_account_in_fifteen_minutes(throttle, clock):
    assert guesses(throttle, "a", HOME) == PER_ACCOUNT
    clock.now += WINDOW_S - 1
    assert guesses(throttle, "a", HOME) == 0


def test_case_and_blanks_make_no_other_account(throttle):
    assert guesses(throttle, "a@x.example", HOME) == 10
    assert guesses(throttle, " A@X.Example ", HOME) == 0


def test_the_wait_ends_by_itself_and_doubles_with_each_failure_after_it(throttle, clock):
    guesses(throttle, "a", HOME)
    for wait in (WINDOW_S, 2 * WINDOW_S, 4 * WINDOW_S, 8 * WINDOW_S):
        clock.now += wait - 1
        assert guesses(throttle, "a", HOME) == 0
        clock.now += 1
        assert guesses(throttle, "a", HOME) == 1
    clock.now += REMEMBERED_S
    assert guesses(throttle, "a", HOME) == 10, "all is forgotten"


def test_many_addresses_have_one_guess_each_once_the_account_is_under_attack(throttle):
    assert guesses(throttle, "a", HOME) == 10
    assert [guesses(throttle, "a", f"203.0.113.{n}") for n in range(5)] == [1] * 5


def test_one_address_has_fifty_guesses_over_all_accounts(throttle, clock):
    assert sum(guesses(throttle, f"account {n}", HOME, tries=1) for n in range(80)) == 50
    assert guesses(throttle, "another", CAFE, tries=1) == 1
    clock.now += WINDOW_S
    assert guesses(throttle, "account 99", HOME, tries=1) == 1


def test_the_right_password_clears_what_it_owed(throttle):
    guesses(throttle, "a", HOME, tries=9)
    throttle.forgive("A", HOME)
    assert guesses(throttle, "a", HOME) == 10


def test_a_try_that_never_reached_the_password_is_taken_back(throttle):
    for _ in range(20):
        throttle.count("a", HOME)
        throttle.take_back("a", HOME)
    assert guesses(throttle, "a", HOME) == 10


def test_a_flood_of_invented_names_fills_no_memory(throttle):
    for n in range(25_000 // 50):
        guesses(throttle, "x" * 10_000 + str(n), f"h{n}", tries=50)
    assert len(throttle._failures) <= 20_001
    assert max(len(failure.account) for failure in throttle._failures) <= 100


def test_an_ipv6_subscriber_counts_as_one_address():
    assert address_of({"client": ("2001:db8::1", 1)}) == address_of({"client": ("2001:db8::ffff:1", 1)})
    assert address_of({"client": ("2001:db8:0:1::1", 1)}) != address_of({"client": ("2001:db8::1", 1)})
    assert address_of({"client": None}) == ""


async def test_ten_wrong_passwords_close_the_account_here_and_the_right_one_still_enters_elsewhere(user):
    async with Visitor(HOME) as guesser, Visitor(CAFE) as owner:
        for _ in range(10):
            assert (await guesser.login(password="pas le bon mot")).status_code == 401
        refused = await guesser.login(password=PASSWORD)
        assert refused.status_code == 429
        assert "Attendez 15" in refused.text
        assert (await owner.login()).status_code == 303


async def test_an_unknown_account_is_closed_in_the_same_words(user):
    async with Visitor(HOME) as guesser, Visitor(CAFE) as other:
        for _ in range(10):
            await guesser.login(password="pas le bon mot")
            await other.login(username="nobody@exemple.example", password="pas le bon mot")
        known, unknown = await guesser.login(), await other.login(username="nobody@exemple.example")
    assert (
        (known.status_code, known.text.count("Attendez 15"))
        == (unknown.status_code, unknown.text.count("Attendez 15"))
        == (429, 1)
    )


async def test_both_logins_share_one_count(user):
    async with Visitor() as guesser:
        for _ in range(5):
            assert (await guesser.login(password="pas le bon mot")).status_code == 401
            wrong = {"username": EMAIL, "password": "pas le bon mot"}
            assert (await guesser.admin("POST", "public/login/", json=wrong)).status_code == 401
        right = {"username": EMAIL, "password": PASSWORD}
        answer = await guesser.admin("POST", "public/login/", json=right)
        assert (answer.status_code, "Attendez" in answer.json()["detail"]) == (429, True)
        form = {**right, "csrftoken": guesser.cookies["csrftoken"]}
        assert (await guesser.post("/admin/public/login/", data=form)).status_code == 429
        assert (await guesser.login()).status_code == 429


async def test_the_admin_s_login_is_never_blocked_until_a_restart(user):
    async with Visitor() as clerk:
        for _ in range(30):
            right = {"username": EMAIL, "password": PASSWORD}
            assert (await clerk.admin("POST", "public/login/", json=right)).status_code == 200


async def test_guesses_sent_at_once_do_not_slip_through(user):
    async with Visitor() as guesser:
        token = await guesser.csrf()
        form = {"_csrf_token": token, "username": EMAIL, "password": "pas le bon mot"}
        answers = await asyncio.gather(*(guesser.post("/entrer", data=form) for _ in range(30)))
    assert sorted(answer.status_code for answer in answers) == [401] * 10 + [429] * 20


async def test_another_site_cannot_lock_a_browser_out(user):
    async with Visitor() as victim:
        for _ in range(20):
            assert (await victim.post("/admin/public/login/", json={"username": EMAIL, "password": "x"})).status_code == 403
            assert (await victim.post("/entrer", data={"username": EMAIL, "password": "x"})).status_code == 403
        assert THROTTLE._failures == []
        assert (await victim.login()).status_code == 303
