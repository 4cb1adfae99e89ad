"""`python -m bench.stages STAGE FOLDER MONTH`: one stage of the month in this process; its last line tells the figures as JSON."""

import asyncio
import csv
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench import floor as typed
from bench import orm_racer, weasyprint_racer
from gateways import paper as papers
from gateways import rating
from gateways.files import publish_bytes
from gateways.settings import SETTINGS
from jobs import reseller
from jobs.billing import runs
from jobs.billing.paper import THREADS
from jobs.cdrs import load_files
from jobs.imports import import_file
from rules.paris import Month
from tables.engine import engine, on_sqlite
from tables.invoices import Invoice, InvoiceLine
from tables.parties import Reseller

Figures = dict[str, Any]
KINDS = ("offers", "rates", "roaming_zones", "sims", "customers", "lines")
ACTOR = "bench"
PAPERS, RACER_PAPERS, MOST_LINES = 600, 40, 8


async def reference(folder: Path, month: Month) -> Figures:
    """The six reference files, imported one after the other."""
    await reseller.save({"first_month": str(month)}, ACTOR)
    with (
        open(folder / "lines.csv", encoding="utf-8-sig", newline="") as lines,
        open(folder / "offers.csv", encoding="utf-8-sig") as offers,
    ):
        code = next(csv.DictReader(lines, delimiter=";"))["rate_table"]
        since = min(row["valid_from"] for row in csv.DictReader(offers, delimiter=";"))
    figures: Figures = {"server": None if on_sqlite() else (await Reseller.raw("SHOW server_version"))[0]["server_version"]}
    for kind in KINDS:
        extra: Any = {"code": code, "valid_from": date.fromisoformat(since)} if kind == "rates" else {}
        data = (folder / f"{kind}.csv").read_bytes()
        start = time.perf_counter()
        report = await import_file(kind, data, f"{kind}.csv", mode="all", actor=ACTOR, now=SETTINGS.now(), **extra)
        figures[kind] = {"seconds": time.perf_counter() - start, "rows": report.rows}
        if report.errors:
            sys.exit(f"{kind}.csv: {report.errors[0]}")
    return figures


async def floor(folder: Path, month: Month) -> Figures:
    """What a bare typed reading of the same CDR files takes."""
    return typed.parse(sorted((folder / "BilledCDRs/MOBILE").iterdir()))


async def load(folder: Path, month: Month) -> Figures:
    """The CDR files: read, judged, freed from twins, published as Parquet, told to the database."""
    files = sorted((folder / "BilledCDRs/MOBILE").iterdir())
    start = time.perf_counter()
    reports = await load_files([(path, path.name) for path in files], now=SETTINGS.now())
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        **{name: sum(getattr(report, name) for report in reports) for name in ("rows", "created", "rejected")},
    }


async def work(run_id: int) -> None:
    await runs.perform(run_id, SETTINGS.now())


async def draft(folder: Path, month: Month) -> Figures:
    """Reading the fleet, rating the month into Parquet, writing the drafts and findings; rating is also told alone."""
    rated: list[float] = []

    def timed(*given: Any, real: Callable[..., Any] = rating.rate) -> Any:
        start = time.perf_counter()
        found = real(*given)
        rated.append(time.perf_counter() - start)
        return found

    start = time.perf_counter()
    with patch.object(rating, "rate", timed):
        run, _ = await runs.start(month, ACTOR, work)
    seconds = time.perf_counter() - start
    totals = (await runs.describe(run["id"]))["totals"]
    return {"seconds": seconds, "rate_seconds": sum(rated), "totals": totals}


async def validate(folder: Path, month: Month) -> Figures:
    """Every finding waived, then each draft numbered and frozen in a transaction of its own."""
    run, _ = await runs.start(month, ACTOR, work)
    for row in await runs.controls(run["id"]):
        await runs.waive(run["id"], row["code"], row["customer_number"], row["msisdn"], "bench", ACTOR)
    start = time.perf_counter()
    await runs.begin(run["id"], "validate", ACTOR, work)
    return {"seconds": time.perf_counter() - start, "documents": await Invoice.count()}


async def _short_documents(count: int) -> list[Figures]:
    """Documents that fill most of a page and no more."""
    counted = await Invoice.raw(
        f"SELECT invoice AS id FROM {InvoiceLine._meta.tablename} GROUP BY invoice HAVING count(*) <= {{}} ORDER BY count(*) DESC, invoice LIMIT {{}}",
        MOST_LINES,
        count,
    )
    rows = await Invoice.select(Invoice.document).where(Invoice.id.is_in([row["id"] for row in counted])).order_by(Invoice.id)
    return [json.loads(row["document"]) for row in rows]


async def paper(folder: Path, month: Month) -> Figures:
    """Invoices of one page as PDF/A-3b, each another one, by two threads, each written whole to disk."""
    documents = await _short_documents(PAPERS)
    target = SETTINGS.data_dir / "papers"

    def make(document: Figures) -> bytes:
        pdf = papers.invoice(document).pdf
        publish_bytes(target / f"{document['number']}.pdf", pdf)
        return pdf

    start = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        pdfs = list(pool.map(make, documents))
    return _papers(pdfs, time.perf_counter() - start)


async def weasyprint(folder: Path, month: Month) -> Figures:
    """The same invoices by WeasyPrint, by two processes: threads would not help it."""
    documents = await _short_documents(PAPERS)
    documents = documents[:: max(1, len(documents) // RACER_PAPERS)]
    try:
        return _papers(*weasyprint_racer.race(documents, SETTINGS.data_dir / "weasyprint", THREADS))
    except (ImportError, OSError) as reason:
        return {"absent": f"WeasyPrint: {reason}".splitlines()[0]}


def _papers(pdfs: list[bytes], seconds: float) -> Figures:
    from io import BytesIO

    from pypdf import PdfReader

    pages = [len(PdfReader(BytesIO(pdf)).pages) for pdf in pdfs]
    kb = sum(map(len, pdfs)) / len(pdfs) / 1024
    return {"seconds": seconds, "documents": len(pdfs), "one_page": pages.count(1), "kb": round(kb)}


async def orm(folder: Path, month: Month) -> Figures:
    """The same law, CDR by CDR through the ORM, on the wallets of some customers."""
    return await orm_racer.race(month)


async def main(stage: Callable[[Path, Month], Awaitable[Figures]], folder: Path, month: Month) -> None:
    await engine().start_connection_pool()
    try:
        figures = await stage(folder, month)
    finally:
        await engine().close_connection_pool()
    peak_mb = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(figures | {"peak_mb": peak_mb}))


STAGES = {stage.__name__: stage for stage in (reference, floor, load, draft, validate, paper, weasyprint, orm)}

if __name__ == "__main__":
    asyncio.run(main(STAGES[sys.argv[1]], Path(sys.argv[2]), Month.parse(sys.argv[3])))
