"""A business and a consumer, each with a line, two cards in stock, and offers to change to; everybody is fictitious."""

from datetime import UTC, date, datetime

from import_samples import FILES, change

from jobs.imports import import_file
from tables.fleet import Line

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY = date(2026, 11, 24)
PLAIN, ESIM, THIRD, FOURTH = (f"89330999990000000{end}" for end in ("17", "25", "33", "41"))
BUSINESS, CONSUMER = "01", "02"
OFFERS = """OFFER;PLUS;Plus 2 h;9,99;5;20;VOICE:120:FR_FIXED;;yes;2026-09-01
OPTION;OPT-DATA;Internet;3;1;20;;;no;2026-09-01
"""


async def fleet() -> dict[str, int]:
    """Last digits of the number → key: 01 of the business, bound until February 2027; 02 of the consumer, free."""
    texts = FILES | {"offers": FILES["offers"] + OFFERS, "lines": change("lines", ("2026-11-30", ""))}
    for kind, text in texts.items():
        options = {"code": "STD", "valid_from": date(2026, 9, 1)} if kind == "rates" else {}
        assert not (await import_file(kind, text.encode(), "f.csv", mode="all", now=NOW, **options)).errors
    return {row["msisdn"][-2:]: row["id"] for row in await Line.select()}
