"""Nodes: names, aliases, keywords, arguments, supports, log densities, samplers."""

import operator

import numpy as np
import pytest
from scipy import stats

from reactivepgm import distributions
from reactivepgm.distributions import (
    Gamma,
    MvNormal,
    MvNormalMeanCovariance,
    Normal,
    NormalMeanPrecision,
    NormalMeanVariance,
)
from reactivepgm.errors import InvalidParameterError, ParametrisationError
from reactivepgm.nodes import Delta, DiscreteTransition, Interface, Node, NormalMixture, node_of, register


@pytest.mark.parametrize(
    ("x", "name"),
    [
        (NormalMeanVariance, "NormalMeanVariance"),
        ("GaussianMeanPrecision", "NormalMeanPrecision"),
        ("Gamma", "GammaShapeScale"),
        ("Transition", "DiscreteTransition"),
        ("MatrixDirichlet", "DirichletCollection"),
        (operator.add, "addition"),
        (np.subtract, "subtraction"),
        (operator.matmul, "multiplication"),
        (operator.mul, "multiplication"),
        (np.dot, "dot"),
        ("dot_product", "dot"),
        (DiscreteTransition, "DiscreteTransition"),
    ],
)
def test_what_means_a_node(x, name):
    assert node_of(x).name == name


@pytest.mark.parametrize("x", [print, "nothing", 3.0, [1], None])
def test_what_means_no_node(x):
    assert node_of(x) is None


@pytest.mark.parametrize(
    ("node", "alias", "name"),
    [
        ("NormalMeanVariance", "μ", "mean"),
        ("NormalMeanVariance", "σ²", "variance"),
        ("NormalMeanPrecision", "γ", "precision"),
        ("MvNormalMeanCovariance", "Σ", "covariance"),
        ("MvNormalMeanPrecision", "Λ", "precision"),
        ("GammaShapeRate", "β", "rate"),
        ("GammaShapeScale", "θ", "scale"),
        ("Poisson", "λ", "l"),
        ("DiscreteTransition", "in_", "in"),
        ("DiscreteTransition", "T12", "T12"),
        ("InverseWishart", "ν", "df"),
    ],
)
def test_aliases(node, alias, name):
    assert node_of(node).interface(alias).name == name


def test_an_unknown_interface_lists_the_known_ones():
    with pytest.raises(ParametrisationError, match=r"no interface 'q'; it has out, mean \(m, mu, μ\), variance"):
        node_of("NormalMeanVariance").interface("q")


@pytest.mark.parametrize(
    ("name", "keywords", "chosen"),
    [
        (Normal, ("mean", "variance"), "NormalMeanVariance"),
        (Normal, ("μ", "τ"), "NormalMeanPrecision"),
        (MvNormal, ("mean", "covariance"), "MvNormalMeanCovariance"),
        (Gamma, ("shape", "rate"), "GammaShapeRate"),
        (Gamma, ("scale", "shape"), "GammaShapeScale"),
    ],
)
def test_keywords_choose(name, keywords, chosen):
    assert node_of(name).with_keywords(keywords).name == chosen


def test_positional_arguments_do_not_choose():
    with pytest.raises(ParametrisationError, match=r"write Normal\(mean=, variance=\) or Normal\(mean=, precision=\)"):
        node_of(Normal).bind((0.0, 1.0), {})


def test_bind():
    node = node_of("NormalMeanVariance")
    assert node.bind((1.0,), {"var": 2.0}) == {"mean": 1.0, "variance": 2.0}
    assert DiscreteTransition.bind((1, 2, 3, 4), {}) == {"in": 1, "a": 2, "T1": 3, "T2": 4}
    assert DiscreteTransition.bind((), {"T1": 3, "a": 2, "in_": 1}) == {"in": 1, "a": 2, "T1": 3}
    assert Delta(np.hypot).bind((1.0, 2.0), {}) == {"in": (1.0, 2.0)}


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((1.0, 2.0, 3.0), {}, "takes 2 arguments, 3 were given"),
        ((1.0,), {}, "misses variance"),
        ((1.0,), {"mu": 2.0}, "got 'mean' twice"),
        ((1.0, 2.0), {"out": 2.0}, "its output"),
    ],
)
def test_bind_says_what_is_wrong(args, kwargs, text):
    with pytest.raises(ParametrisationError, match=text):
        node_of("NormalMeanVariance").bind(args, kwargs)


