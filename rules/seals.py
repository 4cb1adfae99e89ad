"""Seals: what an issued document is, told as one text, and the hash that binds it to the one before it.

The SHA-256 of a seal is that of the seal before it (64 hexadecimal figures, none for the first of a series), a line feed and the
sealed text, in UTF-8. The text is one JSON object without blanks: `layout`, `series`, `rank`, then the row of the document with
every column, and each of its lines; or the row of a paper (a PDF or an XML), with the hash of its bytes. Dates are ISO, instants
ISO in UTC with microseconds, rates decimals without useless zeros, amounts cents. The frozen document stands there by its own
SHA-256. Sources: CGI, article 286-I-3° bis; BOI-TVA-DECLA-30-10-30.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

LAYOUT = 1
DOCUMENT = (
    "id", "run", "customer", "origin", "kind", "state", "number", "issued_on", "due_on", "excl_vat_cents", "vat_cents",
    "incl_vat_cents", "corrects", "corrects_on", "sha256", "validated_at",
)  # fmt: skip
LINE = (
    "id", "invoice", "position", "section", "line", "item", "charge", "label", "quantity", "amount_cents", "vat_rate",
    "first_day", "last_day", "usage_month", "type", "category", "part",
)  # fmt: skip
PAPER = ("id", "invoice", "kind", "name", "path", "sha256", "size_bytes", "replaced_characters", "created_at")
PAPERS = "PDF"
"""The name of the series of papers; no series of numbers is called so, for each has a counter."""

Row = Mapping[str, Any]


def document_text(series: str, rank: int, document: Row, lines: Iterable[Row]) -> str:
    """The sealed text of an issued document; `lines` in the order of their positions.

    >>> document = dict.fromkeys(DOCUMENT) | {"number": "F2026-000001", "issued_on": date(2026, 11, 2)}
    >>> document_text("F2026-{counter:06}", 1, document, [])[:84]
    '{"layout":1,"series":"F2026-{counter:06}","rank":1,"document":{"id":null,"run":null,'
    """
    told = {name: document[name] for name in DOCUMENT}
    return _text(series, rank, document=told, lines=[{name: line[name] for name in LINE} for line in lines])


def paper_text(rank: int, paper: Row) -> str:
    """The sealed text of a paper."""
    return _text(PAPERS, rank, paper={name: paper[name] for name in PAPER})


def _text(series: str, rank: int, **told: Any) -> str:
    whole = {"layout": LAYOUT, "series": series, "rank": rank, **told}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"), default=plain)


@lru_cache(4096)  # rates and days come again and again
def plain(value: Any) -> str:
    """What JSON has no word for.

    >>> plain(Decimal("20.00")), plain(date(2026, 11, 2)), plain(datetime(2026, 11, 2, 8, tzinfo=UTC))
    ('20', '2026-11-02', '2026-11-02T08:00:00.000000+00:00')
    """
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not sealed")


def seal(previous: str, text: str) -> str:
    """The hash that binds a text to the seal before it.

    >>> seal("", "a") == hashlib.sha256(b"\\na").hexdigest()
    True
    """
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()
