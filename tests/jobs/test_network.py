"""Requests to the wholesaler's network: they leave once, each answer counts once, and silence is held for a person."""

import asyncio
import csv
import hmac
import json
from datetime import UTC, date, datetime, timedelta
from types import ModuleType

import asyncssh
import pytest
import sftp_servers
from mail_sink import authority
from network_sink import MSISDN, NOW, SECRET, Server, Sink, queue
from sftp_servers import KEYS, point_to, serving

from gateways import sftp, webhook
from gateways.settings import SETTINGS
from jobs.network import answers, sending, settling
from jobs.network.asking import ask
from jobs.report import Report
from rules.moves import IllegalState
from rules.states import REQUEST_MOVES, RequestKind, RequestState
from tables.changes import LineChange, NetworkAnswerFile, NetworkBatch, NetworkRequest
from tables.engine import transaction
from tables.orders import Order, OrderItem
from tables.timeline import story
from tests.tables.test_guards import a_line

K = RequestKind
HEADER = "request_id;status;reason;msisdn;effective_at\n"


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", NOW)


async def states() -> list[str]:
    return [row["state"] for row in await NetworkRequest.select(NetworkRequest.state).order_by(NetworkRequest.id)]


async def settle(id_: int, state: RequestState) -> None:
    await NetworkRequest.update({NetworkRequest.state: state}).where(NetworkRequest.id == id_)


# By hand


async def test_a_request_is_confirmed_once_with_its_day_and_its_story(database):
    (id_,) = await queue(K.swap, new_iccid="8933010000000000010")
    row = await settling.confirm(id_, actor="Camille", now=NOW, effective_on=date(2026, 11, 23))
    assert (row["state"], row["effective_on"], row["settled_at"]) == ("done", date(2026, 11, 23), NOW)
    with pytest.raises(IllegalState, match="Déjà"):
        await settling.confirm(id_, actor="Camille", now=NOW)
    with pytest.raises(IllegalState, match="définitif"):
        await settling.refuse(id_, reason="trop tard", actor="Camille", now=NOW)
    (entry,) = await story("network_request", id_)
    assert (entry["event"], entry["before"], entry["after"]["effective_on"]) == ("done", {"state": "queued"}, "2026-11-23")


async def test_without_a_day_it_is_today_in_paris(database):
    (id_,) = await queue(K.rename)
    late = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    assert (await settling.confirm(id_, actor="", now=late))["effective_on"] == date(2026, 11, 25)


async def test_a_new_line_needs_its_number_and_no_request_takes_anothers(database):
    (new,) = await queue(K.activate, msisdn="")
    with pytest.raises(settling.NumberMissing):
        await settling.confirm(new, actor="", now=NOW)
    assert (await settling.confirm(new, actor="", now=NOW, msisdn="06 39 98 00 02"))["msisdn"] == "+33639980002"
    (port,) = await queue(K.port_in)
    with pytest.raises(settling.OtherNumber):
        await settling.confirm(port, actor="", now=NOW, msisdn="0639980002")
    with pytest.raises(settling.NotThatDay):
        await settling.confirm(port, actor="", now=NOW, effective_on=date(2062, 11, 24))
    assert await states() == ["done", "queued"]


async def test_every_pair_of_states_that_is_not_legal_is_refused(database):
    (id_,) = await queue(K.unbar)
    acts = {
        RequestState.done: lambda: settling.confirm(id_, actor="", now=NOW),
        RequestState.refused: lambda: settling.refuse(id_, reason="non", actor="", now=NOW),
        RequestState.accepted: lambda: settling.accept(id_, actor="", now=NOW),
        RequestState.queued: lambda: settling.send_again(id_, actor="", now=NOW),
    }
    for source in RequestState:
        for target, act in acts.items():
            await settle(id_, source)
            if target in REQUEST_MOVES[source]:
                assert (await act())["state"] == target
            else:
                with pytest.raises(IllegalState):
                    await act()


