"""`python -m bench.stages STAGE FOLDER MONTH`: one stage in this process; its last line tells the figures as JSON."""

import asyncio
import csv
import io
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import facturx
from pypdf import PdfReader

from bench import books, doors, mailing, orm_racer, weasyprint_racer
from bench.clock import Clock, peak_mb
from bench.floor import parse
from gateways import factur_x, rating
from gateways import paper as papers
from gateways.files import publish_bytes
from gateways.settings import SETTINGS
from jobs import reseller
from jobs.billing import runs, telling
from jobs.billing.paper import THREADS
from jobs.cdrs import load_files
from jobs.imports import import_file
from rules import einvoice
from rules.paris import Month
from tables.engine import engine, on_sqlite
from tables.invoices import Invoice

Figures = dict[str, Any]
KINDS = ("offers", "rates", "roaming_zones", "sims", "customers", "lines")
ACTOR = "bench"
PAPERS, RACER_PAPERS, MOST_LINES = 600, 40, 8


async def reference(folder: Path, month: Month) -> Figures:
    """The six reference files, imported one after the other."""
    await reseller.save({"first_month": str(month)}, ACTOR)
    code = _column(folder / "lines.csv", "rate_table")[0]
    since = date.fromisoformat(min(_column(folder / "offers.csv", "valid_from")))
    seconds: dict[str, float] = {}
    for kind in KINDS:
        extra: Figures = {"code": code, "valid_from": since} if kind == "rates" else {}
        data = (folder / f"{kind}.csv").read_bytes()
        with Clock() as clock:
            report = await import_file(kind, data, f"{kind}.csv", mode="all", actor=ACTOR, now=SETTINGS.now(), **extra)
        seconds[kind] = clock.seconds
        if report.errors:
            sys.exit(f"{kind}.csv: {report.errors[0]}")
    server = "" if on_sqlite() else (await Invoice.raw("SHOW server_version"))[0]["server_version"]
    return {"seconds": sum(seconds.values()), "by_kind": seconds, "server": server}


def _column(path: Path, name: str) -> list[str]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        return [row[name] for row in csv.DictReader(file, delimiter=";")]


async def floor(folder: Path, month: Month) -> Figures:
    """What a bare typed reading of the same CDR files takes."""
    return parse(_cdr_files(folder))


async def load(folder: Path, month: Month) -> Figures:
    """The CDR files: read, judged, freed from twins, published as Parquet, told to the database."""
    with Clock() as clock:
        reports = await load_files([(path, path.name) for path in _cdr_files(folder)], now=SETTINGS.now())
    counts = {name: sum(getattr(report, name) for report in reports) for name in ("rows", "created", "rejected")}
    return {**clock.figures, **counts}


def _cdr_files(folder: Path) -> list[Path]:
    return sorted((folder / "BilledCDRs/MOBILE").iterdir())


async def draft(folder: Path, month: Month) -> Figures:
    """The fleet read, the month rated into Parquet, drafts and findings written; `rate` is the rating alone."""
    rate_clock = Clock()

    def timed(*given: Any, real: Callable[..., Any] = rating.rate) -> Any:
        with rate_clock:
            return real(*given)

    with Clock() as clock, patch.object(rating, "rate", timed):
        run, _ = await runs.start(month, ACTOR, _work)
    return {**clock.figures, "rate": rate_clock.figures, "totals": (await telling.describe(run["id"]))["totals"]}


async def validate(folder: Path, month: Month) -> Figures:
    """Every finding waived, then each draft numbered and frozen in a transaction of its own."""
    run, _ = await runs.start(month, ACTOR, _work)
    for row in await runs.controls(run["id"]):
        await runs.waive(run["id"], row["code"], row["customer_number"], row["msisdn"], ACTOR, ACTOR)
    with Clock() as clock:
        await runs.begin(run["id"], "validate", ACTOR, _work)
    return {**clock.figures, "documents": await Invoice.count().where(Invoice.number.is_not_null())}


