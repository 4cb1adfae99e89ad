"""Who did what, when, from what to what. Written in the act's own transaction; never changed."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from piccolo.columns import JSON, BigInt, Serial, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from tables.engine import insert_many


class TimelineEntry(Table, help_text="Journal d'audit"):
    id: Serial
    at = Timestamptz(default=TimestamptzNow(), help_text="Quand")
    actor = Varchar(length=100, help_text="Qui")
    subject = Varchar(length=32, help_text="Sur quoi")
    subject_id = BigInt(help_text="Lequel")
    event = Varchar(length=60, help_text="Quoi")
    before = JSON(default="{}", help_text="Avant")
    after = JSON(default="{}", help_text="Après")


async def tell(
    actor: str, event: str, subject: str, subject_id: int, before: Any = None, after: Any = None, at: datetime | None = None
) -> None:
    """Write an entry in the transaction under way; `at`: now when it is not said."""
    entry = TimelineEntry(actor=actor, event=event, subject=subject, subject_id=subject_id, at=at or datetime.now(UTC))
    entry.before, entry.after = before or {}, after or {}
    await entry.save()


async def tell_many(at: datetime, actor: str, event: str, stories: Iterable[tuple[str, int, Any, Any]]) -> None:
    """Write an entry for each subject: its table, its key, before, after."""
    entry = TimelineEntry
    columns = [entry.at, entry.actor, entry.event, entry.subject, entry.subject_id, entry.before, entry.after]
    rows = ([at, actor, event, what, key, json.dumps(before), json.dumps(after)] for what, key, before, after in stories)
    await insert_many(entry, columns, rows)


async def story(subject: str, subject_id: int) -> list[dict[str, Any]]:
    """What was told of a subject, latest first."""
    entry = TimelineEntry
    found = entry.select().where(entry.subject == subject, entry.subject_id == subject_id).order_by(entry.id, ascending=False)
    return [row | {side: json.loads(row[side]) for side in ("before", "after")} for row in await found]
