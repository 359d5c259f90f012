"""BIFM against the dense Gaussian of its four variables; BIFMHelper against the identity."""

import numpy as np
import pytest

from reactivepgm.distributions import (
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalWeightedMeanPrecision,
    NormalMeanVariance,
)
from reactivepgm.errors import InvalidParameterError
from reactivepgm.nodes import BIFM, BIFMHelper, BIFMMeta
from reactivepgm.rulebook import average_energy, call_marginal_rule, call_rule
from tests.oracles.batch_law import assert_rows_alike

rng = np.random.default_rng(4)
META = BIFMMeta(rng.normal(size=(3, 3)), rng.normal(size=(3, 2)), rng.normal(size=(2, 3)))
SIZES = {"out": 2, "in": 2, "zprev": 3, "znext": 3}


def belief(d, form, seed):
    r = np.random.default_rng(seed)
    a = r.normal(size=(d, d + 2))
    whole = MvNormalMeanCovariance(r.normal(size=d), a @ a.T / d)
    return form(*(getattr(whole, name) for name in form.parameter_ranks))


def dense(messages):
    """Precision and weighted mean of [in; zprev]; out and znext are linear in them."""
    maps = {
        "in": np.eye(5)[:2],
        "zprev": np.eye(5)[2:],
        "znext": np.hstack([META.B, META.A]),
        "out": META.C @ np.hstack([META.B, META.A]),
    }
    precision = sum(maps[k].T @ m.precision @ maps[k] for k, m in messages.items())
    weighted = sum(maps[k].T @ m.weighted_mean for k, m in messages.items())
    return maps, precision, weighted


FORMS = [MvNormalMeanCovariance, MvNormalMeanPrecision, MvNormalWeightedMeanPrecision]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("to", SIZES)
def test_messages(form, to):
    messages = {name: belief(d, form, k) for k, (name, d) in enumerate(SIZES.items()) if name != to}
    message = call_rule(BIFM, to, meta=META, **{f"m_{name}": m for name, m in messages.items()})
    prior = belief(SIZES[to], MvNormalMeanPrecision, 9)
    maps, precision, weighted = dense({**messages, to: prior})
    covariance = maps[to] @ np.linalg.inv(precision) @ maps[to].T
    mean = maps[to] @ np.linalg.solve(precision, weighted)
    mine = np.linalg.inv(message.precision + prior.precision)
    np.testing.assert_allclose(mine, covariance, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(mine @ (message.weighted_mean + prior.weighted_mean), mean, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("form", FORMS)
def test_joint(form):
    messages = {name: belief(d, form, k) for k, (name, d) in enumerate(SIZES.items())}
    joint = call_marginal_rule(BIFM, "in_zprev_znext", meta=META, **{f"m_{name}": m for name, m in messages.items()})
    _, precision, weighted = dense(messages)
    np.testing.assert_allclose(joint.precision, precision, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(joint.weighted_mean, weighted, rtol=1e-7, atol=1e-10)


def test_batches():
    rows = {f"m_{name}": [belief(d, MvNormalMeanPrecision, 7 * d + j) for j in range(2)] for name, d in SIZES.items()}
    for to in SIZES:
        given = {name: m for name, m in rows.items() if name != f"m_{to}"}
        assert_rows_alike(lambda to=to, **m: call_rule(BIFM, to, meta=META, **m), **given)
    assert_rows_alike(lambda **m: call_marginal_rule(BIFM, "in_zprev_znext", meta=META, **m), **rows)


def test_shapes_are_checked():
    with pytest.raises(InvalidParameterError, match="A \\(d, d\\)"):
        BIFMMeta(np.eye(2), np.eye(3), np.eye(2))
    with pytest.raises(TypeError, match="BIFMMeta"):
        BIFM(np.ones(2), np.ones(3), np.ones(3))


def test_helper():
    m = NormalMeanVariance(9.5, 3.2)
    assert call_rule(BIFMHelper, "in", m_out=m) is m
    assert call_rule(BIFMHelper, "out", m_in=m) is m
    assert call_rule(BIFMHelper, "out", q_in=m) is m
    assert average_energy(BIFMHelper, q_out=m, q_in=m) == m.entropy()
    assert BIFMHelper.log_density(1.0, 1.0) == 0.0
