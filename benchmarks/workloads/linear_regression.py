"""W7, Bayesian linear regression: ten weights ~ N(0, 100 I), y_i ~ N(x_i w, 0.25), noise known."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from benchmarks.limits import call, long
from benchmarks.workload import Answer, Case, Goal, Job, Run, Workload, one_by_one, ours
from reactivepgm import MvNormal, Normal, dot, infer, model

D, PRIOR, NOISE = 10, 100.0, 0.25
START, SPREAD = np.zeros(D), PRIOR * np.eye(D)


@model
def by_statement(x: Any, y: Any) -> None:
    """All rows in one statement."""
    w = ~MvNormal(mean=START, covariance=SPREAD)
    y[:] = ~Normal(mean=dot(x, w), variance=NOISE)


@model
def by_loop(x: Any, y: Any) -> None:
    """A loop over rows, which is lifted."""
    w = ~MvNormal(mean=START, covariance=SPREAD)
    for i in range(len(y)):
        y[i] = ~Normal(mean=dot(x[i], w), variance=NOISE)


@model
def by_row(x: Any, y: Any) -> None:
    """The same loop over an iterator, row by row."""
    w = ~MvNormal(mean=START, covariance=SPREAD)
    for i in one_by_one(range(len(y))):
        y[i] = ~Normal(mean=dot(x[i], w), variance=NOISE)


def make(n: int) -> Case:
    """Rows and outcomes."""
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, D))
    return {"n": n, "x": x, "y": x @ np.linspace(-1.0, 2.0, D) + NOISE**0.5 * rng.normal(size=n)}


def oracle(case: Case) -> Answer:
    """The same posterior from the QR factorisation of data and prior stacked."""
    x = np.vstack([case["x"] / NOISE**0.5, np.eye(D) / PRIOR**0.5])
    basis, triangle = np.linalg.qr(x)
    inverse = np.linalg.inv(triangle)
    return {"mean": inverse @ (basis.T @ np.r_[case["y"] / NOISE**0.5, np.zeros(D)]), "covariance": inverse @ inverse.T}


def library(model_function: Any, case: Case, **options: Any) -> Answer:
    """The library."""
    w: Any = infer(model_function(x=case["x"]), data={"y": case["y"]}, **options).posteriors["w"]
    return {"mean": w.mean, "covariance": w.covariance}


def library_with_data(case: Case, **options: Any) -> Answer:
    """The library, with the rows as data instead of constants."""
    w: Any = infer(by_statement(), data={"x": case["x"], "y": case["y"]}, **options).posteriors["w"]
    return {"mean": w.mean, "covariance": w.covariance}


def _solved(square: Any, cross: Any) -> Answer:
    factor = cho_factor(square / NOISE + np.eye(D) / PRIOR)
    covariance = cho_solve(factor, np.eye(D))
    return {"mean": covariance @ cross / NOISE, "covariance": covariance}


def by_blas(case: Case) -> Run:
    """X'X and X'y by BLAS."""
    def run() -> Answer:
        x, y = case["x"], case["y"]
        return _solved(x.T @ x, x.T @ y)

    return run


def in_c(case: Case) -> Run:
    """X'X and X'y in one pass in C."""
    def run() -> Answer:
        square, cross = np.empty((D, D)), np.empty(D)
        call("gram", long(case["n"]), case["x"], case["y"], square, cross)
        return _solved(square, cross)

    return run


def with_sklearn(case: Case) -> Run:
    """Its BayesianRidge, which estimates both precisions as well."""
    from sklearn.linear_model import BayesianRidge

    def run() -> Answer:
        return {"mean": BayesianRidge(fit_intercept=False).fit(case["x"], case["y"]).coef_}

    return run


def with_bayespy(case: Case) -> Run:
    """One update of its Gaussian under a sum of products."""
    from bayespy.inference import VB
    from bayespy.nodes import Gaussian, GaussianARD, SumMultiply

    def run() -> Answer:
        w = Gaussian(START, np.linalg.inv(SPREAD))
        y = GaussianARD(SumMultiply("i,i", case["x"], w), 1.0 / NOISE)
        y.observe(case["y"])
        VB(y, w).update(w, repeat=1, verbose=False)
        mean, second = w.get_moments()
        return {"mean": mean, "covariance": second - np.outer(mean, mean)}

    return run


LINEAR_REGRESSION = Workload(
    key="W7",
    title="Bayesian linear regression, d = 10",
    oracle_name="QR of data and prior stacked",
    make=make,
    oracle=oracle,
    jobs=(
        *ours(
            {
                "": partial(library, by_statement),
                "rows as data": library_with_data,
                "loop": partial(library, by_loop),
                "row by row": partial(library, by_row),
            },
            1e-8,
        ),
        Job("C", "limit", in_c, 1e-8, needs="cc"),
        Job("BLAS by hand", "limit", by_blas, 1e-8),
        Job(
            "scikit-learn", "peer", with_sklearn, 0.02, needs="sklearn",
            remark="BayesianRidge estimates both precisions too; the means are compared, to 2 %",
        ),
        Job("bayespy", "peer", with_bayespy, 1e-6, needs="bayespy"),
    ),
    sizes=(100_000,),
    small=500,
    goals=(Goal(100_000, "reactivepgm", 8e-3),),
    memory=100_000,
)
