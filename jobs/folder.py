"""A folder of the published files, taken in whole: the six reference files, then the CDR files (formats.md)."""

import csv
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

from jobs import reseller
from jobs.cdrs import CdrReport, load_files
from jobs.imports import import_file
from rules.errors import RuleError
from rules.paris import Month

REFERENCE = ("offers", "rates", "roaming_zones", "sims", "customers", "lines")
CDRS = "BilledCDRs/MOBILE"


class BadFolder(RuleError):
    """A folder of which a file cannot be taken in."""


async def import_reference(folder: Path, month: Month, now: datetime, actor: str) -> dict[str, int]:
    """The six reference files, the month being the first to bill: rows per file. Raises BadFolder, FormError.

    The rate table takes the code that the lines name, and is valid from the day of the oldest offer.
    """
    await reseller.save({"first_month": str(month)}, actor)
    code, since = _column(folder / "lines.csv", "rate_table")[0], min(_column(folder / "offers.csv", "valid_from"))
    counts = {}
    for kind in REFERENCE:
        name = f"{kind}.csv"
        data = (folder / name).read_bytes()
        report = await import_file(
            kind, data, name, mode="all", actor=actor, now=now, code=code, valid_from=date.fromisoformat(since)
        )
        if report.errors:
            first = report.errors[0]
            raise BadFolder(f"{name}, ligne {first.line} : {first.message}")
        counts[kind] = report.rows
    return counts


async def load_cdrs(folder: Path, now: datetime, names: Iterable[str] = ()) -> list[CdrReport]:
    """The CDR files of those names, or all of the folder, in the order of their names."""
    wanted = sorted(names or (path.name for path in (folder / CDRS).iterdir()))
    return await load_files([(folder / CDRS / name, name) for name in wanted], now=now)


def _column(path: Path, name: str) -> list[str]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        return [row[name] for row in csv.DictReader(file, delimiter=";")]
