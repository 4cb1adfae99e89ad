"""A layout tried on a sample: what it would read, row by row, and nothing written."""

import asyncio
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from gateways import cdr_store
from gateways.settings import SETTINGS
from jobs import cdrs
from rules.files.form import Error, FormError
from rules.layouts.description import parse
from rules.layouts.figures import euros
from rules.states import RejectCause

SHOWN = 20


@dataclass(frozen=True)
class Trial:
    """`read`: the first rows beside their text; `errors`: what refuses the whole file; `rejects`: the first, with their cause."""

    rows: int = 0
    loaded: int = 0
    rejects_by_cause: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    ambiguous: int = 0
    warnings: tuple[str, ...] = ()
    read: tuple[dict[str, Any], ...] = ()
    rejects: tuple[Error, ...] = ()
    errors: tuple[Error, ...] = ()


async def try_on(description: Any, data: bytes, name: str, now: datetime) -> Trial:
    """Read a sample through a description. Raises LayoutRefused."""
    layout = parse(description)
    context = await cdrs.judging_context(now, layout)
    with tempfile.TemporaryDirectory(dir=SETTINGS.data_dir) as folder:
        path = Path(folder) / "sample"
        path.write_bytes(data)
        try:
            return await asyncio.to_thread(_tried, path, name, context, layout)
        except FormError as refusal:
            return Trial(errors=refusal.errors)


def _tried(path: Path, name: str, context: cdr_store.Context, layout: Any) -> Trial:
    judged = cdr_store.judge(path, name, context, layout)
    first = judged.first(SHOWN)
    load = judged.settle(path.parent, {}, preview=True)
    causes = {reject.line_number: reject.cause for reject in load.rejects}
    for row in first:
        cost, row["cause"] = row.pop("cost_micro"), causes.get(row["line_number"])
        row["wholesale_cost"] = None if cost is None else euros(Fraction(cost, 1_000_000))
    errors = tuple(
        Error(name, one.line_number, None, None, one.raw[:500], one.cause, RejectCause(one.cause).label)
        for one in load.rejects[:SHOWN]
    )
    tally = judged.tally
    return Trial(
        load.rows, load.loaded, load.rejects_by_cause, dict(tally.skipped), tally.ambiguous, tally.warnings, tuple(first), errors
    )
