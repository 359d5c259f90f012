"""What is not needed is not imported."""

import subprocess
import sys

import pytest

from reactivepgm.numerics.deferred import Deferred


def test_a_module_is_imported_when_one_of_its_names_is_used():
    fractions = Deferred("fractions")
    assert fractions.Fraction(1, 2) == 0.5
    assert "fractions" in repr(fractions)
    with pytest.raises(AttributeError, match="no_such_name"):
        fractions.no_such_name  # noqa: B018


def test_importing_the_library_leaves_scipy_and_networkx_alone():
    code = "import reactivepgm, sys; print([m for m in ('scipy', 'networkx', 'matplotlib', 'pandas') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
