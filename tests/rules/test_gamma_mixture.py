"""GammaMixture against quadrature of the components' log densities."""

import numpy as np
import pytest
from scipy import stats

from reactivepgm.distributions import Bernoulli, Categorical, GammaShapeRate, GammaShapeScale, PointMass, stack
from reactivepgm.nodes import GammaMixture
from reactivepgm.rulebook import average_energy, call_rule
from tests.oracles.batch_law import assert_rows_alike
from tests.oracles.quadrature_nodes import assert_same_shape, expectation

POINTS = np.array([0.2, 0.7, 1.5, 4.0])
OUTS = [PointMass(1.7), GammaShapeRate(3.0, 2.0), GammaShapeScale(2.0, 0.7)]
SHAPES = (GammaShapeRate(4.0, 2.0), GammaShapeRate(1.5, 0.5))
RATES = (GammaShapeRate(2.0, 1.0), GammaShapeRate(5.0, 3.0))
KNOWN = (PointMass(2.0), PointMass(0.5))
SWITCH = Categorical([0.3, 0.7])


def log_f(x, a, b):
    return stats.gamma.logpdf(x, a, scale=1 / b)


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("k", [0, 1])
def test_toward_one_shape_and_one_rate(out, k):
    z = SWITCH.p[k]
    for b in (RATES[k], KNOWN[k]):
        message = call_rule(GammaMixture, "a", index=k, q_out=out, q_switch=SWITCH, q_b=b)
        assert_same_shape(message, lambda a, b=b: z * expectation(lambda x, b: log_f(x, a, b), out, b), POINTS)
    for a in (SHAPES[k], KNOWN[k]):
        message = call_rule(GammaMixture, "b", index=k, q_out=out, q_switch=SWITCH, q_a=a)
        assert_same_shape(message, lambda b, a=a: z * expectation(lambda x, a: log_f(x, a, b), out, a), POINTS)


@pytest.mark.parametrize("shapes", [SHAPES, KNOWN])
def test_toward_out(shapes):
    message = call_rule(GammaMixture, "out", q_switch=Bernoulli(0.7), q_a=shapes, q_b=RATES)

    def oracle(x):
        parts = zip((0.3, 0.7), shapes, RATES, strict=True)
        return sum(z * expectation(lambda a, b: log_f(x, a, b), a, b) for z, a, b in parts)

    assert_same_shape(message, oracle, POINTS)


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("shapes", [SHAPES, KNOWN])
def test_toward_switch_and_energy(out, shapes):
    logs = np.array([expectation(log_f, out, a, b) for a, b in zip(shapes, RATES, strict=True)])
    message = call_rule(GammaMixture, "switch", q_out=out, q_a=shapes, q_b=RATES)
    np.testing.assert_allclose(message.p, np.exp(logs) / np.exp(logs).sum(), rtol=1e-8)
    energy = average_energy(GammaMixture, q_out=out, q_switch=SWITCH, q_a=shapes, q_b=RATES)
    assert energy == pytest.approx(-(SWITCH.p * logs).sum(), rel=1e-9)


def test_all_components_at_once_equal_one_at_a_time_and_batches():
    outs, switches = [OUTS[0], PointMass(0.4)], [SWITCH, Categorical([1.0, 0.0])]
    q_out, q_switch = stack(outs, axis=0), stack(switches, axis=0)
    for target, plural in (("a", {"q_b": RATES}), ("b", {"q_a": SHAPES})):
        together = call_rule(GammaMixture, target, q_out=q_out, q_switch=q_switch, **plural)
        assert together.batch_shape == (2, 2)
        ((name, parts),) = plural.items()
        for row in range(2):
            for k in range(2):
                single = call_rule(GammaMixture, target, index=k, q_out=outs[row], q_switch=switches[row], **{name: parts[k]})
                for mine, other in zip(together[row, k].naturals(), single.naturals(), strict=True):
                    np.testing.assert_allclose(mine, other, rtol=1e-12)
    a, b = ([stack(parts), stack(parts[::-1])] for parts in (SHAPES, RATES))
    assert_rows_alike(lambda **q: call_rule(GammaMixture, "out", **q), q_switch=switches, q_a=a, q_b=b)
    assert_rows_alike(lambda **q: call_rule(GammaMixture, "switch", **q), q_out=outs, q_a=a, q_b=b)
    assert_rows_alike(lambda **q: average_energy(GammaMixture, **q), q_out=outs, q_switch=switches, q_a=a, q_b=b)
