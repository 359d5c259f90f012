"""Colours: proper on any graph, two wherever two are enough."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reactivepgm.plan.colouring import colour, components

edges = st.integers(1, 25).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=60))
)


def sides(pairs):
    both = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return both[:, 0], both[:, 1]


@given(edges)
def test_neighbours_never_share_a_colour(graph):
    n, pairs = graph
    colours = colour(n, *sides(pairs))
    assert all(colours[i] != colours[j] for i, j in pairs if i != j)
    assert set(colours) == set(range(colours.max() + 1))


@given(st.integers(1, 25).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n), min_size=n, max_size=n))))
def test_trees_get_two_colours(tree):
    n, parents = tree
    pairs = [(i, parents[i] % i) for i in range(1, n)]
    assert colour(n, *sides(pairs)).max() <= 1


def test_a_long_chain_gets_its_odd_and_even_elements():
    n = 100_000
    colours = colour(n, np.arange(n - 1), np.arange(1, n))
    np.testing.assert_array_equal(colours, np.arange(n) % 2)


def test_components_are_labelled_from_zero():
    number, labels = components(5, np.array([0, 3]), np.array([2, 4]))
    assert number == 3
    assert labels[0] == labels[2]
    assert labels[3] == labels[4]
