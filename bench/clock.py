"""Wall and CPU seconds of a piece of work. On a shared machine the CPU seconds are the steadier figure."""

import resource
import time
from typing import Self


class Clock:
    def __enter__(self) -> Self:
        self._start, self._cpu = time.perf_counter(), _cpu()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds, self.cpu_s = time.perf_counter() - self._start, _cpu() - self._cpu

    @property
    def figures(self) -> dict[str, float]:
        return {"seconds": self.seconds, "cpu_s": self.cpu_s}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> int:
    """The most memory that this process has held."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