async def test_of_two_answers_at_once_the_second_changes_nothing(database, monkeypatch):
    (id_,) = await queue(K.terminate)
    both, read = [], settling.get
    gate = asyncio.Event()

    async def slowly(request_id):
        row = await read(request_id)
        both.append(row)
        if len(both) == 1 and database.engine_type != "sqlite":
            await gate.wait()
        gate.set()
        return row

    monkeypatch.setattr(settling, "get", slowly)
    told = await asyncio.gather(
        settling.confirm(id_, actor="A", now=NOW), settling.refuse(id_, reason="non", actor="B", now=NOW), return_exceptions=True
    )
    assert sum(isinstance(one, Exception) for one in told) == 1, told
    assert len(await story("network_request", id_)) == 1


@pytest.fixture
async def belongs(database, monkeypatch):
    """Two modules that stand where orders and lines will be told; a request of each."""
    told = []
    for name in ("jobs.orders.opening", "jobs.lines.answers"):
        module = ModuleType(name)

        async def done(request, *, msisdn, effective_on, actor, now, name=name):
            told.append((name, "done", request["id"], msisdn, effective_on, actor))
            if told[-1][4] == date(2026, 11, 1):
                raise IllegalState("La ligne ne le permet plus.")

        async def refused(request, *, reason, actor, now, name=name):
            told.append((name, "refused", request["id"], reason, actor))

        module.done, module.refused = done, refused
        monkeypatch.setattr(settling, name.split(".")[1], module)
    return told


async def owned(**owner) -> int:
    async with transaction():
        return await ask(K.swap, actor="Camille", now=NOW, msisdn=MSISDN, **owner)


async def test_the_answer_goes_to_the_line_or_the_order_in_the_same_transaction(belongs):
    line = await a_line(activated_on=date(2026, 1, 1))
    change = LineChange(line=line.id, kind="SWAP_SIM", effective_on=date(2026, 11, 24))
    await change.save()
    order = await _an_order(line.customer)
    of_line, of_order = await owned(line=line.id, change=change.id), await owned(item=order)
    await settling.confirm(of_line, actor="Camille", now=NOW)
    await settling.refuse(of_order, reason="carte  inconnue\n", actor="Réseau", now=NOW)
    assert belongs == [
        ("jobs.lines.answers", "done", of_line, MSISDN, date(2026, 11, 24), "Camille"),
        ("jobs.orders.opening", "refused", of_order, "carte inconnue", "Réseau"),
    ]
    unlawful = await owned(line=line.id, change=change.id)
    with pytest.raises(IllegalState, match="ne le permet plus"):
        await settling.confirm(unlawful, actor="Camille", now=NOW, effective_on=date(2026, 11, 1))
    assert await states() == ["done", "refused", "queued"]
    assert await story("network_request", unlawful) == []


async def _an_order(customer: int) -> int:
    order = Order(customer=customer, state="in_progress")
    await order.save()
    item = OrderItem(customer_order=order.id, position=1, state="requested", msisdn=MSISDN)
    await item.save()
    return item.id


# Files


@pytest.fixture
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("supplier")
    for folder in (sending.FOLDER, answers.FOLDER):
        (root / folder).mkdir()
    return root


@pytest.fixture
async def depot(database, root, monkeypatch):
    monkeypatch.setattr(SETTINGS, "network_mode", "sftp")
    async with serving(root) as port:
        point_to(monkeypatch, port, KEYS[0])
        yield port


def laid(root) -> list[str]:
    return sorted(path.name for path in (root / sending.FOLDER).iterdir())


async def test_a_batch_holds_what_is_queued_in_the_columns_of_the_format(depot, root):
    await queue(K.port_in, rio="02P123456BF+", porting_date=date(2026, 12, 3), user_name="Zoé d'Étoile & Cie", options="=DATA")
    (later,) = await queue(K.rename)
    await NetworkRequest.update({NetworkRequest.next_at: NOW + timedelta(hours=1)}).where(NetworkRequest.id == later)
    assert await sending.send_network_requests() == Report(1)
    (name,) = laid(root)
    assert name.startswith("network_requests_20261124_") and name.endswith(".csv")
    data = (root / sending.FOLDER / name).read_bytes()
    (row,) = csv.DictReader(data.decode().splitlines(), delimiter=";")
    assert row == {
        "request_id": "1", "kind": "PORT_IN", "msisdn": MSISDN, "iccid": "", "new_iccid": "", "rio": "02P123456BF+",
        "porting_date": "2026-12-03", "user_name": "ZOE D ETOILE ET CIE", "options": "'=DATA",
        "requested_at": "2026-11-24T12:00:00+00:00",
    }  # fmt: skip
    batch = await NetworkBatch.select().first()
    assert (batch["name"], batch["requests"], batch["sent_at"]) == (name, 1, NOW)
    assert sending.kept(name).read_bytes() == data
    assert await states() == ["sent", "queued"]
    assert await sending.send_network_requests() == Report() and laid(root) == [name]


