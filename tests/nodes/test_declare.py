"""@node: what it makes of classes and functions, in models too, and what it refuses."""

import numpy as np
import pytest
from scipy import stats

from reactivepgm import Interface, Normal, NormalMeanVariance, PointMass, call_rule, infer, model, node, node_of, rule
from reactivepgm.distributions import Bernoulli, UnivariateNormal
from reactivepgm.errors import ParametrisationError


def test_a_function_has_its_parameters_for_interfaces():
    @node("stochastic")
    def declared_function(height, spread):
        return NormalMeanVariance(height, spread)

    assert declared_function.names == ("out", "height", "spread")
    assert node_of("declared_function") is declared_function
    assert declared_function.log_density(1.0, 0.5, 2.0) == pytest.approx(stats.norm.logpdf(1.0, 0.5, np.sqrt(2.0)))
    draws = [declared_function.sampler(np.random.default_rng(k), 3.0, 1e-6) for k in range(3)]
    np.testing.assert_allclose(draws, 3.0, atol=0.01)
    assert declared_function(1.0, 2.0) == NormalMeanVariance(1.0, 2.0)


def test_a_class_has_its_density_and_sampler():
    @node("stochastic", name="Declared", aliases=("DeclaredAlso",))
    class Tag:
        @staticmethod
        def log_density(out, rate):
            return np.log(rate) - rate * out

        @staticmethod
        def sample(rng, rate):
            return rng.exponential(1.0 / rate)

    assert Tag.names == ("out", "rate")
    assert node_of("DeclaredAlso") is node_of("Declared") is Tag is node_of(Tag.target)


def test_a_distribution_class_stays_what_it_is():
    @node("stochastic", "out", Interface("p", support="unit"))
    class Coin(Bernoulli):
        pass

    assert isinstance(Coin, type)
    assert node_of(Coin).names == ("out", "p")


def test_a_declared_node_in_a_model():
    @node("stochastic", "out", Interface("height", ("h",)))
    def declared_ruler(height):
        return NormalMeanVariance(height, 0.5)

    @rule(declared_ruler, to="height")
    def _(q_out: PointMass) -> NormalMeanVariance:
        """The reading, give or take."""
        return NormalMeanVariance(q_out.mean, 0.5)

    @rule(declared_ruler, to="out")
    def _(m_height: UnivariateNormal) -> NormalMeanVariance:
        """Widened."""
        return NormalMeanVariance(m_height.mean, m_height.variance + 0.5)

    @model
    def f(y):
        h = ~Normal(mean=0.0, variance=1.0)
        y[:] = ~declared_ruler(h=h)

    ys = np.array([1.0, 2.0, np.nan])
    belief = infer(f(), data={"y": ys}).posteriors["h"]
    assert (float(belief.mean), float(belief.variance)) == pytest.approx((3.0 / 2.5, 0.2))
    assert call_rule(declared_ruler, "out", m_height=NormalMeanVariance(0.0, 1.0)).variance == 1.5


def missing_density():
    @node("stochastic")
    class NoDensity:
        pass


def too_many_interfaces():
    @node("stochastic", "out", "a", "b")
    def two(a):
        return NormalMeanVariance(a, 1.0)


def an_interface_twice():
    @node("stochastic", "out", "out")
    def twice(a):
        return NormalMeanVariance(a, 1.0)


def no_kind():
    @node
    def bare(a):
        return a


def an_anonymous_thing():
    node("deterministic")(np.float64(3.0))


@pytest.mark.parametrize(
    ("declaration", "letter"),
    [
        (missing_density, r"NoDensity says nothing of its density; give it  @staticmethod log_density\(out, ...\)"),
        (too_many_interfaces, r"two has 3 interfaces \(out, a, b\), an output and 2 inputs, but takes 1 arguments \(a\)"),
        (an_interface_twice, r"twice has the interface out twice"),
        (no_kind, r'kind is "stochastic" or "deterministic", not <function'),
        (an_anonymous_thing, r"stands above a class or a function"),
    ],
)
def test_what_is_refused(declaration, letter):
    with pytest.raises(ParametrisationError, match=letter):
        declaration()
