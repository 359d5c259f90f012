"""Data of length zero, and data whose length alone is read: every verb answers, or they all say the same."""

import numpy as np
import pytest

from reactivepgm import (
    DataError,
    Gamma,
    MeanField,
    Normal,
    compare,
    explain,
    infer,
    model,
    predict,
    randomvar,
    sample_prior,
)

START = {"tau": Gamma(shape=1.0, rate=1.0), "x": Normal(mean=0.0, variance=1.0)}


@model
def walk(y):
    x = randomvar(len(y))
    tau = ~Gamma(shape=2.0, rate=1.0)
    for t in range(len(y)):
        x[t] = ~Normal(mean=0.0, variance=1.0) if t == 0 else ~Normal(mean=x[t - 1], variance=1.0)
        y[t] = ~Normal(mean=x[t], precision=tau)


@model
def sized(y):
    x = randomvar(len(y))
    x[:] = ~Normal(mean=0.0, variance=1.0)


@pytest.mark.parametrize("empty", [[], np.zeros(0)], ids=["list", "array"])
def test_a_loop_that_never_runs_leaves_the_priors(empty):
    """Initial values of variables without elements are no error either."""
    data = {"y": empty}
    result = infer(walk(), data=data, constraints=MeanField(), initialisation=START, iterations=2, free_energy=True)
    assert list(result.posteriors) == ["tau"]
    np.testing.assert_allclose(result.posteriors["tau"].mean, 2.0)
    np.testing.assert_allclose(result.free_energy[-1], 0.0, atol=1e-12)
    assert "iteration" in str(explain(walk().build(data)))
    assert set(sample_prior(walk(), 3, np.random.default_rng(0), data=data)) >= {"tau"}
    assert compare(walk(), data, constraints={"apart": MeanField()}, initialisation=START, iterations=2).best == "apart"
    assert predict(result, 2, np.random.default_rng(0)) == {}


VERBS = {
    "infer": lambda instance, data: infer(instance, data=data),
    "compare": lambda instance, data: compare(instance, data, constraints={"apart": MeanField()}),
    "sample_prior": lambda instance, data: sample_prior(instance, 2, np.random.default_rng(0), data=data),
}


@pytest.mark.parametrize("verb", VERBS)
def test_data_of_which_only_the_length_is_read(verb):
    """They were meant to be observed, more often than not."""
    with pytest.raises(DataError, match="no factor of the model reads the data y"):
        VERBS[verb](sized(), {"y": [1.0, 2.0]})
