"""One rule call, for one row on floats and for a hundred thousand at once."""

from typing import Any

import numpy as np
import pytest

from reactivepgm import (
    GCV,
    Bernoulli,
    Categorical,
    Dirichlet,
    DirichletCollection,
    DiscreteTransition,
    Gamma,
    MvNormal,
    MvNormalMeanCovariance,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalMixture,
    PointMass,
    call_marginal_rule,
    call_rule,
)

MANY = 100_000
SQUARE = np.eye(4)


def numbers(rows: Any) -> Any:
    return 1.5 if rows == 1 else np.linspace(0.5, 2.5, rows)


def rows_of(rows: Any, *shape: int) -> Any:
    grown = np.random.default_rng(0).random((*(() if rows == 1 else (rows,)), *shape)) + 0.5
    return grown / grown.sum(-1, keepdims=True)


@pytest.mark.parametrize("rows", [1, MANY])
def test_normal_to_mean(benchmark: Any, rows: Any) -> None:
    m_out, variance = Normal(mean=numbers(rows), variance=numbers(rows)), PointMass(0.5)
    benchmark(lambda: call_rule(NormalMeanVariance, "mean", m_out=m_out, m_variance=variance))


@pytest.mark.parametrize("rows", [1, MANY])
def test_normal_to_precision(benchmark: Any, rows: Any) -> None:
    q_out, q_mean = PointMass(numbers(rows), event_rank=0), Normal(mean=numbers(rows), variance=1.0)
    benchmark(lambda: call_rule(NormalMeanPrecision, "precision", q_out=q_out, q_mean=q_mean))


@pytest.mark.parametrize("rows", [1, 10_000])
def test_vectors_to_mean(benchmark: Any, rows: Any) -> None:
    covariance = SQUARE if rows == 1 else np.broadcast_to(SQUARE, (rows, 4, 4))
    m_out = MvNormal(mean=rows_of(rows, 4), covariance=covariance)
    benchmark(lambda: call_rule(MvNormalMeanCovariance, "mean", m_out=m_out, m_covariance=PointMass(SQUARE)))


@pytest.mark.parametrize("rows", [1, MANY])
def test_mixture_to_switch(benchmark: Any, rows: Any) -> None:
    pair = np.broadcast_to([1.0, 2.0], (2,) if rows == 1 else (rows, 2))
    inputs: dict[str, Any] = {
        "q_out": PointMass(numbers(rows), event_rank=0),
        "q_m": Normal(mean=pair, variance=1.0),
        "q_p": Gamma(shape=pair, rate=1.0),
    }
    benchmark(lambda: call_rule(NormalMixture, "switch", **inputs))


@pytest.mark.parametrize("rows", [1, MANY])
def test_transition_to_out(benchmark: Any, rows: Any) -> None:
    m_in, q_a = Categorical(rows_of(rows, 3)), DirichletCollection(np.ones((3, 3)))
    benchmark(lambda: call_rule(DiscreteTransition, "out", m_in=m_in, q_a=q_a))


@pytest.mark.parametrize("rows", [1, MANY])
def test_transition_s_joint(benchmark: Any, rows: Any) -> None:
    m_out, m_in = Categorical(rows_of(rows, 3)), Categorical(rows_of(rows, 3))
    q_a = DirichletCollection(np.ones((3, 3)))
    benchmark(lambda: call_marginal_rule(DiscreteTransition, "out_in", m_out=m_out, m_in=m_in, q_a=q_a))


@pytest.mark.parametrize("rows", [1, MANY])
def test_category_to_probabilities(benchmark: Any, rows: Any) -> None:
    q_out = Categorical(rows_of(rows, 3))
    benchmark(lambda: call_rule(Categorical, "p", q_out=q_out))


@pytest.mark.parametrize("rows", [1, MANY])
def test_probabilities_to_category(benchmark: Any, rows: Any) -> None:
    q_p = Dirichlet(rows_of(rows, 3) + 1.0)
    benchmark(lambda: call_rule(Categorical, "out", q_p=q_p))


@pytest.mark.parametrize("rows", [1, MANY])
def test_flip_to_chance(benchmark: Any, rows: Any) -> None:
    q_out = Bernoulli(numbers(rows) / 3.0)
    benchmark(lambda: call_rule(Bernoulli, "p", q_out=q_out))


@pytest.mark.parametrize("rows", [1, MANY])
def test_volatility_to_level(benchmark: Any, rows: Any) -> None:
    m_x = Normal(mean=numbers(rows), variance=1.0)
    others: dict[str, Any] = {"q_z": Normal(mean=0.5, variance=0.2), "q_kappa": PointMass(1.0), "q_omega": PointMass(-1.0)}
    benchmark(lambda: call_rule(GCV, "y", m_x=m_x, **others))
