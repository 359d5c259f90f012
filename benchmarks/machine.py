"""Where and with what it was measured: processor, cores, system, versions, date; nothing that names a host or a path."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.limits import compiler

PACKAGES = (
    "reactivepgm", "numpy", "scipy", "reactivex", "statsmodels", "filterpy", "dynamax", "bayespy", "hmmlearn",
    "scikit-learn", "pgmax", "gtsam", "jax", "jaxlib",
)  # fmt: skip


def described() -> dict[str, Any]:
    """The machine, the versions and the date, for JSON and for the page."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": _memory(),
        "system": platform.system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": _compiler(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": {name: version for name in PACKAGES if (version := _version(name)) is not None},
        "missing": [name for name in PACKAGES if _version(name) is None],
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        if name == "reactivepgm":
            return "working tree"
        return None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    except (ValueError, AttributeError, OSError):
        return None


def _compiler() -> str | None:
    found = compiler()
    if found is None:
        return None
    return subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout.split("\n")[0]
