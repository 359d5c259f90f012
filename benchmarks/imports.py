"""What ``import reactivepgm`` costs, and which packages the time goes to (``python -X importtime``)."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any

LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|\s*(\S+)")


@dataclass
class ImportTime:
    """Seconds of the fastest of several imports, each in a new process.

    Args:
        seconds: from the first line of the import to its last, by a clock; without -X importtime, which costs itself.
        bare: an interpreter that imports NumPy only, likewise.
        packages: self seconds by top-level package under -X importtime, the largest first.
    """

    seconds: float
    bare: float
    packages: dict[str, float]

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def import_time(repeats: int = 5) -> ImportTime:
    """Measures it, in new processes."""
    timed = {name: min(_seconds(name) for _ in range(repeats)) for name in ("reactivepgm", "numpy")}
    command = [sys.executable, "-X", "importtime", "-c", "import reactivepgm"]
    reports = [subprocess.run(command, capture_output=True, text=True, check=True).stderr for _ in range(repeats)]
    shares = min((_by_package(report) for report in reports), key=lambda found: sum(found.values()))
    largest = sorted(shares.items(), key=lambda item: -item[1])
    return ImportTime(timed["reactivepgm"], timed["numpy"], dict(largest[:8]))


def _seconds(module: str) -> float:
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def _by_package(report: str) -> dict[str, float]:
    """Self times of -X importtime, by the first part of the module's name.

    Example:
        >>> _by_package("import time:       100 |        250 |   numpy.linalg")
        {'numpy': 0.0001}
    """
    found: dict[str, float] = defaultdict(float)
    for match in LINE.finditer(report):
        found[match[3].split(".")[0]] += int(match[1]) * 1e-6
    return dict(found)
