"""A small month billed to its sealed papers, for tests of what may change around them."""

from datetime import datetime

import month_samples

from gateways.settings import SETTINGS
from jobs import folder
from jobs.billing import runs
from rules.paris import Month
from tables.invoices import Invoice, SealedDocument

OCTOBER, NOVEMBER = Month(2026, 10), Month(2026, 11)


async def load(source, monkeypatch):
    """The fleet imported, October's CDRs loaded; it is 2 November."""
    monkeypatch.setattr(SETTINGS, "clock", datetime.fromisoformat(month_samples.CLOCKS["2026-10"]))
    await folder.import_reference(source, OCTOBER, SETTINGS.now(), "essai")
    await folder.load_cdrs(source, SETTINGS.now(), month_samples.files_of(source, "2026-10"))


async def draft(month=OCTOBER):
    run, _ = await runs.start(month, "essai", month_samples.work)
    return run["id"]


async def seal(run_id):
    """Waive, validate, print."""
    await month_samples.waive_all(run_id)
    for act in ("validate", "print"):
        await runs.begin(run_id, act, "essai", month_samples.work)


async def seal_again(run_id):
    """Redo the drafts of a month already sealed, then all the rest."""
    await runs.begin(run_id, "draft", "essai", month_samples.work)
    await seal(run_id)


async def sealed():
    """Every validated document and every paper, byte for byte."""
    rows = await Invoice.select(Invoice.number, Invoice.document, Invoice.sha256).where(Invoice.number.is_not_null())
    papers = await SealedDocument.select(SealedDocument.path, SealedDocument.sha256).order_by(SealedDocument.path)
    return (
        sorted(tuple(row.values()) for row in rows),
        [(row["sha256"], (SETTINGS.data_dir / row["path"]).read_bytes()) for row in papers],
    )
