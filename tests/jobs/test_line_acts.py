"""The verbs on lines, called as the doors call them, on both engines."""

from datetime import UTC, date, datetime

import pytest
from import_samples import FILES

from jobs.imports import import_file
from jobs.lines import acts
from jobs.lines.acts import Act
from rules.states import ChangeKind
from tables.changes import LineChange, NetworkRequest
from tables.fleet import Line
from tables.timeline import TimelineEntry

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY = date(2026, 11, 24)


@pytest.fixture
async def lines(database):
    """Number's last two digits → key: 01 of a business, 02 of a consumer, ended on 30 November."""
    for kind, text in FILES.items():
        options = {"code": "STD", "valid_from": date(2026, 9, 1)} if kind == "rates" else {}
        assert not (await import_file(kind, text.encode(), "f.csv", mode="all", now=NOW, **options)).errors
    return {row["msisdn"][-2:]: row["id"] for row in await Line.select()}


def act(kind, day=TODAY, reason="essai", once="", **asked):
    return Act(ChangeKind(kind), day, reason, asked, once)


async def do(asked, *ids, now=NOW):
    return await acts.do(asked, ids, actor="Camille", now=now)


async def line(key):
    return await Line.select().where(Line.id == key).first()


async def test_a_rename_is_written_asked_and_told(lines):
    (effect,) = await do(act("RENAME", user_name=" Zoé Essai "), lines["01"])
    assert (effect.before, effect.after, effect.problem) == ("Léa Essai", "Zoé Essai", "")
    assert (await line(lines["01"]))["user_name"] == "Zoé Essai"
    (request,) = await NetworkRequest.select()
    assert (request["kind"], request["change"], request["msisdn"]) == ("RENAME", effect.change, "+33639980001")
    entry = await TimelineEntry.select().where(TimelineEntry.event == "rename_done").first()
    assert entry["actor"] == "Camille"


async def test_a_restriction_now(lines):
    (effect,) = await do(act("SUSPEND", barring="BOTH"), lines["01"])
    assert (effect.before, effect.after) == ("Active", "Restreinte entrante-sortante")
    (again,) = await do(act("SUSPEND", barring="BOTH"), lines["01"])
    assert again.code == "ILLEGAL_STATE"
    assert await LineChange.count() == 1
