"""What one observation costs, posterior fed back and a subscriber listening.

``python -m benchmarks.online`` runs the Beta-Bernoulli and the scalar Kalman stream beside a plain Python loop, a reactivex
zip and filterpy (where installed), each checked against the plain loop before its time is printed.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable
from functools import partial

import numpy as np
import reactivex
from reactivex import operators
from reactivex.subject import Subject
from rich.console import Console
from rich.table import Table

from benchmarks.sidebyside import side_by_side
from reactivepgm import Bernoulli, Beta, Normal, infer_online, model

Floats = list[float]


@model
def coin(flip, a, b):
    """One flip."""
    p = ~Beta(a=a, b=b)
    flip[...] = ~Bernoulli(p)


@model
def kalman(y, m, v):
    """One step of a random walk."""
    before = ~Normal(mean=m, variance=v)
    x = ~Normal(mean=before, variance=1.0)
    y[...] = ~Normal(mean=x, variance=2.0)


def our_coin(flips: Floats) -> tuple[float, float]:
    """The engine on the coin."""
    engine = infer_online(coin(a=1.0, b=1.0), autoupdates=lambda q: {"a": q["p"].a, "b": q["p"].b})
    last = [Beta(1.0, 1.0)]
    engine.posteriors["p"].subscribe(lambda belief: last.__setitem__(0, belief))
    observe = engine.observe
    for flip in flips:
        observe({"flip": flip})
    return last[0].a, last[0].b


def plain_coin(flips: Floats) -> tuple[float, float]:
    """Two counters."""
    a = b = 1.0
    for flip in flips:
        a, b = a + flip, b + (1.0 - flip)
    return a, b


def zipped_coin(flips: Floats) -> tuple[float, float]:
    """A reactivex zip of the datum with the posterior that is fed back."""
    data, prior = Subject[float](), Subject[tuple[float, float]]()
    last = [(1.0, 1.0)]
    updated = reactivex.zip(data, prior).pipe(operators.map(lambda pair: (pair[1][0] + pair[0], pair[1][1] + 1.0 - pair[0])))
    updated.subscribe(lambda state: last.__setitem__(0, state))
    for flip in flips:
        prior.on_next(last[0])
        data.on_next(flip)
    return last[0]


def our_kalman(ys: Floats) -> tuple[float, float]:
    """The engine on the walk."""
    engine = infer_online(
        kalman(m=0.0, v=100.0), autoupdates=lambda q: {"m": q["x"].mean, "v": q["x"].variance}
    )
    last = [Normal(mean=0.0, variance=100.0)]
    engine.posteriors["x"].subscribe(lambda belief: last.__setitem__(0, belief))
    observe = engine.observe
    for y in ys:
        observe({"y": y})
    return last[0].mean, last[0].variance


def plain_kalman(ys: Floats) -> tuple[float, float]:
    """A hand-written filter on floats."""
    m, v = 0.0, 100.0
    for y in ys:
        v += 1.0
        gain = v / (v + 2.0)
        m, v = m + gain * (y - m), v * (1.0 - gain)
    return m, v


def filterpy_kalman(ys: Floats) -> tuple[float, float]:
    """filterpy's filter with one state."""
    from filterpy.kalman import KalmanFilter  # type: ignore[import-not-found, import-untyped]

    f = KalmanFilter(dim_x=1, dim_z=1)
    f.F, f.H, f.P, f.Q, f.R = np.eye(1), np.eye(1), 100.0 * np.eye(1), np.eye(1), 2.0 * np.eye(1)
    for y in ys:
        f.predict()
        f.update(y)
    return float(f.x[0, 0]), float(f.P[0, 0])


def main(n: int = 20_000) -> None:
    """Measures and prints a table.

    Args:
        n: Observations a run.
    """
    rng = np.random.default_rng(0)
    flips = (rng.random(n) < 0.6).astype(float).tolist()
    ys = rng.normal(size=n).cumsum().tolist()
    streams: dict[str, tuple[Floats, dict[str, Callable[[Floats], tuple[float, float]]]]] = {
        "Beta-Bernoulli": (flips, {"reactivepgm": our_coin, "plain Python": plain_coin, "reactivex zip": zipped_coin}),
        "scalar Kalman": (ys, {"reactivepgm": our_kalman, "plain Python": plain_kalman}),
    }
    console = Console()
    if importlib.util.find_spec("filterpy"):
        streams["scalar Kalman"][1]["filterpy"] = filterpy_kalman
    else:
        console.print("filterpy is not installed; skipped")
    table = Table(title=f"cost of one observation, {n} observations a run", title_justify="left", min_width=60)
    for heading in ("stream", "by", "us, fastest", "us, median", "× reactivepgm"):
        table.add_column(heading, justify="left" if heading in ("stream", "by") else "right")
    for stream, (data, jobs) in streams.items():
        expected = jobs["plain Python"](data)
        for job in jobs.values():
            np.testing.assert_allclose(job(data), expected, rtol=1e-9)
        timings = side_by_side({name: partial(job, data) for name, job in jobs.items()})
        ours = timings["reactivepgm"].best
        for name, timing in timings.items():
            table.add_row(
                stream, name, f"{timing.best / n * 1e6:.2f}", f"{timing.median / n * 1e6:.2f}", f"{timing.best / ours:.2f}"
            )
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=20_000)
    main(parser.parse_args().n)
