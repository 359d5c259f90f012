"""Every example in a docstring runs and shows what it says."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

PACKAGES = ("reactivepgm", "reactivepgm_rules")
BACKENDS = Path(__file__).parents[1] / "reactivepgm" / "backends"
ON_JAX = {f"reactivepgm.backends.{path.stem}" for path in BACKENDS.glob("*.py")} - {
    "reactivepgm.backends.__init__", "reactivepgm.backends.refusal",
}


def modules() -> list[str]:
    names = list(PACKAGES)
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        names += [found.name for found in pkgutil.walk_packages(path, prefix=f"{package}.")]
    return names


@pytest.mark.parametrize("name", modules())
def test_the_examples_of_a_module_run(name):
    if name in ON_JAX:
        pytest.importorskip("jax", reason="the extra [jax] is not installed")
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples failed"
