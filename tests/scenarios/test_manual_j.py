"""Chapter J of the manual: the CDRs of a month."""

import json
from datetime import datetime
from pathlib import Path

import month_samples
import pytest
from sftp_servers import KEYS, point_to, put, serving
from visitor import CRON_TOKEN, Visitor

from gateways.settings import SETTINGS
from jobs import cdr_news, cdr_overview, cdr_replay, folder
from jobs.billing import runs, telling
from jobs.imports import import_file
from jobs.month import found_of
from rules.paris import Month, paris_date
from tables.scheduling import JobRun
from tables.usage import CdrFile, CdrReject

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "demo"
OCTOBER = Month(2026, 10)


@pytest.fixture
async def clock(database, monkeypatch):
    """The scheduler, and nobody else."""
    monkeypatch.setattr(SETTINGS, "cron_tokens", (CRON_TOKEN,))
    moment = datetime.fromisoformat("2026-11-03T09:00:00+01:00")
    monkeypatch.setattr(SETTINGS, "clock", moment)
    async with Visitor(headers={"authorization": f"Bearer {CRON_TOKEN}"}, timeout=120) as client:
        yield client


async def bill(month: Month) -> int:
    run, _ = await runs.start(month, "essai", month_samples.work)
    await month_samples.waive_all(run["id"])
    await runs.begin(run["id"], "validate", "essai", month_samples.work)
    return run["id"]


async def test_j1_a_month_arrives_by_sftp_and_is_loaded_with_nobody_touching_it(clock, tmp_path_factory, monkeypatch):
    root = tmp_path_factory.mktemp("supplier")
    await folder.import_reference(DEMO, OCTOBER, SETTINGS.now(), "essai")
    names = sorted(path.name for path in (DEMO / folder.CDRS).iterdir())
    async with serving(root) as port:
        point_to(monkeypatch, port, KEYS[0])
        done = []
        for name in names:  # each passage of the clock finds one more file, and the one before complete
            put(root, name, (DEMO / folder.CDRS / name).read_bytes())
            done.append([(await clock.post(f"/jobs/{job}")).json()["done"] for job in ("fetch-cdrs", "load-cdrs")])
        done.append([(await clock.post(f"/jobs/{job}")).json()["done"] for job in ("fetch-cdrs", "load-cdrs")])
    assert done == [[0, 0], *[[1, 1]] * len(names)]
    assert [row["name"] for row in await CdrFile.select(CdrFile.name).order_by(CdrFile.id)] == names
    assert {row["state"] for row in await JobRun.select(JobRun.state)} == {"done"}
    assert (await cdr_news.news(SETTINGS.now()))[1] == "good"
    (days,) = await cdr_overview.days(OCTOBER, paris_date(SETTINGS.now()))
    assert days.missing == []
    expected = json.loads((DEMO / "expected.json").read_text(encoding="utf-8"))
    assert await found_of(await bill(OCTOBER)) == expected


async def test_j1_calls_replayed_after_their_month_was_invoiced_are_regularised_the_month_after(clock):
    """The line of some calls is imported once October is billed: the replay brings them in, November bills them, once."""
    await folder.import_reference(DEMO, OCTOBER, SETTINGS.now(), "essai")
    await folder.load_cdrs(DEMO, SETTINGS.now())
    held = (
        await CdrReject.select(CdrReject.file, CdrReject.raw_text).where(CdrReject.cause == "UNKNOWN_LINE").order_by(CdrReject.id)
    )
    assert held
    unknown = held[0]["raw_text"].split(";")[3]
    await bill(OCTOBER)
    fleet = (DEMO / "lines.csv").read_text(encoding="utf-8-sig")
    card = next(row.split(";")[0] for row in (DEMO / "sims.csv").read_text().splitlines()[1:] if row.split(";")[0] not in fleet)
    header, first = fleet.splitlines()[:2]
    cells = dict(zip(header.split(";"), first.split(";"), strict=True)) | {
        "msisdn": unknown, "iccid": card, "activated_on": "2026-09-01", "options": "", "terminated_on": "",
        "commitment_start": "", "commitment_months": "0", "discount_percent": "0", "billed_until": "2026-10-31",
    }  # fmt: skip
    data = f"{header}\n{';'.join(cells.values())}\n".encode()
    report = await import_file("lines", data, "lines.csv", mode="all", actor="essai", now=SETTINGS.now())
    assert not report.errors, report.errors
    before = await telling.dry_run(OCTOBER.next)
    created = 0
    for file in sorted({row["file"] for row in held}):
        created += (await cdr_replay.replay(file, None, "", "essai", SETTINGS.now())).created
    assert created > 0
    november = await telling.describe(await bill(OCTOBER.next))
    assert november["totals"]["late"] == before["totals"]["late"] + created
    december = await telling.describe(await bill(OCTOBER.next.next))
    assert (december["totals"]["late"], december["totals"]["regularised_cents"]) == (0, 0)
