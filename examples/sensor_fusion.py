"""Two sensors of different pace feed one engine: asyncio producers, one queue, one consumer.

A quick, coarse sensor reads every tick, a slow, fine one every fifth. With ``when="any"`` each reading is an observation in
which the other sensor is missing. The queue is bounded: a producer that is too fast waits, and nothing is lost.
"""

import asyncio
from typing import Any

import numpy as np

from reactivepgm import Engine, Handover, Normal, infer_online, model, queue


@model
def fusion(coarse: Any, fine: Any, mean: Any, variance: Any) -> None:
    """One tick of a temperature believed to be N(mean, variance), and what the sensors say of it."""
    before = ~Normal(mean=mean, variance=variance)
    temperature = ~Normal(mean=before, variance=0.01)
    coarse[...] = ~Normal(mean=temperature, variance=1.0)
    fine[...] = ~Normal(mean=temperature, variance=0.04)


async def produce(name: str, deviation: float, every: int, n: int, inbox: Handover) -> None:
    """Hands over n readings of a temperature that rises slowly; waits when the queue is full."""
    rng = np.random.default_rng(every)
    for k in range(n):
        truth = 20.0 + 0.01 * k * every
        await inbox.aput({name: float(rng.normal(truth, deviation))})
        for _ in range(every):
            await asyncio.sleep(0)


async def produce_all(n: int, inbox: Handover) -> None:
    """Runs both sensors to their ends."""
    await asyncio.gather(produce("coarse", 1.0, 1, n, inbox), produce("fine", 0.2, 5, n // 5, inbox))
    inbox.finish()


async def fuse(n: int) -> Engine:
    """Runs the producers and the engine side by side."""
    inbox = queue(8)
    engine = infer_online(
        fusion(mean=15.0, variance=100.0),
        inbox.aiter(),
        autoupdates=lambda q: {"mean": q["temperature"].mean, "variance": q["temperature"].variance},
        when="any",
    )
    producers = asyncio.create_task(produce_all(n, inbox))
    async for posteriors in engine:
        if engine.count % 100 == 0:
            belief = posteriors["temperature"]
            print(f"after {engine.count:4d} readings: {belief.mean:.2f} ± {belief.std:.2f} °C")
    await producers
    return engine


def main(n: int = 400) -> Engine:
    """Fuses n coarse and n / 5 fine readings.

    Args:
        n: Number of coarse readings.

    Returns:
        The engine, after all of them.
    """
    engine = asyncio.run(fuse(n))
    belief = engine.latest["temperature"]
    print(f"{engine.count} readings, none lost: {belief.mean:.2f} ± {belief.std:.2f} °C")
    return engine


if __name__ == "__main__":
    main()
