"""Ranges, blocks and loops in whole-model constraints: which rows are cut, and that the split graph says the same."""

import numpy as np
import pytest

from reactivepgm import (
    BetheFactorisation,
    ConstraintError,
    Gamma,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalMixture,
    factorise,
    infer,
    model,
    randomvar,
)
from reactivepgm.distributions import Bernoulli, Beta

Y = np.random.default_rng(2).normal(size=10)


@model
def walk(y):
    x = randomvar(len(y))
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    for t in range(1, len(y)):
        x[t] = ~NormalMeanVariance(x[t - 1], 0.3 + 0.01 * t)
    for t in range(len(y)):
        y[t] = ~NormalMeanVariance(x[t], 0.5)
    return x


def cut_rows(constraint, n=10):
    """The elements t whose step from t - 1 is cut."""
    graph = walk().build({"y": Y[:n]}).constrained(constraint)
    found = []
    for family in graph.families:
        if "mean" in family.random and "out" in family.random and len(family.clusters) == 3:
            found += family.bindings["out"].index.tolist()
    assert [family.id for family in graph.families] == list(range(len(graph.families)))
    return sorted(found)


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("q(x) = q(x[0:5]) q(x[5:])", [5]),
        ("q(x) = q(x[:5]) q(x[5:10])", [5]),
        ("q(x) = q(x[0]) q(x[1:-1]) q(x[-1])", [1, 9]),
        ("q(x) = q(x[:3]) prod q(x[i])", None),
        ("q(x) = prod q(x[i])", list(range(1, 10))),
        ("q(x) = ∏ q(x[t])", list(range(1, 10))),
        (factorise("x[0:2]", "x[2:4]", "x[4:]"), [2, 4]),
        ("q(x) = q(x)", []),
        (factorise("prod x[t]"), list(range(1, 10))),
    ],
    ids=str,
)
def test_which_rows_are_cut(constraint, expected):
    if expected is None:
        with pytest.raises(ConstraintError, match=r"x\[0\] is in two blocks"):
            cut_rows(constraint)
    else:
        assert cut_rows(constraint) == expected


@pytest.mark.parametrize(
    ("constraint", "complaint"),
    [
        ("q(x) = q(x[0:5]) q(x[6:])", r"x\[5\] is in no block"),
        ("q(x) = q(x[0:5]) q(x[4:])", r"x\[4\] is in two blocks"),
        ("q(x) = q(x[0:5, 0]) q(x[5:])", "has 2 indices"),
        ("q(x) = q(x[12]) q(x[:12])", "lies outside"),
        ("q(x) = q(x[:]) q(x[10:])", "has no elements"),
        (factorise("x[0:5]"), r"x\[5\] is in no block"),
    ],
)
def test_ranges_that_do_not_fit(constraint, complaint):
    with pytest.raises(ConstraintError, match=complaint) as caught:
        walk().build({"y": Y}).constrained(constraint)
    assert "test_constraint_ranges.py" in str(caught.value)


def test_two_blocks_are_two_smoothers_that_exchange_means():
    """The fixed point of coordinate ascent on two blocks of a Gaussian has the exact means and block covariances."""
    n = 10
    precision = np.zeros((n, n))
    precision[0, 0] += 1 / 100
    for t in range(1, n):
        w = 1 / (0.3 + 0.01 * t)
        precision[t, t] += w
        precision[t - 1, t - 1] += w
        precision[t, t - 1] -= w
        precision[t - 1, t] -= w
    precision += np.eye(n) / 0.5
    mean = np.linalg.solve(precision, Y / 0.5)
    result = infer(
        walk(), data={"y": Y}, constraints="q(x) = q(x[0:5]) q(x[5:])", iterations=200, free_energy=True,
        initialisation={"x": NormalMeanVariance(0.0, 1.0)},
    )
    np.testing.assert_allclose(result.posteriors["x"].mean, mean, atol=1e-9)
    blocks = [np.diag(np.linalg.inv(precision[s, s])) for s in (slice(0, 5), slice(5, 10))]
    np.testing.assert_allclose(result.posteriors["x"].variance, np.concatenate(blocks), rtol=1e-9)
    assert np.max(np.diff(result.free_energy)) <= 1e-9
    exact = infer(walk(), data={"y": Y}, free_energy=True).free_energy[-1]
    lost = 0.5 * (sum(np.linalg.slogdet(precision[s, s])[1] for s in (slice(0, 5), slice(5, 10)))
                  - np.linalg.slogdet(precision)[1])
    np.testing.assert_allclose(result.free_energy[-1] - exact, lost, rtol=1e-7)


