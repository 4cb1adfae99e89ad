"""The chains read again from their first seal: is each document, line and paper still the one that was sealed?"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateways.files import is_locked
from gateways.settings import SETTINGS
from jobs.report import Report
from jobs.seals import chain
from jobs.seals.chain import CHUNK, SUBJECT, Row, seal_id
from jobs.worker import ask
from rules import numbering, seals
from rules.paris import Month, paris_date
from rules.retention import closed
from rules.states import DocumentKind, InvoiceState, JobState
from tables.engine import transaction
from tables.invoices import Invoice, NumberSeries, SealedDocument
from tables.scheduling import JobRun
from tables.seals import Seal
from tables.timeline import TimelineEntry, tell

SEALS, FILES = "verify-seals", "verify-files"
VERIFIED = "verified"
ACTOR = "Vérification"


@dataclass
class Chain:
    """A series as it was read: how many seals, the last one, and what does not hold, the first first."""

    series: str
    seals: int = 0
    rank: int = 0
    sha256: str = ""
    issued_on: Any = None
    broken: list[str] = field(default_factory=list)


async def verify_seals() -> Report:
    """The chains, in a process of their own: what a scheduler asks for."""
    return await ask("verify", False)


async def verify_files() -> Report:
    """The chains, and every PDF and XML against its hash."""
    return await ask("verify", True)


async def verify(files: bool = False) -> Report:
    """Read every chain again and keep what was found in the journal. Each problem begins with the name of what is broken."""
    await chain.begin()
    before = await last()
    now = SETTINGS.now()
    verified = before["heads"] if before else {}
    chains, read = [Chain(series) for series in sorted({*await series_names(), *verified, seals.PAPERS})], 0
    for one in chains:
        async for place in _walk(one, verified.get(one.series)):
            await _progress(FILES if files else SEALS, read + place)
        read += one.seals
    problems = [problem for one in chains for problem in one.broken[:1]]
    problems += [problem async for problem in _outside(chains)]
    if files:
        problems += [problem async for problem in _spoilt()]
    found = {
        "heads": {one.series: [one.rank, one.sha256] for one in chains if one.seals},
        "seals": read, "broken": sum(len(one.broken) for one in chains), "files": files, "problems": problems[:100],
    }  # fmt: skip
    async with transaction():
        await tell(ACTOR, VERIFIED, SUBJECT, 0, after=found, at=now)
    return Report(read, 0, tuple(problems))


async def last() -> Row | None:
    """What the last verification found: `at`, `heads` (rank and hash by series), `seals`, `broken`, `files`, `problems`."""
    entry = TimelineEntry
    told = entry.select(entry.at, entry.after).where(entry.subject == SUBJECT, entry.subject_id == 0, entry.event == VERIFIED)
    row = await told.order_by(entry.id, ascending=False).first()
    return row and {"at": row["at"], **json.loads(row["after"])}


async def at_work() -> Row | None:
    """The verification under way, read so far, of how many; None when there is none."""
    for job in (SEALS, FILES):
        if is_locked(SETTINGS.data_dir / f"{job}.lock"):
            passage = await JobRun.select(JobRun.done).where(JobRun.job == job).order_by(JobRun.id, ascending=False).first()
            return {"done": passage["done"] if passage else 0, "total": await Seal.count(), "files": job == FILES}
    return None


async def heads() -> list[Row]:
    """Each series with what its numbers begin with, how many seals it has, its last document and the hash of its last seal."""
    found = []
    for series in sorted(await series_names()):
        head = await chain.head_of(series) or {"rank": 0, "sha256": ""}
        last = _name(series, head["rank"]) if head["rank"] and series != seals.PAPERS else ""
        counted = await Seal.count().where(Seal.series == series)
        stem = series.partition("{")[0]
        found.append({"series": series, "stem": stem, "seals": counted, "last": last, "sha256": head["sha256"]})
    return found


async def series_names() -> set[str]:
    """Every series that has seals or numbers."""
    rows = await Seal.select(Seal.series).distinct()
    numbered = await NumberSeries.select(NumberSeries.name).where(NumberSeries.last_number > 0)
    return {row["series"] for row in rows} | {row["name"] for row in numbered}


async def _walk(one: Chain, verified: list[Any] | None) -> AsyncIterator[int]:
    """Read a chain to its end; how far, from time to time. `verified`: the head that it had when it was last verified."""
    check = paper_texts if one.series == seals.PAPERS else document_texts
    last = -1
    while rows := await Seal.select().where(Seal.series == one.series, Seal.rank > last).order_by(Seal.rank).limit(CHUNK):
        texts = await check(rows)
        for row in rows:
            one.broken += _faults(one, row, texts[row["id"]], verified)
            one.seals, one.rank, one.sha256 = one.seals + 1, row["rank"], row["sha256"]
        one.issued_on = texts[rows[-1]["id"]].row.get("issued_on")
        last = one.rank
        yield one.seals
    if verified and one.rank < verified[0]:
        one.broken.append(f"{_name(one.series, one.rank + 1)} : vérifié naguère, son sceau a disparu, et ceux qui le suivaient.")


@dataclass(frozen=True)
class Told:
    """What a seal stands for, as it is now: its text, and what is wrong besides."""

    text: str = ""
    fault: str = ""
    name: str = ""
    row: Row = field(default_factory=dict)
    frozen: str | None = None


def _faults(one: Chain, row: Row, told: Told, verified: list[Any] | None) -> Iterator[str]:
    """What does not hold of one seal; at most one sentence of each kind."""
    name = told.name or _name(one.series, row["rank"])
    if one.seals and row["rank"] != one.rank + 1:
        yield f"{_name(one.series, one.rank + 1)} : son sceau manque."
    elif row["previous"] != one.sha256:
        yield f"{name} : son sceau ne suit pas celui d'avant."
    if told.fault:
        yield f"{name} : {told.fault}"
    elif seals.seal(row["previous"], told.text) != row["sha256"]:
        yield f"{name} : il n'est plus tel qu'il a été scellé."
    elif row["id"] != seal_id(row["invoice"], row["paper"]):
        yield f"{name} : son sceau a changé de clé."
    elif verified and row["rank"] == verified[0] and row["sha256"] != verified[1]:
        yield f"{name} : son sceau n'est plus celui qui a été vérifié naguère."


def _name(series: str, rank: int) -> str:
    return series.format(counter=rank) if numbering.PATTERN.fullmatch(series) else f"{series}, rang {rank}"


async def document_texts(rows: list[Row]) -> dict[int, Told]:
    ids = [row["invoice"] for row in rows if row["invoice"]]
    found = {row["id"]: row for row in await chain.documents(ids, Invoice.document)}
    lines = await chain.lines_of(ids)
    return {row["id"]: _document(row, found.get(row["invoice"]), lines.get(row["invoice"], [])) for row in rows}


def _document(seal: Row, row: Row | None, lines: list[Row]) -> Told:
    if row is None or seal["paper"]:
        return Told(fault="le document a disparu.")
    same = hashlib.sha256(row["document"].encode()).hexdigest() == row["sha256"]
    fault = "" if same else "son contenu figé n'est plus celui de sa validation."
    text = seals.document_text(seal["series"], seal["rank"], row, lines)
    return Told(text, fault, _name(seal["series"], seal["rank"]), row, row["document"])


async def paper_texts(rows: list[Row]) -> dict[int, Told]:
    papers = SealedDocument
    wanted = papers.select(*chain.named(papers, seals.PAPER)).where(
        papers.id.is_in([row["paper"] for row in rows if row["paper"]])
    )
    found = {row["id"]: row for row in await wanted}
    return {row["id"]: _paper(row, found.get(row["paper"])) for row in rows}


def _paper(seal: Row, row: Row | None) -> Told:
    if row is None or seal["invoice"]:
        return Told(fault="le fichier n'est plus au registre.")
    return Told(seals.paper_text(seal["rank"], row), name=row["name"], row=row)


async def _outside(chains: list[Chain]) -> AsyncIterator[str]:
    """What no chain holds: numbers that were taken, documents and papers without a seal."""
    ends = {one.series: one for one in chains}
    for series in await NumberSeries.select().where(NumberSeries.last_number > 0):
        end = ends[series["name"]]
        if series["last_number"] != end.rank:
            first = _name(end.series, min(end.rank, series["last_number"]) + 1)
            yield f"{first} : la série {end.series} compte {series['last_number']} numéros, ses sceaux {end.rank}."
        elif series["last_issued_on"] != end.issued_on:
            yield f"{_name(end.series, end.rank)} : la série {end.series} porte une autre date que son dernier document."
    numbered = {row["name"] for row in await NumberSeries.select(NumberSeries.name)}
    for one in chains:
        if one.series not in numbered | {seals.PAPERS} and one.seals:
            yield f"{one.series} : cette série n'est plus au registre des séries."
    sealed = Seal.select(Seal.invoice).where(Seal.invoice.is_not_null())
    loose = Invoice.select(Invoice.number).where(Invoice.state == InvoiceState.validated, Invoice.id.not_in(sealed))
    for row in await loose.order_by(Invoice.number).limit(CHUNK):
        yield f"{row['number']} : validé, et sans sceau."
    sealed = Seal.select(Seal.paper).where(Seal.paper.is_not_null())
    paper = SealedDocument
    for row in await paper.select(paper.name).where(paper.id.not_in(sealed)).order_by(paper.name).limit(CHUNK):
        yield f"{row['name']} : au registre, et sans sceau."


async def _spoilt() -> AsyncIterator[str]:
    """Each PDF and XML that is not the one whose hash is kept."""
    paper, last_id = SealedDocument, 0
    columns = (paper.id, paper.kind, paper.name, paper.path, paper.sha256, paper.size_bytes, paper.invoice.issued_on)
    while rows := await paper.select(*columns).where(paper.id > last_id).order_by(paper.id).limit(CHUNK):
        for problem in await asyncio.to_thread(lambda rows: [*filter(None, map(_file_fault, rows))], rows):
            yield problem
        last_id = rows[-1]["id"]


def _file_fault(row: Row, root: Path | None = None) -> str:
    path = (root or SETTINGS.data_dir) / row["path"]
    try:
        with open(path, "rb") as file:
            same = hashlib.file_digest(file, "sha256").hexdigest() == row["sha256"]
    except OSError:
        old = closed(Month.of(row["invoice.issued_on"]).previous, paris_date(SETTINGS.now()))
        purged = row["kind"] == DocumentKind.detail and old  # jobs/retention.py
        return "" if purged else f"{row['name']} : le fichier manque."
    return "" if same else f"{row['name']} : le fichier n'est plus celui qui a été scellé."


async def _progress(job: str, done: int) -> None:
    await JobRun.update({JobRun.done: done}).where(JobRun.job == job, JobRun.state == JobState.running)
