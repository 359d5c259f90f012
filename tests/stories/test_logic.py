"""Logic: posteriors and scores equal enumeration, with the output observed or not."""

from itertools import product

import numpy as np
import pytest

from reactivepgm import AND, IMPLY, OR, Bernoulli, DiscreteTransition, infer, model

A, B = 0.3, 0.6
TABLES = {AND: lambda a, b: a and b, OR: lambda a, b: a or b, IMPLY: lambda a, b: not a or b}
SENSOR = np.array([[0.9, 0.2], [0.1, 0.8]])


@model
def observed(y, gate):
    a = ~Bernoulli(A)
    b = ~Bernoulli(B)
    y[...] = ~gate(a, b)


@model
def sensed(y, gate):
    a = ~Bernoulli(A)
    b = ~Bernoulli(B)
    c = ~gate(a, b)
    y[...] = ~DiscreteTransition(c, SENSOR)


def enumerate_all(gate, likelihood):
    weights = {
        (a, b): (A if a else 1 - A) * (B if b else 1 - B) * likelihood(int(TABLES[gate](a, b)))
        for a, b in product((0, 1), repeat=2)
    }
    total = sum(weights.values())
    return sum(w for (a, _), w in weights.items() if a) / total, sum(w for (_, b), w in weights.items() if b) / total, total


@pytest.mark.parametrize("gate", TABLES)
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_an_observed_gate(gate, y):
    result = infer(observed(gate=gate), data={"y": y}, free_energy=True)
    a, b, evidence = enumerate_all(gate, lambda out: float(out == y))
    np.testing.assert_allclose([result.posteriors["a"].p, result.posteriors["b"].p], [a, b], atol=1e-12)
    np.testing.assert_allclose(result.free_energy, -np.log(evidence), atol=1e-12)


@pytest.mark.parametrize("gate", TABLES)
def test_a_gate_behind_a_sensor(gate):
    result = infer(sensed(gate=gate), data={"y": [0.0, 1.0]}, free_energy=True)
    a, b, evidence = enumerate_all(gate, lambda out: SENSOR[1, out])
    np.testing.assert_allclose([result.posteriors["a"].p, result.posteriors["b"].p], [a, b], atol=1e-12)
    np.testing.assert_allclose(result.free_energy, -np.log(evidence), atol=1e-12)
