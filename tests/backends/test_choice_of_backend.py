"""Letters about backends, which need no JAX."""

import numpy as np
import pytest

import reactivepgm.backends
from reactivepgm import ModelError, Normal, infer, model


@model
def one(y):
    x = ~Normal(mean=0.0, variance=1.0)
    y[0] = ~Normal(mean=x, variance=1.0)


def test_a_backend_that_there_is_not():
    with pytest.raises(ModelError, match='write  backend="numpy" or backend="jax"'):
        infer(one(), data={"y": np.ones(1)}, backend="torch")


def test_a_missing_jax_names_the_extra(monkeypatch):
    monkeypatch.setattr(reactivepgm.backends, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'reactivepgm\[jax\]'"):
        infer(one(), data={"y": np.ones(1)}, backend="jax")
