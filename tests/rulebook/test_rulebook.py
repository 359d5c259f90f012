"""The rulebook: signatures, roles, lookup, the letter, kernels, rules called by hand."""

import re

import numpy as np
import pytest
from multipledispatch.conflict import ambiguities

from reactivepgm.distributions import (
    Bernoulli,
    Beta,
    Distribution,
    Factorized,
    GammaShapeRate,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
    PointMass,
    UnivariateNormal,
)
from reactivepgm.errors import NoRuleError, ParametrisationError
from reactivepgm.nodes import Interface, Node, node_of, register
from reactivepgm.rulebook import (
    TABLE,
    GaussianKernel,
    average_energy,
    call_marginal_rule,
    call_rule,
    canonical_role,
    find_average_energy,
    find_kernel,
    find_marginal_rule,
    find_rule,
    kernel,
    load_packs,
    marginal_rule,
    rule,
    split_joints,
    subject_names,
)

NMV = node_of("NormalMeanVariance")


@pytest.fixture
def node(request):
    """A node of its own for each test, so that the table stays clean."""
    name = re.sub(r"\W", "_", request.node.name)
    return register(Node(name, "stochastic", (Interface("out"), Interface("a", ("α",)), Interface("b")), object()))


@pytest.mark.parametrize(
    ("given", "canonical"),
    [("m_mu", "m_mean"), ("q_v", "q_variance"), ("q_mean_out", "q_out_mean"), ("q_σ²_μ_out", "q_out_mean_variance")],
)
def test_roles_have_one_name(given, canonical):
    assert canonical_role(NMV, given) == canonical


def test_subjects_fall_into_interfaces():
    assert subject_names(NMV, "out_mean") == ("out", "mean")
    assert subject_names(node_of("DiscreteTransition"), "T1_in_out") == ("out", "in", "T1")


@pytest.mark.parametrize("name", ["out", "x_out", "m_nothing", "q_out_nothing", "m_"])
def test_what_is_no_role(name):
    with pytest.raises(ParametrisationError):
        canonical_role(NMV, name)


def test_a_point_mass_fills_either_role(node):
    @rule(node, to="out")
    def _(m_a: Bernoulli | PointMass, q_b: PointMass) -> PointMass:
        return PointMass(m_a.mean + 10 * q_b.value)

    one, two = PointMass(1.0), PointMass(2.0)
    for inputs in ({"m_a": one, "q_b": two}, {"q_a": one, "m_b": two}, {"q_a": one, "q_b": two}):
        assert call_rule(node, "out", **inputs) == PointMass(21.0)
    with pytest.raises(NoRuleError):
        call_rule(node, "out", q_a=Bernoulli(0.5), m_b=two)


def test_the_exact_role_is_preferred(node):
    @rule(node, to="out")
    def _(m_a: PointMass) -> str:
        return "message"

    @rule(node, to="out")
    def _(q_a: Distribution) -> str:
        return "marginal"

    assert call_rule(node, "out", m_a=PointMass(1.0)) == "message"
    assert call_rule(node, "out", q_α=PointMass(1.0)) == "marginal"


def test_the_most_specific_rule_wins(node):
    @rule(node, to="out")
    def _(m_a: Distribution, m_b: Distribution) -> str:
        return "any"

    @rule(node, to="out")
    def _(m_a: UnivariateNormal, m_b: Distribution) -> str:
        return "normal"

    @rule(node, to="out")
    def _(m_a: NormalMeanVariance, m_b: PointMass) -> str:
        return "special"

    x, p = NormalMeanVariance(0.0, 1.0), PointMass(1.0)
    assert call_rule(node, "out", m_a=x, m_b=p) == "special"
    assert call_rule(node, "out", m_a=x, m_b=x) == "normal"
    assert call_rule(node, "out", m_a=p, m_b=x) == "any"


