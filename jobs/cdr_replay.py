"""Rejects of a CDR file: judged again when the world has changed, corrected in a spreadsheet, or set aside."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from gateways import cdr_file, cdr_store
from gateways.cdr_store import Context, Judged, Load
from gateways.files import turn
from gateways.settings import SETTINGS
from jobs.cdrs import RECEIVED, judging_context, stored_parts, sweep_store
from jobs.layouts import Chosen, choose
from rules.errors import NoReason, RuleError
from rules.files import form
from rules.files.form import Header
from rules.files.written import csv_text, plain
from rules.layouts.layout import Layout
from rules.states import FileState, RejectCause, RejectState
from tables.engine import insert_many, transaction, update_many
from tables.timeline import tell
from tables.usage import CdrFile, CdrPart, CdrReject

LINE, CAUSE = "ligne", "erreur"
MOST_NAMED = 20
LONGEST_REASON = 500
LINES = Header(";", ("texte",), {"texte": 0})
Row = dict[str, Any]
Rejects = Mapping[int, Row]
Corrections = Mapping[int, Mapping[int, str]]  # line of the original → column (from 0) → its cell


class UnknownCdrFile(RuleError):
    status = 404


class NotReplayable(RuleError):
    """A file that is no longer loaded, or whose original was not kept."""

    status = 409


@dataclass(frozen=True)
class ReplayReport:
    """`rows` judged again; `created` loaded now; `rejected` still; `problems`: French sentences, about lines left as they are."""

    cdr_file_id: int
    rows: int = 0
    created: int = 0
    rejected: int = 0
    rejects_by_cause: dict[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


async def replay(file_id: int, corrected: bytes | None, name: str, actor: str, now: datetime) -> ReplayReport:
    """Judge the open rejects of a file again, or only those that a corrected file gives; load the good ones.

    Raises UnknownCdrFile, NotReplayable, FormError (of the corrected file).
    """
    async with turn(SETTINGS.data_dir / "cdr.lock"):
        await sweep_store()
        file = await _replayable(file_id)
        rejects = {row["line_number"]: row for row in await _open(file_id)}
        if not rejects:
            return ReplayReport(file_id, problems=("Ce fichier n'a aucun rejet à corriger.",))
        chosen = await choose(file["layout"])
        context = await judging_context(now, chosen.layout)
        problems: tuple[str, ...] = ()
        if corrected is None:
            wanted = set(rejects)
            judged = await asyncio.to_thread(cdr_store.judge, _original(file), file["name"], context, chosen.layout)
        else:
            header = await _header(file, chosen)
            rows = await asyncio.to_thread(_corrections, corrected, name, header)
            wanted, problems = rows.keys() & rejects.keys(), _left(sorted(rows.keys() - rejects.keys()))
            if not wanted:
                return ReplayReport(file_id, problems=problems)
            rows = {line: rows[line] for line in wanted}
            corrected_file = partial(_correct_lines, layout=chosen.layout) if chosen.layout else _correct_cells
            judged = await asyncio.to_thread(_judge_corrected, corrected_file, rows, rejects, header, file, context, chosen)
        judged.only(wanted)
        judged.text = replace(judged.text, sha256=await _stem(file))
        load = await asyncio.to_thread(judged.settle, SETTINGS.data_dir, await stored_parts(file["wholesaler"]))
        if load.rows != len(wanted):
            raise NotReplayable("L'original gardé n'est plus celui qui a été chargé. Rien n'a été rejoué.")
        await _record(file, load, [rejects[line] for line in sorted(wanted)], actor)
    return ReplayReport(file_id, len(wanted), load.loaded, len(load.rejects), load.rejects_by_cause, problems)


async def corrections_csv(file_id: int) -> str:
    """The rejects to correct: the line of the original, why it was refused, and its columns. Raises as `replay`."""
    file = await _replayable(file_id)
    header = await _header(file, await choose(file["layout"]))
    kept = [place for place, column in enumerate(header.names) if column not in (LINE, CAUSE)]
    rows = []
    for row in await _open(file_id):
        cells = _cells(row["raw_text"], header)
        rows.append([row["line_number"], RejectCause(row["cause"]).label, *(cells[place] for place in kept)])
    return csv_text([LINE, CAUSE, *(header.names[place] for place in kept)], rows)


async def set_aside(file_id: int, reason: str, actor: str, cause: str = "", line: int | None = None) -> int:
    """Leave the open rejects of a cause, or one line, out for good; how many. Raises NoReason."""
    reason = reason.strip()[:LONGEST_REASON]
    if not reason:
        raise NoReason("Dites pourquoi ces CDR sont écartés : le motif est gardé au journal.")
    which = (CdrReject.cause == cause) if line is None else (CdrReject.line_number == line)
    return await _move(file_id, RejectState.open, RejectState.ignored, which, reason, actor)


async def take_back(file_id: int, actor: str) -> int:
    """Put every reject that was set aside back among those to correct; how many."""
    return await _move(file_id, RejectState.ignored, RejectState.open, CdrReject.file == file_id, "", actor)


async def _move(file_id: int, before: RejectState, after: RejectState, which: Any, note: str, actor: str) -> int:
    async with turn(SETTINGS.data_dir / "cdr.lock"), transaction():
        moved = (
            await CdrReject.update({CdrReject.state: after, CdrReject.note: note})
            .where(CdrReject.file == file_id, CdrReject.state == before, which)
            .returning(CdrReject.line_number)
        )
        if moved:
            lines = sorted(row["line_number"] for row in moved)
            told = {"state": after, "lines": lines[:MOST_NAMED], "count": len(lines), "reason": note}
            await tell(actor, f"rejects_{after}", "cdr_file", file_id, {"state": before}, told)
    return len(moved)


async def _replayable(file_id: int) -> Row:
    file = await CdrFile.select().where(CdrFile.id == file_id).first()
    if not file:
        raise UnknownCdrFile("Ce fichier de CDR n'existe pas ou plus.")
    if file["state"] != FileState.loaded:
        raise NotReplayable("Ce fichier a été annulé : ses rejets ne se rejouent plus. Chargez-le de nouveau.")
    if not file["received_sha256"] or not _original(file).exists():
        raise NotReplayable(
            "L'original de ce fichier n'a pas été gardé. Corrigez ses rejets dans un nouveau fichier, puis chargez-le."
        )
    return file


async def _open(file_id: int) -> list[Row]:
    reject = CdrReject
    columns = (reject.id, reject.line_number, reject.raw_text, reject.cause)
    return (
        await reject.select(*columns).where(reject.file == file_id, reject.state == RejectState.open).order_by(reject.line_number)
    )


def _left(lines: list[int]) -> tuple[str, ...]:
    named = [f"Ligne {line} : elle n'est pas à corriger, elle est laissée telle quelle." for line in lines[:MOST_NAMED]]
    more = len(lines) - MOST_NAMED
    return (*named, f"Et {more} autres lignes, laissées de même.") if more > 0 else tuple(named)


def _original(file: Row) -> Path:
    return SETTINGS.data_dir / RECEIVED / file["received_sha256"]


async def _header(file: Row, chosen: Chosen) -> Header:
    """The columns in which rejects are corrected: those of the file, or under a layout its own lines as they came."""
    return LINES if chosen.layout else await asyncio.to_thread(_own_header, file)


def _own_header(file: Row) -> Header:
    with tempfile.TemporaryDirectory() as folder:
        text = cdr_file.unpack(_original(file), file["name"], Path(folder))
        return cdr_file.inspect(text, file["name"], cdr_store.COLUMNS).header


def _cells(text: str, header: Header) -> list[str]:
    """The cells of a reject, as many as the header has."""
    if header is LINES:
        return [text]
    cells = next(form.records([text], header.separator))[1]
    return (cells + [""] * len(header.names))[: len(header.names)]


def _corrections(data: bytes, name: str, header: Header) -> dict[int, dict[int, str]]:
    """Line of the original → column (from 0) → its cell. Raises FormError: a line not named, or twice."""
    single = [column for column, times in Counter(header.names).items() if times == 1 and column and column not in (LINE, CAUSE)]
    given, rows = form.read(data, {LINE: True, CAUSE: False, **dict.fromkeys(single, False)}, name)
    places = {header.names.index(column): given.positions[column] for column in single if column in given.positions}
    found: dict[int, dict[int, str]] = {}
    for at, cells in rows:
        text = cells[given.positions[LINE]].strip()
        line = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        if not line or line in found:
            message = (
                "La colonne « ligne » doit porter le numéro de ligne du fichier d'origine, chacun une fois. Gardez ceux donnés."
            )
            raise form.refusal(name, at, "BAD_LINE_NUMBER", message, given.positions[LINE] + 1, text[:100])
        found[line] = {place: plain(cells[source]) for place, source in places.items()}
    return found


def _judge_corrected(
    write: Callable[..., None], rows: Corrections, rejects: Rejects, header: Header, file: Row, context: Context, chosen: Chosen
) -> Judged:
    """Judge the corrected records, each at the line that it has in the original."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corrected"
        write(path, rows, rejects, header, file)
        layout = chosen.layout and replace(chosen.layout, totals=())  # they were those of the file as it came
        return cdr_store.judge(path, file["name"], context, layout)


