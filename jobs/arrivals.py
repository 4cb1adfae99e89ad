"""CDR files that come: looked for at the supplier's server, given by hand, laid in a spool, and loaded in order."""

import asyncio
import shutil
import traceback
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from gateways import sftp
from gateways.files import publish
from gateways.settings import SETTINGS
from gateways.sftp import Depot, FileRefused, RemoteFile
from jobs.cdrs import LONGEST_NAME, CdrReport, load_files
from jobs.imports.store import select_in
from jobs.layouts import layout_for
from jobs.report import Report
from jobs.worker import ask
from rules.errors import RuleError
from rules.states import ArrivalSource, ArrivalState
from tables.engine import claim
from tables.usage import Arrival

SPOOL = "spool"
NO_DEPOT = (
    "Aucun dépôt n'est réglé : donnez SFTP_URL et SFTP_HOST_KEY, puis redémarrez. Les fichiers se chargent aussi à la main."
)
LOST = "Le fichier n'est plus dans notre dossier d'attente. Déposez-le de nouveau."
SETTLED = (ArrivalState.fetched, ArrivalState.loaded, ArrivalState.refused)
Row = dict[str, Any]


class NothingToRetry(RuleError):
    """An arrival that is not refused, or whose file is not here."""

    status = 409


def spooled(arrival_id: int) -> Path:
    return SETTINGS.data_dir / SPOOL / str(arrival_id)


async def fetch() -> Report:
    """Look at the supplier's server and fetch the files that no longer grow. What fails is a problem, never an exception."""
    if not SETTINGS.sftp_url:
        return Report(problems=(NO_DEPOT,))
    for left in (SETTINGS.data_dir / SPOOL).glob("*.part"):
        left.unlink()
    done, skipped, problems = 0, 0, []
    try:
        async with sftp.depot() as depot:
            listed = await depot.list()
            known = await _known(listed)
            for remote in listed:
                try:
                    came = await _take(depot, remote, known.get(remote.name, []))
                    done, skipped = done + came, skipped + (not came)
                except FileRefused as reason:
                    problems.append(str(reason))
    except RuleError as reason:
        problems.append(str(reason))
    return Report(done, skipped, tuple(problems))


async def _known(listed: list[RemoteFile]) -> dict[str, list[Row]]:
    """The arrivals of the names that lie there; those that were growing and are gone are forgotten."""
    columns = (Arrival.id, Arrival.name, Arrival.size_bytes, Arrival.modified_s, Arrival.state, Arrival.source)
    found: dict[str, list[Row]] = {}
    for row in await select_in(columns, Arrival.name, [remote.name for remote in listed]):
        if row["source"] == ArrivalSource.sftp:
            found.setdefault(row["name"], []).append(row)
    growing = await Arrival.select(Arrival.id, Arrival.name).where(
        Arrival.state == ArrivalState.waiting, Arrival.source == ArrivalSource.sftp
    )
    gone = [row["id"] for row in growing if row["name"] not in {remote.name for remote in listed}]
    if gone:
        await Arrival.delete().where(Arrival.id.is_in(gone))
    return found


async def _take(depot: Depot, remote: RemoteFile, known: list[Row]) -> bool:
    """Whether the file was fetched: the second time that it is seen with the same size and date. Raises FileRefused."""
    version = (remote.size_bytes, remote.modified_s)
    same = next((row for row in known if (row["size_bytes"], row["modified_s"]) == version), None)
    waiting = next((row for row in known if row["state"] == ArrivalState.waiting), None)
    if same and same["state"] in SETTLED:
        if waiting:
            await Arrival.delete().where(Arrival.id == waiting["id"])
        return False
    if same and not remote.being_written and not remote.refusal:
        digest = await depot.fetch(remote, spooled(same["id"]))
        await _change(same["id"], {Arrival.state: ArrivalState.fetched, Arrival.sha256: digest, Arrival.seen_at: SETTINGS.now()})
        return True
    values = {
        Arrival.size_bytes: remote.size_bytes,
        Arrival.modified_s: remote.modified_s,
        Arrival.state: ArrivalState.refused if remote.refusal else ArrivalState.waiting,
        Arrival.reason: remote.refusal,
        Arrival.seen_at: SETTINGS.now(),
    }
    if waiting:
        await _change(waiting["id"], values)
    else:
        await Arrival(values | {Arrival.name: remote.name, Arrival.source: ArrivalSource.sftp}).save()
    if remote.refusal:
        raise FileRefused(f"« {remote.name} » est laissé au dépôt. {remote.refusal}")
    return False


