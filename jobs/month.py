"""`make month`: the main job without a browser, on scratch data: a folder of published files imported, billed, told in `out/`."""

import argparse
import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rules.paris import Month

ROOT = Path(__file__).parent.parent
ACTOR = "make month"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "demo")
    parser.add_argument("--month", default="2026-10")
    parser.add_argument("--months", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "out")
    parser.add_argument("--record", action="store_true", help="write the folder's expected.json from what is found")
    args = parser.parse_args()
    shutil.rmtree(args.out, ignore_errors=True)
    args.out.mkdir(parents=True)
    os.environ["DATA_DIR"] = str((args.out / "data").resolve())  # before the settings are read
    with _scratch_database():
        from jobs.setup import migrate

        migrate()
        agreed = asyncio.run(_bill(args))
    sys.exit(0 if agreed else 1)


@contextmanager
def _scratch_database() -> Iterator[None]:
    """On the PostgreSQL of DATABASE_URL, if given, a database of our own for the time of the job."""
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        yield
        return
    import asyncpg

    async def run(statement: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    name = f"ligne_claire_month_{os.getpid()}"
    asyncio.run(run(f"CREATE DATABASE {name}"))
    base, mark, query = url.partition("?")
    os.environ["DATABASE_URL"] = f"{base.rsplit('/', 1)[0]}/{name}{mark}{query}"
    try:
        yield
    finally:
        asyncio.run(run(f"DROP DATABASE {name} WITH (FORCE)"))


async def _bill(args: argparse.Namespace) -> bool:
    from gateways.settings import SETTINGS
    from jobs import folder
    from rules.paris import Month
    from tables.engine import engine

    await engine().start_connection_pool()
    try:
        month, agreed = Month.parse(args.month), True
        with _stage("import des six fichiers de référence"):
            await folder.import_reference(args.folder, month, SETTINGS.now(), ACTOR)
        for _ in range(args.months):
            agreed = await _one_month(args, month) and agreed
            month = month.next
        return agreed
    finally:
        await engine().close_connection_pool()


@contextmanager
def _stage(label: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    print(f"  {label:<38} {time.perf_counter() - start:7.2f} s", flush=True)


async def _one_month(args: argparse.Namespace, month: "Month") -> bool:
    from gateways.settings import SETTINGS
    from jobs import folder
    from jobs.billing import runs
    from jobs.billing.send import send

    async def work(run_id: int) -> None:
        await runs.perform(run_id, SETTINGS.now())

    expected = _expected(args.folder, str(month))
    print(month.french)
    with _stage("chargement des CDR"):
        await folder.load_cdrs(args.folder, SETTINGS.now(), expected.get("files", ()))
    with _stage("valorisation, brouillons, contrôles"):
        run, _ = await runs.start(month, ACTOR, work)
    waived = await runs.controls(run["id"])
    for row in waived:
        await runs.waive(run["id"], row["code"], row["customer_number"], row["msisdn"], "essai", ACTOR)
    for stage, label in (("validate", "validation"), ("print", "édition des PDF")):
        with _stage(label):
            await runs.begin(run["id"], stage, ACTOR, work)
    with _stage("e-mails mis en file, aucun n'est parti"):
        await send(run["id"], ACTOR)
    await _write(run["id"], args.out / str(month))
    found = await found_of(run["id"])
    print(f"  {len(waived)} anomalies passées avec le motif « essai », {found['totals']['parked']} clients mis de côté")
    print("  " + json.dumps(found["totals"], ensure_ascii=False))
    if args.record:
        text = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
        (args.folder / "expected.json").write_text(text, encoding="utf-8")
    return not expected or _agree(found, expected)


async def _write(run_id: int, target: Path) -> None:
    from jobs import accounting, mails
    from jobs.billing import export
    from rules.files.written import csv_text
    from tables.invoices import Invoice

    target.mkdir()
    (target / "recapitulatif.csv").write_text(await export.summary_csv(Invoice.run == run_id), encoding="utf-8")
    with open(target / "journal-des-ventes.txt", "wb") as journal:
        await accounting.fill(journal, (Invoice.run == run_id) & (Invoice.number.is_not_null()))
    outbox = ([row["invoice.number"], row["recipient"], row["subject"], *mails.files(row)] for row in await mails.of_run(run_id))
    (target / "envois.csv").write_text(csv_text(("numero", "destinataire", "objet", "pieces"), outbox), encoding="utf-8")
    for name, path in await export.documents_of(run_id):
        shutil.copy(path, target / name)


def _expected(folder: Path, month: str) -> dict[str, Any]:
    path = folder / "expected.json"
    expected = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return expected.get("months", {expected.get("month"): expected}).get(month, {})


async def found_of(run_id: int) -> dict[str, Any]:
    """A run in the shape of expected.json."""
    from jobs.billing import runs, telling

    totals = (await telling.describe(run_id))["totals"]
    usage: dict[tuple[str, str], dict[str, Any]] = {}
    for row in await telling.usage(run_id):
        total = usage.setdefault((row["type"], row["category"]), {"type": row["type"], "category": row["category"]})
        for name, value in row.items():
            if isinstance(value, int):
                total[name] = total.get(name, 0) + value
    customers = [
        {
            "customer_number": row["customer_number"],
            "kind": "CREDIT_NOTE" if row["incl_vat_cents"] < 0 else "INVOICE",
            **{name: row[name] for name in ("excl_vat_cents", "vat_cents", "incl_vat_cents")},
            "lines": len(row["lines"]),
        }
        for row in (await telling.invoices(run_id, 100_000, 0))[0]
    ]
    return {
        "month": (await runs.get(run_id))["month"],
        "totals": totals,
        "rejects_by_cause": totals["rejects_by_cause"],
        "usage_by_category": [usage[key] for key in sorted(usage)],
        "customers": customers,
    }


def _agree(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether every figure of expected.json is found; each that differs is told."""
    totals = found["totals"]
    told = [
        f"totals.{key} : {totals.get(key)} au lieu de {value}"
        for key, value in expected["totals"].items()
        if totals.get(key) != value
    ]
    told += [f"{name} diffère" for name in ("rejects_by_cause", "usage_by_category") if found[name] != expected[name]]
    known, wanted = ({row["customer_number"]: row for row in side["customers"]} for side in (found, expected))
    for number in sorted(known.keys() | wanted.keys()):
        if known.get(number) != wanted.get(number):
            told.append(f"client {number} : {known.get(number)} au lieu de {wanted.get(number)}")
    print("  " + "\n  ".join(["DIFFÉRENT d'expected.json", *told[:20]] if told else ["conforme à expected.json"]))
    return not told


if __name__ == "__main__":
    main()
