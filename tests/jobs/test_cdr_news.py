"""Where the CDRs stand, in a sentence; the days that are missing, in words."""

from datetime import UTC, date, datetime, timedelta

import cdr_fleet
import pytest
from cdr_samples import csv, row

from jobs import cdr_news, cdr_overview, cdrs, schedule
from rules.paris import Month
from tables.scheduling import JobRun
from tables.usage import Arrival, CdrFile

CAME = datetime(2026, 11, 22, 22, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    "days, kind, words",
    [
        (0, "good", "Derniers CDR : aujourd’hui, 23 h 40."), (1, "good", "Derniers CDR : hier, 23 h 40."),
        (2, "wait", "Aucun fichier depuis 2 jours : les derniers CDR sont du 22 novembre 2026, 23 h 40."),
        (4, "bad", "Aucun fichier depuis 4 jours : les derniers CDR sont du 22 novembre 2026, 23 h 40."),
        (-1, "good", "Derniers CDR : aujourd’hui, 23 h 40."),
    ],
)  # fmt: skip
async def test_the_age_of_the_last_cdrs_is_counted_in_days_of_paris(database, days, kind, words):
    await CdrFile(name="a", created_at=CAME).save()
    assert await cdr_news.news(CAME + timedelta(days=days)) == (words, kind)


async def test_files_that_wait_and_a_search_that_failed_are_said(database):
    await CdrFile(name="a", created_at=CAME).save()
    await Arrival(name="b", state="fetched").save()
    assert (await cdr_news.news(CAME))[0].endswith("1 fichier attend d'être chargé.")
    run = JobRun(job=schedule.FETCH, state="done", started_at=CAME, ended_at=CAME, problems='["Le dépôt ne répond plus."]')
    await run.save()
    assert (await cdr_news.news(CAME))[1] == "bad"
    assert (await cdr_news.news(CAME))[0].endswith("Le dépôt ne répond plus.")


async def test_missing_days_are_those_of_paris_without_any_loaded_cdr_and_not_those_to_come(database, tmp_path):
    await cdr_fleet.make()
    path = tmp_path / "a.csv"
    starts = ("2026-10-02T23:59:59+02:00", "2026-10-02T22:00:00Z", "2026-10-06T00:00:00+02:00")
    path.write_bytes(csv(*(row(started_at=start) for start in starts)))
    await cdrs.load_files([(path, "a.csv")], now=cdr_fleet.NOW)
    (days,) = await cdr_overview.days(Month(2026, 10), date(2026, 10, 9))
    assert (days.missing, days.missing_words) == ([1, 4, 5, 7, 8], "le 1, du 4 au 5, du 7 au 8")
    assert await cdr_overview.days(Month(2026, 9), date(2026, 10, 9)) == []
