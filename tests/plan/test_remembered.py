"""Planned forests are found again by their structure, and only by it."""

import numpy as np
import pytest

from reactivepgm import Normal, infer, model, randomvar
from reactivepgm.plan import gaussian_sweep
from reactivepgm.plan.gaussian_forest import GaussianForest
from reactivepgm.plan.remembered import Remembered


def ends(*indices):
    return [((0, np.array(out)), (0, np.array(into))) for out, into in indices]


def test_other_elements_other_forest():
    forests = Remembered()
    first = forests([3], [1], ends(([1, 2], [0, 1])), object)
    assert forests([3], [1], ends(([1, 2], [0, 1])), object) is first
    assert forests([3], [1], ends(([1, 2], [0, 0])), object) is not first
    assert forests([4], [1], ends(([1, 2], [0, 1])), object) is not first
    assert forests([3], [2], ends(([1, 2], [0, 1])), object) is not first
    assert forests([3], [1], ends(([1, 2], [0, 1])), object) is first
    forests.clear()
    assert forests([3], [1], ends(([1, 2], [0, 1])), object) is not first


def test_an_index_array_that_changes_later_changes_nothing_here():
    forests = Remembered()
    given = ends(([1, 2], [0, 1]))
    first = forests([3], [1], given, object)
    given[0][1][1][:] = 0
    assert forests([3], [1], given, object) is not first


def test_the_oldest_go_when_there_is_no_room():
    forests = Remembered(room=8)
    first = forests([3], [1], ends(([1, 2], [0, 1])), object)
    second = forests([3], [1], ends(([1, 2], [0, 0])), object)
    assert forests([3], [1], ends(([1, 2], [0, 1])), object) is first
    forests([3], [1], ends(([2, 1], [0, 0])), object)
    assert forests([3], [1], ends(([1, 2], [0, 1])), object) is first
    assert forests([3], [1], ends(([1, 2], [0, 0])), object) is not second
    large = forests([9], [1], ends((range(1, 9), range(8))), object)
    assert forests([9], [1], ends((range(1, 9), range(8))), object) is not large


@model
def walk(y, drift, noise):
    """A walk with a drift, whose steps may have no noise."""
    x = randomvar(len(y))
    x[0] = ~Normal(mean=0.0, variance=10.0)
    x[1:] = ~Normal(mean=x[:-1] + drift, variance=noise)
    y[:] = ~Normal(mean=x, variance=1.0)


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_other_numbers_need_no_planning(monkeypatch, noise):
    gaussian_sweep._FORESTS.clear()
    y = np.random.default_rng(2).normal(size=30)
    infer(walk(drift=1.0, noise=0.1), {"y": y})
    planned = []
    make = GaussianForest.__init__
    monkeypatch.setattr(GaussianForest, "__init__", lambda self, *given: planned.append(given) or make(self, *given))
    again = infer(walk(drift=-1.0, noise=noise), {"y": 2.0 * y}).posteriors["x"]
    assert not planned
    gaussian_sweep._FORESTS.clear()
    afresh = infer(walk(drift=-1.0, noise=noise), {"y": 2.0 * y}).posteriors["x"]
    assert planned
    np.testing.assert_array_equal(again.mean, afresh.mean)
    np.testing.assert_array_equal(again.variance, afresh.variance)
    infer(walk(drift=-1.0, noise=noise), {"y": np.append(y, 1.0)})
    assert len(planned) > 1
