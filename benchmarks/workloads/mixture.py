"""W4, a mixture of two normals: means, precisions and weight unknown, mean field, 20 iterations.

share ~ Dirichlet(1, 1), z_i ~ Categorical(share), m_k ~ N(-2 or 2, 10), w_k ~ Gamma(1, 1), y_i ~ N(m_z, 1 / w_z)
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.special import digamma, expit

from benchmarks.limits import call, long
from benchmarks.workload import Answer, Case, Goal, Job, Run, Workload, one_by_one, ours
from reactivepgm import Bernoulli, Beta, Gamma, MeanField, Normal, NormalMixture, infer, model, randomvar

ITERATIONS = 20
CENTRES, SPREAD = np.array([-2.0, 2.0]), 10.0
ONES = np.ones(2)


@model
def by_statement(y: Any) -> None:
    """Slices."""
    share = ~Beta(1.0, 1.0)
    z, m, w = randomvar(len(y)), randomvar(2), randomvar(2)
    m[:] = ~Normal(mean=CENTRES, variance=SPREAD)
    w[:] = ~Gamma(shape=ONES, rate=1.0)
    z[:] = ~Bernoulli(share)
    y[:] = ~NormalMixture(z, m, w)


@model
def by_loop(y: Any) -> None:
    """One loop, which is lifted."""
    share = ~Beta(1.0, 1.0)
    z, m, w = randomvar(len(y)), randomvar(2), randomvar(2)
    m[:] = ~Normal(mean=CENTRES, variance=SPREAD)
    w[:] = ~Gamma(shape=ONES, rate=1.0)
    for i in range(len(y)):
        z[i] = ~Bernoulli(share)
        y[i] = ~NormalMixture(z[i], m, w)


@model
def by_row(y: Any) -> None:
    """The same loop over an iterator, row by row."""
    share = ~Beta(1.0, 1.0)
    z, m, w = randomvar(len(y)), randomvar(2), randomvar(2)
    m[:] = ~Normal(mean=CENTRES, variance=SPREAD)
    w[:] = ~Gamma(shape=ONES, rate=1.0)
    for i in one_by_one(range(len(y))):
        z[i] = ~Bernoulli(share)
        y[i] = ~NormalMixture(z[i], m, w)


def make(n: int) -> Case:
    """Two groups, three to seven, in random order."""
    rng = np.random.default_rng(n)
    second = rng.random(n) < 0.7
    return {"n": n, "y": np.where(second, rng.normal(3.0, 1.2, n), rng.normal(-2.0, 0.7, n))}


def oracle(case: Case) -> Answer:
    """Bishop (2006), section 10.2 with the means and precisions apart: z, then share, m, w."""
    y = case["y"]
    m, v, shape, rate, alpha = CENTRES, ONES, ONES, ONES, ONES
    for _ in range(ITERATIONS):
        w = shape / rate
        gap = (y[:, None] - m) ** 2 + v
        logits = digamma(alpha) + 0.5 * (digamma(shape) - np.log(rate)) - 0.5 * w * gap
        second = expit(logits[:, 1] - logits[:, 0])
        shares = np.stack([1.0 - second, second])
        counts, sums = shares.sum(1), shares @ y
        alpha = 1.0 + counts
        v = 1.0 / (1.0 / SPREAD + w * counts)
        m = v * (CENTRES / SPREAD + w * sums)
        shape = 1.0 + 0.5 * counts
        rate = 1.0 + 0.5 * np.einsum("kn,nk->k", shares, (y[:, None] - m) ** 2 + v)
    return {"mean": m, "variance": v, "shape": shape, "rate": rate, "share": alpha[::-1], "second": second}


def library(model_function: Any, case: Case, **options: Any) -> Answer:
    """The library."""
    q: Any = infer(
        model_function(), data={"y": case["y"]}, constraints=MeanField(), iterations=ITERATIONS,
        initialisation={
            "share": Beta(1.0, 1.0), "m": Normal(mean=CENTRES, variance=1.0), "w": Gamma(shape=ONES, rate=1.0),
        },
        **options,
    ).posteriors
    return {
        "mean": q["m"].mean, "variance": q["m"].variance, "shape": q["w"].shape, "rate": q["w"].rate,
        "share": np.array([q["share"].a, q["share"].b]), "second": q["z"].p[:, 1],
    }


def in_c(case: Case) -> Run:
    """The loop in C."""
    def run() -> Answer:
        m, v, shape, rate, alpha, second = CENTRES.copy(), *(np.ones(2) for _ in range(4)), np.empty(case["n"])
        call("mixture", long(case["n"]), case["y"], ITERATIONS, CENTRES, SPREAD, m, v, shape, rate, alpha, second)
        return {"mean": m, "variance": v, "shape": shape, "rate": rate, "share": alpha[::-1], "second": second}

    return run


def with_sklearn(case: Case) -> Run:
    """Its variational mixture; the mean's prior is scaled by the precision there, so the posteriors differ a little."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import BayesianGaussianMixture

    y = case["y"][:, None]

    def run() -> Answer:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture = BayesianGaussianMixture(
                n_components=2, covariance_type="diag", tol=0.0, max_iter=ITERATIONS, init_params="kmeans",
                weight_concentration_prior_type="dirichlet_distribution", weight_concentration_prior=1.0, random_state=0,
            ).fit(y)
        order = np.argsort(mixture.means_[:, 0])
        return {"mean": mixture.means_[order, 0]}

    return run


