"""Constraints inside submodels: every instance, one instance, nested ones, parameters by the names they have inside."""
# ruff: noqa: RET504 - a model names what it draws before it returns it

import numpy as np
import pytest

from reactivepgm import (
    ConstraintError,
    Gamma,
    MeanField,
    NormalMeanPrecision,
    NormalMeanVariance,
    PointMass,
    factorise,
    form,
    infer,
    model,
    randomvar,
    within,
)

Y = np.random.default_rng(5).normal(1.0, 0.5, size=6)
UNIT = Gamma(shape=1.0, rate=1.0)


@model
def noisy(prev):
    tau = ~Gamma(shape=1.0, rate=1.0)
    new = ~NormalMeanPrecision(prev, tau)
    return new


@model
def pair(prev):
    first = ~noisy(prev)
    second = ~noisy(first)
    return second


@model
def chain(y):
    start = ~NormalMeanVariance(0.0, 1.0)
    tau = ~Gamma(shape=1.0, rate=1.0)
    a = ~noisy(start)
    b = ~pair(a)
    y[:] = ~NormalMeanPrecision(b, tau)


def cut(constraints):
    """The scopes whose precision stands apart from the step it belongs to."""
    graph = chain().build({"y": Y}).constrained(constraints)
    found = []
    for family in graph.families:
        if family.node.name == "NormalMeanPrecision" and ("precision",) in family.clusters:
            found.append(family.scope.name)
    return found


@pytest.mark.parametrize(
    ("constraints", "expected"),
    [
        ("in noisy: q(prev, new, tau) = q(prev, new) q(tau)", ["noisy", "pair.noisy", "pair.noisy_2"]),
        ("in noisy: q(prev, tau) = q(prev) q(tau)", ["noisy", "pair.noisy", "pair.noisy_2"]),
        ("in noisy: q(new, tau) = q(new) q(tau)", ["noisy", "pair.noisy", "pair.noisy_2"]),
        ("in pair.noisy: q(new, tau) = q(new) q(tau)", ["pair.noisy"]),
        ("in noisy_2: MeanField()", ["pair.noisy_2"]),
        ("in pair: MeanField()", ["pair.noisy", "pair.noisy_2"]),
        ("MeanField()", ["noisy", "pair.noisy", "pair.noisy_2", ""]),
        (within("pair", "in noisy_2: q(new, tau) = q(new) q(tau)"), ["pair.noisy_2"]),
        (within("noisy", MeanField(), factorise("prev", "tau")), ["noisy", "pair.noisy", "pair.noisy_2"]),
        (within("pair", within("noisy_2", MeanField())), ["pair.noisy_2"]),
        ("in pair: q(first, noisy.tau) = q(first) q(noisy.tau)", ["pair.noisy"]),
        ("in noisy: q(start, tau) = q(start) q(tau)", ["noisy"]),
        ("q(a, noisy.tau) = q(a) q(noisy.tau)", ["noisy"]),
        ("q(b, tau) = q(b) q(tau)", [""]),
        ("q(pair.first, pair.noisy_2.tau) = q(pair.first) q(pair.noisy_2.tau)", ["pair.noisy_2"]),
        (["in noisy: MeanField()", "in pair: BetheFactorisation()"], ["noisy"]),
    ],
    ids=str,
)
def test_where_a_constraint_holds(constraints, expected):
    assert cut(constraints) == expected


@pytest.mark.parametrize(
    ("constraints", "complaint"),
    [
        ("in nowhere: MeanField()", "the model has no submodel nowhere"),
        ("in noisy: q(ghost, tau) = q(ghost) q(tau)", "no random variable ghost inside noisy"),
        ("in noisy: q(tau) :: Nothing", "no form or family called Nothing"),
        ("in noisy: q(ghost) :: PointMass", "no random variable ghost inside noisy"),
        ("in pair: q(start, b) = q(start) q(b)", "no random variable start inside pair"),
        ("in pair: q(a, b) = q(a) q(b)", "matches nothing inside pair: no factor has two of a, b"),
        (within("pair", "in pair: MeanField()"), "the model has no submodel pair"),
        ("q(new, tau) = q(new) q(tau)", "no random variable new"),
    ],
    ids=str,
)
def test_what_matches_nothing(constraints, complaint):
    with pytest.raises(ConstraintError, match=complaint):
        cut(constraints)


def test_matches_nothing_names_the_place():
    with pytest.raises(ConstraintError) as caught:
        cut("in nowhere: MeanField()")
    assert "test_constraint_scopes.py:" in str(caught.value) and "one of noisy, pair" in str(caught.value)
    with pytest.raises(ConstraintError, match=r"within.*holds no constraint"):
        within("noisy")


def test_a_contradiction_inside_names_both_lines():
    @model
    def joint(prev):
        tau = ~Gamma(shape=1.0, rate=1.0)
        new = ~NormalMeanPrecision(prev, tau).where(q="q(out, mean, precision)")
        return new

    @model
    def f(y):
        x = ~joint(0.0)
        z = ~joint(x)
        y[:] = ~NormalMeanVariance(z, 1.0)

    with pytest.raises(ConstraintError, match="contradicts") as caught:
        f().build({"y": Y}).constrained("in joint: q(prev, tau) = q(prev) q(tau)")
    assert str(caught.value).count("test_constraint_scopes.py:") == 2


def test_a_submodel_in_a_loop():
    @model
    def walk(y):
        x = randomvar(len(y))
        x[0] = ~NormalMeanVariance(0.0, 1.0)
        for t in range(1, len(y)):
            x[t] = ~noisy(x[t - 1])
        y[:] = ~NormalMeanVariance(x, 0.1)

    options = {"iterations": 20, "free_energy": True}
    scoped = infer(
        walk(), data={"y": Y}, constraints="in noisy: q(prev, new, tau) = q(prev, new) q(tau)",
        initialisation={"noisy.tau": UNIT}, **options,
    )
    plain = infer(
        walk(), data={"y": Y}, constraints="q(x, noisy.tau) = q(x) q(noisy.tau)", initialisation={"noisy.tau": UNIT}, **options
    )
    np.testing.assert_array_equal(scoped.free_energy, plain.free_energy)
    assert scoped.posteriors["noisy.tau"].batch_shape == (5,)
    apart = infer(
        walk(), data={"y": Y}, constraints="in noisy: MeanField()",
        initialisation={"noisy.tau": UNIT, "x": NormalMeanVariance(0.0, 1.0)}, **options,
    )
    assert apart.free_energy[-1] > plain.free_energy[-1]


def test_forms_inside():
    result = infer(
        chain(), data={"y": Y}, iterations=10, free_energy=True,
        constraints=[MeanField(), "in noisy: q(tau) :: PointMass", within("pair", form("first", PointMass))],
        initialisation={"tau": UNIT, "noisy.tau": UNIT, "pair.noisy.tau": UNIT, "pair.noisy_2.tau": UNIT,
                        "a": NormalMeanVariance(0.0, 1.0), "b": NormalMeanVariance(0.0, 1.0),
                        "pair.first": NormalMeanVariance(0.5, 1.0)},
    )
    points = [name for name, belief in result.posteriors.items() if isinstance(belief, PointMass)]
    assert sorted(points) == ["noisy.tau", "pair.first", "pair.noisy.tau", "pair.noisy_2.tau"]
    assert np.max(np.diff(result.free_energy)) <= 1e-9
