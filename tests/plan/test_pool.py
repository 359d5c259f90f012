"""Cavities: the sum of all but one, without cancellation."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactivepgm.plan.place import Place
from reactivepgm.plan.pool import Exclusive, Totals

cases = st.integers(1, 9).flatmap(lambda n: st.lists(st.integers(0, n - 1), min_size=1, max_size=70))


@given(cases, st.randoms(use_true_random=False))
def test_the_cavity_is_the_sum_over_the_other_edges(variables, random):
    variables = np.array(variables)
    edges = np.arange(len(variables))
    values = np.array([[random.random(), random.random()] for _ in edges])
    wanted = np.array(random.sample(range(len(variables)), random.randint(1, len(variables))))
    expected = [values[(variables == variables[e]) & (edges != e)].sum(axis=0) for e in wanted]
    np.testing.assert_allclose(Exclusive(variables, wanted)(values), expected, atol=1e-13)
    np.testing.assert_allclose(Exclusive(variables, wanted)(np.asfortranarray(values)), expected, atol=1e-13)


def test_a_huge_own_message_costs_the_others_no_digit():
    values = np.array([1e16, 0.1, 0.2, 0.3])
    cavities = Exclusive(np.zeros(4, dtype=np.intp))(values[:, None])[:, 0]
    assert cavities[0] == float(Fraction(0.1) + Fraction(0.2) + Fraction(0.3))


def test_excluded_categories_stay_excluded():
    values = np.array([[0.0, -np.inf], [-0.7, -0.7], [-1.4, -0.3]])
    cavities = Exclusive(np.zeros(3, dtype=np.intp))(values)
    assert np.isfinite(cavities[0]).all()
    assert cavities[1, 1] == cavities[2, 1] == -np.inf


def test_no_edges_no_cavities():
    assert Exclusive(np.zeros(0, dtype=np.intp))(np.zeros((0, 2))).shape == (0, 2)


@given(cases)
def test_totals_are_sums_by_variable(variables):
    variables = np.array(variables)
    values = np.arange(1.0, len(variables) + 1)
    expected = [values[variables == v].sum() for v in range(10)]
    np.testing.assert_allclose(Totals(variables, 10)(values), expected)
    np.testing.assert_allclose(Totals(variables, 10)(np.asfortranarray(values)), expected)


@pytest.mark.parametrize(
    ("index", "size", "kind"),
    [
        ([0, 1, 2], 3, "all"),
        ([1, 2], 3, "slice"),
        ([4, 2, 0], 5, "slice"),
        ([2, 2, 2], 3, "one"),
        ([0, 2, 1], 3, "any"),
        ([0, 0, 1], 3, "any"),
        ([2], 3, "slice"),
        ([0], 1, "all"),
        ([], 3, "any"),
    ],
)
def test_a_place_knows_its_cheapest_form_and_adds_alike_in_all(index, size, kind):
    place = Place(np.array(index, dtype=np.intp), size)
    assert place.kind == kind
    values = np.arange(1.0, len(index) + 1)[:, None] * [1.0, 10.0]
    found = np.zeros((size, 2))
    place.add(found, values)
    expected = np.zeros((size, 2))
    for i, value in zip(index, values, strict=True):
        expected[i] += value
    np.testing.assert_array_equal(found, expected)
    gathered = np.broadcast_to(np.arange(size)[place.selector], (len(index),))
    np.testing.assert_array_equal(gathered, index)