def _correct_cells(path: Path, rows: Corrections, rejects: Rejects, header: Header, file: Row) -> None:
    """A file in the published format that holds only the corrected records."""
    with open(path, "w", encoding="utf-8", newline="") as target:
        target.write(cdr_file.raw_line(list(header.names), header.separator))
        at = 1
        for line in sorted(rows):
            cells = _cells(rejects[line]["raw_text"], header)
            for place, cell in rows[line].items():
                cells[place] = cdr_file.one_line(cell)
            target.write("\n" * (line - at) + cdr_file.raw_line(cells, header.separator))
            at = line
        target.write("\n")


def _correct_lines(path: Path, rows: Corrections, rejects: Rejects, header: Header, file: Row, layout: Layout) -> None:
    """The whole original with the corrected lines in their place: a layout may need its headers and its trailer."""
    with tempfile.TemporaryDirectory() as folder:
        original = cdr_file.unpack(_original(file), file["name"], Path(folder))
        encoding = layout.encoding or "utf-8"
        with (
            open(original, encoding=encoding, newline="\n") as source,
            open(path, "w", encoding=encoding, newline="\n") as target,
        ):
            for number, text in enumerate(source, 1):
                target.write(cdr_file.one_line(rows[number][0]) + "\n" if number in rows else text)