def with_bayespy(case: Case) -> Run:
    """Its mixture of Gaussians with independent mean and precision."""
    from bayespy.inference import VB
    from bayespy.nodes import Categorical, Dirichlet, GaussianARD, Mixture
    from bayespy.nodes import Gamma as Precision

    def run() -> Answer:
        share = Dirichlet(np.ones(2))
        z = Categorical(share, plates=(case["n"],))
        m = GaussianARD(CENTRES, 1.0 / SPREAD, plates=(2,))
        w = Precision(1.0, 1.0, plates=(2,))
        y = Mixture(z, GaussianARD, m, w)
        m.initialize_from_parameters(CENTRES, 1.0)
        w.initialize_from_parameters(np.ones(2), np.ones(2))
        share.initialize_from_parameters(np.ones(2))
        y.observe(case["y"])
        VB(y, z, share, m, w).update(z, share, m, w, repeat=ITERATIONS, verbose=False, tol=0.0)
        return {"mean": m.get_moments()[0], "share": share.phi[0][::-1], "second": z.get_moments()[0][:, 1]}

    return run


MIXTURE = Workload(
    key="W4",
    title="mixture of two normals, 20 iterations",
    oracle_name="variational updates written out in NumPy",
    make=make,
    oracle=oracle,
    jobs=(
        *ours(
            {
                "": partial(library, by_statement),
                "loop": partial(library, by_loop),
                "row by row": partial(library, by_row),
            },
            1e-8,
        ),
        Job("C", "limit", in_c, 1e-8, needs="cc"),
        Job(
            "scikit-learn", "peer", with_sklearn, 0.05, needs="sklearn",
            remark="another prior, its default k-means start included; the means are compared, to 5 %",
        ),
        Job("bayespy", "peer", with_bayespy, 1e-6, needs="bayespy"),
    ),
    sizes=(10_000, 100_000),
    small=500,
    goals=(
        Goal(10_000, "reactivepgm", 15e-3, "scikit-learn", 0.25),
        Goal(100_000, "reactivepgm", 100e-3, "scikit-learn", 0.25),
        Goal(10_000, "reactivepgm, row by row", 50e-3),
        Goal(100_000, "reactivepgm, row by row", 400e-3),
        Goal(10_000, "reactivepgm, JAX", 8e-3),
        Goal(100_000, "reactivepgm, JAX", 60e-3),
    ),
    growth=(10_000, 30_000, 100_000, 300_000, 1_000_000),
    memory=100_000,
    bytes_a_row=500,
)