async def test_what_could_not_be_laid_down_stays_queued_and_leaves_the_next_time(depot, root):
    await queue(K.rename, K.swap)
    (root / sending.FOLDER).rmdir()
    report = await sending.send_network_requests()
    assert report.done == 0 and "n'existe pas au dépôt" in report.problems[0] and sending.FOLDER in report.problems[0]
    assert (await states(), await NetworkBatch.count()) == (["queued"] * 2, 0)
    (root / sending.FOLDER).mkdir()
    assert await sending.send_network_requests() == Report(2)
    assert (await states(), len(laid(root))) == (["sent"] * 2, 1)


async def test_a_line_that_breaks_while_the_file_gets_its_name_leaves_it_in_doubt(database, root, monkeypatch):
    class Vanishing(asyncssh.SFTPServer):
        def rename(self, oldpath: bytes, newpath: bytes):
            super().rename(oldpath, newpath)
            self._chan.get_connection().abort()

    monkeypatch.setattr(SETTINGS, "network_mode", "sftp")
    await queue(K.rename)
    async with serving(root, kind=Vanishing) as port:
        point_to(monkeypatch, port, KEYS[0])
        report = await sending.send_network_requests()
        assert (report.done, await states()) == (0, ["in_doubt"]) and "il y est peut-être" in report.problems[0]
        assert len(laid(root)) == 1 and not laid(root)[0].endswith(".part")
        assert await sending.send_network_requests() == Report() and len(laid(root)) == 1
    await settling.send_again(1, actor="Camille", now=NOW)
    assert await states() == ["queued"]


async def test_a_file_never_takes_the_place_of_another(depot, root):
    async with sftp.depot(sending.FOLDER) as found:
        await found.lay("a.csv", b"1")
        with pytest.raises(sftp.FileRefused):
            await found.lay("a.csv", b"2")
    assert (root / sending.FOLDER / "a.csv").read_bytes() == b"1"


def answer(root, name: str, text: str) -> None:
    sftp_servers.put(root, f"../../{answers.FOLDER}/{name}", text.encode())


async def test_answers_are_read_once_and_each_settles_its_request(depot, root):
    first, second, third = await queue(K.activate, K.rename, K.swap, msisdn="")
    await sending.send_network_requests()
    rows = f"{first};ACCEPTED;;;\n{first};DONE;;0639980007;2026-11-23T23:30:00Z\n"
    rows += f"{second};REFUSED;Nom interdit;;\n{third};ACCEPTED;;;\n"
    (root / sftp_servers.FOLDER).mkdir(parents=True)
    answer(root, "reponses_1.csv", HEADER + rows)
    answer(root, "reponses_2.csv.part", HEADER + f"{third};REFUSED;;;\n")
    assert await answers.read_network_answers() == Report(4)
    assert await states() == ["done", "refused", "accepted"]
    row = await settling.get(first)
    assert (row["msisdn"], row["effective_on"]) == ("+33639980007", date(2026, 11, 24))
    assert (await settling.get(second))["reason"] == "Nom interdit"
    assert await answers.read_network_answers() == Report()
    answer(root, "reponses_1_bis.csv", HEADER + rows)  # the same content under another name
    assert await answers.read_network_answers() == Report()
    answer(root, "reponses_3.csv", HEADER + rows + f"{third};DONE;;;\n")  # another content that says the same, and more
    assert await answers.read_network_answers() == Report(1, 4)
    assert (await states(), await NetworkAnswerFile.count()) == (["done", "refused", "done"], 2)


