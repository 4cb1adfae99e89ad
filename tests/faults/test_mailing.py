"""A mailing of 200 killed with SIGKILL at random points, also between the server's « 250 » and our commit: nobody gets two
mails, nobody is forgotten, and a person settles what the dead had in hand (promise D1)."""

import asyncio
import os
import random
import time
from collections import Counter
from datetime import datetime

import month_samples
import pytest
from children import Dead
from mail_sink import Server, Sink

from gateways.settings import SETTINGS
from jobs import mails
from jobs.mails import NewMail
from jobs.mails.sending import CONNECTIONS
from jobs.words import Words
from rules.states import MailKind, MailState
from tables.engine import transaction
from tables.mail import Mail

MAILING = 200
MAILINGS = 10 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 1
KILLS = 20  # of each mailing
EVENTS = 70  # a fair share of a mailing's
SEED = 5
WORDS = Words("Votre facture", "Bonjour\n", "<p>Bonjour</p>")


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    """That of the children."""
    monkeypatch.setattr(SETTINGS, "clock", datetime.fromisoformat(month_samples.CLOCKS["2026-10"]))


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
def smtp_url(sink):
    with Server(sink) as server:
        yield f"smtp://127.0.0.1:{server.port}"


async def write(mailing: int) -> None:
    async with transaction():
        await mails.enqueue([NewMail(MailKind.usage_alert, f"{mailing}-{number}@x.example", WORDS) for number in range(MAILING)])


async def settle(sink: Sink) -> int:
    """What a person does with the mails in doubt, who reads the server's log; how many there were."""
    rows = await Mail.select().where(Mail.state == MailState.in_doubt)
    for row in rows:
        if row["message_id"] in sink.ids:
            await mails.mark_sent(row["id"], "Camille")
        else:
            await mails.resend(row["id"], row["attempts"], "Camille")
    return len(rows)


async def test_killed_at_random_points_a_mailing_reaches_everybody_once(database, child, sink, smtp_url):
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    for mailing in range(MAILINGS):
        await write(mailing)
        kills = doubts = 0
        for number in range(KILLS):
            one = child()
            after_250 = number % 5 == 0
            one.send("send_mails", smtp_url=smtp_url, kill_at="hand_over" if after_250 else chance.randint(1, EVENTS))
            try:
                await asyncio.to_thread(one.answer)
            except Dead:
                kills += 1
            left = await Mail.count().where(Mail.state == MailState.sending)
            doubts += left
            assert left <= CONNECTIONS  # one mail per connection
        one = child()
        await asyncio.to_thread(one.ask, "send_mails", smtp_url=smtp_url)
        assert await settle(sink) == doubts
        await asyncio.to_thread(one.ask, "send_mails", smtp_url=smtp_url)
        assert kills == KILLS and doubts >= KILLS // 5
        assert Counter(sink.recipients) == {
            f"{past}-{number}@x.example": 1 for past in range(mailing + 1) for number in range(MAILING)
        }
    assert await Mail.count().where(Mail.state != MailState.sent) == 0


async def test_control_what_was_in_hand_sent_again_by_itself_reaches_somebody_twice(database, child, sink, smtp_url):
    await write(0)
    for _ in range(5):
        one = child()
        one.ask("unguard", what="doubt")
        one.send("send_mails", smtp_url=smtp_url, kill_at="hand_over")
        with pytest.raises(Dead):
            await asyncio.to_thread(one.answer)
    one = child()
    one.ask("unguard", what="doubt")
    await asyncio.to_thread(one.ask, "send_mails", smtp_url=smtp_url)
    assert max(Counter(sink.recipients).values()) > 1


def together(child, smtp_url: str, unguarded: bool) -> list:
    both = [child(), child()]
    for one in both if unguarded else ():
        one.ask("unguard", what="claim")
    at = time.time() + 0.1
    for one in both:
        one.send("send_beside", smtp_url=smtp_url, at=at)
    return both


async def test_two_workers_at_once_send_each_mail_once(database, child, sink, smtp_url):
    await write(0)
    done = [(await asyncio.to_thread(one.answer))["answer"] for one in together(child, smtp_url, unguarded=False)]
    assert sum(done) == MAILING and min(done) > 0
    assert Counter(sink.recipients) == {f"0-{number}@x.example": 1 for number in range(MAILING)}
    assert await Mail.count().where(Mail.state != MailState.sent) == 0


async def test_control_without_the_claim_two_workers_send_a_mail_twice(database, child, sink, smtp_url):
    """They would never end, either: what is sent stays due."""
    await write(0)
    both = together(child, smtp_url, unguarded=True)
    deadline = time.monotonic() + 30
    while len(sink.recipients) <= MAILING and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    for one in both:
        one.kill()
    assert max(Counter(sink.recipients).values()) > 1