def test_meta_takes_part(node):
    class Fine:
        pass

    @rule(node, to="out")
    def _(m_a: PointMass) -> str:
        return "plain"

    @rule(node, to="out")
    def _(m_a: PointMass, meta: Fine) -> str:
        return f"fine {type(meta).__name__}"

    assert call_rule(node, "out", m_a=PointMass(1.0)) == "plain"
    assert call_rule(node, "out", m_a=PointMass(1.0), meta=Fine()) == "fine Fine"
    assert call_rule(node, "out", m_a=PointMass(1.0), meta=3) == "plain"


def test_extras(node):
    @rule(node, to="out")
    def _(m_a: PointMass, meta: object, node: object, index: object, to: object) -> object:
        return meta, node, index, to

    assert call_rule(node, "out", m_a=PointMass(1.0), meta=1, index=2) == (1, node, 2, "out")


def test_any_target_and_further_inputs(node):
    @rule(node, to="*")
    def _(to: str, q_a: PointMass, **others: PointMass | Bernoulli) -> object:
        return to, sorted(others)

    p = PointMass(1.0)
    assert call_rule(node, "out", q_a=p, m_b=p) == ("out", ["m_b"])
    assert call_rule(node, "b", m_a=p, q_out=Bernoulli(0.5)) == ("b", ["q_out"])
    with pytest.raises(NoRuleError):
        call_rule(node, "out", q_a=p, m_b=Beta(1.0, 1.0))


def test_a_row_filed_again_replaces_the_former(node):
    for _ in range(2):

        @rule(node, to="out")
        def last(m_a: PointMass) -> str:
            return "last"

    (only,) = TABLE.rules("rule", node.key, "out")
    assert only.function is last


def test_row_by_row(node):
    calls = []

    @rule(node, to="out", vectorized=False)
    def _(m_a: PointMass, m_b: PointMass) -> NormalMeanVariance:
        calls.append((m_a.value, m_b.value))
        return NormalMeanVariance(m_a.value, m_b.value)

    message = call_rule(node, "out", m_a=PointMass([[1.0], [2.0]], event_rank=0), m_b=PointMass([3.0, 4.0], event_rank=0))
    np.testing.assert_array_equal(message.broadcast_to((2, 2)).mean, [[1, 1], [2, 2]])
    np.testing.assert_array_equal(message.broadcast_to((2, 2)).variance, [[3, 4], [3, 4]])
    assert len(calls) == 4
    assert call_rule(node, "out", m_a=PointMass(1.0), m_b=PointMass(2.0)) == NormalMeanVariance(1.0, 2.0)


def test_plural_inputs_are_stacked():
    mixture = node_of("NormalMixture")
    ms = (NormalMeanVariance(0.0, 1.0), NormalMeanVariance(1.0, 1.0))
    ps = (GammaShapeRate(1.0, 1.0), GammaShapeRate(2.0, 1.0))
    both = call_rule(mixture, "switch", q_out=PointMass(0.5), q_m=ms, q_p=ps)
    assert both.p.shape == (2,)


def test_the_letter():
    with pytest.raises(NoRuleError) as caught:
        site = "examples/coin.py:14   x[i] = ~NormalMeanVariance(mu, s)"
        find_rule("NormalMeanVariance", "mean", {"m_out": Beta, "q_v": PointMass}, site=site)
    lines = str(caught.value).splitlines()
    assert lines[0] == "no rule for NormalMeanVariance -> mean from (m_out: Beta, q_variance: PointMass), meta None"
    assert lines[1] == "  at   examples/coin.py:14   x[i] = ~NormalMeanVariance(mu, s)"
    assert lines[2].startswith("  near (m_out: UnivariateNormal | PointMass, q_variance: ")
    assert lines[2].endswith("m_out differs")
    assert lines[-2:] == [
        '  add  @rule(NormalMeanVariance, to="mean")',
        "       def _(m_out: Beta, q_variance: PointMass) -> ...:",
    ]


def test_the_letter_of_joints_and_energies(node):
    with pytest.raises(NoRuleError, match=r"no joint-marginal rule for .* -> out_a from .*"):
        call_marginal_rule(node, "out_a", m_out=PointMass(1.0), m_a=PointMass(1.0))
    with pytest.raises(NoRuleError, match=r"no average energy for .* from \(q_out: PointMass\)"):
        average_energy(node, q_out=PointMass(1.0))
    with pytest.raises(NoRuleError, match=r"near nothing: .* has no message rules yet"):
        call_rule(node, "out", m_a=PointMass(1.0))


