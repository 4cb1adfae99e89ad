"""Files that arrive by themselves, from a real SFTP server; every fault that a line or a supplier can make."""

import asyncio
import random
import time

import asyncssh
import cdr_fleet
import pytest
import sftp_servers
from cdr_samples import csv, row
from sftp_servers import KEYS, RSA, Names, Relay, point_to, public, put, serving

from gateways import sftp
from gateways.settings import SETTINGS
from jobs import arrivals
from jobs.report import Report
from tables.usage import Arrival, CdrFile, CdrPart

pytestmark = pytest.mark.usefixtures("fleet")


@pytest.fixture
async def fleet(database, monkeypatch):
    monkeypatch.setattr(SETTINGS, "clock", cdr_fleet.NOW)
    await cdr_fleet.make()


@pytest.fixture
def root(tmp_path_factory):
    """The supplier's disk."""
    root = tmp_path_factory.mktemp("supplier")
    (root / sftp_servers.FOLDER).mkdir(parents=True)
    return root


@pytest.fixture
async def server(root, monkeypatch):
    async with serving(root) as port:
        point_to(monkeypatch, port, KEYS[0])
        yield port


async def states() -> dict[str, str]:
    return {one["name"]: one["state"] for one in await Arrival.select(Arrival.name, Arrival.state).order_by(Arrival.id)}


def spool() -> list[str]:
    return sorted(path.name for path in (SETTINGS.data_dir / "spool").glob("*"))


async def test_a_file_is_fetched_the_second_time_it_is_seen_unchanged_and_loaded_once(server, root):
    put(root, "CDR_1.csv", csv(row(cdr_id="1"), row(cdr_id="2")))
    assert await arrivals.fetch() == Report(0, 1)
    assert (await states(), spool()) == ({"CDR_1.csv": "waiting"}, [])
    assert await arrivals.fetch() == Report(1, 0)
    assert (await states(), len(spool())) == ({"CDR_1.csv": "fetched"}, 1)
    assert await arrivals.fetch() == Report(0, 1)
    assert await arrivals.load() == Report(1, 0)
    assert (await states(), spool()) == ({"CDR_1.csv": "loaded"}, [])
    file = await CdrFile.select().first()
    assert (file["loaded"], (SETTINGS.data_dir / "received" / file["received_sha256"]).read_bytes()) == (
        2,
        csv(row(cdr_id="1"), row(cdr_id="2")),
    )
    assert (await arrivals.fetch(), await arrivals.load()) == (Report(0, 1), Report())


async def test_a_file_that_grows_waits_and_one_that_bears_the_name_of_a_half_file_too(server, root):
    for lines in range(1, 4):
        put(root, "CDR_1.csv", csv(*(row(cdr_id=str(n)) for n in range(lines))), at_s=1_790_000_000 + lines)
        put(root, "CDR_2.csv.part", csv(row()))
        assert await arrivals.fetch() == Report(0, 2)
    put(root, "CDR_1.csv", csv(*(row(cdr_id=str(n)) for n in range(3))), at_s=1_790_000_009)  # same size, other date
    assert await arrivals.fetch() == Report(0, 2)
    (root / sftp_servers.FOLDER / "CDR_2.csv.part").rename(root / sftp_servers.FOLDER / "CDR_2.csv")
    assert await arrivals.fetch() == Report(1, 1)
    assert await states() == {"CDR_1.csv": "fetched", "CDR_2.csv": "waiting"}


async def test_a_slow_writer_is_never_fetched_before_its_last_byte(server, root):
    data = csv(*(row(cdr_id=str(n)) for n in range(40)))
    path = put(root, "CDR_1.csv", b"")
    written = 0

    async def write() -> None:
        nonlocal written
        while written < len(data):
            with open(path, "ab") as file:
                file.write(data[written : written + 300])
            written = min(len(data), written + 300)
            await asyncio.sleep(0.001)

    for _ in range(200):
        step = asyncio.create_task(write()) if written < len(data) else None
        report = await arrivals.fetch()
        if report.done:
            break
        if step:
            await asyncio.sleep(0)
    assert report.done == 1
    assert arrivals.spooled((await Arrival.select().first())["id"]).read_bytes() == data


