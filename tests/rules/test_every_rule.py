"""What holds for every rule of the table: no array library by name, and no loop over rows, told by counting calls."""

import ast
import sys
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from reactivepgm.distributions import (
    Bernoulli,
    Beta,
    Binomial,
    Categorical,
    Contingency,
    Dirichlet,
    DirichletCollection,
    Distribution,
    ExponentialLinearQuadratic,
    Factorized,
    GammaShapeRate,
    InverseGamma,
    InverseWishart,
    LogNormal,
    MatrixNormal,
    MatrixNormalWishart,
    Multinomial,
    MvNormalGamma,
    MvNormalMeanCovariance,
    MvNormalWishart,
    NegativeBinomial,
    NormalMeanVariance,
    PointMass,
    Poisson,
    VonMises,
    Wishart,
)
from reactivepgm.errors import ReactivePGMError
from reactivepgm.nodes import (
    AdditiveCoupling,
    BIFMMeta,
    ContinuousTransitionMeta,
    Delta,
    FlowMeta,
    FlowModel,
    Permutation,
    PlanarFlow,
)
from reactivepgm.numerics.inverse import inv
from reactivepgm.rulebook import TABLE, load_packs

FILES = sorted((Path(__file__).parents[2] / "rules" / "reactivepgm_rules").glob("*.py"))
FEW, MANY = 8, 1000


def pool(n):
    """Candidates for an input, each with n rows that differ."""
    rng = np.random.default_rng(1)
    positive = rng.gamma(5.0, size=n) + 1.0
    a = rng.standard_normal((n, 2, 4))
    matrix = a @ a.swapaxes(-1, -2) + np.eye(2)
    vector = rng.standard_normal((n, 2))
    return [
        NormalMeanVariance(rng.standard_normal(n), positive),
        MvNormalMeanCovariance(vector, matrix),
        GammaShapeRate(positive + 2.0, positive),
        InverseGamma(positive + 3.0, positive),
        Beta(positive, positive + 1.0),
        Wishart(positive + 4.0, matrix),
        InverseWishart(positive + 6.0, matrix),
        Bernoulli(rng.random(n)),
        Categorical(rng.dirichlet(np.ones(2), n)),
        Dirichlet(rng.gamma(3.0, size=(n, 2)) + 1.0),
        Poisson(positive),
        Binomial(np.full(n, 5.0), rng.random(n)),
        PointMass(np.ones(n) + np.arange(n) % 2, event_rank=0),
        PointMass((np.arange(n) % 2).astype(float), event_rank=0),
        PointMass(rng.random(n), event_rank=0),
        PointMass(vector, event_rank=1),
        PointMass(np.eye(2)[np.arange(n) % 2], event_rank=1),
        PointMass(matrix, event_rank=2),
        *rarer(rng, n, positive, vector, matrix),
    ]


def rarer(rng, n, positive, vector, matrix):
    """Families of few nodes, joints, and inputs with an axis of components or a shape of their own."""
    wide = rng.standard_normal((n, 4, 8))
    pairs = rng.gamma(4.0, size=(n, 2)) + 1.0
    table = rng.gamma(3.0, size=(n, 2, 2)) + 1.0
    return [
        MvNormalMeanCovariance(rng.standard_normal((n, 4)), wide @ wide.swapaxes(-1, -2) + np.eye(4)),
        MatrixNormal(rng.standard_normal((n, 2, 2)), matrix, matrix + np.eye(2)),
        MatrixNormalWishart(rng.standard_normal((n, 2, 2)), matrix, matrix, positive + 5.0),
        MvNormalGamma(vector, matrix, positive, positive + 1.0),
        MvNormalWishart(vector, matrix, positive, positive + 4.0),
        LogNormal(rng.standard_normal(n), positive),
        VonMises(rng.standard_normal(n), positive),
        ExponentialLinearQuadratic(positive, positive, 0.1 * positive, 0.1 * positive),
        Multinomial(np.full(n, 5.0), rng.dirichlet(np.ones(2), n)),
        NegativeBinomial(positive, rng.random(n)),
        Contingency(table / table.sum((-2, -1), keepdims=True)),
        DirichletCollection(table, event_rank=2),
        NormalMeanVariance(rng.standard_normal((n, 2)), pairs),
        GammaShapeRate(pairs, pairs),
        PointMass(positive + 4.0, event_rank=0),
        PointMass(matrix @ matrix, event_rank=2),
        PointMass(table, event_rank=2),
    ]


