"""Whole-model constraints: what they cut, what they leave, what they refuse; and the readers of their notation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactivepgm.distributions import Gamma, Normal, NormalMeanPrecision, NormalMeanVariance
from reactivepgm.errors import ConstraintError, ConstraintSyntaxError
from reactivepgm.graph import BetheFactorisation, GraphBuilder, MeanField, factorise
from reactivepgm.graph.constraint_text import parse_constraint, parse_product
from reactivepgm.language import datavar, model, randomvar


@model
def walk(n, own=None):
    x = randomvar(n)
    y = datavar(float, n)
    tau = ~Gamma(shape=1.0, rate=1.0)
    x[0] = ~NormalMeanVariance(0.0, 100.0)
    x[1:] = ~NormalMeanPrecision(x[:-1], tau).where(q=own)
    y[:] = ~NormalMeanPrecision(x, tau)
    return x


JOINT, SPLIT = (("out", "mean", "precision"),), (("out", "mean"), ("precision",))
APART = (("out",), ("mean",), ("precision",))
OBSERVED, OBSERVED_SPLIT = (("out",), ("mean", "precision")), APART


def clusters(constraints, own=None):
    graph = walk(4, own=own).build().constrained(constraints)
    return graph.families[2].clusters, graph.families[3].clusters


@pytest.mark.parametrize(
    ("constraints", "expected"),
    [
        (None, (JOINT, OBSERVED)),
        (BetheFactorisation(), (JOINT, OBSERVED)),
        (MeanField(), (APART, OBSERVED_SPLIT)),
        ("q(x, tau) = q(x) q(tau)", (SPLIT, OBSERVED_SPLIT)),
        ("q(x,tau)=q(x)*q(tau)", (SPLIT, OBSERVED_SPLIT)),
        ("q(x) = prod q(x[i])", ((("out", "precision"), ("mean",)), OBSERVED)),
        ("q(x, tau) = prod q(x[t]) q(tau)", (APART, OBSERVED_SPLIT)),
        (["q(x, tau) = q(x) q(tau)", "q(x) = prod q(x[i])"], (APART, OBSERVED_SPLIT)),
        (factorise("x", "tau"), (SPLIT, OBSERVED_SPLIT)),
        ("q(x, tau) = q(x, tau)", (JOINT, OBSERVED)),
    ],
    ids=str,
)
def test_what_a_constraint_cuts(constraints, expected):
    if constraints == "q(x) = prod q(x[i])":
        # The precision is not named: it stays in a cluster of its own once the named edges fall apart.
        expected = (APART, OBSERVED)
    assert clusters(constraints) == expected


def test_a_statements_own_factorisation_stays():
    assert clusters(MeanField(), own="q(x) q(tau)")[0] == SPLIT
    assert clusters("q(x, tau) = q(x) q(tau)", own="q(x) q(tau)")[0] == SPLIT
    assert clusters(BetheFactorisation(), own=MeanField())[0] == APART


def test_a_contradiction_names_both():
    with pytest.raises(ConstraintError) as caught:
        clusters("q(x, tau) = q(x) q(tau)", own="q(out, mean, precision)")
    letter = str(caught.value)
    assert "'q(x, tau) = q(x) q(tau)' (" in letter and "contradicts the statement's own factorisation" in letter
    assert letter.count("test_constraints.py:") == 2 and "q(out, mean, precision)" in letter
    assert "test_constraints.py" in letter and "where(q=own)" in letter


def test_what_a_statement_sets_apart_no_constraint_joins():
    with pytest.raises(ConstraintError) as caught:
        clusters("q(x, tau) = q(x, tau)", own="q(out, mean) q(precision)")
    letter = str(caught.value)
    assert "'q(x, tau) = q(x, tau)' (" in letter
    assert "contradicts the statement's own factorisation q(out, mean) q(precision)" in letter


@pytest.mark.parametrize(
    ("constraint", "complaint"),
    [
        ("q(x, nobody) = q(x) q(nobody)", "matches nothing: the model has no random variable nobody"),
        ("q(ghost) = prod q(ghost[i])", "matches nothing: the model has no random variable ghost"),
        ("q(tau) = q(tau)", "matches nothing: no factor has two of tau"),
        ("q(x, tau) = q(x)", "x, tau on the left and x on the right"),
        ("q(x, tau) = q(x) q(tau) q(x)", r"x\[0\] is in two blocks on the right"),
        ("q(x, x) = q(x) q(x)", "on the left and"),
        (3, "3 is no constraint"),
    ],
)
def test_constraints_that_are_refused(constraint, complaint):
    with pytest.raises(ConstraintError, match=complaint):
        walk(4).build().constrained(constraint)


def test_the_original_graph_is_left_alone():
    graph = walk(4).build()
    other = graph.constrained(MeanField())
    assert graph.families[2].clusters == JOINT and other.families[2].clusters == APART
    assert other.arrays is graph.arrays


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("q", 1),
        ("q(", 2),
        ("q()", 2),
        ("q(x", 3),
        ("q(x) = ", 7),
        ("q(x) q(y)", 5),
        ("q(x) = r(x)", 7),
        ("q(x[) = q(x)", 3),
        ("q(x]) = q(x)", 3),
        ("q(x) = prod q(x)", 7),
        ("q(theta) :: Nothing", 12),
        ("q(theta) : PointMass", 9),
        ("q(a, b) :: PointMass", 3),
        ("q(a) :: PointMass(bounds=(1, 0))", 8),
        ("q(a) :: PointMass(bounds=(0, 1)", 31),
        ("q(a) :: PointMass(low=0)", 8),
        ("q(a) :: SampleList", 8),
        ("q(a) :: SampleList(0)", 8),
        ("q(a) :: Gamma(shape=1.0, rate=1.0)", 8),
        ("q(a) :: FixedMarginal(Gamma(1.0, 2.0))", 22),
        ("q(a) :: ProjectedTo(Uniform)", 8),
        ("q(a) :: Composite(Normal)", 8),
        ("q(a) :: Normal q", 15),
        ("mu(a) = q(a)", 6),
        ("in submodel q(a, b) = q(a) q(b)", 12),
        ("in : q(a, b) = q(a) q(b)", 3),
        ("in a: in b: MeanField()", 6),
        ("MeanField", 9),
        ("q(x) = q(x[t])", 11),
        ("q(x) = prod q(x[])", 16),
        ("q(x) = q(x[0:5) q(x[5:])", 10),
        ("q(x.) = q(x)", 2),
        ("q(1x) = q(1x)", 2),
    ],
)
def test_equations_that_cannot_be_read(text, position):
    with pytest.raises(ConstraintSyntaxError) as caught:
        parse_constraint(text)
    assert caught.value.position == position
    assert f"at position {position}" in str(caught.value) and "write" in str(caught.value)


@given(st.text(alphabet="q(),=*[]:x tauprod.1²", max_size=30))
def test_the_readers_raise_nothing_but_syntax_errors(text):
    for read in (parse_product, parse_constraint):
        try:
            read(text)
        except ConstraintSyntaxError as error:
            assert 0 <= error.position <= len(text)


names = st.sampled_from(["x", "tau", "y_mean", "σ²", "x[t - 1]", "A[0, i]", "μ"])


@given(st.lists(st.lists(names, min_size=1, max_size=3), min_size=1, max_size=3), st.sampled_from(["", " ", " * ", "*"]))
def test_products_read_back(terms, sign):
    text = sign.join(f"q({', '.join(term)})" for term in terms)
    assert parse_product(text).terms == tuple(map(tuple, terms))


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ("q(x, w) = q(x) q(w)", "q(x, w) = q(x, w)", "they cut the same variables differently"),
        ("q(x) = prod q(x[i])", "q(x) = q(x[0:2]) q(x[2:])", "they cut the same variables differently"),
        ("q(w) :: PointMass", "q(w) :: SampleList(10)", "w takes one form"),
        ("mu(w) :: Gamma", "mu(w) :: PointMass", "w takes one form"),
        (MeanField(), BetheFactorisation(), "each says how everything factorises"),
        (MeanField(), "q(x, w) = q(x, w)", "one keeps together what the other sets apart"),
        (MeanField(), "q(x) = q(x[0:2]) q(x[2:])", "one keeps together what the other sets apart"),
        ("q(x, w) = q(x) q(w)", BetheFactorisation(), "one keeps together what the other sets apart"),
    ],
    ids=str,
)
def test_constraints_that_contradict_each_other(first, second, why):
    with pytest.raises(ConstraintError) as caught:
        small_walk().constrained([first, second])
    told, _, write = str(caught.value).splitlines()
    shown = [c if isinstance(c, str) else repr(c) for c in (first, second)]
    assert told == f"the constraints {shown[0]!r} and {shown[1]!r} contradict each other: {why}"
    assert "one of the two only" in write


@pytest.mark.parametrize(
    "constraints",
    [
        ["q(x, w) = q(x) q(w)", "q(x) = prod q(x[i])"],
        ["q(x, w) = q(x) q(w)", "q(w, x) = q(w) q(x)"],
        [BetheFactorisation(), "q(x, w) = q(x) q(w)"],
        ["q(x, w) = q(x) q(w)", MeanField()],
        ["q(w) :: PointMass", "mu(w) :: Gamma"],
    ],
    ids=str,
)
def test_constraints_that_refine_each_other(constraints):
    small_walk().constrained(constraints)


@pytest.mark.parametrize(
    ("text", "member", "position"),
    [
        ("q(x) = q(x[0:2]) q(x[2:9])", "x[2:9]", 19),
        ("q(x) = q(x[-9:2]) q(x[2:])", "x[-9:2]", 9),
        ("q(x) = q(x[9]) q(x[:9])", "x[9]", 9),
    ],
)
def test_ranges_that_reach_outside(text, member, position):
    with pytest.raises(ConstraintError) as caught:
        small_walk().constrained(text)
    assert f"{member} (position {position}) lies outside the variable, which has shape (4,)" in str(caught.value)
    assert text[position:].startswith(member)


def small_walk():
    builder = GraphBuilder()
    x, w, y = builder.random("x", (4,)), builder.random("w"), builder.data("y", (4,))
    builder.add("GammaShapeRate", {"out": w, "shape": 1.0, "rate": 1.0})
    builder.add("NormalMeanVariance", {"out": x[0], "mean": 0.0, "variance": 100.0})
    builder.add("NormalMeanPrecision", {"out": x[1:], "mean": x[:-1], "precision": w})
    builder.add("NormalMeanVariance", {"out": y, "mean": x, "variance": 1.0})
    return builder.finish()


@pytest.mark.parametrize("constraint", ["q(a, b) = q(a, b)", "q(a, b, tau) = q(a, b) q(tau)"])
def test_a_constraint_joins_what_the_default_of_the_model_sets_apart(constraint):
    def f(y):
        tau = ~Gamma(shape=1.0, rate=1.0)
        a = ~Normal(mean=0.0, variance=1.0)
        b = ~Normal(mean=a, variance=1.0)
        y[...] = ~Normal(mean=b, precision=tau)

    apart = model(default_factorisation=MeanField())(f)().build({"y": 1.0})
    together = model(f)().build({"y": 1.0})
    (transition,) = [f for f in apart.constrained(constraint).families if "b = ~" in str(f.site)]
    assert transition.clusters == (("out", "mean"), ("variance",))
    assert [family.clusters for family in apart.constrained(["q(a, b, tau) = q(a, b) q(tau)"]).families] == [
        family.clusters for family in together.constrained(["q(a, b, tau) = q(a, b) q(tau)"]).families
    ]


def test_a_block_of_one_variable_joins_its_elements_unless_the_same_list_sets_all_apart():
    @model(default_factorisation=MeanField())
    def walk(y):
        x = randomvar(3)
        tau = ~Gamma(shape=1.0, rate=1.0)
        x[0] = ~Normal(mean=0.0, variance=1.0)
        y[0] = ~Normal(mean=x[0], precision=tau)
        for t in range(1, 3):
            x[t] = ~Normal(mean=x[t - 1], variance=1.0)
            y[t] = ~Normal(mean=x[t], precision=tau)

    graph = walk().build({"y": [1.0, 2.0, 3.0]})
    families = graph.constrained("q(x, tau) = q(x) q(tau)").families
    assert [f.clusters for f in families if "x[t] = ~" in str(f.site)] == [(("out", "mean"), ("variance",))]
    both = graph.constrained([MeanField(), "q(x, tau) = q(x) q(tau)"])
    assert all(len(cluster) == 1 for family in both.families for cluster in family.clusters)
