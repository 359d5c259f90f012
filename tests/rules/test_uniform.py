"""Uniform(out | a, b) against its density."""

import math

import numpy as np
import pytest

from reactivepgm.distributions import Beta, PointMass, Uniform
from reactivepgm.rulebook import average_energy, call_rule
from tests.oracles.batch_law import assert_rows_alike


@pytest.mark.parametrize("roles", ["mm", "mq", "qm", "qq"])
def test_toward_out(roles):
    assert call_rule(Uniform, "out", **{f"{roles[0]}_a": PointMass(-3.0), f"{roles[1]}_b": PointMass(3.0)}) == Uniform(
        -3.0, 3.0
    )


@pytest.mark.parametrize("out", [Beta(2.0, 3.0), Uniform(0.5, 1.0), PointMass(0.0), PointMass(1.0)])
def test_energy_inside_the_bounds(out):
    assert average_energy(Uniform, q_out=out, q_a=PointMass(0.0), q_b=PointMass(1.0)) == 0.0
    wide = average_energy(Uniform, q_out=out, q_a=PointMass(-1.0), q_b=PointMass(4.0))
    assert wide == pytest.approx(math.log(5.0))


@pytest.mark.parametrize("out", [Beta(2.0, 3.0), Uniform(-0.5, 0.5), PointMass(0.6)])
def test_energy_beyond_the_bounds_is_infinite(out):
    assert average_energy(Uniform, q_out=out, q_a=PointMass(0.0), q_b=PointMass(0.5)) == math.inf


def test_batches():
    a, b = [PointMass(0.0), PointMass(-1.0)], [PointMass(2.0), PointMass(1.0)]
    outs = [Beta(2.0, 3.0), Beta(1.0, 1.0)]
    assert_rows_alike(lambda m_a, m_b: call_rule(Uniform, "out", m_a=m_a, m_b=m_b), m_a=a, m_b=b)
    assert_rows_alike(lambda **q: average_energy(Uniform, **q), q_out=outs, q_a=a, q_b=b)
    assert np.shape(average_energy(Uniform, q_out=outs[0], q_a=a[0], q_b=b[0])) == ()
