"""Exponential families are compared by identity, so a pickled one must come back as itself."""

import pickle

import numpy as np
import pytest

from reactivepgm.distributions import DISCRETE, GAMMA, MV_NORMAL, NORMAL, NormalMeanVariance


@pytest.mark.parametrize("group", [NORMAL, MV_NORMAL, GAMMA, DISCRETE], ids=repr)
def test_a_family_comes_back_as_itself(group):
    assert pickle.loads(pickle.dumps(group)) is group


def test_beliefs_keep_theirs():
    belief = pickle.loads(pickle.dumps(NormalMeanVariance(np.array([1.0, 2.0]), 3.0)))
    assert belief.group is NORMAL
    assert np.asarray(belief.mean).tolist() == [1.0, 2.0]
