"""W5, a coin online: p ~ Beta, the posterior fed back after every flip, a subscriber listening."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workload import Answer, Case, Goal, Job, Run, Workload
from reactivepgm import Bernoulli, Beta, infer_online, model


@model
def coin(flip: Any, a: Any, b: Any) -> None:
    """One flip."""
    p = ~Beta(a=a, b=b)
    flip[...] = ~Bernoulli(p)


def make(n: int) -> Case:
    """Flips as plain floats."""
    return {"n": n, "flips": (np.random.default_rng(n).random(n) < 0.6).astype(float).tolist()}


def oracle(case: Case) -> Answer:
    """Two counts."""
    heads = sum(case["flips"])
    return {"a": 1.0 + heads, "b": 1.0 + case["n"] - heads}


def library(case: Case) -> Run:
    """The engine, fed one flip at a time."""
    def run() -> Answer:
        engine = infer_online(coin(a=1.0, b=1.0), autoupdates=lambda q: {"a": q["p"].a, "b": q["p"].b})
        last = [Beta(1.0, 1.0)]
        engine.posteriors["p"].subscribe(lambda belief: last.__setitem__(0, belief))
        observe = engine.observe
        for flip in case["flips"]:
            observe({"flip": flip})
        return {"a": last[0].a, "b": last[0].b}

    return run


def in_python(case: Case) -> Run:
    """Two counters."""
    def run() -> Answer:
        a = b = 1.0
        for flip in case["flips"]:
            a, b = a + flip, b + (1.0 - flip)
        return {"a": a, "b": b}

    return run


def by_zip(case: Case) -> Run:
    """A reactivex zip of the datum with the posterior that is fed back."""
    import reactivex
    from reactivex import operators
    from reactivex.subject import Subject

    def run() -> Answer:
        data, prior = Subject[float](), Subject[tuple[float, float]]()
        last = [(1.0, 1.0)]

        def moved(pair: Any) -> tuple[float, float]:
            flip, (a, b) = pair
            return a + flip, b + 1.0 - flip

        updated = reactivex.zip(data, prior).pipe(operators.map(moved))
        updated.subscribe(lambda state: last.__setitem__(0, state))
        for flip in case["flips"]:
            prior.on_next(last[0])
            data.on_next(flip)
        return {"a": last[0][0], "b": last[0][1]}

    return run


BETA_BERNOULLI = Workload(
    key="W5",
    title="Beta-Bernoulli online",
    oracle_name="counts",
    make=make,
    oracle=oracle,
    jobs=(
        Job("reactivepgm", "ours", library, 1e-12),
        Job("plain Python", "limit", in_python, 1e-12, remark="no objects, no subscriber"),
        Job("reactivex zip", "peer", by_zip, 1e-12, needs="reactivex"),
    ),
    sizes=(20_000,),
    small=300,
    goals=(Goal(20_000, "reactivepgm", 2e-6),),
    per_row=True,
)
