"""What verbs answer: a job its counts, an import what became of its rows."""

from dataclasses import dataclass

from rules.files.form import Error


@dataclass(frozen=True)
class Report:
    """What a job did and left; `problems`: French sentences for the operator."""

    done: int = 0
    skipped: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportReport:
    """`batch_id` is None when nothing was written; rows read, and what became of them."""

    batch_id: int | None
    file_sha256: str
    rows: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    duplicate_file: bool = False
    errors: tuple[Error, ...] = ()
