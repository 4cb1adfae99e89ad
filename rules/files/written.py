"""CSV files that are written: `;`, UTF-8 with BOM, and no cell that a spreadsheet would run."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import astuple, fields

from rules.files.form import Error

FIGURE = re.compile(r"-[0-9]+([.,][0-9]+)?")
RUNNABLE = ("=", "+", "-", "@", "\t", "\r")


def safe(cell: object) -> str:
    """A cell as text, behind an apostrophe when a spreadsheet would take it for a formula (OWASP ASVS 1.2.10).

    A negative figure stays a figure. `plain` takes away the one apostrophe and no other.

    >>> safe("=1+1"), safe("Solo"), safe(None), safe("-24,00"), safe("'=1+1")
    ("'=1+1", 'Solo', '', '-24,00', "''=1+1")
    """
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.lstrip("'").startswith(RUNNABLE) and not FIGURE.fullmatch(text) else text


def plain(cell: str) -> str:
    """A cell as it was before `safe`.

    >>> plain("'+33639980001"), plain("-24,00"), plain("'Solo'"), plain("''=1+1")
    ('+33639980001', '-24,00', "'Solo'", "'=1+1")
    """
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(RUNNABLE) else cell


def csv_rows(rows: Iterable[Iterable[object]]) -> str:
    """A piece of a file, for one that is written in several."""
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue()


def csv_text(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    return "\ufeff" + csv_rows([header, *rows])


def errors_csv(errors: Iterable[Error]) -> str:
    return csv_text((column.name for column in fields(Error)), map(astuple, errors))