async def _stem(file: Row) -> str:
    """How the parts of this replay are named: unlike those of the file, and of any replay before."""
    last = await CdrPart.select(CdrPart.id).order_by(CdrPart.id, ascending=False).first()
    return f"{file['sha256'][:20]}-{last['id'] if last else 0:011d}"


async def _record(file: Row, load: Load, judged: list[Row], actor: str) -> None:
    """Parts, rejects, counts and the journal, or nothing of it; nothing at all when nothing changed."""
    causes = {reject.line_number: reject.cause for reject in load.rejects}
    replayed = [row["id"] for row in judged if row["line_number"] not in causes]
    other = {
        row["id"]: causes[row["line_number"]] for row in judged if causes.get(row["line_number"], row["cause"]) != row["cause"]
    }
    if not replayed and not other:
        return
    counts = {"loaded": file["loaded"], "rejected": file["rejected"]}
    after: Row = {"loaded": file["loaded"] + load.loaded, "rejected": file["rejected"] - load.loaded}
    async with transaction():
        await insert_many(
            CdrPart,
            [CdrPart.file, CdrPart.month, CdrPart.path, CdrPart.rows],
            [(file["id"], part.month, part.path, part.rows) for part in load.parts],
        )
        await update_many(CdrReject.state, dict.fromkeys(replayed, str(RejectState.replayed)))
        await update_many(CdrReject.cause, other)
        await CdrFile.update({CdrFile.loaded: after["loaded"], CdrFile.rejected: after["rejected"]}).where(
            CdrFile.id == file["id"]
        )
        await tell(actor, "replayed", "cdr_file", file["id"], counts, after)
