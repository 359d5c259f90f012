"""Two sensors of different pace feed one engine: asyncio producers, one queue, one consumer.

A quick, coarse sensor reads every tick, a slow, fine one every fifth. With ``when="any"`` each reading is an observation in
which the other sensor is missing. The queue is bounded: a producer that is too fast waits, and nothing is lost.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import numpy as np

from reactivepgm import Engine, Normal, infer_online, model


@model
def fusion(coarse: Any, fine: Any, mean: Any, variance: Any) -> None:
    """One tick of a temperature believed to be N(mean, variance), and what the sensors say of it."""
    before = ~Normal(mean=mean, variance=variance)
    temperature = ~Normal(mean=before, variance=0.01)
    coarse[...] = ~Normal(mean=temperature, variance=1.0)
    fine[...] = ~Normal(mean=temperature, variance=0.04)


Reading = Mapping[str, float]


async def produce(name: str, deviation: float, every: int, n: int, queue: "asyncio.Queue[Reading | None]") -> None:
    """Puts n readings of a temperature that rises slowly into the queue; waits when it is full."""
    rng = np.random.default_rng(every)
    for k in range(n):
        truth = 20.0 + 0.01 * k * every
        await queue.put({name: float(rng.normal(truth, deviation))})
        for _ in range(every):
            await asyncio.sleep(0)
    await queue.put(None)


async def readings(producers: int, queue: "asyncio.Queue[Reading | None]") -> AsyncIterator[Reading]:
    """What comes out of the queue until every producer has ended."""
    running = producers
    while running:
        reading = await queue.get()
        if reading is None:
            running -= 1
        else:
            yield reading


async def fuse(n: int) -> Engine:
    """Runs the producers and the engine side by side."""
    queue: asyncio.Queue[Reading | None] = asyncio.Queue(maxsize=8)
    engine = infer_online(
        fusion(mean=15.0, variance=100.0),
        readings(2, queue),
        autoupdates=lambda q: {"mean": q["temperature"].mean, "variance": q["temperature"].variance},
        when="any",
    )
    coarse = asyncio.create_task(produce("coarse", 1.0, 1, n, queue))
    fine = asyncio.create_task(produce("fine", 0.2, 5, n // 5, queue))
    async for posteriors in engine:
        if engine.count % 100 == 0:
            belief = posteriors["temperature"]
            print(f"after {engine.count:4d} readings: {belief.mean:.2f} ± {belief.std:.2f} °C")
    await asyncio.gather(coarse, fine)
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
