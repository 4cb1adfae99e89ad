"""`make month`: the main job without a browser, on scratch data. Imports a folder of the published files, bills its months, writes `out/`."""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
REFERENCE = ("offers", "rates", "roaming_zones", "sims", "customers", "lines")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "demo")
    parser.add_argument("--month", default="2026-10")
    parser.add_argument("--months", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "out")
    args = parser.parse_args()
    shutil.rmtree(args.out, ignore_errors=True)
    args.out.mkdir(parents=True)
    os.environ["DATA_DIR"] = str((args.out / "data").resolve())  # before the settings are read
    with _scratch_database():
        subprocess.run(
            [sys.executable, "-m", "piccolo.main", "migrations", "forwards", "all"], cwd=ROOT, check=True, capture_output=True
        )
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
    base, slash, query = url.partition("?")
    os.environ["DATABASE_URL"] = f"{base.rsplit('/', 1)[0]}/{name}{'?' + query if slash else ''}"
    try:
        yield
    finally:
        asyncio.run(run(f"DROP DATABASE {name} WITH (FORCE)"))


async def _bill(args: argparse.Namespace) -> bool:
    from rules.paris import Month
    from tables.engine import engine

    await engine().start_connection_pool()
    try:
        month, agreed = Month.parse(args.month), True
        await _import(args.folder, month)
        for _ in range(args.months):
            agreed = await _one_month(args.folder, args.out, month) and agreed
            month = month.next
        return agreed
    finally:
        await engine().close_connection_pool()


@contextmanager
def _stage(label: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    print(f"  {label:<38} {time.perf_counter() - start:7.2f} s", flush=True)


async def _import(folder: Path, month: Any) -> None:
    """The six reference files. The rate table takes the code that the lines name, from the day of the oldest offer."""
    import csv

    from gateways.settings import SETTINGS
    from jobs import reseller
    from jobs.imports import import_file

    await reseller.save({"first_month": str(month)}, "make month")
    with (
        open(folder / "lines.csv", encoding="utf-8-sig", newline="") as lines,
        open(folder / "offers.csv", encoding="utf-8-sig") as offers,
    ):
        code = next(csv.DictReader(lines, delimiter=";"))["rate_table"]
        since = min(row["valid_from"] for row in csv.DictReader(offers, delimiter=";"))
    from datetime import date

    for kind in REFERENCE:
        with _stage(f"import {kind}.csv"):
            extra = {"code": code, "valid_from": date.fromisoformat(since)} if kind == "rates" else {}
            data = (folder / f"{kind}.csv").read_bytes()
            report = await import_file(kind, data, f"{kind}.csv", mode="all", actor="make month", now=SETTINGS.now(), **extra)
            if report.errors:
                sys.exit(f"{kind}.csv : {report.errors[0].message} (ligne {report.errors[0].line})")


async def _one_month(folder: Path, out: Path, month: Any) -> bool:
    from gateways.settings import SETTINGS
    from jobs.billing import export, runs
    from jobs.cdrs import load_files

    expected = _expected(folder, str(month))
    names = expected.get("files") or [path.name for path in (folder / "BilledCDRs/MOBILE").iterdir()]
    print(f"{month.french}")
    with _stage(f"chargement de {len(names)} fichiers de CDR"):
        await load_files([(folder / "BilledCDRs/MOBILE" / name, name) for name in sorted(names)], now=SETTINGS.now())
    with _stage("valorisation, brouillons, contrôles"):
        run, _ = await runs.start(month, "make month")
        await runs.work(run["id"], SETTINGS.now())
    waived = 0
    for row in await runs.controls(run["id"]):
        await runs.waive(run["id"], row["code"], row["customer_number"], row["msisdn"], "essai", "make month")
        waived += 1
    for stage, label in (("validate", "validation"), ("print", "édition des PDF")):
        with _stage(label):
            await runs.begin(run["id"], stage, "make month")
            await runs.work(run["id"], SETTINGS.now())
    target = out / str(month)
    target.mkdir()
    (target / "recapitulatif.csv").write_text(await export.summary_csv(run["id"]), encoding="utf-8")
    for name, path in await export.documents_of(run["id"]):
        shutil.copy(path, target / name)
    told = await runs.describe(run["id"])
    print(f"  {waived} anomalies passées avec le motif « essai », {len(told['parked'])} clients mis de côté")
    print("  " + json.dumps(told["totals"], ensure_ascii=False))
    return not expected or _compare(await found_of(run["id"]), expected)


def _expected(folder: Path, month: str) -> dict[str, Any]:
    path = folder / "expected.json"
    expected = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return expected.get("months", {expected.get("month"): expected}).get(month, {})


async def found_of(run_id: int) -> dict[str, Any]:
    """A run in the shape of expected.json."""
    from jobs.billing import runs

    told = await runs.describe(run_id)
    usage: dict[tuple[str, str], dict[str, Any]] = {}
    for row in await runs.usage(run_id):
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
        for row in await runs.invoices(run_id)
    ]
    return {
        "month": told["month"],
        "totals": told["totals"],
        "rejects_by_cause": told["totals"]["rejects_by_cause"],
        "usage_by_category": [usage[key] for key in sorted(usage)],
        "customers": customers,
    }


def _compare(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Every figure of expected.json, told one by one when it differs."""
    differences = [
        f"{name}.{key} : {found['totals'].get(key)} au lieu de {value}"
        for name in ("totals",)
        for key, value in expected["totals"].items()
        if found["totals"].get(key) != value
    ]
    differences += [f"{name} diffère" for name in ("rejects_by_cause", "usage_by_category") if found[name] != expected[name]]
    known = {row["customer_number"]: row for row in found["customers"]}
    wanted = {row["customer_number"]: row for row in expected["customers"]}
    for number in sorted(known.keys() | wanted.keys()):
        if known.get(number) != wanted.get(number):
            differences.append(f"client {number} : {known.get(number)} au lieu de {wanted.get(number)}")
    print(
        "  " + ("conforme à expected.json" if not differences else "\n  ".join(["DIFFÉRENT d'expected.json", *differences[:20]]))
    )
    return not differences


if __name__ == "__main__":
    main()
