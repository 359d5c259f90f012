"""Sums, means and inner products written as one call; lists of data and numbers as vectors."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from reactivepgm import (
    DataError,
    ModelError,
    MvNormal,
    NoAttributeError,
    Normal,
    dot,
    infer,
    model,
    randomvar,
)

N = 40
RNG = np.random.default_rng(5)
Y, X = RNG.normal(size=N), RNG.normal(size=N)
LAGGED = np.column_stack([Y[1:-1], Y[:-2]])


def evidence(design, y):
    """Minus the log evidence of a linear regression with standard normal weights and noise."""
    return -multivariate_normal(np.zeros(len(y)), np.eye(len(y)) + design @ design.T).logpdf(y)


@model
def by_list(y):
    theta = ~MvNormal(mean=np.zeros(2), covariance=np.eye(2))
    for t in range(2, len(y)):
        y[t] = ~Normal(mean=dot([y[t - 1], y[t - 2]], theta), variance=1.0)


@model
def by_operator(y):
    theta = ~MvNormal(mean=np.zeros(2), covariance=np.eye(2))
    for t in range(2, len(y)):
        y[t] = ~Normal(mean=(y[t - 1], y[t - 2]) @ theta, variance=1.0)


@model
def by_array_before(y):
    theta = ~MvNormal(mean=np.zeros(2), covariance=np.eye(2))
    for t in range(2, len(y)):
        features = np.array([y[t - 1], y[t - 2]])
        y[t] = ~Normal(mean=features @ theta, variance=1.0)


@model
def by_array_inside(y):
    theta = ~MvNormal(mean=np.zeros(2), covariance=np.eye(2))
    for t in range(2, len(y)):
        y[t] = ~Normal(mean=np.dot(np.array([y[t - 1], y[t - 2]]), theta), variance=1.0)


@model
def by_columns(y):
    theta = ~MvNormal(mean=np.zeros(2), covariance=np.eye(2))
    design = np.column_stack([y[1:-1], y[:-2]])
    y[2:] = ~Normal(mean=design @ theta, variance=1.0)


@model
def by_two_lists(y):
    a = ~Normal(mean=0.0, variance=1.0)
    b = ~Normal(mean=0.0, variance=1.0)
    for t in range(2, len(y)):
        mean = dot([y[t - 1], y[t - 2]], [a, b])
        y[t] = ~Normal(mean=mean, variance=1.0)


@model
def by_scalars(y):
    theta = randomvar(2)
    theta[:] = ~Normal(mean=0.0, variance=1.0)
    for t in range(2, len(y)):
        y[t] = ~Normal(mean=dot([y[t - 1], y[t - 2]], theta), variance=1.0)


SPELLINGS = [by_list, by_operator, by_array_before, by_array_inside, by_columns, by_two_lists, by_scalars]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda m: m.function.__name__)
def test_a_list_of_data_is_a_vector(spelling):
    """An autoregression of order two, against the dense evidence."""
    result = infer(spelling(), data={"y": Y}, free_energy=True)
    np.testing.assert_allclose(result.free_energy[-1], evidence(LAGGED, Y[2:]))


@pytest.mark.parametrize("as_data", [True, False])
def test_numbers_data_and_powers_in_one_list(as_data):
    """A polynomial, its covariate as data or as an argument."""

    @model
    def polynomial(y, x):
        w = ~MvNormal(mean=np.zeros(3), covariance=np.eye(3))
        for i in range(len(y)):
            y[i] = ~Normal(mean=dot([1.0, x[i], x[i] ** 2], w), variance=1.0)

    instance, data = (polynomial(), {"y": Y, "x": X}) if as_data else (polynomial(x=X), {"y": Y})
    result = infer(instance, data=data, free_energy=True)
    np.testing.assert_allclose(result.free_energy[-1], evidence(np.vander(X, 3), Y))


def test_lists_of_data_as_parameters():
    """A mean of two data, and a covariance with one inside."""

    @model
    def vectors(u):
        x = ~MvNormal(mean=[u[0], 1.0], covariance=[[2.0, 0.0], [0.0, u[1]]])
        return [x]

    belief = infer(vectors(), data={"u": [3.0, 4.0]}).posteriors["x"]
    np.testing.assert_allclose(belief.mean, [3.0, 1.0])
    np.testing.assert_allclose(belief.covariance, np.diag([2.0, 4.0]))


def test_a_missing_entry_of_a_list_says_so():
    """Nothing is made up for half a vector."""
    y = Y.copy()
    y[5] = np.nan
    with pytest.raises(DataError, match="missing in part"):
        infer(by_list(), data={"y": y})


MEANS = np.arange(4.0)
SUMS = {
    "np.sum": (np.sum, np.ones(4)),
    "method": (lambda x: x.sum(), np.ones(4)),
    "one": (lambda x: np.sum(x[:1]), np.array([1.0, 0.0, 0.0, 0.0])),
    "np.mean": (np.mean, np.full(4, 0.25)),
    "mean method": (lambda x: x[1:].mean(), np.array([0.0, 1.0, 1.0, 1.0]) / 3),
    "nested": (lambda x: 2.0 * np.mean(x) - x[0], np.array([-0.5, 0.5, 0.5, 0.5])),
}


@pytest.mark.parametrize("how", SUMS)
def test_sums_and_means_of_variables(how):
    """Against the linear combination of independent normals."""
    function, weights = SUMS[how]

    @model
    def summed():
        x = randomvar(4)
        x[:] = ~Normal(mean=MEANS, variance=1.0)
        s = function(x)
        z = ~Normal(mean=s, variance=0.5)
        return [z]

    belief = infer(summed()).posteriors["z"]
    np.testing.assert_allclose(belief.mean, weights @ MEANS)
    np.testing.assert_allclose(belief.variance, weights @ weights + 0.5)


def test_sums_of_lists():
    """Variables and numbers together."""

    @model
    def summed():
        x = randomvar(3)
        x[:] = ~Normal(mean=np.array([1.0, 2.0, 3.0]), variance=1.0)
        s = np.sum([x[0], x[2], 1.0])
        z = ~Normal(mean=np.mean([s, x[1]]), variance=0.5)
        return [z]

    belief = infer(summed()).posteriors["z"]
    np.testing.assert_allclose([belief.mean, belief.variance], [3.5, 0.75 + 0.5])


def test_a_sum_takes_the_name_that_is_drawn():
    """``s = ~np.sum(x)`` is the last addition."""

    @model
    def drawn(n):
        x = randomvar(n)
        x[:] = ~Normal(mean=0.0, variance=1.0)
        s = ~np.sum(x)
        return [s]

    instance = drawn(3)
    graph = instance.build()
    assert instance.returned[0].name == "s"
    assert [family.node.name for family in graph.families].count("addition") == 2


@pytest.mark.parametrize(("axis", "size"), [(0, 3), (1, 2), (-1, 2)])
def test_sums_along_an_axis(axis, size):
    """The other axes are rows."""
    means = np.arange(6.0).reshape(2, 3)

    @model
    def summed():
        x = randomvar(2, 3)
        x[:] = ~Normal(mean=means, variance=1.0)
        z = ~Normal(mean=x.sum(axis=axis), variance=0.5)
        return [z]

    belief = infer(summed()).posteriors["z"]
    np.testing.assert_allclose(belief.mean, means.sum(axis=axis))
    np.testing.assert_allclose(belief.variance, np.full(size, 6 / size + 0.5))


def test_sums_of_data_are_computed():
    """``y.mean()`` waits for the data, as do its kin."""

    @model
    def centred(y):
        m = ~Normal(mean=y.mean(), variance=y.var())
        y[:] = ~Normal(mean=m, variance=1.0)

    belief = infer(centred(), data={"y": Y}).posteriors["m"]
    np.testing.assert_allclose(belief.mean, Y.mean())
    np.testing.assert_allclose(belief.variance, 1.0 / (1.0 / Y.var() + N))


def mistaken(function):
    @model
    def wrong():
        x = randomvar(2, 2)
        x[:] = ~Normal(mean=0.0, variance=1.0)
        v = ~MvNormal(mean=np.zeros(2), covariance=np.eye(2))
        m = function(x, v)
        z = ~Normal(mean=m, variance=1.0)
        return [z]

    return wrong()


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda x, v: x.std(), "has no attribute std"),
        (lambda x, v: x[0].foo, r"has no attribute foo"),
        (lambda x, v: v.sum(), "v is a vector or a matrix, and np.sum would add up its entries"),
        (lambda x, v: x.sum(axis=2), "has 2 axes, and not the axis 2"),
        (lambda x, v: np.sum(x, keepdims=True), "takes an axis and nothing else"),
        (lambda x, v: x[:0].mean(), "the mean of no variables"),
        (lambda x, v: abs(x[0, 0]), "abs of a random variable is no factor that arithmetic makes"),
        (lambda x, v: x[0, 0] % 2, "% of a random variable is no factor"),
        (lambda x, v: 5 // x[0, 0], "// of a random variable is no factor"),
        (lambda x, v: round(x[0, 0]), "round cannot be applied to random variables"),
        (lambda x, v: np.max([x[0, 0], 1.0]), "cannot be an array of numbers"),
    ],
    ids=["method", "attribute", "vector", "axis", "option", "empty", "abs", "mod", "floor", "round", "list"],
)
def test_what_variables_have_not_is_a_letter(function, told):
    """With the line of this file, and what to write instead."""
    with pytest.raises(ModelError, match=rf"{told}[\s\S]*test_sums.py:\d+[\s\S]*write  "):
        mistaken(function).build()


@pytest.mark.parametrize(
    ("left", "right", "told"),
    [
        ([1.0], "several", "1 and 2 components"),
        ("several", "vector", "which is a vector"),
        (2.0, "several", "2.0 is no vector"),
        ([1.0, 2.0], "nested", "flat lists"),
    ],
    ids=["lengths", "vector", "number", "nested"],
)
def test_inner_products_that_are_none(left, right, told):
    """Each says what it met."""

    @model
    def wrong():
        a = ~Normal(mean=0.0, variance=1.0)
        vector = ~MvNormal(mean=np.zeros(2), covariance=np.eye(2))
        sides = {"several": [a, a], "vector": vector, "nested": [[a], [a]]}
        one, other = (sides[side] if isinstance(side, str) else side for side in (left, right))
        z = ~Normal(mean=dot(one, other), variance=1.0)
        return [z]

    with pytest.raises(ModelError, match=rf"{told}[\s\S]*test_sums.py:\d+"):
        wrong().build()


def test_hasattr_is_false_rather_than_an_error():
    """The letter is an AttributeError, too."""

    @model
    def asks():
        x = ~Normal(mean=0.0, variance=1.0)
        assert not hasattr(x, "foo")
        with pytest.raises(NoAttributeError):
            x.foo  # noqa: B018
        return [x]

    asks().build()
