"""How long the phases of inferences take: the smallest, the middle and the largest time of each, over several runs."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Any

from rich.table import Table

from reactivepgm.inference.tables import rendered

PHASES = ("model creation", "data update", "inference", "iteration")


@dataclass(frozen=True)
class PhaseTimes:
    """The times of one phase, in seconds.

    Attributes:
        phase: "model creation", "data update", "inference" or "iteration".
        count: how often it was run.
        minimum: the shortest time.
        median: the middle one.
        maximum: the longest.
    """

    phase: str
    count: int
    minimum: float
    median: float
    maximum: float


class Benchmark:
    """Callbacks that time the phases of every run; printing it shows a table.

    Give one and the same to several calls of ``infer``, or to an engine, for which every observation is a run.

    Args:
        limit: how many times of each phase to keep; the newest ones.

    Example:
        >>> from reactivepgm import Beta, Bernoulli, infer, model
        >>> @model
        ... def coin(flips):
        ...     p = ~Beta(a=1.0, b=1.0)
        ...     flips[:] = ~Bernoulli(p)
        >>> benchmark = Benchmark()
        >>> for _ in range(5):
        ...     result = infer(coin(), data={"flips": [1, 0, 1]}, callbacks=benchmark)
        >>> [(times.phase, times.count) for times in benchmark.summary()]
        [('model creation', 5), ('data update', 5), ('inference', 5), ('iteration', 5)]
    """

    def __init__(self, limit: int = 100_000) -> None:
        self._began: dict[str, float] = {}
        self._times: dict[str, deque[float]] = {phase: deque(maxlen=limit) for phase in PHASES}

    def before_model_creation(self, *_: Any) -> None:
        """The clock of model creation starts."""
        self._start("model creation")

    def after_model_creation(self, *_: Any) -> None:
        """It stops."""
        self._end("model creation")

    def before_data_update(self, *_: Any) -> None:
        """The clock of the data starts."""
        self._start("data update")

    def after_data_update(self, *_: Any) -> None:
        """It stops."""
        self._end("data update")

    def before_inference(self, *_: Any) -> None:
        """The clock of the inference starts."""
        self._start("inference")

    def after_inference(self, *_: Any) -> None:
        """It stops."""
        self._end("inference")

    def before_iteration(self, *_: Any) -> None:
        """The clock of an iteration starts."""
        self._start("iteration")

    def after_iteration(self, *_: Any) -> None:
        """It stops."""
        self._end("iteration")

    def summary(self) -> list[PhaseTimes]:
        """The phases that were run, in their order."""
        return [
            PhaseTimes(phase, len(times), min(times), median(times), max(times))
            for phase, times in self._times.items()
            if times
        ]

    def table(self) -> Table:
        """A row for every phase, in milliseconds."""
        table = Table(title="benchmark", title_justify="left")
        for heading in ("phase", "runs", "min ms", "median ms", "max ms"):
            table.add_column(heading, justify="left" if heading == "phase" else "right")
        for times in self.summary():
            each = (f"{seconds * 1e3:.3f}" for seconds in (times.minimum, times.median, times.maximum))
            table.add_row(times.phase, str(times.count), *each)
        return table

    def __repr__(self) -> str:
        return rendered(self.table(), width=100)

    def _start(self, phase: str) -> None:
        self._began[phase] = time.perf_counter()

    def _end(self, phase: str) -> None:
        began = self._began.pop(phase, None)
        if began is not None:
            self._times[phase].append(time.perf_counter() - began)
