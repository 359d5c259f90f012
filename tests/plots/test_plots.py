import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from reactivepgm import plots


def heights(axes, i):
    return np.asarray(axes.lines[i].get_ydata())


def test_a_band_reaches_two_deviations_to_either_side():
    mean, std = np.array([1.0, 2.0, 4.0]), np.array([0.5, 1.0, 0.25])
    axes = plots.band([0, 1, 2], (mean, std))
    corners = axes.collections[0].get_paths()[0].vertices
    for x, m, s in zip([0, 1, 2], mean, std, strict=True):
        at = corners[corners[:, 0] == x][:, 1]
        assert at.min() == pytest.approx(m - 2 * s)
        assert at.max() == pytest.approx(m + 2 * s)


def test_a_batch_of_distributions_and_its_moments_draw_the_same_curve():
    belief = SimpleNamespace(mean=np.arange(6.0).reshape(3, 2), std=np.ones((3, 2)))
    by_object = plots.band([0, 1, 2], belief, component=1)
    by_pair = plots.band([0, 1, 2], (belief.mean[:, 1], belief.std[:, 1]))
    np.testing.assert_array_equal(heights(by_object, 0), heights(by_pair, 0))


def test_positions_and_belief_must_have_one_length():
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        plots.band([0, 1], (np.zeros(3), np.ones(3)))


def test_axes_that_are_given_are_used():
    axes = plots.band([0, 1], ([0.0, 1.0], [1.0, 1.0]))
    assert plots.level([0, 1], {"other": ([1.0, 1.0], [1.0, 1.0])}, axes=axes) is axes
    assert len(axes.lines) == 2


def test_the_excess_is_measured_from_the_lowest_of_all_runs():
    axes = plots.free_energy({"a": [5.0, 3.0], "b": [4.0, 2.0]}, excess=True)
    np.testing.assert_array_equal(heights(axes, 0), [3.0, 1.0])
    np.testing.assert_array_equal(heights(axes, 1), [2.0, np.nan])
    with pytest.raises(ValueError, match="free_energy=True"):
        plots.free_energy({})


def test_drawing_never_imports_pyplot():
    code = (
        "import sys; from reactivepgm import plots; plots.free_energy({'a': [1.0]}); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    path = [p for p in sys.path if p]
    subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {code}"], check=True)


def test_a_missing_matplotlib_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"reactivepgm\[plots\]"):
        plots.free_energy({"a": [1.0]})
