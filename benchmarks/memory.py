"""Peak memory of one job, in a process of its own.

``python -m benchmarks.memory W1a 100000 reactivepgm`` prints two peaks in bytes: what Python and NumPy allocated beyond
what was there before (tracemalloc), and how far the resident set rose (Linux: VmHWM of /proc, after a reset).
Data and oracle are made before, the job has run once at a small size, so imports and caches do not count.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tracemalloc
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

STATUS, REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass
class Peak:
    """Bytes a row.

    Args:
        workload: its key.
        size: the number of rows.
        job: whose peak.
        traced: by tracemalloc, a row.
        resident: the rise of the resident set, a row; None where the system does not tell.
        note: why there is no figure.
    """

    workload: str
    size: int
    job: str
    traced: float | None = None
    resident: float | None = None
    note: str = ""

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def peak_of(key: str, size: int, name: str, timeout: float = 60.0) -> Peak:
    """The peak of a job, measured in two new processes: one that is traced, one that is not."""
    found = Peak(key, size, name)
    for kind in ("traced", "resident"):
        command = [sys.executable, "-m", "benchmarks.memory", key, str(size), name, kind]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            found.note = f"more than {timeout:.0f} s"
            continue
        if done.returncode:
            found.note = (done.stderr.strip().split("\n") or [""])[-1][:200]
        else:
            peak = json.loads(done.stdout.strip().split("\n")[-1])
            setattr(found, kind, None if peak is None else peak / size)
    return found


def _resident(field: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(f"{field} is not in {STATUS}")


def _measure(key: str, size: int, name: str, kind: str) -> float | None:
    from benchmarks.workloads import WORKLOADS

    workload = next(w for w in WORKLOADS if w.key == key)
    job = workload.job(name)
    job.prepare(workload.make(workload.small))()
    run = job.prepare(workload.make(size))
    gc.collect()
    if kind == "traced":
        tracemalloc.start()
        run()
        return float(tracemalloc.get_traced_memory()[1])
    if not STATUS.exists() or not os.access(REFERENCES, os.W_OK):
        return None
    REFERENCES.write_text("5")  # the high-water mark falls to the present resident set
    before = _resident("VmRSS")
    run()
    return float(_resident("VmHWM") - before)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])))