async def test_a_file_that_changes_while_it_is_read_is_left(server, root, monkeypatch):
    path = put(root, "CDR_1.csv", csv(row()))
    await arrivals.fetch()
    real = sftp.Depot._download

    async def grow(depot, remote, part):
        path.write_bytes(csv(row(), row(cdr_id="9")))
        return await real(depot, remote, part)

    with monkeypatch.context() as changed:
        changed.setattr(sftp.Depot, "_download", grow)
        report = await arrivals.fetch()
    assert report.done == 0 and "a changé pendant sa lecture" in report.problems[0]
    assert [(await arrivals.fetch()).done for _ in range(2)] == [0, 1]


async def test_a_file_that_the_supplier_replaces_comes_again_and_its_calls_do_not(server, root):
    put(root, "CDR_1.csv", csv(row(cdr_id="1")))
    for _ in range(2):
        await arrivals.fetch()
    await arrivals.load()
    put(root, "CDR_1.csv", csv(row(cdr_id="1"), row(cdr_id="2")))
    assert [(await arrivals.fetch()).done for _ in range(2)] == [0, 1]
    assert (await arrivals.load()).done == 1
    assert sorted([one["loaded"] for one in await CdrFile.select(CdrFile.loaded)]) == [1, 1]


async def test_a_content_already_loaded_under_another_name_is_passed_over(server, root):
    for name in ("a.csv", "b.csv"):
        put(root, name, csv(row(cdr_id="1")))
    for _ in range(2):
        await arrivals.fetch()
    assert await arrivals.load() == Report(1, 1)
    assert [one["reason"] for one in await Arrival.select(Arrival.reason).order_by(Arrival.name)] == ["", "Contenu déjà chargé."]


async def test_one_file_of_bad_form_is_a_problem_and_stops_no_other(server, root):
    for name, data in (
        ("B.csv", csv(row(cdr_id="1"))),
        ("a.csv", csv(row(cdr_id="2"))),
        ("A.csv", b"\n"),
        ("É.csv", csv(row(cdr_id="3"))),
    ):
        put(root, name, data)
    for _ in range(2):
        await arrivals.fetch()
    report = await arrivals.load()
    assert (report.done, report.problems) == (
        3,
        ("A.csv, ligne 1 : Le fichier est vide. Il faut une ligne d'en-tête, puis une ligne par objet.",),
    )
    assert [one["name"] for one in await CdrFile.select(CdrFile.name).order_by(CdrFile.id)] == ["B.csv", "a.csv", "É.csv"]
    assert (await states())["A.csv"] == "refused"
    (refused,) = await Arrival.select(Arrival.id).where(Arrival.state == "refused")
    await arrivals.retry(refused["id"])
    assert len((await arrivals.load()).problems) == 1
    with pytest.raises(arrivals.NothingToRetry):
        await arrivals.retry(9999)


@pytest.mark.parametrize("pinned", [(), (KEYS[1],), (RSA,), (KEYS[1], RSA)])
async def test_an_unknown_or_changed_host_key_is_refused_with_both_fingerprints_and_nothing_is_read(root, monkeypatch, pinned):
    asked = []

    class Watched(asyncssh.SFTPServer):
        def __init__(self, *args, **kwargs):
            asked.append("a session")
            super().__init__(*args, **kwargs)

    put(root, "CDR_1.csv", csv(row()))
    async with serving(root, kind=Watched) as port:
        point_to(monkeypatch, port, *pinned)
        for _ in range(2):
            report = await arrivals.fetch()
            (problem,) = report.problems
            assert KEYS[0].get_fingerprint() in problem
            assert all(key.get_fingerprint() in problem for key in pinned) and (pinned or "aucune" in problem)
        assert (report.done, asked, await states(), spool()) == (0, [], {}, [])
        point_to(monkeypatch, port, *pinned, KEYS[0])  # two keys pinned while the supplier changes his
        assert (await arrivals.fetch()).problems == ()
        assert asked


async def test_a_wrong_password_is_told_without_it(server, root, monkeypatch):
    monkeypatch.setattr(SETTINGS, "sftp_url", SETTINGS.sftp_url.replace("mot", "secret"))
    (problem,) = (await arrivals.fetch()).problems
    assert problem == "Le dépôt 127.0.0.1 refuse notre identité. Vérifiez SFTP_URL et SFTP_KEY_FILE."