def test_a_split_family_keeps_its_data_and_constants():
    rows = walk().build({"y": Y}).constrained("q(x) = q(x[0:5]) q(x[5:])")
    steps = [f for f in rows.families if set(f.random) >= {"out", "mean"}]
    assert sum(f.rows for f in steps) == 9
    variances = np.concatenate([np.broadcast_to(f.bindings["variance"].resolve({}).value, (f.rows,)) for f in steps])
    out = np.concatenate([f.bindings["out"].index for f in steps])
    np.testing.assert_allclose(variances, 0.3 + 0.01 * out)


@model
def grid(y):
    x = randomvar(3, 4)
    tau = ~Gamma(shape=1.0, rate=1.0)
    x[0, :] = ~NormalMeanVariance(0.0, 1.0)
    x[1:, :] = ~NormalMeanVariance(x[:-1, :], 1.0)
    y[:, :] = ~NormalMeanPrecision(x, tau)


@pytest.mark.parametrize(
    ("constraint", "cut"),
    [
        ("q(x) = prod q(x[i, j])", True),
        ("q(x) = prod q(x[i])", True),
        ("q(x) = prod q(x[i, :])", True),
        ("q(x) = prod q(x[:, j])", False),
        ("q(x) = q(x[:, 0:2]) q(x[:, 2:])", False),
        ("q(x) = q(x[0:2]) q(x[2])", None),
    ],
)
def test_blocks_of_a_matrix(constraint, cut):
    graph = grid().build({"y": np.zeros((3, 4))}).constrained(constraint)
    steps = [f for f in graph.families if set(f.random) == {"out", "mean"}]
    if cut is None:
        assert sorted((f.rows, len(f.clusters)) for f in steps) == [(4, 2), (4, 3)]
    else:
        assert [len(f.clusters) for f in steps] == [3 if cut else 2]


def test_loops_over_several_variables():
    @model
    def pairs(y):
        a, b = randomvar(4), randomvar(4)
        a[:] = ~NormalMeanVariance(0.0, 1.0)
        b[0] = ~NormalMeanVariance(a[0], 1.0)
        b[1:] = ~NormalMeanVariance(a[:-1], 1.0)
        y[:] = ~NormalMeanVariance(b, 1.0)

    graph = pairs().build({"y": np.zeros(4)}).constrained("q(a, b) = prod q(a[i], b[i])")
    meets = {f.rows: len(f.clusters) for f in graph.families if set(f.random) == {"out", "mean"}}
    assert meets == {1: 2, 3: 3}


def test_components_of_a_plural_interface():
    @model
    def mixture(y):
        p = ~Beta(a=1.0, b=1.0)
        z, m = randomvar(len(y)), randomvar(2)
        w = randomvar(2)
        m[:] = ~NormalMeanVariance(0.0, 10.0)
        w[:] = ~Gamma(shape=1.0, rate=1.0)
        for i in range(len(y)):
            z[i] = ~Bernoulli(p)
            y[i] = ~NormalMixture(z[i], m, w)

    graph = mixture().build({"y": Y[:3]}).constrained(["q(z, m, w) = q(z) q(m) q(w)", "q(p, z) = q(p) q(z)"])
    assert [f.clusters for f in graph.families if f.node.name == "NormalMixture"] == [(("out",), ("switch",), ("m",), ("p",))]
    by_component = mixture().build({"y": Y[:3]}).constrained("q(z, m, w) = q(z) prod q(m[k], w[k])")
    found = [f.clusters for f in by_component.families if f.node.name == "NormalMixture"]
    assert found == [(("out",), ("switch",), ("m",), ("p",))]


def test_later_constraints_refine_earlier_ones():
    assert cut_rows([BetheFactorisation(), "q(x) = q(x[0:5]) q(x[5:])"]) == [5]
    with pytest.raises(ConstraintError, match="contradict each other: they cut the same variables differently"):
        cut_rows(["q(x) = q(x[0:5]) q(x[5:])", "q(x) = q(x[0:7]) q(x[7:])"])
    assert cut_rows([["q(x) = q(x[0:5]) q(x[5:])"], None]) == [5]


def test_blocks_are_fast():
    import time

    graph = walk().build({"y": np.zeros(20_000)})
    started = time.perf_counter()
    graph.constrained("q(x) = q(x[:9000]) q(x[9000:])")
    assert time.perf_counter() - started < 1.0
