"""The machine and the versions with which the figures were taken."""

import os
import platform
import sqlite3
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("duckdb", "piccolo", "typst", "weasyprint")


def facts(figures: dict[str, Any]) -> dict[str, Any]:
    found = {"cores": len(os.sched_getaffinity(0)), "cpu": _cpu(), "memory_gb": _memory_gb(), "python": platform.python_version()}
    found |= {package: _version(package) for package in PACKAGES}
    found |= {"sqlite": sqlite3.sqlite_version, "postgres": figures.get("postgres", {}).get("import", {}).get("server", "absent")}
    return found | {"load_average": round(os.getloadavg()[2], 2), "taken_at": datetime.now(UTC).isoformat(timespec="minutes")}


def _cpu() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.machine()


def _memory_gb() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"
