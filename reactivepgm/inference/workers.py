"""Where shards are worked on: executors of ``concurrent.futures``, a list of them, or a Dask ``Client``.

A request goes, as far as the executor lets one choose, to the worker that has the shard. What is lost with a worker is made
again by another one, from the shard's inputs and what has happened since (``shard.py``).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

from reactivepgm.errors import InferenceError, ModelError
from reactivepgm.inference.shard import Inputs, Order, Reply, Request, answer, forget

_DRIVER = uuid.uuid4().hex
_LIVE: set[str] = set()
_TRIALS = 5


class Pool:
    """An executor with ``submit``, or several with one worker each.

    Args:
        executors: shard k goes to executor k, counted round and round.
    """

    def __init__(self, executors: Sequence[Any]) -> None:
        self._executors = list(executors)

    @property
    def workers(self) -> int:
        """How many workers there are, as far as the executors tell."""
        return sum(int(getattr(executor, "_max_workers", 1)) for executor in self._executors)

    def submit(self, shard: int, function: Callable[..., Any], *arguments: Any) -> Any:
        """A future; executors that are broken are left out.

        Raises:
            InferenceError: all are.
        """
        while self._executors:
            executor = self._executors[shard % len(self._executors)]
            try:
                return executor.submit(function, *arguments)
            except BrokenExecutor:
                self._executors.remove(executor)
        raise InferenceError(
            "every process of the executor has ended, and it starts no other\n"
            "  write  executor=[ProcessPoolExecutor(1) for _ in range(n)], where the others go on, or a Dask Client"
        )

    def place(self, shard: int, value: Any) -> Any:
        """Something large that a shard's next task takes."""
        return value

    def is_lost(self, error: BaseException) -> bool:
        """Whether the worker was lost, and not the task's own fault."""
        return isinstance(error, BrokenExecutor)

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Once in every executor."""
        for executor in self._executors:
            with suppress(RuntimeError):  # shut down meanwhile
                executor.submit(function, *arguments)


class DaskCluster:
    """The workers of a Dask ``Client``."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._where: dict[int, str] = {}

    @property
    def workers(self) -> int:
        """How many threads the workers have."""
        return max(int(sum(self._client.nthreads().values())), 1)

    def _worker(self, shard: int) -> list[str]:
        """Where a shard is; it moves when its worker is gone."""
        there = list(self._client.nthreads())
        if self._where.get(shard) not in there and there:
            self._where[shard] = there[shard % len(there)]
        return [self._where[shard]] if there else []

    def submit(self, shard: int, function: Callable[..., Any], *arguments: Any) -> Any:
        """A future on the shard's worker, or on any other if that is lost."""
        workers = self._worker(shard)
        return self._client.submit(
            function, *arguments, workers=workers or None, allow_other_workers=bool(workers), pure=False
        )

    def place(self, shard: int, value: Any) -> Any:
        """Bring something large to the shard's worker, past the scheduler."""
        return self._client.scatter(value, workers=self._worker(shard) or None, hash=False)

    def is_lost(self, error: BaseException) -> bool:
        """Whether the worker was lost, and not the task's own fault."""
        from concurrent.futures import CancelledError as Cancelled

        from distributed import CancelledError, KilledWorker
        from distributed.client import FutureCancelledError

        return isinstance(error, (Cancelled, CancelledError, KilledWorker, FutureCancelledError, OSError))

    def everywhere(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Once in every worker's process."""
        self._client.run(function, *arguments, on_error="ignore")


def workers_of(executor: Any) -> Pool | DaskCluster:
    """What runs the shards.

    Raises:
        ModelError: nothing that takes tasks.
    """
    if type(executor).__module__.partition(".")[0] == "distributed" and hasattr(executor, "scatter"):
        return DaskCluster(executor)
    given = list(executor) if isinstance(executor, (list, tuple)) else [executor]
    if not given or not all(hasattr(one, "submit") for one in given):
        raise ModelError(
            f"executor={executor!r} takes no tasks\n"
            "  write  executor=ThreadPoolExecutor(n), [ProcessPoolExecutor(1) for _ in range(n)] or a Dask Client"
        )
    return Pool(given)


class Crew:
    """The shards of one run, wherever they are.

    Args:
        workers: who works on them.
        inputs: of every shard; they stay with the driver, so that nothing is lost with a worker.
    """

    def __init__(self, workers: Pool | DaskCluster, inputs: Sequence[Inputs]) -> None:
        self._workers = workers
        self._inputs = list(inputs)
        self._run = f"{_DRIVER}/{uuid.uuid4().hex}"
        self._version = 0
        self._history: list[Order] = []
        self.remade = 0
        """How often a shard was made again."""
        _LIVE.add(self._run)

    def __len__(self) -> int:
        return len(self._inputs)

    def begin(self, orders: Sequence[Order]) -> None:
        """Everything before these orders is of no consequence any more."""
        self._history = list(orders)

    def ask(self, *orders: Order) -> list[tuple[Any, ...]]:
        """Let every shard do something; for every shard, what the orders gave."""
        request = Request(self._run, frozenset(_LIVE), 0, self._version, orders)
        is_first = self._version == 0
        waiting = [(shard, self._submitted(request, shard, is_first)) for shard in range(len(self))]
        results = [self._result(request, shard, future, is_first) for shard, future in waiting]
        self._version += 1
        self._history.extend(orders)
        return results

    def _submitted(self, request: Request, shard: int, is_new: bool) -> Any:
        request = replace(request, shard=shard)
        if not is_new:
            return self._workers.submit(shard, answer, request)
        inputs = self._workers.place(shard, self._inputs[shard])
        return self._workers.submit(shard, answer, request, inputs, tuple(self._history))

    def _result(self, request: Request, shard: int, future: Any, is_new: bool) -> tuple[Any, ...]:
        for trial in range(_TRIALS):
            try:
                if future is None:
                    future = self._submitted(request, shard, is_new)
                reply: Reply = future.result()
                if not reply.is_absent:
                    return reply.results
            except Exception as error:
                if not self._workers.is_lost(error) or trial == _TRIALS - 1:
                    raise
            future, is_new = None, True
            self.remade += 1
        raise InferenceError(f"shard {shard} was lost {_TRIALS} times over")

    def close(self) -> None:
        """Let the workers forget the shards."""
        _LIVE.discard(self._run)
        forget(_DRIVER, frozenset(_LIVE))
        self._workers.everywhere(forget, _DRIVER, frozenset(_LIVE))