@pytest.mark.parametrize(
    ("node", "interface", "value", "rank", "text"),
    [
        ("NormalMeanVariance", "variance", [1.0, -2.0], 0, "variance must not be negative; row 1 is -2.0"),
        ("NormalMeanPrecision", "precision", 0.0, 0, "precision must be positive; it is 0.0"),
        ("NormalMeanVariance", "variance", float("nan"), 0, "must not be negative"),
        ("Bernoulli", "p", 1.5, 0, "between 0 and 1"),
        ("Categorical", "p", [[0.5, 0.5], [0.5, 0.6]], 1, r"sum to one; row 1 is \[0.5, 0.6\]"),
        ("MvNormalMeanPrecision", "precision", [[1.0, 2.0], [2.0, 1.0]], 2, "positive definite"),
        ("MvNormalMeanCovariance", "covariance", [[1.0, 0.5], [0.0, 1.0]], 2, "symmetric"),
        ("MvNormalMeanCovariance", "covariance", [1.0, 0.5], 1, "square matrix"),
        ("DiscreteTransition", "a", [[0.5, 0.5], [0.4, 0.5]], 2, "columns"),
    ],
)
def test_supports(node, interface, value, rank, text):
    with pytest.raises(InvalidParameterError, match=text):
        node_of(node).check(interface, value, rank)


def test_what_supports_allow():
    node_of("NormalMeanVariance").check("variance", [0.0, 1.0])
    node_of("NormalMeanVariance").check("mean", [-1.0])
    node_of("MvNormalMeanCovariance").check("covariance", np.zeros((3, 2, 2)))
    node_of("DiscreteTransition").check("a", np.full((2, 3, 4), 0.5), 3)


def test_log_density_and_sampler_come_with_the_target():
    node = node_of("NormalMeanVariance")
    assert node.log_density(1.0, 0.5, 2.0) == pytest.approx(stats.norm(0.5, np.sqrt(2.0)).logpdf(1.0))
    draws = np.array([node.sampler(np.random.default_rng(i), 3.0, 4.0) for i in range(400)])
    assert abs(draws.mean() - 3.0) < 0.5
    assert NormalMixture.log_density(0.0, 1, (-1.0, 1.0), (1.0, 4.0)) == pytest.approx(stats.norm(1, 0.5).logpdf(0.0))
    assert DiscreteTransition.log_density(1, 0, [[0.9, 0.2], [0.1, 0.8]]) == pytest.approx(np.log(0.1))
    assert node_of("addition").sampler(None, 1.0, 2.0) == 3.0


def test_calling_a_node_with_plain_values_gives_what_it_stands_for():
    assert node_of("addition")(1.0, 2.0) == 3.0
    assert isinstance(node_of("NormalMeanPrecision")(0.0, 1.0), NormalMeanPrecision)
    np.testing.assert_allclose(node_of("multiplication")([[1.0, 2.0]], [3.0, 4.0]), [11.0])
    np.testing.assert_allclose(DiscreteTransition([0.0, 1.0], [[0.9, 0.2], [0.1, 0.8]]).p, [0.2, 0.8])
    with pytest.raises(TypeError, match=r"Delta\(function\)"):
        node_of("Delta")(1.0)


def test_calling_a_node_with_a_symbol_makes_it_pending():
    class Symbol(distributions.marker.Symbolic):
        def pending(self, constructor, args, kwargs):
            return "pending", constructor, args, kwargs

    x = Symbol()
    assert node_of("addition")(x, 1.0) == ("pending", node_of("addition"), (x, 1.0), {})
    assert NormalMixture(0, (x, 1.0), (1.0, 1.0))[0] == "pending"
    assert MvNormalMeanCovariance(x, 1.0)[0] == "pending"


def test_one_delta_node_a_function():
    def f(x):
        return x

    assert Delta(f) is Delta(f)
    assert Delta(f).is_deterministic
    assert Delta(f).interface("in").plural


def test_a_node_registered_again_replaces_the_former():
    def first(x):
        return x

    for _ in range(2):
        node = register(Node("again", "deterministic", (Interface("out"), Interface("in")), first), aliases=("anew",))
        assert node_of(first) is node_of("again") is node_of("anew") is node
