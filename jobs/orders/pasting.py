"""Many lines added to a draft at once, from a table that is pasted or sent: what is wrong is named row by row."""

from dataclasses import dataclass
from datetime import datetime

from jobs.orders import drafts
from jobs.orders.case import Row, load, stock
from rules import order_rows
from rules.errors import RuleError
from rules.files.form import Error, FormError
from rules.files.rows import Intake
from rules.order_reading import read_all
from rules.order_shape import shaped
from rules.paris import paris_date


@dataclass(frozen=True)
class Pasted:
    """`added`: lines in the order; `errors`: the rows that were not, `rows` in all."""

    rows: int
    added: int
    errors: tuple[Error, ...] = ()


async def paste(
    order_id: int, data: bytes, name: str, *, version: int, actor: str, now: datetime, only_good: bool = False
) -> Pasted:
    """Add the rows of a table to a draft: all or none, or `only_good`. Raises ChangedMeanwhile, SimReserved, TooManyItems."""
    try:
        intake = Intake(order_rows.ROWS, data, name)
    except FormError as problem:
        return Pasted(0, 0, problem.errors)
    drafts.check_count(intake.total)
    case = await load(order_id, now)
    known = [item["asked"] for item in case.items]
    wanted: list[tuple[int, Row]] = []
    errors = list(intake.errors)
    for row in intake.rows:
        try:
            wanted.append((row.line, shaped(order_rows.item(row.values), f"items[{len(wanted)}]")))
        except RuleError as problem:
            errors.append(intake.error(row.line, "user_name", None, problem))
    asked = [one for _, one in wanted]
    shelf = await stock(case.customer, [*known, *asked], paris_date(now), order_id)
    readings = read_all([*known, *asked], shelf)[len(known) :]
    good = []
    for (line, one), reading in zip(wanted, readings, strict=True):
        errors += [
            Error(name, line, None, order_rows.column(fault.field), None, fault.code, fault.message) for fault in reading.faults
        ]
        good += [] if reading.faults else [one]
    if errors and not only_good:
        good = []
    if good:
        await drafts.save(order_id, [*known, *good], actor=actor, now=now, version=version)
    return Pasted(intake.total, len(good), tuple(sorted(errors, key=lambda error: error.line)))
