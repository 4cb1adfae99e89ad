"""A small month of tools/make_month.py, and what a month leaves behind, told without ids and instants."""

import hashlib
import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from gateways.settings import SETTINGS
from jobs import folder
from jobs.billing import runs, telling
from tables.billing import BillingRun, Finding, ParkedCustomer
from tables.fleet import Line, LineItem
from tables.invoices import Invoice, InvoiceLine, NumberSeries, SealedDocument
from tables.timeline import TimelineEntry
from tables.usage import CdrFile, CdrPart, CdrReject

ROOT = Path(__file__).parent.parent
CLOCKS = {"2026-10": "2026-11-02T09:00:00+01:00", "2026-11": "2026-12-02T09:00:00+01:00"}
STORE = ("cdr", "rated", "documents")


def make(target: Path, *, seed: int = 9, months: int = 1, customers: int = 12, lines: int = 40, cdrs: int = 400) -> Path:
    """Months of a fictitious reseller from October 2026 on, in the published formats."""
    options = {"seed": seed, "month": "2026-10", "months": months, "customers": customers, "lines": lines, "cdrs": cdrs}
    words = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, str(ROOT / "tools/make_month.py"), *words, "--rates=small", "--fiction", "--out", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target


def files_of(source: Path, month: str) -> list[str]:
    """The CDR files that arrive before a month is billed: its own, and the late ones of the month before."""
    names = sorted(path.name for path in (source / folder.CDRS).iterdir())
    late_roaming = {"2026-10": "CDR_MOBILE_202611", "2026-11": "CDR_MOBILE_202612"}[month]
    own = f"CDR_MOBILE_{month.replace('-', '')}"
    return [
        name
        for name in names
        if (name.startswith(own) and "_ROAMING" not in name) or (name.startswith(late_roaming) and "_ROAMING" in name)
    ]


async def work(run_id: int) -> None:
    """A worker without a process of its own."""
    await runs.perform(run_id, SETTINGS.now())


async def nobody(run_id: int) -> None:
    """No worker at all."""


async def waive_all(run_id: int) -> None:
    for row in await runs.controls(run_id):
        await runs.waive(run_id, row["code"], row["customer_number"], row["msisdn"], "essai", "essai")


async def told() -> dict[str, Any]:
    """Invoices with lines and papers, CDRs and rejects, how far each item is billed, runs: equal for equal months."""
    series, entry = NumberSeries, TimelineEntry
    validated = await entry.select(entry.after).where(entry.subject == "invoice", entry.event == "validated")
    item = LineItem
    items = await item.select(item.line.msisdn, item.line.activated_on, item.offer.code, item.starts_on, item.billed_until)
    return json.loads(
        json.dumps(
            {
                "invoices": await _invoices(),
                "papers": await _papers(),
                "series": await series.select(series.name, series.last_number, series.last_issued_on).order_by(series.name),
                "validated": Counter(json.loads(row["after"])["number"] for row in validated),
                **await _cdrs(),
                **await _runs(),
                "items": sorted(list(map(str, row.values())) for row in items),
            },
            default=str,
        )
    )


async def _invoices() -> list[dict[str, Any]]:
    lines: dict[int, list[Any]] = {}
    row = InvoiceLine
    for line in await row.select(
        *(row.invoice, row.position, row.section, row.line.msisdn, row.label, row.quantity, row.amount_cents, row.vat_rate),
        *(row.first_day, row.last_day, row.usage_month, row.type, row.category, row.part),
    ).order_by(row.invoice, row.position):
        line["vat_rate"] = f"{Decimal(line['vat_rate']).normalize():f}"
        lines.setdefault(line.pop("invoice"), []).append(list(line.values()))
    found = [
        invoice | {"lines": lines.get(invoice["id"], []), "id": None, "document": json.loads(invoice["document"])}
        for invoice in await Invoice.select(
            *(Invoice.id, Invoice.customer.customer_number, Invoice.run.month, Invoice.origin, Invoice.kind, Invoice.state),
            *(Invoice.number, Invoice.issued_on, Invoice.due_on, Invoice.excl_vat_cents, Invoice.vat_cents),
            *(Invoice.incl_vat_cents, Invoice.corrects, Invoice.corrects_on, Invoice.document, Invoice.sha256),
        )
    ]
    return sorted(found, key=lambda invoice: (invoice["run.month"], invoice["customer.customer_number"]))


async def _papers() -> list[list[Any]]:
    paper = SealedDocument
    rows = await paper.select(
        *(paper.name, paper.invoice.number, paper.kind, paper.path, paper.sha256, paper.size_bytes, paper.replaced_characters)
    ).order_by(paper.name)
    return [
        [*row.values(), hashlib.sha256((SETTINGS.data_dir / row["path"]).read_bytes()).hexdigest() == row["sha256"]]
        for row in rows
    ]


async def _cdrs() -> dict[str, Any]:
    numbers = {row["id"]: row["msisdn"] for row in await Line.select(Line.id, Line.msisdn)}
    parts = []
    for part in await CdrPart.select(CdrPart.file.name, CdrPart.month, CdrPart.path, CdrPart.rows):
        rows = duckdb.execute("SELECT * FROM read_parquet(?)", [str(SETTINGS.data_dir / part["path"])]).fetchall()
        content = [(numbers[line], *rest) for line, *rest in rows]
        parts.append([part["file.name"], part["month"], part["rows"], len(rows), content])
    file, reject = CdrFile, CdrReject
    return {
        "cdr_files": sorted(
            list(map(str, row.values()))
            for row in await file.select(
                file.name, file.sha256, file.state, file.rows, file.loaded, file.rejected, file.counted_in.month
            )
        ),
        "cdr_parts": sorted(parts, key=lambda part: part[:2]),
        "cdr_rejects": sorted(
            list(row.values())
            for row in await reject.select(reject.file.name, reject.line_number, reject.cause, reject.state, reject.raw_text)
        ),
    }


async def _runs() -> dict[str, Any]:
    found = await BillingRun.select(BillingRun.id, BillingRun.month, BillingRun.state, BillingRun.totals, BillingRun.error)
    finding, parked = Finding, ParkedCustomer
    return {
        "runs": sorted((row | {"totals": json.loads(row["totals"]), "id": None} for row in found), key=lambda row: row["month"]),
        "usage": {row["month"]: await telling.usage(row["id"]) for row in found},
        "findings": sorted(
            list(map(str, row.values()))
            for row in await finding.select(
                finding.run.month, finding.code, finding.severity, finding.customer_number, finding.msisdn, finding.message
            )
        ),
        "parked": sorted(
            list(row.values()) for row in await parked.select(parked.run.month, parked.customer.customer_number, parked.reason)
        ),
    }


def stored() -> list[str]:
    """The files of the store, whatever the database says of them."""
    root = SETTINGS.data_dir
    return sorted(str(path.relative_to(root)) for name in STORE for path in (root / name).rglob("*") if path.is_file())


async def named() -> list[str]:
    """The files of the store that the database names."""
    return sorted(
        [row["path"] for row in await CdrPart.select(CdrPart.path)]
        + [row["path"] for row in await SealedDocument.select(SealedDocument.path)]
        + [row["usage_path"] for row in await BillingRun.select(BillingRun.usage_path) if row["usage_path"]]
    )
