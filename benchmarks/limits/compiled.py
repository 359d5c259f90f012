"""``limits.c`` as a shared library in a temporary folder, called through ctypes."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

# What -ffast-math allows, without what it does to the whole process: its start-up code would flush subnormals to zero.
FASTER = ("-fno-math-errno", "-fassociative-math", "-fno-signed-zeros", "-fno-trapping-math", "-freciprocal-math")
FLAGS = ("-O3", "-march=native", *FASTER, "-std=c11", "-shared", "-fPIC")


def compiler() -> str | None:
    """The C compiler: the environment variable CC, or one of the usual names."""
    return next((path for name in (os.environ.get("CC", "cc"), "gcc", "clang") if (path := shutil.which(name))), None)


def call(name: str, *arguments: object) -> None:
    """Calls a function of ``limits.c``.

    Args:
        name: the function.
        arguments: arrays go by address, floats as double, ints as int; a C long is a ``long(...)``.
    """
    given = [
        ctypes.c_void_p(a.ctypes.data) if isinstance(a, np.ndarray) else ctypes.c_double(a) if isinstance(a, float) else a
        for a in arguments
    ]
    getattr(_library(), name)(*given)


def long(value: int) -> ctypes.c_long:
    """A C long."""
    return ctypes.c_long(value)


@cache
def _library() -> ctypes.CDLL:
    found = compiler()
    if found is None:
        raise FileNotFoundError("no C compiler: set CC, or install gcc or clang")
    source = Path(__file__).with_name("limits.c")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "limits.so"
        subprocess.run([found, *FLAGS, "-o", str(target), str(source), "-lm"], check=True)
        return ctypes.CDLL(str(target))
