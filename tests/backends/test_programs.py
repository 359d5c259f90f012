"""Programs: what is compiled anew, the user's precision, letters, and the ways a wide machine goes."""
# ruff: noqa: E402 - without JAX nothing below is imported

from functools import partial

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="the extra [jax] is not installed")

from reactivepgm import (
    Gamma,
    ImproperPosteriorError,
    ModelError,
    Normal,
    NormalMeanPrecision,
    VonMises,
    infer,
    model,
    randomvar,
)
from reactivepgm.backends.compiled import compilations
from reactivepgm.numerics import special
from tests.backends.comparison import assert_same


@model
def walk(y, noise=0.5, prior=100.0):
    x = randomvar(len(y))
    x[0] = ~Normal(mean=0.0, variance=prior)
    x[1:] = ~Normal(mean=x[:-1], variance=1.0)
    y[:] = ~Normal(mean=x, variance=noise)


def test_other_numbers_of_the_same_shapes_compile_nothing():
    rng = np.random.default_rng(1)
    infer(walk(), data={"y": rng.normal(size=33)}, backend="jax")
    before = compilations()
    for noise in (0.5, 2.0):
        y = rng.normal(size=33)
        assert_same(infer(walk(noise=noise), data={"y": y}), infer(walk(noise=noise), data={"y": y}, backend="jax"))
    assert compilations() == before
    infer(walk(), data={"y": rng.normal(size=34)}, backend="jax")
    assert compilations() == before + 1
    y = rng.normal(size=34)
    for hole in (3, 20):  # which rows are missing is data, that some are is not
        y[hole] = np.nan
        infer(walk(), data={"y": y}, backend="jax")
    assert compilations() == before + 2


@pytest.mark.parametrize("is_double", [False, True], ids=["32 bits", "64 bits"])
def test_the_users_precision_is_neither_read_nor_changed(is_double):
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", is_double)
    try:
        y = np.random.default_rng(2).normal(size=21)
        found = infer(walk(), data={"y": y}, backend="jax", free_energy=True)
        assert found.posteriors["x"].mean.dtype == np.float64
        assert_same(infer(walk(), data={"y": y}, free_energy=True), found)
        assert jax.config.jax_enable_x64 == is_double
    finally:
        jax.config.update("jax_enable_x64", before)


def test_a_wide_machine_composes(monkeypatch):
    from reactivepgm.backends import discrete_run, gaussian_path

    rng = np.random.default_rng(3)
    with jax.enable_x64(True):
        for d, n in ((1, 9), (2, 9), (2, 37), (3, 40)):
            def spd(count, d=d):
                a = rng.normal(size=(count, d, d))
                return np.moveaxis(a @ a.swapaxes(1, 2) + 0.1 * np.eye(d), 0, -1)
            chain = gaussian_path.Chain(
                spd(n), rng.normal(size=(d, n)), rng.normal(size=(d, d, n)), spd(n), rng.normal(size=(d, n))
            )
            J, eta, first = spd(n + 1), rng.normal(size=(d, n + 1)), (spd(1), rng.normal(size=(d, 1)))
            narrow, wide = (
                jax.jit(partial(gaussian_path.chain_messages, is_wide=is_wide))(chain, J, eta, first)
                for is_wide in (False, True)
            )
            for one, two in zip(narrow, wide, strict=True):
                for a, b in zip(one, two, strict=True):
                    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
        cross, known = rng.random((3, 3, 12)), rng.random((3, 13))
        for one, two in zip(discrete_run.by_scan(cross, known), discrete_run.by_composition(cross, known), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-12)


def test_an_improper_posterior_is_named():
    @model
    def undetermined(y):
        x = randomvar(3)
        tau = ~Gamma(shape=1.0, rate=1.0)
        for i in range(3):
            y[i] = ~NormalMeanPrecision(x[i], tau)

    letters = []
    for backend in ("numpy", "jax"):
        with pytest.raises(ImproperPosteriorError) as caught:
            infer(
                undetermined(), data={"y": np.array([1.0, np.nan, 2.0])}, iterations=3, backend=backend,
                constraints="q(x, tau) = q(x) q(tau)", initialisation={"tau": Gamma(shape=1.0, rate=1.0)},
            )
        letters.append(str(caught.value))
    assert letters[0] == letters[1] and "`x[1]`" in letters[0]


@model
def sum_of_two(y):
    a = ~Normal(mean=0.0, variance=1.0)
    b = ~Normal(mean=0.0, variance=1.0)
    y[0] = ~Normal(mean=a + b, variance=1.0)


def test_what_does_not_compile_is_refused_with_its_line():
    with pytest.raises(ModelError, match=r"(?s)random variables is not compiled.*test_programs.*backend=\"numpy\""):
        infer(sum_of_two(), data={"y": np.ones(1)}, backend="jax")


def test_a_distribution_that_looks_at_numbers_is_refused_with_its_line():
    @model
    def directions(y):
        m = ~VonMises(0.0, 1.0)
        y[:] = ~VonMises(m, 2.0)

    with pytest.raises(ModelError, match=r"(?s)VonMises.*looks at numbers.*test_programs"):
        infer(directions(), data={"y": np.array([0.1, 0.2])}, backend="jax")


@pytest.mark.parametrize("name", ["gammaln", "digamma", "trigamma", "betaln", "log_normal_cdf", "sigmoid", "logit"])
def test_special_functions_have_all_their_digits(name):
    x = np.array([0.02, 0.3, 0.7, 0.999]) * (1.0 if name == "logit" else 30.0)
    arguments = (x, x[::-1] + 0.0) if name == "betaln" else (x,)
    with jax.enable_x64(True):
        traced = jax.jit(getattr(special, name))(*arguments)
        np.testing.assert_allclose(traced, getattr(special, name)(*arguments), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "options",
    [{"callbacks": {"after_iteration": print}}, {"trace": True}, {"annotations": "inputs"}, {"damping": 0.5}],
    ids=lambda options: next(iter(options)),
)
def test_options_that_mean_nothing_here_are_refused(options):
    with pytest.raises(ModelError, match="is not compiled"):
        infer(walk(), data={"y": np.ones(3)}, backend="jax", **options)
