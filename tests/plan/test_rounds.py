"""Rounds: every edge carries one message each way, each sent when what it needs has come."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactivepgm.plan.contraction import CycleError
from reactivepgm.plan.rounds import rounds_of

forests = st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 3)), min_size=1, max_size=20)


def build(spec):
    """A random forest: each factor joins one earlier variable (or a new one) with up to three new ones."""
    variables, factors, count = [], [], 1
    for factor, (parent, children) in enumerate(spec):
        ends = [parent % count, *range(count, count + children)]
        count += children
        variables += ends
        factors += [factor] * len(ends)
    return np.array(variables), np.array(factors)


@given(forests)
def test_messages_are_sent_once_each_way_after_their_inputs(spec):
    variables, factors = build(spec)
    up, down = set(), set()
    for step in rounds_of(variables, factors):
        for e in step.edges:
            if step.to_variable:
                assert all(o in down for o in np.flatnonzero(factors == factors[e]) if o != e)
            else:
                assert all(o in up for o in np.flatnonzero(variables == variables[e]) if o != e)
        (up if step.to_variable else down).update(step.edges.tolist())
    assert up == down == set(range(len(variables)))


def test_a_cycle_is_noticed():
    with pytest.raises(CycleError):
        rounds_of(np.array([0, 1, 1, 0]), np.array([0, 0, 1, 1]))
