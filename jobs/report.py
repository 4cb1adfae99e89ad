"""What verbs answer: a job its counts, an import what became of its rows."""

from dataclasses import dataclass

from rules.errors import RuleError
from rules.files.form import Error


@dataclass(frozen=True)
class Report:
    """What a job did and left; `problems`: French sentences for the operator."""

    done: int = 0
    skipped: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportReport:
    """`batch_id` is None when nothing was written; rows read, and what became of them.

    `plan_sha256`: two imports of one fingerprint write the same.
    """

    batch_id: int | None
    file_sha256: str
    rows: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    duplicate_file: bool = False
    errors: tuple[Error, ...] = ()
    plan_sha256: str = ""


class PlanChanged(RuleError):
    """What an import would write now is not what was shown; `report` tells what it would write."""

    status = 409

    def __init__(self, report: ImportReport) -> None:
        super().__init__("Les données ont changé depuis l'aperçu. Rien n'a été importé : regardez le nouvel aperçu.")
        self.report = report
