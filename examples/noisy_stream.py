"""An endless stream of unknown noise: its level and its precision are learned together, in constant memory.

x ~ N(m, v),  w ~ Gamma(a, b),  y ~ N(x, 1/w),  q(x) q(w);  after every observation (m, v, a, b) become the posterior's.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from reactivepgm import Gamma, Normal, infer_online, model, q


@model
def reading(y: Any, m: Any, v: Any, a: Any, b: Any) -> None:
    """One reading of a level believed to be N(m, v), with a precision believed to be Gamma(a, b)."""
    x = ~Normal(mean=m, variance=v)
    w = ~Gamma(shape=a, rate=b)
    y[...] = ~Normal(mean=x, precision=w).where(q=q(x) * q(w))


def sensor(level: float, deviation: float, seed: int) -> Iterator[float]:
    """Readings without end."""
    rng = np.random.default_rng(seed)
    while True:
        yield float(rng.normal(level, deviation))


def main(n: int = 2000, level: float = 20.5, deviation: float = 0.4, seed: int = 3) -> tuple[float, float]:
    """Reads the sensor and prints what is known of it now and then.

    Args:
        n: After how many readings to stop.
        level: What the sensor measures.
        deviation: Of its noise.
        seed: Of the random generator.

    Returns:
        The learned level and standard deviation.
    """
    engine = infer_online(
        reading(m=0.0, v=1e4, a=1.0, b=1.0),
        islice(sensor(level, deviation, seed), n),
        autoupdates=lambda q: {"m": q["x"].mean, "v": q["x"].variance, "a": q["w"].shape, "b": q["w"].rate},
        initialisation={"w": Gamma(shape=1.0, rate=1.0)},
        iterations=5,
        history={"x": 3},
    )
    for posteriors in engine:
        if engine.count in (1, 10, 100, n):
            x, w = posteriors["x"], posteriors["w"]
            print(f"after {engine.count:5d}: level {x.mean:.3f} ± {x.std:.3f}, noise {w.mean**-0.5:.3f}")
    return float(engine.latest["x"].mean), float(engine.latest["w"].mean) ** -0.5


if __name__ == "__main__":
    main()