async def test_a_server_without_the_folder_or_without_anybody_is_a_problem(server, root, monkeypatch):
    (root / sftp_servers.FOLDER).rmdir()
    assert "n'existe pas" in (await arrivals.fetch()).problems[0]
    point_to(monkeypatch, 1, KEYS[0])
    assert "ne répond pas à cette adresse" in (await arrivals.fetch()).problems[0]
    monkeypatch.setattr(SETTINGS, "sftp_url", "")
    assert await arrivals.fetch() == Report(problems=(arrivals.NO_DEPOT,))
    monkeypatch.setattr(SETTINGS, "sftp_url", "sftp://x@127.0.0.1:1/")
    monkeypatch.setattr(SETTINGS, "sftp_host_keys", ("nonsense",))
    assert "SFTP_HOST_KEY ne se lit pas" in (await arrivals.fetch()).problems[0]


async def test_cut_at_a_hundred_random_bytes_a_file_is_there_whole_or_not_at_all(server, root, monkeypatch):
    """Seed 7; the answer of one passage is some 60 kB, so the cuts fall in the handshake, the listing and the file."""
    data = csv(*(row(cdr_id=str(n)) for n in range(600)))
    put(root, "CDR_1.csv", data)
    await arrivals.fetch()
    relay = Relay(server)
    async with relay as port:
        point_to(monkeypatch, port, KEYS[0])
        await arrivals.fetch()
        whole = relay.passed
        arrival = (await Arrival.select().first())["id"]
        assert arrivals.spooled(arrival).read_bytes() == data
        chance, broken, in_the_file = random.Random(7), 0, 0
        for _ in range(100):
            arrivals.spooled(arrival).unlink(missing_ok=True)
            await Arrival.update({Arrival.state: "waiting"}).where(Arrival.id == arrival)
            relay.cut_after = chance.randrange(whole)
            report = await arrivals.fetch()
            parts = [name for name in spool() if name.endswith(".part")]
            in_the_file += bool(parts)
            if report.problems:
                broken += 1
                assert [name for name in spool() if not name.endswith(".part")] == []
                assert await states() == {"CDR_1.csv": "waiting"}
                assert await arrivals.load() == Report()
            else:
                assert arrivals.spooled(arrival).read_bytes() == data  # cut in the farewell
        assert broken >= 95 and in_the_file >= 50, (broken, in_the_file)
        relay.cut_after = 1 << 60
        await Arrival.update({Arrival.state: "waiting"}).where(Arrival.id == arrival)
        assert (await arrivals.fetch()).done == 1
    assert arrivals.spooled(arrival).read_bytes() == data
    assert (await arrivals.load(), await CdrPart.select(CdrPart.rows)) == (Report(1), [{"rows": 600}])


HOSTILE = (
    b"../x.csv", b"/etc/cron.d/x", b"a\0b.csv", b"a\nb.csv", b"n" * 4096, b"..\\x.csv", b"\xff\xfe.csv",
    "a\u202evsc.csv".encode(),
)  # fmt: skip


async def test_hostile_names_are_recorded_refused_and_neither_opened_nor_written(root, monkeypatch):
    monkeypatch.setattr(Names, "names", HOSTILE)
    monkeypatch.setattr(Names, "opened", [])
    before = {path for path in SETTINGS.data_dir.rglob("*") if "sqlite" not in path.name}
    async with serving(root, kind=Names) as port:
        point_to(monkeypatch, port, KEYS[0])
        reports = [await arrivals.fetch() for _ in range(3)]
    assert [len(report.problems) for report in reports] == [len(HOSTILE), 0, 0]
    rows = await Arrival.select()
    assert len(rows) == len(HOSTILE)
    assert {one["state"] for one in rows} == {"refused"}
    assert all(one["name"].isprintable() and len(one["name"]) <= 200 and one["reason"] for one in rows)
    assert Names.opened == []
    assert {path for path in SETTINGS.data_dir.rglob("*") if "sqlite" not in path.name} <= before


