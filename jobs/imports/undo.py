"""Undoing an import: its rows go, what it changed comes back, unless something newer depends on it."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from sqlite3 import IntegrityError
from typing import Any

from asyncpg import IntegrityConstraintViolationError
from piccolo.table import Table

from gateways import cdr_store
from gateways.settings import SETTINGS
from jobs.imports import journal, take_turn
from jobs.imports.books import billed, lines_of
from jobs.imports.lines import ALWAYS
from jobs.imports.plan import MASK
from jobs.imports.store import chunks, named, select_in
from jobs.imports.undo_cdrs import back_out, why_not
from rules.errors import RuleError
from rules.files.rows import Values, shown
from rules.paris import Month
from rules.states import COMPUTING, ImportState
from tables.billing import BillingRun
from tables.catalogue import Rate, RateVersion
from tables.engine import claim, insert_many, on_sqlite, transaction, update_many
from tables.fleet import Line
from tables.imports import ImportBatch, ImportItem
from tables.piccolo_app import TABLES
from tables.timeline import tell_many
from tables.usage import CdrPart

IDENTITY = {
    "customer": "customer_number", "offer": "code", "rate_table": "code", "rate_version": "valid_from", "rate": "prefix",
    "roaming_zone": "zone", "sim": "iccid", "line": "msisdn",
}  # fmt: skip
MOST_REASONS = 20
QUICK_ITEMS = 2_000


class UnknownBatch(RuleError):
    status = 404


class CannotUndo(RuleError):
    """An import on which something depends; `errors` names what."""

    status = 409

    def __init__(self, reasons: list[str]) -> None:
        self.errors = [{"code": self.code, "message": reason} for reason in reasons[:MOST_REASONS]]
        super().__init__(" ".join(["Cet import ne s'annule plus.", *reasons[:3]]))


class Undoing:
    """The items of a batch beside the rows as they now are."""

    def __init__(self, batch: Values) -> None:
        self.batch = batch
        self.created: dict[str, set[int]] = defaultdict(set)
        self.kept: dict[str, dict[int, Values]] = defaultdict(dict)  # the rows before, by table and key
        self.marks: dict[tuple[str, int], str] = {}
        self.now: dict[tuple[str, int], Values] = {}

    async def open(self, lock: bool = False) -> None:
        for item in await ImportItem.select().where(ImportItem.batch == self.batch["id"]):
            name, key = item["subject"], item["subject_id"]
            self.marks[name, key] = item["after"]
            if item["before"]:
                self.kept[name][key] = journal.read(journal.BY_NAME[name], item["before"])
            else:
                self.created[name].add(key)
        for name, table in journal.BY_NAME.items():
            for chunk in chunks(key for subject, key in self.marks if subject == name):
                query = table.select().where(table.id.is_in(chunk))
                rows = await (query.lock_rows() if lock and not on_sqlite() else query)
                self.now |= {(name, row["id"]): row for row in rows}

    async def reasons(self) -> list[str]:
        """Why it cannot be undone, in French; none when it can."""
        found = [*await _computing(), *self._touched()]
        for check in (self._referred, self._priced, self._lines, self._zones):
            found += [reason async for reason in check()] if not found else []
        return found

    def _touched(self) -> Iterator[str]:
        """What is no longer as the import left it."""
        for name, table in journal.BY_NAME.items():
            keys = [key for subject, key in self.marks if subject == name]
            moved = [key for key in keys if self._mark(name, key) != self.marks[name, key]]
            if moved:
                row = self.now.get((name, moved[0]), {})
                yield _counted(table, len(moved), "a changé depuis", "ont changé depuis", _called(table, row))

    def _mark(self, name: str, key: int) -> str:
        return journal.mark(self.now[name, key]) if (name, key) in self.now else ""

    async def _referred(self) -> Any:
        """Rows of others that refer to what would go."""
        for other in TABLES:
            for column in other._meta.foreign_key_columns:
                name = column._foreign_key_meta.resolved_references._meta.tablename
                if other is ImportItem or not self.created.get(name):
                    continue
                rows = await select_in(other.all_columns(), column, self.created[name])
                ours = self.created.get(other._meta.tablename, set())
                if rows := [row for row in rows if row["id"] not in ours]:
                    yield _counted(other, len(rows), "s'en sert", "s'en servent", _called(other, rows[0]))

    async def _priced(self) -> Any:
        """Months invoiced with the version of a rate table."""
        touched = {key for name, key in self.marks if name == "rate_version"}
        for version in await RateVersion.select().where(RateVersion.id.is_in(list(touched))) if touched else []:
            later = (RateVersion.rate_table == version["rate_table"]) & (RateVersion.valid_from > version["valid_from"])
            following = await RateVersion.select(RateVersion.valid_from).where(later).order_by(RateVersion.valid_from).first()
            used = await Line.exists().where(Line.rate_table == version["rate_table"])
            for run in await BillingRun.select(BillingRun.month).where(BillingRun.validated_at.is_not_null()) if used else []:
                month = Month.parse(run["month"])
                if version["valid_from"] <= month.last and (not following or following["valid_from"] > month.first):
                    yield f"La facturation {month.of_french} est validée avec cette version de la grille."

    async def _lines(self) -> Any:
        """Lines of which days are billed, or CDRs loaded."""
        stored = {key: self.now["line", key] for name, key in self.marks if name == "line"}
        lines = [line for line in await lines_of(row["msisdn"] for row in stored.values()) if line["id"] in stored]
        settled = await billed([line for line in lines if self._binding(line["id"])])
        if settled:
            yield _counted(Line, len(settled), "a des jours facturés", "ont des jours facturés", stored[min(settled)]["msisdn"])
        if heard := self.created["line"] and self.created["line"] & await _heard("line_id"):
            yield _counted(Line, len(heard), "a des CDR chargés", "ont des CDR chargés", stored[min(heard)]["msisdn"])

    def _binding(self, line: int) -> bool:
        """Whether more than the name of its user would change."""
        old = self.kept["line"].get(line)
        return old is None or any(value != old[name] for name, value in self.now["line", line].items() if name not in ALWAYS)

    async def _zones(self) -> Any:
        """Calls placed in a zone, or rates that came since for one that would go."""
        touched = {key: self.now["roaming_zone", key]["zone"] for name, key in self.marks if name == "roaming_zone"}
        for zone in sorted(set(touched.values()) & await _heard("origin")) if touched else []:
            yield f"Des CDR sont chargés dans la zone {zone}."
        gone = [touched[key] for key in self.created["roaming_zone"]]
        newer = RateVersion.select(RateVersion.id).where(RateVersion.created_at > self.batch["created_at"])
        for rate in (
            await Rate.select(Rate.origin).where(Rate.origin.is_in(gone), Rate.version.is_in(newer)).distinct() if gone else []
        ):
            yield f"Une grille chargée depuis a des tarifs pour la zone {rate['origin']}."

    async def put_back(self) -> None:
        """Children go before what they refer to, and come back after it."""
        for table in reversed(journal.WRITTEN):
            for chunk in chunks(self.created[table._meta.tablename]):
                await table.delete().where(table._meta.primary_key.is_in(chunk))
        for name, table in journal.BY_NAME.items():
            names = [column._meta.name for column in table._meta.columns]
            kept = self.kept[name]
            lost = [[row[column] for column in names] for key, row in kept.items() if (name, key) not in self.now]
            await insert_many(table, named(table, names), lost)
            for column in named(table, names):
                field = column._meta.name
                stored = {key: row for key, row in kept.items() if (name, key) in self.now}
                moved = {key: row[field] for key, row in stored.items() if row[field] != self.now[name, key][field]}
                await update_many(column, moved)

    def story(self) -> Iterator[tuple[str, int, Any, Any]]:
        """What the timeline keeps: the batch, and each thing that came back to what it was."""
        yield "import_batch", self.batch["id"], {}, {}
        for name in ("offer", "roaming_zone", "sim", "customer", "line"):
            for key, old in self.kept[name].items():
                was = self.now[name, key]
                fields = [field for field in old if old[field] != was[field]]
                before, after = ({field: _told(field, row[field]) for field in fields} for row in (was, old))
                yield name, key, before, after


async def obstacles(batch: Values) -> list[str]:
    """Why a batch cannot be undone, as far as that is quickly said; a large one tells when it is asked to."""
    if batch["cdr_file"]:
        return await why_not(batch["cdr_file"])
    if await ImportItem.count().where(ImportItem.batch == batch["id"]) > QUICK_ITEMS:
        return []
    work = Undoing(batch)
    await work.open()
    return await work.reasons()


async def undo(batch_id: int, *, actor: str, now: datetime) -> None:
    """Undo a batch; one that is undone already stays so. Raises UnknownBatch, CannotUndo."""
    batch = await ImportBatch.select().where(ImportBatch.id == batch_id).first()
    if batch is None:
        raise UnknownBatch("Aucun import de ce numéro.")
    if batch["state"] == ImportState.undone:
        return
    if batch["state"] != ImportState.imported:
        raise CannotUndo(["Il n'a rien enregistré."])
    if batch["cdr_file"]:
        if reasons := await back_out(batch, actor, now):
            raise CannotUndo(reasons)
        return
    try:
        async with transaction():
            await take_turn()
            standing = (ImportBatch.id == batch_id) & (ImportBatch.state == ImportState.imported)
            if not await claim(ImportBatch, {ImportBatch.state: ImportState.undone}, standing):
                return  # somebody else has just undone it
            work = Undoing(batch)
            await work.open(lock=True)
            if reasons := await work.reasons():
                raise CannotUndo(reasons)
            await work.put_back()
            await tell_many(now, actor, "undo", work.story())
    except (IntegrityError, IntegrityConstraintViolationError):
        raise CannotUndo(["Ce qu'il avait remplacé ne peut plus revenir : un import plus récent a pris sa place."]) from None


async def _computing() -> list[str]:
    run = await BillingRun.select(BillingRun.month).where(BillingRun.state.is_in(list(COMPUTING))).first()
    return [f"La facturation {Month.parse(run['month']).of_french} est en cours : attendez sa fin."] if run else []


async def _heard(column: str) -> set[Any]:
    """The lines, or the zones, of all CDRs that count."""
    paths = [part["path"] for part in await CdrPart.select(CdrPart.path)]
    return await asyncio.to_thread(cdr_store.values_of, SETTINGS.data_dir, paths, column)


def _counted(table: type[Table], number: int, one: str, many: str, example: str) -> str:
    title = str(table._meta.help_text or table._meta.tablename).partition(" — ")[0]
    return f"{title} : {number} {one if number < 2 else many}{f' ({example})' if example else ''}."


def _called(table: type[Table], row: Values) -> str:
    """The number or code of a row, and its state in words."""
    column = IDENTITY.get(table._meta.tablename, "")
    states = (
        [choice for choice in table.state._meta.choices or () if choice == row.get("state")] if hasattr(table, "state") else []
    )
    name = [shown(row[column])] if column and row else []
    return ", ".join(name + [choice.label for choice in states])


def _told(field: str, value: Any) -> str:
    return MASK if field == "secrets" else shown(value)