def test_what_is_no_rule(node):
    with pytest.raises(ParametrisationError, match="no annotation"):

        @rule(node, to="out")
        def _(m_a) -> PointMass: ...

    with pytest.raises(ParametrisationError, match="return annotation is missing"):

        @rule(node, to="out")
        def _(m_a: PointMass): ...

    with pytest.raises(ParametrisationError, match="no interface 'c'"):

        @rule(node, to="out")
        def _(m_c: PointMass) -> PointMass: ...

    with pytest.raises(ParametrisationError, match="is no node"):
        rule("unheard of", to="out")
    with pytest.raises(ParametrisationError, match="stands for several nodes: name one of NormalMeanVariance"):
        call_rule("Normal", "out", m_mean=PointMass(1.0))


def test_inputs_must_be_beliefs():
    with pytest.raises(ParametrisationError, match=r"a known value is PointMass\(value\)"):
        call_rule(NMV, "out", m_mean=1.0, m_variance=PointMass(1.0))
    with pytest.raises(ParametrisationError, match="twice"):
        call_rule(NMV, "out", m_mean=PointMass(1.0), m_mu=PointMass(1.0))


def test_kernels(node):
    @kernel(node, to="out", ins=("a", "b"))
    def _() -> GaussianKernel:
        return GaussianKernel((None, None))

    assert find_kernel(node, "out", ("α", "b"), {})().matrices == (None, None)
    assert find_kernel(node, "out", ("b", "a"), {}) is None
    assert find_kernel(node, "out", ("a",), {"m_b": PointMass}) is None


def test_lookups_are_cached_until_the_table_changes(node):
    @rule(node, to="out")
    def _(m_a: Distribution) -> str:
        return "old"

    @marginal_rule(node, "out_a")
    def _(m_out: Distribution, m_a: Distribution) -> str:
        return "joint"

    @average_energy(node)
    def _(q_out_a: Distribution, q_b: Distribution) -> float:
        return 1.5

    found = find_rule(node, "out", {"m_a": PointMass})
    assert find_rule(node, "out", {"m_a": PointMass}) is found
    assert found(m_a=PointMass(1.0)) == "old"

    @rule(node, to="out")
    def _(m_a: PointMass) -> str:
        return "new"

    assert find_rule(node, "out", {"m_a": PointMass})(m_a=PointMass(1.0)) == "new"
    assert find_marginal_rule(node, "a_out", {"m_out": PointMass, "m_a": PointMass}).target == "out_a"
    assert find_average_energy(node, {"q_a_out": Beta, "q_b": Beta})(q_a_out=Beta(1.0, 1.0), q_b=Beta(1.0, 1.0)) == 1.5


def test_joints_that_fall_apart():
    joint = Factorized({"out": NormalMeanVariance(0.0, 1.0), "mean": PointMass(1.0)})
    assert sorted(split_joints(NMV, {"q_out_mean": joint, "q_variance": PointMass(1.0)})) == [
        "q_mean",
        "q_out",
        "q_variance",
    ]
    apart = average_energy(NMV, q_out=joint.factors["out"], q_mean=PointMass(1.0), q_variance=PointMass(2.0))
    assert average_energy(NMV, q_out_mean=joint, q_variance=PointMass(2.0)) == apart


def test_no_two_rows_of_the_packs_are_ambiguous():
    assert "reactivepgm_rules" in load_packs()
    for dispatcher in TABLE.dispatchers():
        assert not ambiguities(dispatcher.funcs), dispatcher.name


def test_a_single_row_stays_floats():
    message = call_rule(NMV, "mean", m_out=NormalWeightedMeanPrecision(1.0, 2.0), q_variance=PointMass(0.5))
    assert type(message.weighted_mean) is float
    assert type(message.precision) is float
