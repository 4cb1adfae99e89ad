"""Passages of the network's job killed with SIGKILL, also between the saying and its record: nothing is asked twice, nothing is
forgotten, and a person settles what the dead had in hand."""

import asyncio
import csv
import random
from collections import Counter

import pytest
from children import Dead
from network_sink import NOW, SECRET, Server, Sink, queue
from sftp_servers import KEYS, point_to, serving

from gateways.settings import SETTINGS
from jobs.network import answers, sending, settling
from rules.states import RequestKind, RequestState
from tables.changes import NetworkBatch, NetworkRequest

CLOCK = NOW.isoformat()
REQUESTS, KILLS, EVENTS, SEED = 30, 12, 40, 5


@pytest.fixture
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("supplier")
    (root / sending.FOLDER).mkdir()
    return root


@pytest.fixture(params=["webhook", "sftp"])
async def other_side(request, database, root, monkeypatch):
    """The settings of a passage, and how to ask the other side which requests it has, as often as it has them."""
    if request.param == "webhook":
        kept = Sink()
        with Server(kept) as url:
            settings = {"network_mode": "webhook", "network_webhook_url": url, "network_webhook_secret": SECRET}
            yield settings, lambda: kept.ids
        return
    async with serving(root) as port:
        point_to(monkeypatch, port, KEYS[0])
        settings = {"network_mode": "sftp", "sftp_url": SETTINGS.sftp_url, "sftp_host_keys": SETTINGS.sftp_host_keys}
        yield settings, lambda: in_files(root)


def in_files(root) -> list[int]:
    found = []
    for path in sorted((root / sending.FOLDER).glob("*.csv")):
        found += [int(row["request_id"]) for row in csv.DictReader(path.read_text().splitlines(), delimiter=";")]
    return found


async def settle(there: list[int]) -> int:
    """What a person does with the requests in doubt, who asks the other side."""
    rows = await NetworkRequest.select().where(NetworkRequest.state == RequestState.in_doubt)
    for row in rows:
        if row["id"] in there:
            await settling.confirm(row["id"], actor="Camille", now=NOW)
        else:
            await settling.send_again(row["id"], actor="Camille", now=NOW)
    return len(rows)


async def strike(child, settings: dict, kill_at: int | str, unguarded: bool = False) -> bool:
    """Whether a passage was killed on its way."""
    one = child()
    if unguarded:
        await asyncio.to_thread(one.ask, "unguard", what="requests")
    one.send("send_requests", settings=settings, kill_at=kill_at, clock=CLOCK)
    try:
        await asyncio.to_thread(one.answer)
    except Dead:
        return True
    finally:
        one.close()
    return False


async def test_killed_at_any_point_each_request_is_asked_once(child, other_side):
    settings, there = other_side
    chance, kills, doubts = random.Random(SEED), 0, 0
    said = "call" if settings["network_mode"] == "webhook" else "lay"
    await queue(*[RequestKind.rename] * REQUESTS)
    for number in range(KILLS):
        kills += await strike(child, settings, said if number % 4 == 0 else chance.randint(1, EVENTS))
        if number % 4 == 3:
            await strike(child, settings, -1)  # what the dead had in hand comes to light
            doubts += await settle(there())
            await queue(RequestKind.swap)
    await asyncio.to_thread(child().ask, "send_requests", settings=settings, clock=CLOCK)
    doubts += await settle(there())
    await asyncio.to_thread(child().ask, "send_requests", settings=settings, clock=CLOCK)
    assert kills >= KILLS // 3 and doubts > 0
    everyone = await NetworkRequest.select(NetworkRequest.id).output(as_list=True)
    assert Counter(there()) == dict.fromkeys(everyone, 1)
    assert {row["state"] for row in await NetworkRequest.select(NetworkRequest.state)} <= {"sent", "done"}
    if said == "lay":
        assert await NetworkBatch.count().where(NetworkBatch.sent_at.is_not_null()) > 0


async def test_control_what_was_in_hand_sent_again_by_itself_is_asked_twice(child, other_side):
    settings, there = other_side
    await queue(RequestKind.rename, RequestKind.swap)
    said = "call" if settings["network_mode"] == "webhook" else "lay"
    for _ in range(2):
        assert await strike(child, settings, said, unguarded=True)
    assert max(Counter(there()).values()) > 1


async def test_a_reader_killed_or_doubled_settles_each_answer_once(database, root, monkeypatch):
    """Two readers at once, and one that breaks off before it remembers the file."""
    (root / answers.FOLDER).mkdir()
    monkeypatch.setattr(SETTINGS, "network_mode", "sftp")
    ids = await queue(*[RequestKind.rename] * 20)
    await NetworkRequest.update({NetworkRequest.state: RequestState.sent}, force=True)
    rows = "".join(f"{id_};DONE;;;\n" for id_ in ids)
    (root / answers.FOLDER / "r.csv").write_text("request_id;status;reason;msisdn;effective_at\n" + rows)
    settled, confirm = [], settling.confirm

    async def heard(request_id, **values):
        row = await confirm(request_id, **values)
        settled.append(request_id)
        if len(settled) == 7:
            raise SystemExit
        return row

    async with serving(root) as port:
        point_to(monkeypatch, port, KEYS[0])
        monkeypatch.setattr(settling, "confirm", heard)
        with pytest.raises(SystemExit):
            await answers.read_network_answers()
        both = await asyncio.gather(answers.read_network_answers(), answers.read_network_answers())
    assert sorted(settled) == ids
    assert sum(report.done for report in both) == 13
    assert {row["state"] for row in await NetworkRequest.select(NetworkRequest.state)} == {"done"}
