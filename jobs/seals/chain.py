"""Each document is chained to the one before it in the transaction that issues it, each paper in the one that keeps it."""

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from jobs.imports.store import named
from rules import numbering, seals
from rules.states import InvoiceState
from tables.engine import insert_many, on_sqlite, transaction
from tables.invoices import Invoice, InvoiceLine, NumberSeries, SealedDocument
from tables.seals import Seal
from tables.timeline import TimelineEntry, tell

SUBJECT, BEGUN = "seal", "chains_begun"
CHUNK = 500
ONE_WRITER = 7_325_001  # any number that no other lock bears

Row = dict[str, Any]


async def seal(invoice_id: int, pattern: str, lines: list[Row] | None = None) -> None:
    """Chain a document, in the transaction that has just taken its number from `pattern` and validated it.

    `lines`: its own in order, when they were read before; nothing may have changed them since.
    """
    (document,) = await documents([invoice_id])
    if lines is None:
        lines = (await lines_of([invoice_id])).get(invoice_id, [])
    series = numbering.series(pattern, document["issued_on"].year)
    rank, head = numbering.counter(series, document["number"]), await head_of(series)
    if head is None:
        await begin()
        if await Seal.exists().where(Seal.invoice == invoice_id):
            return  # chained with those that were validated before there were seals
        head = await head_of(series)
    previous = head["sha256"] if head else ""
    sha256 = seals.seal(previous, seals.document_text(series, rank or 0, document, lines))
    await _insert([(series, rank, invoice_id, None, previous, sha256)])


async def seal_papers(invoice_ids: Iterable[int]) -> None:
    """Chain the papers of documents that are not chained yet, in the transaction that keeps them."""
    await _alone()
    known = Seal.select(Seal.paper).where(Seal.paper.is_not_null())
    wanted = SealedDocument.invoice.is_in(list(invoice_ids)) & SealedDocument.id.not_in(known)
    await _chain_papers(await _papers().where(wanted))


async def begin() -> None:
    """Once in the life of a database: chain what was issued before there were seals. Never again, whatever is missing later."""
    async with transaction():
        await _alone()
        if await TimelineEntry.exists().where(TimelineEntry.subject == SUBJECT, TimelineEntry.event == BEGUN):
            return
        counts = {row["name"]: await _adopt(row["name"]) for row in await NumberSeries.select(NumberSeries.name)}
        last = 0
        while papers := await _papers().where(SealedDocument.id > last).limit(CHUNK):
            await _chain_papers(papers)
            last = papers[-1]["id"]
        await tell("Ligne Claire", BEGUN, SUBJECT, 0, after={name: count for name, count in counts.items() if count})


async def _adopt(series: str) -> int:
    """Chain the documents of a series, in the order of their numbers; how many."""
    rows = await Invoice.select(Invoice.id, Invoice.number).where(Invoice.state == InvoiceState.validated)
    found = ((numbering.counter(series, row["number"]), row["id"]) for row in rows)
    ordered = sorted((rank, id) for rank, id in found if rank is not None)
    previous = ""
    for start in range(0, len(ordered), CHUNK):
        ids = [id for _, id in ordered[start : start + CHUNK]]
        by_id = {row["id"]: row for row in await documents(ids)}
        lines = await lines_of(ids)
        chained = []
        for rank, id in ordered[start : start + CHUNK]:
            sha256 = seals.seal(previous, seals.document_text(series, rank, by_id[id], lines.get(id, [])))
            chained.append((series, rank, id, None, previous, sha256))
            previous = sha256
        await _insert(chained)
    return len(ordered)


async def _chain_papers(papers: list[Row]) -> None:
    head = await head_of(seals.PAPERS) or {"rank": 0, "sha256": ""}
    previous, chained = head["sha256"], []
    for rank, paper in enumerate(papers, head["rank"] + 1):
        sha256 = seals.seal(previous, seals.paper_text(rank, paper))
        chained.append((seals.PAPERS, rank, None, paper["id"], previous, sha256))
        previous = sha256
    await _insert(chained)


async def _insert(rows: list[tuple]) -> None:
    keyed = ((seal_id(row[2], row[3]), *row) for row in rows)
    await insert_many(Seal, [Seal.id, Seal.series, Seal.rank, Seal.invoice, Seal.paper, Seal.previous, Seal.sha256], keyed)


def seal_id(invoice: int | None, paper: int | None) -> int:
    """A seal has the key of its document, or that of its paper below zero: nothing of it is left to chance."""
    return invoice or -(paper or 0)


async def head_of(series: str) -> Row | None:
    """The last seal of a series: its rank and its hash."""
    return await Seal.select(Seal.rank, Seal.sha256).where(Seal.series == series).order_by(Seal.rank, ascending=False).first()


async def documents(ids: list[int], *more: Any) -> list[Row]:
    """The rows of documents, in no order."""
    return await Invoice.select(*named(Invoice, seals.DOCUMENT), *more).where(Invoice.id.is_in(ids))


async def lines_of(ids: list[int]) -> dict[int, list[Row]]:
    """The lines of documents, each document's in order."""
    line = InvoiceLine
    if on_sqlite():
        rows = await line.raw(f"{BARE} WHERE invoice IN ({','.join(str(int(id)) for id in ids)}) ORDER BY invoice, position, id")
    else:
        query = line.select(*named(line, seals.LINE)).where(line.invoice.is_in(ids))
        rows = await query.order_by(line.invoice, line.position, line.id)
    found: dict[int, list[Row]] = {}
    for row in rows:
        row["vat_rate"] = _decimal(row["vat_rate"])
        found.setdefault(row["invoice"], []).append(row)
    return found


BARE = "SELECT " + ", ".join(f'+"{name}" AS "{name}"' for name in seals.LINE) + " FROM invoice_line"
"""Behind a plus SQLite's values come as they are stored: half a million lines convert three times slower, to say the same."""


@lru_cache(maxsize=64)
def _decimal(stored: Any) -> Decimal:
    return Decimal(str(stored))


def _papers() -> Any:
    return SealedDocument.select(*named(SealedDocument, seals.PAPER)).order_by(SealedDocument.id)


async def _alone() -> None:
    """Until the transaction ends no other appends to the chain of papers. On SQLite no other writes at all."""
    if not on_sqlite():
        await Seal.raw("SELECT pg_advisory_xact_lock({})", ONE_WRITER)