def standard_rules():
    load_packs()
    found = {}
    for (kind, key, target), rules in sorted(TABLE._rules.items()):
        for number, rule in enumerate(rules):
            if kind in ("rule", "marginal", "energy", "scale") and rule.function.__module__.startswith("reactivepgm_rules"):
                found[f"{kind} {key} {target} {number}"] = rule
    return found


RULES = standard_rules()
PLANNED = {n: pool(n) for n in (FEW, MANY)}


def count(call):
    """How many Python functions a call calls, and what it gives."""
    calls = 0

    def watch(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(watch)
    try:
        result = call()
    finally:
        sys.setprofile(None)
    return calls, result


@cache
def fitting(name):
    """Positions in the pool for every input, such that the rule gives n rows: the first that do; None where none do."""
    rule = RULES[name]
    choices = []
    few = PLANNED[FEW]
    for role, types in rule.signature.inputs.items():
        least = 1 if rule.node.key.startswith("Mv") and role[2:] in ("out", "mean", "matrix") else 0
        choices.append([k for k, value in enumerate(few) if isinstance(value, types) and len(value.event_shape) >= least])
    for tried, chosen in enumerate(product(*choices)):
        if tried > 20_000:
            return None
        try:
            with np.errstate(all="ignore"):
                result = call(rule, chosen, FEW)
            assert rows(result) == rows_of(name, FEW)
            return chosen
        except (ReactivePGMError, ValueError, IndexError, TypeError, AttributeError, NotImplementedError, AssertionError):
            continue
    return None


def rows(result):
    """The batch shape of a result; of a joint that falls apart, the one that all its parts have."""
    if isinstance(result, Factorized):
        (shape,) = {rows(factor) for factor in result.factors.values()}
        return shape
    return result.batch_shape if isinstance(result, Distribution) else np.shape(result)


def rows_of(name, n):
    """An input whose axis of rows is taken for one of events, or an event for rows, gives other rows than n."""
    return () if name in SAME_FOR_ALL else (n,)


def call(rule, chosen, n):
    inputs = {name: PLANNED[n][k] for name, k in zip(rule.signature.parameters.values(), chosen, strict=True)}
    return rule(meta=meta_of(rule), node=NODE_OF.get(rule.node.key, rule.node), to=rule.target, index=0, **inputs)


def rotated(a):
    return np.stack([np.stack([a[..., 0], a[..., 1]], -1), np.stack([-a[..., 1], a[..., 0]], -1)], -2)


SAME_FOR_ALL = {"energy Mixture  0", "energy Uninformative  0", "rule Uninformative out 0"}
"""Nothing is said, whatever comes in."""
METAS = {
    "ContinuousTransition": ContinuousTransitionMeta(rotated, vectorized=True, at=np.array([0.5, -0.3])),
    "BIFM": BIFMMeta(np.eye(2), np.eye(2), np.eye(2)),
    "Flow": FlowMeta(FlowModel(AdditiveCoupling(PlanarFlow(1.0, 2.0, 3.0)), Permutation([1, 0]))),
}
NODE_OF = {"Delta": Delta(inv)}


def meta_of(rule):
    return None if accepts_no_meta(rule) else METAS[rule.node.key]


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_no_rule_imports_an_array_library(file):
    imported = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported.add((node.module or "").partition(".")[0])
    assert not imported & {"numpy", "scipy", "jax", "torch"}


def accepts_no_meta(rule):
    return type(None) in rule.signature.meta or object in rule.signature.meta


def is_letter(rule):
    """An observed dot product of a known vector leaves the other directions open, which is an error in words."""
    return rule.node.key == "dot" and all(types == (PointMass,) for types in rule.signature.inputs.values())


def is_searched(rule):
    """Whether inputs are looked for: not where any number of them may come, nor for rules that are a letter."""
    return not is_letter(rule) and not rule.signature.others and (accepts_no_meta(rule) or rule.node.key in METAS)


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if is_searched(rule)])
def test_a_thousand_rows_take_as_many_calls_as_eight(name):
    rule = RULES[name]
    assert rule.vectorized
    chosen = fitting(name)
    assert chosen is not None, "no inputs of the pool fit; add those it takes"
    with np.errstate(all="ignore"):
        few, _ = count(lambda: call(rule, chosen, FEW))
        many, result = count(lambda: call(rule, chosen, MANY))
    assert rows(result) == rows_of(name, MANY)
    # Iterations, such as those for a mode, may take some more steps; a loop over rows would take a thousand.
    assert many <= few + 200
