"""When each job ran, and what it reported."""

from piccolo.columns import JSON, Integer, Serial, Timestamptz, Varchar
from piccolo.table import Table

from rules.states import JobState


class JobRun(Table, help_text="Passages des tâches planifiées"):
    id: Serial
    job = Varchar(length=40, index=True, help_text="Tâche")
    state = Varchar(length=8, choices=JobState, default=JobState.running, help_text="État")
    started_at = Timestamptz(help_text="Début")
    ended_at = Timestamptz(null=True, default=None, help_text="Fin")
    done = Integer(help_text="Faits")
    skipped = Integer(help_text="Laissés")
    problems = JSON(default="[]", help_text="À voir")
