"""What a verb answers, at every door alike."""

from dataclasses import dataclass, field


@dataclass
class Report:
    """How many things were done, how many were left as they were, and in French what went wrong."""

    done: int = 0
    skipped: int = 0
    problems: list[str] = field(default_factory=list)
