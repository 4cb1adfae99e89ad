"""The sales journal: written for a closed period, kept as it was handed over, and given again byte for byte."""

import hashlib
import tempfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, NotRequired, TypedDict

import msgspec

from gateways.files import keep
from gateways.settings import SETTINGS
from jobs import documents, reseller
from jobs.worker import ask
from rules import journal
from rules.errors import RuleError
from rules.journal import Family, Ledger
from rules.paris import french_date, paris_date
from rules.period import Period
from tables.accounting import Account, AccountingExport
from tables.engine import NOT_UNIQUE, transaction
from tables.invoices import Invoice
from tables.timeline import tell

FOLDER = "accounting"


class Sold(TypedDict):
    """What the journal reads of a line of a frozen document."""

    section: str
    amount_cents: int
    vat_rate: str
    part: NotRequired[str | None]
    nature: NotRequired[str | None]
    charge: NotRequired[int | None]


class Entered(TypedDict):
    """What the journal reads of a frozen document: the rest of its JSON is passed over, unread."""

    number: str
    kind: str
    issued_on: str
    incl_vat_cents: int
    corrects: NotRequired[dict[str, Any] | None]
    buyer: dict[str, Any]
    lines: list[Sold]
    vat: list[dict[str, Any]]


Row = dict[str, Any]


class PeriodOpen(RuleError):
    """A period in which documents may still be issued."""

    status = 409


class NothingToExport(RuleError):
    """A period without documents."""

    status = 409


class UnknownExport(RuleError):
    status = 404


class JournalLost(RuleError):
    """A kept journal whose file is gone or changed."""

    status = 409


async def export(period: Period, actor: str) -> int:
    """The key of the journal of a period, written if it never was; the work is done in a process of its own.

    Raises PeriodOpen, NothingToExport, and what the journal raises.
    """
    if known := await _known(period):
        return known
    if period.last >= paris_date(SETTINGS.now()):
        day = french_date(period.last)
        raise PeriodOpen(f"Cette période finit le {day} : des factures peuvent encore y entrer. Choisissez une période finie.")
    return await ask("journal", period, actor, SETTINGS.now())


async def write(period: Period, actor: str, now: datetime) -> int:
    """Write the journal of a period and keep it; of two at once one is kept."""
    seller = await reseller.current()
    where, name = documents.issued_in(period), journal.file_name(seller.siren, period.last)
    before = await Invoice.count().where(documents.issued_in(None), Invoice.issued_on < period.first)
    folder = SETTINGS.data_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder) as draft:
        told = await fill(draft, where, before + 1)
        draft.flush()
        if not told["documents"]:
            raise NothingToExport("Aucun document n'a été émis dans cette période : il n'y a rien à exporter.")
        sha256 = keep(Path(draft.name), folder)
    try:
        async with transaction():
            row = AccountingExport(
                name=name, first_day=period.first, last_day=period.last, sha256=sha256, actor=actor, created_at=now,
                documents=told["documents"], rows=told["rows"], debit_cents=told["debit_cents"],
            )  # fmt: skip
            await row.save()
            await tell(actor, "exported", "accounting_export", row.id, after={"period": period.french, **told}, at=now)
    except NOT_UNIQUE:
        return await _known(period) or 0
    return row.id


async def fill(file: IO[bytes], where: Any, number: int = 1) -> dict[str, int]:
    """Write the journal of the documents that meet a condition; how many `documents` and `rows`, and what is debited.

    Raises NoAccount, Unbalanced.
    """
    ledger, told, read = await _ledger(), {"documents": 0, "rows": 0, "debit_cents": 0}, msgspec.json.Decoder(Entered)
    file.write(journal.line(journal.HEADER))
    async for chunk in documents.read(where, Invoice.document):
        for row in chunk:
            for posted in journal.rows(read.decode(row["document"]), number + told["documents"], ledger):
                file.write(journal.line(posted))
                told["rows"] += 1
                told["debit_cents"] += int(posted[11].replace(",", ""))
            told["documents"] += 1
    return told


async def _ledger() -> Ledger:
    rows = await Account.select()
    rate = lambda row: None if row["vat_rate"] is None else Decimal(row["vat_rate"])  # noqa: E731
    return Ledger({(Family(row["family"]), rate(row)): (row["number"], row["label"]) for row in rows})


async def _known(period: Period) -> int | None:
    kept = AccountingExport
    row = await kept.select(kept.id).where(kept.first_day == period.first, kept.last_day == period.last).first()
    return row["id"] if row else None


async def exports() -> list[Row]:
    """The journals handed over, latest first."""
    return await AccountingExport.select().order_by(AccountingExport.id, ascending=False).limit(100)


async def accounts() -> list[Row]:
    """The accounts in the order of their families."""
    rank = list(Family)
    rows = [row | {"family": Family(row["family"])} for row in await Account.select()]
    return sorted(rows, key=lambda row: (rank.index(row["family"]), -(row["vat_rate"] or 0)))


async def kept(export_id: int) -> tuple[str, Path]:
    """The name and the place of a journal. Raises UnknownExport, JournalLost."""
    row = await AccountingExport.select().where(AccountingExport.id == export_id).first()
    if not row:
        raise UnknownExport("Ce journal n'existe pas.")
    path = SETTINGS.data_dir / FOLDER / row["sha256"]
    if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
        raise JournalLost("Le fichier gardé manque ou a changé : il n'est pas servi. Restaurez la dernière sauvegarde.")
    return row["name"], path


async def account_kept(account_id: int) -> bool:
    """Whether an account is the one of all rates that have none of their own: without it a sale would have nowhere to go."""
    return await Account.exists().where(Account.id == account_id, Account.vat_rate.is_null())