async def receive(file: IO[bytes], name: str) -> int:
    """Lay a file given by hand in the spool; its arrival."""
    name = "".join(sign for sign in name if sign.isprintable())[:LONGEST_NAME] or "sans nom"
    arrival = Arrival(name=name, source=ArrivalSource.upload, state=ArrivalState.waiting, seen_at=SETTINGS.now())
    await arrival.save()
    path = spooled(arrival.id)
    await asyncio.to_thread(publish, path, lambda part: save(file, part))
    await _change(arrival.id, {Arrival.state: ArrivalState.fetched, Arrival.size_bytes: path.stat().st_size})
    return arrival.id


def save(file: IO[bytes], path: Path) -> None:
    """Write what was uploaded to a file, piece by piece."""
    with open(path, "wb") as target:
        shutil.copyfileobj(file, target, 1024 * 1024)


async def retry(arrival_id: int) -> None:
    """Let a refused file be loaded once more. Raises NothingToRetry."""
    row = await Arrival.select().where(Arrival.id == arrival_id).first()
    if not row or row["state"] != ArrivalState.refused or not spooled(arrival_id).exists():
        raise NothingToRetry("Ce fichier n'est pas à essayer de nouveau. Rechargez la page.")
    await _change(arrival_id, {Arrival.state: ArrivalState.fetched, Arrival.reason: ""})


async def load_apart() -> Report:
    """Load what has arrived, in a process beside: the memory that it takes goes with it."""
    return await ask("load_arrived")


async def load() -> Report:
    """Load every file of the spool: the supplier's by name, then those given by hand as they came. One stops no other."""
    await _sweep()
    counts, problems, tried = Counter[ArrivalState](), [], set[int]()
    while rows := [row for row in await _fetched() if row["id"] not in tried]:
        first = min(rows, key=_order)
        tried.add(first["id"])
        state, problem = await _load(first)
        counts[state] += 1
        problems += [problem] if problem else []
    return Report(counts[ArrivalState.loaded], counts[ArrivalState.waiting], tuple(problems))


def _order(row: Row) -> tuple[bool, str, int]:
    by_hand = row["source"] == ArrivalSource.upload
    return by_hand, "" if by_hand else row["name"], row["id"]


async def _fetched() -> list[Row]:
    return await Arrival.select(Arrival.id, Arrival.name, Arrival.source).where(Arrival.state == ArrivalState.fetched)


async def _load(row: Row) -> tuple[ArrivalState, str]:
    """Load one file: loaded, refused, or (waiting) nothing new; and what the operator should know."""
    path, name = spooled(row["id"]), row["name"]
    try:
        (report,) = await load_files([(path, name)], now=SETTINGS.now(), layout=await layout_for(name))
    except RuleError as refusal:
        return await _refuse(row["id"], str(refusal), str(refusal))
    except FileNotFoundError:
        return await _refuse(row["id"], LOST, f"{name} : {LOST}")
    except OSError:
        raise  # our own disk: nothing else would load either
    except Exception:
        traceback.print_exc()
        return ArrivalState.refused, f"{name} : la lecture s'est interrompue. Elle sera essayée de nouveau."
    reason = "Contenu déjà chargé." if report.duplicate_file else ""
    await _change(row["id"], {Arrival.state: ArrivalState.loaded, Arrival.cdr_file: report.cdr_file_id, Arrival.reason: reason})
    path.unlink(missing_ok=True)
    return (ArrivalState.waiting if report.duplicate_file else ArrivalState.loaded), ""


async def _refuse(arrival_id: int, reason: str, problem: str) -> tuple[ArrivalState, str]:
    """Refuse a file, unless another process has loaded it meanwhile: a worker may outlive the passage that asked for it."""
    values: dict[Any, Any] = {Arrival.state: ArrivalState.refused, Arrival.reason: reason}
    still = (Arrival.id == arrival_id) & (Arrival.state == ArrivalState.fetched)
    return (ArrivalState.refused, problem) if await claim(Arrival, values, still) else (ArrivalState.waiting, "")


async def load_upload(path: Path, name: str, now: datetime, layout: str, preview: bool) -> CdrReport:
    """Load or preview one file at once; the verb that the API asks a worker for. Raises UnknownLayout, FormError."""
    (report,) = await load_files([(path, name)], now=now, layout=layout, preview=preview)
    return report


async def _sweep() -> None:
    """Remove from the spool what a process loaded that died before it could."""
    there = {int(path.name): path for path in (SETTINGS.data_dir / SPOOL).glob("*") if path.name.isdigit()}
    for row in await select_in([Arrival.id, Arrival.state], Arrival.id, there):
        if row["state"] == ArrivalState.loaded:
            there[row["id"]].unlink()


async def _change(arrival_id: int, values: dict[Any, Any]) -> None:
    await Arrival.update(values).where(Arrival.id == arrival_id)