async def _work(run_id: int) -> None:
    await runs.perform(run_id, SETTINGS.now())


async def paper(folder: Path, month: Month) -> Figures:
    """Invoices of one page as Factur-X, each another one, by two threads, each published whole on disk."""
    documents = await _one_page_documents()

    def make(document: Figures) -> bytes:
        pdf = papers.invoice(document, xml=einvoice.xml(document)).pdf
        publish_bytes(SETTINGS.data_dir / f"papers/{document['number']}.pdf", pdf)
        return pdf

    with Clock() as clock, ThreadPoolExecutor(THREADS) as pool:
        pdfs = list(pool.map(make, documents))
    return clock.figures | _about(pdfs) | _marks(documents)


def _marks(documents: list[Figures]) -> Figures:
    """Milliseconds of the XML and of the Factur-X metadata of an invoice; the same metadata by the factur-x library."""
    some = documents[:RACER_PAPERS]
    with Clock() as written:
        xmls = [einvoice.xml(document) for document in some]
    bare = [papers.invoice(document).pdf for document in some]
    with Clock() as marked:
        for pdf in bare:
            factur_x.marked(pdf)
    with Clock() as by_library:
        for pdf, xml in zip(bare, xmls, strict=True):
            facturx.generate_from_binary(pdf, xml, check_xsd=False, check_schematron=False)
    times = {"xml_ms": written, "xmp_ms": marked, "library_ms": by_library}
    return {name: 1000 * clock.seconds / len(some) for name, clock in times.items()}


async def weasyprint(folder: Path, month: Month) -> Figures:
    """Some of the same invoices by WeasyPrint, by two processes: threads would not help it."""
    documents = await _one_page_documents()
    some = documents[:: max(1, len(documents) // RACER_PAPERS)]
    try:
        pdfs, seconds = weasyprint_racer.race(some, SETTINGS.data_dir / "weasyprint", THREADS)
    except (ImportError, OSError) as reason:
        return {"absent": str(reason).splitlines()[0]}
    return {"seconds": seconds} | _about(pdfs)


async def _one_page_documents() -> list[Figures]:
    """Documents with the most lines that one page holds."""
    rows = await Invoice.select(Invoice.document).where(Invoice.number.is_not_null()).order_by(Invoice.id)
    documents = [json.loads(row["document"]) for row in rows]
    short = [document for document in documents if len(document["lines"]) <= MOST_LINES]
    return sorted(short, key=lambda document: -len(document["lines"]))[:PAPERS]


def _about(pdfs: list[bytes]) -> Figures:
    one_page = sum(len(PdfReader(io.BytesIO(pdf)).pages) == 1 for pdf in pdfs)
    return {"documents": len(pdfs), "one_page": one_page, "kb": round(sum(map(len, pdfs)) / len(pdfs) / 1024)}


async def orm(folder: Path, month: Month) -> Figures:
    """The same law, CDR by CDR through the ORM, on the wallets of some customers."""
    return await orm_racer.race(month)


async def mail(folder: Path, month: Month) -> Figures:
    """Invoice mails of 70 kB to a server of this machine."""
    return await mailing.race()


async def years(folder: Path, month: Month) -> Figures:
    """Documents of years: their chain, its verification, their journal."""
    return await books.race()


async def twins(folder: Path, month: Month) -> Figures:
    return await doors.twins(_cdr_files(folder), month)


async def preview(folder: Path, month: Month) -> Figures:
    return await doors.preview(month)


async def upload(folder: Path, month: Month) -> Figures:
    return await doors.upload(_cdr_files(folder))


async def main(name: str, folder: Path, month: Month) -> None:
    stages = {
        stage.__name__: stage
        for stage in (reference, floor, load, draft, validate, paper, weasyprint, orm, preview, twins, upload, mail, years)
    }
    await engine().start_connection_pool()
    try:
        figures = await stages[name](folder, month)
    finally:
        await engine().close_connection_pool()
    print(json.dumps(figures | {"peak_mb": peak_mb()}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Month.parse(sys.argv[3])))