async def test_links_folders_and_files_too_large_are_left_at_the_suppliers(server, root, monkeypatch):
    monkeypatch.setattr(sftp, "SIZE_LIMIT", 1000)
    folder = root / sftp_servers.FOLDER
    (root / "secret.csv").write_bytes(csv(row()))
    (folder / "link.csv").symlink_to("../../secret.csv")
    (folder / "archive").mkdir()
    put(root, "large.csv", b"x" * 1001)
    report = await arrivals.fetch()
    assert sorted(report.problems) == [
        "« large.csv » est laissé au dépôt. Plus de 0 Mo. Demandez au fournisseur de le découper.",
        "« link.csv » est laissé au dépôt. C'est un lien ou un fichier spécial."
        " Demandez au fournisseur de déposer le fichier lui-même.",
    ]
    assert (await states(), spool()) == ({"large.csv": "refused", "link.csv": "refused"}, [])


async def test_a_server_that_sends_more_than_it_said_is_stopped(root, monkeypatch):
    class Endless(asyncssh.SFTPServer):
        def read(self, file_obj, offset, size):
            return b"x" * size

    put(root, "CDR_1.csv", csv(row()))
    async with serving(root, kind=Endless) as port:
        point_to(monkeypatch, port, KEYS[0])
        await arrivals.fetch()
        report = await asyncio.wait_for(arrivals.fetch(), 20)
    assert report.done == 0 and len(report.problems) == 1
    assert sum(path.stat().st_size for path in (SETTINGS.data_dir / "spool").iterdir()) < 2 * sftp.CHUNK


@pytest.mark.parametrize("deaf_after", ["never greets", "the listing"])
async def test_a_server_that_hangs_ends_the_job_in_time_and_the_next_one_works(server, root, monkeypatch, deaf_after):
    monkeypatch.setattr(sftp, "CONNECT_S", 1.0)
    monkeypatch.setattr(sftp, "IDLE_S", 0.5)
    put(root, "CDR_1.csv", csv(row()))
    await arrivals.fetch()
    relay = Relay(server)
    async with relay as port:
        point_to(monkeypatch, port, KEYS[0])
        with monkeypatch.context() as changed:
            if deaf_after == "never greets":
                relay.deaf = True
            else:
                real = sftp.Depot.list

                async def then_deaf(depot):
                    listed = await real(depot)
                    relay.deaf = True
                    return listed

                changed.setattr(sftp.Depot, "list", then_deaf)
            begun = time.monotonic()
            report = await arrivals.fetch()
            assert time.monotonic() - begun < 5
            assert report == Report(
                problems=("Le dépôt 127.0.0.1 ne répond plus. Rien n'est perdu : la prochaine recherche reprendra.",)
            )
        relay.deaf = False
        assert (await arrivals.fetch()).done == 1


async def test_the_real_bounds_keep_a_hanging_job_under_two_minutes():
    assert sftp.CONNECT_S + sftp.IDLE_S < 120
    assert public(KEYS[0]).startswith("ssh-ed25519 ")


async def test_what_is_given_by_hand_is_loaded_after_the_suppliers_in_order_of_arrival(server, root, tmp_path):
    put(root, "Z.csv", csv(row(cdr_id="1")))
    for _ in range(2):
        await arrivals.fetch()
    for name in ("z.csv", "a.csv\n"):
        given = tmp_path / "given"
        given.write_bytes(csv(row(cdr_id=name.strip())))
        with open(given, "rb") as file:
            await arrivals.receive(file, name)
    assert (await arrivals.load()).done == 3
    assert [one["name"] for one in await CdrFile.select(CdrFile.name).order_by(CdrFile.id)] == ["Z.csv", "z.csv", "a.csv"]


async def test_what_a_dead_process_left_in_the_spool_is_swept(server, root):
    put(root, "CDR_1.csv", csv(row(cdr_id="1")))
    for _ in range(2):
        await arrivals.fetch()
    path = arrivals.spooled((await Arrival.select().first())["id"])
    data = path.read_bytes()
    await arrivals.load()
    path.write_bytes(data)
    path.with_name("77.part").write_bytes(b"half")
    await arrivals.load()
    await arrivals.fetch()
    assert spool() == []


async def test_a_file_lost_from_the_spool_is_said_to_be_lost(server, root):
    put(root, "CDR_1.csv", csv(row(cdr_id="1")))
    for _ in range(2):
        await arrivals.fetch()
    arrivals.spooled((await Arrival.select().first())["id"]).unlink()
    assert (await arrivals.load()).problems == (f"CDR_1.csv : {arrivals.LOST}",)