async def test_what_is_odd_in_answers_is_told_and_stops_nothing(depot, root):
    done, doubt, good, queued = await queue(K.rename, K.rename, K.swap, K.swap)
    await settle(done, RequestState.done)
    await settle(doubt, RequestState.in_doubt)
    await settle(good, RequestState.sent)
    (root / sftp_servers.FOLDER).mkdir(parents=True)
    answer(
        root,
        "r.csv",
        HEADER
        + f"99;DONE;;;\n{done};REFUSED;non;;\n{doubt};ACCEPTED;;;\n{good};MAYBE;;;\n{queued};ACCEPTED;;;\n"
        + f"{good};DONE;;0612;\n{good};DONE;;+33639980009;\n{doubt};DONE;;;hier\n{good};DONE;;;\n{doubt};DONE;;;\n",
    )
    answer(root, "s.csv", "request_id;status\n1;DONE;\n")
    answer(root, "t.csv", "\ufeffrien")
    report = await answers.read_network_answers()
    assert report.done == 1  # the request in doubt; the good one is named three times, the first counts and names another number
    assert await states() == ["done", "done", "sent", "queued"]
    told = "\n".join(report.problems)
    for said in (
        "99",
        "définitif",
        "« À vérifier »",
        "MAYBE",
        "« À envoyer »",
        "0612",
        "la réponse pour le",
        "hier",
        "s.csv",
        "t.csv",
    ):
        assert said in told, (said, told)
    assert await answers.read_network_answers() == Report()
    kept = await NetworkAnswerFile.select().where(NetworkAnswerFile.name == "r.csv").first()
    assert len(json.loads(kept["problems"])) == len([one for one in report.problems if one.startswith("r.csv")])


async def test_by_hand_nothing_leaves_and_nothing_is_read(database, monkeypatch):
    monkeypatch.setattr(SETTINGS, "network_mode", "manual")
    await queue(K.rename, K.swap)
    assert await sending.send_network_requests() == Report(0, 2)
    assert await answers.read_network_answers() == Report()
    assert await states() == ["queued", "queued"]


# Calls


@pytest.fixture
def sink(monkeypatch):
    kept = Sink()
    with Server(kept) as url:
        monkeypatch.setattr(SETTINGS, "network_mode", "webhook")
        monkeypatch.setattr(SETTINGS, "network_webhook_url", url)
        monkeypatch.setattr(SETTINGS, "network_webhook_secret", SECRET)
        yield kept


