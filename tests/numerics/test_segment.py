"""Segment sums against loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactivepgm.numerics.segment import Segments, all_but_own, segment_sum


@given(st.lists(st.integers(0, 6), max_size=40), st.integers(0, 2**31))
def test_sums_against_loops(index, seed):
    index = np.array(index, dtype=np.intp)
    values = np.random.default_rng(seed).standard_normal((len(index), 2))
    segments = Segments(index, 7)
    total = np.zeros((7, 2))
    for e, s in enumerate(index):
        total[s] += values[e]
    np.testing.assert_allclose(segments.sum(values), total, atol=1e-12)
    others = [sum((values[f] for f in range(len(index)) if index[f] == s and f != e), np.zeros(2)) for e, s in enumerate(index)]
    np.testing.assert_allclose(segments.all_but_own(values), np.array(others).reshape(-1, 2), atol=1e-12)


def test_nothing_is_subtracted():
    values = np.array([1.0, 1e16, 3.0, 5.0])
    assert all_but_own(values, np.array([0, 0, 0, 1]), 2).tolist() == [1e16 + 3.0, 4.0, 1e16 + 1.0, 0.0]


@pytest.mark.parametrize("size", [1, 5])
def test_no_edges(size):
    empty = np.zeros(0, dtype=np.intp)
    assert segment_sum(np.zeros(0), empty, size).tolist() == [0.0] * size
    assert all_but_own(np.zeros((0, 3)), empty, size).shape == (0, 3)


def test_float32_stays_float32():
    values = np.ones(3, dtype=np.float32)
    segments = Segments(np.array([0, 0, 1]), 2)
    assert segments.sum(values).dtype == segments.all_but_own(values).dtype == np.float32
