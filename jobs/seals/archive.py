"""The archive: documents, PDFs and XML with their chains, in one ZIP that a stranger verifies with the program inside."""

import asyncio
import hashlib
import json
import zipfile
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateways.settings import SETTINGS
from jobs import documents
from jobs.billing.export import CHUNK as ENOUGH
from jobs.billing.export import MONTH_END, Drain
from jobs.seals import verify
from jobs.seals.chain import CHUNK, Row
from rules import seals
from rules.period import Period
from tables.seals import Seal

VERIFIER = Path(__file__).parents[2] / "tools/verify_archive.py"
READ_ME = """Archive des factures et avoirs émis{period}.

documents.jsonl   un document par ligne : son rang dans sa série, le sceau précédent, son sceau, le texte scellé, le document figé
papers.jsonl      un fichier (PDF ou XML) par ligne, scellé de même
papers/           ces fichiers
manifest.json     séries, derniers sceaux, totaux, empreintes

Pour vérifier, sans autre programme que Python : python3 verify_archive.py archive.zip
Comparez ensuite les derniers sceaux qu'il affiche à ceux de la page « Scellés ».
"""
DEFLATED_LIGHTLY = 1


async def stream(period: Period | None = None) -> AsyncIterator[bytes]:
    """The ZIP as it is made: of a period, or of all time."""
    made = _Archive()
    told = f", {period.french}" if period else ""
    made.whole_file("LISEZ-MOI.txt", READ_ME.format(period=told).encode())
    made.whole_file("verify_archive.py", VERIFIER.read_bytes())
    inside: Any = (Seal.invoice.issued_on >= period.first) & (Seal.invoice.issued_on <= period.last) if period else Seal.id > 0
    with made.member("documents.jsonl"):
        for series in sorted(await verify.series_names() - {seals.PAPERS}):
            async for rows in _rows(series, inside, Seal.invoice, verify.document_texts):
                yield await asyncio.to_thread(made.lines, series, rows)
    paper: Any = Seal.paper.invoice
    inside = (paper.issued_on >= period.first) & (paper.issued_on <= period.last) if period else Seal.id < 0
    with made.member("papers.jsonl"):
        async for rows in _rows(seals.PAPERS, inside, Seal.paper, verify.paper_texts):
            yield await asyncio.to_thread(made.lines, seals.PAPERS, rows)
    for start in range(0, len(made.papers), CHUNK):
        for piece in made.put(made.papers[start : start + CHUNK]):
            yield piece
            await asyncio.sleep(0)
    manifest = {
        "made_at": SETTINGS.now().isoformat(), "layout": seals.LAYOUT, "whole": period is None,
        "period": period and [str(period.first), str(period.last)], "series": made.ends, "totals": made.totals,
        "missing": made.missing, "files": made.hashes,
    }  # fmt: skip
    made.whole_file("manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1).encode())
    made.zip.close()
    yield made.drain.take()


async def _rows(series: str, inside: Any, key: Any, texts: Any) -> AsyncIterator[list[tuple[Row, verify.Told]]]:
    """The seals of a series that lie in a period, with what they stand for."""
    last = -1
    while rows := await Seal.select().where(Seal.series == series, Seal.rank > last, inside).order_by(Seal.rank).limit(CHUNK):
        told = await texts(rows)
        yield [(row, told[row["id"]]) for row in rows]
        last = rows[-1]["rank"]


class _Archive:
    """A ZIP under way, and what its manifest will say."""

    def __init__(self) -> None:
        self.drain = Drain()
        self.zip = zipfile.ZipFile(self.drain, "w", zipfile.ZIP_STORED)  # type: ignore[call-overload]
        self.papers: list[tuple[str, str]] = []
        self.missing: list[str] = []
        self.hashes: dict[str, str] = {}
        self.ends: dict[str, Row] = {}
        self.totals = dict.fromkeys(("documents", *documents.AMOUNTS), 0)

    def whole_file(self, name: str, data: bytes) -> None:
        self.zip.writestr(_info(name), data, zipfile.ZIP_DEFLATED, DEFLATED_LIGHTLY)
        if name != "manifest.json":
            self.hashes[name] = hashlib.sha256(data).hexdigest()

    @contextmanager
    def member(self, name: str) -> Iterator[None]:
        info, self.digest = _info(name), hashlib.sha256()
        info.compress_type, info._compresslevel = zipfile.ZIP_DEFLATED, DEFLATED_LIGHTLY  # type: ignore[attr-defined]
        with self.zip.open(info, "w", force_zip64=True) as self.open:
            yield
        self.hashes[name] = self.digest.hexdigest()

    def lines(self, series: str, rows: Iterable[tuple[Row, verify.Told]]) -> bytes:
        """Write seals as lines; the bytes of the ZIP that are ready."""
        for row, told in rows:
            if not told.row:
                continue  # gone: the gap in the chain will tell
            end = self.ends.setdefault(series, {"first": row["rank"], "seals": 0})
            end |= {"last": row["rank"], "head": row["sha256"], "seals": end["seals"] + 1}
            line = {name: row[name] for name in ("series", "rank", "previous", "sha256")} | {"sealed": told.text}
            if told.frozen is None:
                self.papers.append((told.name, told.row["path"]))
            else:
                line["document"] = told.frozen
                self.totals["documents"] += 1
                for name in documents.AMOUNTS:
                    self.totals[name] += told.row[name]
            data = (json.dumps(line, ensure_ascii=False) + "\n").encode()
            self.digest.update(data)
            self.open.write(data)
        return self.drain.take()

    def put(self, papers: Iterable[tuple[str, str]]) -> Iterator[bytes]:
        for name, path in papers:
            try:
                data = (SETTINGS.data_dir / path).read_bytes()
            except OSError:
                self.missing.append(name)
                continue
            self.zip.writestr(_info(f"papers/{name}"), data)
            if len(self.drain.data) > ENOUGH:
                yield self.drain.take()


def _info(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, MONTH_END)
