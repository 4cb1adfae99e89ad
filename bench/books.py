"""Years of issued documents, copied from those of one month: their chain made and verified, their sales journal written."""

from typing import Any

from bench.clock import Clock
from gateways.settings import SETTINGS
from jobs import accounting
from jobs.seals import chain, verify
from rules import seals
from tables.engine import transaction
from tables.invoices import Invoice, InvoiceLine, NumberSeries
from tables.seals import Seal

DOCUMENTS, JOURNAL, ONE_BY_ONE = 50_000, 100_000, 500
SERIES = "B2026-{counter:06}"


async def race() -> dict[str, Any]:
    """Seconds to chain and to verify 50 000 documents, and to write the journal of 100 000."""
    lines = await _copy(DOCUMENTS)
    with Clock() as chained:
        async with transaction():
            await chain._adopt(SERIES)
    with Clock() as verified:
        report = await verify.verify()
    with Clock() as one_by_one:
        await _one_by_one()
    figures: dict[str, Any] = {"documents": DOCUMENTS, "lines": lines, "problems": len(report.problems)}
    figures |= {"chain": chained.figures, "verify": verified.figures, "one_by_one_s": one_by_one.seconds * DOCUMENTS / ONE_BY_ONE}
    with Clock() as written, open(SETTINGS.data_dir / "journal.txt", "wb") as file:
        told = {"documents": 0, "rows": 0}
        while told["documents"] < JOURNAL:
            done = await accounting.fill(file, Invoice.number.like("B2026-%"), told["documents"] + 1)
            told = {name: told[name] + done[name] for name in told}
    return figures | {"journal": written.figures | told}


async def _copy(count: int) -> int:
    """Documents in a series of their own, with their lines; how many lines."""
    source = await Invoice.select(Invoice.id).where(Invoice.number.is_not_null()).output(as_list=True)
    names = {
        table: ", ".join(column._meta.db_column_name for column in table._meta.columns if column._meta.name not in left)
        for table, left in ((Invoice, ("id", "number", "state", "origin")), (InvoiceLine, ("id", "invoice")))
    }
    async with transaction():
        for rank in range(count):
            old = source[rank % len(source)]
            own = names[Invoice]
            made = await Invoice.raw(
                f"INSERT INTO invoice ({own}, number, state, origin) SELECT {own}, {{}}, 'draft', 'MANUAL'"
                " FROM invoice WHERE id = {} RETURNING id",
                SERIES.format(counter=rank + 1),
                old,
            )
            own = names[InvoiceLine]
            await InvoiceLine.raw(
                f"INSERT INTO invoice_line ({own}, invoice) SELECT {own}, {{}} FROM invoice_line WHERE invoice = {{}}",
                made[0]["id"],
                old,
            )
        await Invoice.raw("UPDATE invoice SET state = 'validated' WHERE origin = 'MANUAL'")
        day = (await Invoice.select(Invoice.issued_on).where(Invoice.id == source[0]).first() or {})["issued_on"]
        await NumberSeries(name=SERIES, last_number=count, last_issued_on=day).save()
    return await InvoiceLine.count().where(InvoiceLine.invoice.origin == "MANUAL")


async def _one_by_one() -> None:
    """The same verification of some documents, each asked for alone through the ORM."""
    for row in await Seal.select().where(Seal.series == SERIES).order_by(Seal.rank).limit(ONE_BY_ONE):
        (document,) = await chain.documents([row["invoice"]], Invoice.document)
        lines = (await chain.lines_of([row["invoice"]]))[row["invoice"]]
        text = seals.document_text(SERIES, row["rank"], document, lines)
        assert seals.seal(row["previous"], text) == row["sha256"]
