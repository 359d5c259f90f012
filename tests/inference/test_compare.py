"""``compare``: which free energies compare, which is the lowest of them, and what is said of the others."""
# ruff: noqa: F841 - a model names what it draws

import numpy as np
import pytest
from scipy import stats

from reactivepgm import (
    Bernoulli,
    Beta,
    Categorical,
    ConstraintError,
    Gamma,
    InferenceError,
    MeanField,
    NormalMeanPrecision,
    NormalMeanVariance,
    PointMass,
    compare,
    infer,
    model,
)
from reactivepgm.errors import UnknownNameError

YS = np.array([0.3, -1.2, 2.0, 0.7])


@model
def level(y):
    mean = ~NormalMeanVariance(0.0, 10.0)
    tau = ~Gamma(shape=2.0, rate=1.0)
    y[:] = ~NormalMeanPrecision(mean, tau)


START = {"tau": Gamma(shape=2.0, rate=1.0), "mean": NormalMeanVariance(0.0, 1.0)}
CUT = "q(mean, tau) = q(mean) q(tau)"


def compared(**constraints):
    return compare(level(), {"y": YS}, constraints=constraints, initialisation=START, iterations=30)


def test_points_do_not_compete_with_beliefs():
    found = compared(point=[CUT, "q(tau) :: PointMass"], cut=CUT)
    assert found.best == "cut" and found.points("point") == ("tau",) and found.points("cut") == ()
    rows = repr(found)
    assert "point †" in rows and "cut *" in rows
    assert "does not compare: point holds tau at a point" in rows
    deltas = [column for column in found.table().columns if column.header == "Δ"]
    assert list(deltas[0].cells) == ["–", "0"]


def test_a_point_changes_its_free_energy_with_the_units():
    """The reason: measured in thousandths, the density at the point shrinks, the evidence does not."""

    def scores(unit):
        @model
        def noise(y):
            v = ~Gamma(shape=3.0, rate=3.0 * unit)
            y[:] = ~NormalMeanPrecision(0.0, v).where(meta=None)

        options = {"iterations": 20, "free_energy": True}
        data = {"y": YS * np.sqrt(unit)}
        whole = infer(noise(), data=data, **options).free_energy[-1]
        point = infer(noise(), data=data, constraints="q(v) :: PointMass", **options).free_energy[-1]
        jacobian = 0.5 * len(YS) * np.log(unit)  # the data are in other units too
        return whole - jacobian, point - jacobian

    whole, point = zip(scores(1.0), scores(1000.0), strict=True)
    assert whole[0] == pytest.approx(whole[1])
    assert point[0] - point[1] == pytest.approx(np.log(1000.0))


def test_the_same_points_compare():
    found = compared(one=[CUT, "q(tau) :: PointMass"], other="q(tau) :: PointMass")
    assert found.points("one") == found.points("other") == ("tau",)
    assert found.best in ("one", "other") and "-log p(data, tau)" in found.verdict() and "†" not in repr(found)
    # With tau at its mode the score is -log p(y, tau), an upper bound on which holds at the point found.
    tau = float(found["other"].posteriors["tau"].value)
    covariance = np.eye(4) / tau + 10.0
    joint = stats.multivariate_normal(np.zeros(4), covariance).logpdf(YS) + stats.gamma(2.0).logpdf(tau)
    assert found["other"].free_energy[-1] == pytest.approx(-joint)


def test_different_points_have_no_best():
    found = compared(tau=[CUT, "q(tau) :: PointMass"], mean=[CUT, "q(mean) :: PointMass"])
    with pytest.raises(InferenceError, match=r"no best[\s\S]*tau holds tau at a point; mean holds mean at a point"):
        _ = found.best
    assert "no best constraint" in repr(found) and "*" not in repr(found)
    assert "no best constraint" in found._repr_html_()


def test_points_of_discrete_variables_have_entropy_zero_and_compare():
    @model
    def coin(y):
        z = ~Bernoulli(0.7)
        y[...] = ~NormalMeanVariance(0.5, 1.0)

    @model
    def die(y):
        z = ~Categorical(np.array([0.2, 0.7, 0.1]))
        y[...] = ~NormalMeanVariance(0.5, 1.0)

    for game in (coin, die):
        found = compare(game(), {"y": 0.0}, constraints={"point": "q(z) :: PointMass", "whole": None})
        assert isinstance(found["point"].posteriors["z"], PointMass)
        assert found.best == "whole" and found.points("point") == ()
        # -log 0.7 more: all mass on the likeliest value.
        assert found["point"].free_energy[-1] - found["whole"].free_energy[-1] == pytest.approx(-np.log(0.7))


def test_samples_are_estimates():
    assert "Estimated from samples: sampled" in repr(compared(sampled=[CUT, "q(tau) :: SampleList(500)"], cut=CUT))


def test_an_unknown_name_lists_the_known_ones():
    found = compared(cut=CUT)
    for name in ("nope", 3, []):
        with pytest.raises(UnknownNameError, match=r"^nothing was compared under .*there are: 'cut'$"):
            found[name]
    with pytest.raises(KeyError):
        found["nope"]
    assert list(found) == ["cut"] and len(found) == 1


@pytest.mark.parametrize("constraints", [[CUT], CUT, {}, None, MeanField(), {1: CUT}], ids=repr)
def test_constraints_come_by_name(constraints):
    with pytest.raises(ConstraintError, match=r"takes constraints by name[\s\S]*write  constraints=\{"):
        compare(level(), {"y": YS}, constraints=constraints)


def test_an_error_says_under_which_constraint_it_came():
    with pytest.raises(ConstraintError) as caught:
        compared(fine=CUT, wrong="q(ghost, tau) = q(ghost) q(tau)")
    assert caught.value.__notes__ == ["while comparing: constraint 'wrong'"]


def test_a_model_with_a_prior_alone():
    @model
    def coin(y):
        p = ~Beta(1.0, 1.0)
        y[:] = ~Bernoulli(p)

    found = compare(coin(), {"y": [1, 0, 1]}, constraints={"whole": None, "point": "q(p) :: PointMass"})
    assert found.best == "whole"
    assert found["point"].posteriors["p"].value == pytest.approx(2.0 / 3.0)
