"""Who did what, when, from what to what. Written in the act's own transaction; never changed."""

from piccolo.columns import JSON, BigInt, Serial, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table


class TimelineEntry(Table, help_text="Journal d'audit"):
    id: Serial
    at = Timestamptz(default=TimestamptzNow(), help_text="Quand")
    actor = Varchar(length=100, help_text="Qui")
    subject = Varchar(length=32, help_text="Sur quoi")
    subject_id = BigInt(help_text="Lequel")
    event = Varchar(length=60, help_text="Quoi")
    before = JSON(default="{}", help_text="Avant")
    after = JSON(default="{}", help_text="Après")