async def test_each_request_is_one_signed_call_that_says_what_the_format_says(database, sink):
    ids = await queue(K.swap, K.rename, new_iccid="8933010000000000010", user_name="Zoé")
    assert await sending.send_network_requests() == Report(2)
    assert sink.ids == ids and await states() == ["sent", "sent"]
    headers, body = sink.calls[0]
    assert json.loads(body) == {
        "request_id": ids[0], "kind": "SWAP", "msisdn": MSISDN, "iccid": "", "new_iccid": "8933010000000000010", "rio": "",
        "porting_date": "", "user_name": "ZOE", "options": "", "requested_at": "2026-11-24T12:00:00+00:00",
    }  # fmt: skip
    signed = hmac.digest(SECRET.encode(), headers["Ligne-Claire-Timestamp"].encode() + b"." + body, "sha256").hex()
    assert headers["Ligne-Claire-Signature"] == f"sha256={signed}"
    assert abs(int(headers["Ligne-Claire-Timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert headers["Idempotency-Key"] == str(ids[0])
    assert await sending.send_network_requests() == Report()


async def test_a_yes_may_bring_the_answer_at_once(database, sink):
    new, bad, taken, odd = await queue(K.activate, K.rename, K.swap, K.unbar, msisdn="")
    sink.script = {
        new: (200, json.dumps({"status": "DONE", "msisdn": "0639980003", "effective_at": "2026-11-23"})),
        bad: (201, json.dumps({"status": "REFUSED", "reason": "Ligne inconnue"})),
        taken: (202, json.dumps({"status": "ACCEPTED"})),
        odd: (200, "x" * 100_000),
    }
    assert await sending.send_network_requests() == Report(4)
    assert await states() == ["done", "refused", "accepted", "sent"]
    assert (await settling.get(new))["effective_on"] == date(2026, 11, 23)


async def test_an_answer_that_cannot_be_understood_is_a_problem_and_the_request_is_sent(database, sink):
    (id_,) = await queue(K.activate, msisdn="")
    sink.script = {0: (200, json.dumps({"status": "DONE", "msisdn": "12"}))}
    report = await sending.send_network_requests()
    assert (report.done, await states()) == (0, ["sent"]) and f"Demande {id_}" in report.problems[0]


@pytest.mark.parametrize("status", [302, 401, 429, 500, 503])
async def test_a_refusal_of_the_door_is_tried_again_later_and_later(database, sink, status, monkeypatch):
    await queue(K.rename)
    sink.script = {0: status}
    waits, now = [], NOW
    for _ in range(4):
        monkeypatch.setattr(SETTINGS, "clock", now)
        report = await sending.send_network_requests()
        assert f"réponse {status}" in report.problems[0]
        assert await sending.send_network_requests() == Report()
        following = (await settling.get(1))["next_at"]
        waits.append((following - now) // timedelta(minutes=1))
        now = following
    assert waits == [1, 5, 15, 60]
    assert (len(sink.calls), await states()) == (4, ["queued"])
    sink.script = {}
    monkeypatch.setattr(SETTINGS, "clock", now)
    assert await sending.send_network_requests() == Report(1)
    assert await states() == ["sent"]


@pytest.mark.parametrize("silence", ["drop", "mute", 502, 504])
async def test_silence_is_doubt_and_nothing_is_called_twice(database, sink, silence, monkeypatch):
    monkeypatch.setattr(webhook, "IDLE_S", 0.3)
    first, second = await queue(K.rename, K.swap)
    sink.script = {first: silence}
    report = await sending.send_network_requests()
    assert (report.done, await states()) == (1, ["in_doubt", "sent"])
    assert await sending.send_network_requests() == Report() and sink.ids == [first, second]
    sink.script = {}
    await settling.send_again(first, actor="Camille", now=NOW)
    assert await sending.send_network_requests() == Report(1) and sink.ids == [first, second, first]


async def test_a_server_that_is_away_ends_the_passage_and_nothing_is_lost(database, sink, monkeypatch):
    await queue(K.rename, K.swap)
    monkeypatch.setattr(SETTINGS, "network_webhook_url", "http://127.0.0.1:1/demandes")
    report = await sending.send_network_requests()
    assert (report.done, report.skipped, await states()) == (0, 2, ["queued"] * 2) and "Rien n'est parti" in report.problems[0]


async def test_a_certificate_that_is_not_sure_stops_everything(database, monkeypatch, tmp_path):
    authority_file, context = authority(tmp_path, "127.0.0.1")
    heard = []

    async def hear(reader, writer):
        heard.append(await reader.readuntil(b"}"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0, ssl=context)
    monkeypatch.setattr(SETTINGS, "network_webhook_url", f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    with pytest.raises(webhook.NetworkAway, match="certificat"):
        await webhook.call(1, {}, NOW)
    assert heard == []
    monkeypatch.setenv("SSL_CERT_FILE", str(authority_file))
    assert await webhook.call(1, {}, NOW) == webhook.Said()
    assert len(heard) == 1
    server.close()


async def _race(monkeypatch) -> None:
    """Two passages that have both read the list before either claims, and both claimed its first before a call is made."""
    await queue(K.rename, K.swap, K.unbar)
    barrier, claim, met = asyncio.Barrier(2), sending._claim, set()

    async def together(which, more):
        first = asyncio.current_task() not in met
        met.add(asyncio.current_task())
        if first:
            await barrier.wait()
        ours = await claim(which, more)
        if first:
            await barrier.wait()
        return ours

    monkeypatch.setattr(sending, "_claim", together)
    await asyncio.gather(*(asyncio.create_task(sending.send_network_requests()) for _ in range(2)))


async def test_two_passages_at_once_make_each_call_once(database, sink, monkeypatch):
    await _race(monkeypatch)
    assert sorted(sink.ids) == [1, 2, 3]


async def test_control_without_the_guard_of_the_claim_a_call_is_made_twice(database, sink, monkeypatch):
    monkeypatch.setattr(sending, "free", lambda: (NetworkRequest.state == RequestState.queued, NetworkRequest.id > 0))
    await _race(monkeypatch)
    assert len(sink.ids) > len(set(sink.ids))
