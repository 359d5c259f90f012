"""``infer_many``: one model, many independent data sets, solved side by side as one batch.

Frames of one shape make one graph with a leading axis of frames, so that a thousand short series cost little more than a
long one. With an executor the frames are cut into pieces, which are solved wherever the executor runs them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import Distribution, concatenate
from reactivepgm.errors import DataError, ReactivePGMError
from reactivepgm.graph import Graph
from reactivepgm.graph.copies import copied
from reactivepgm.inference.callbacks import Callbacks
from reactivepgm.inference.infer import Run, check_arguments, check_settings, covariates_in, iterate
from reactivepgm.inference.result import Posteriors, Result
from reactivepgm.language import ModelInstance
from reactivepgm.plan import LoopySchedule

Frame = Mapping[str, Any]
Floats = NDArray[np.float64]


class Executor(Protocol):
    """What runs the pieces: ``concurrent.futures`` executors and Dask's ``Client`` are such."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Any:
        """A future, with ``result()``."""


@dataclass(frozen=True)
class Settings:
    """How every frame is solved; see ``infer``."""

    constraints: Any
    initialisation: Mapping[str, Distribution]
    messages: Mapping[str, Distribution]
    iterations: int
    free_energy: bool
    tolerance: float | None
    damping: float
    returnvars: tuple[str, ...] | None


@dataclass(frozen=True)
class Piece:
    """The outcome for some frames of one shape.

    Attributes:
        numbers: which frames, (copies,).
        posteriors: beliefs by name, the frames' axis first.
        hidden: the same of the variables that the library named.
        free_energy: nats, (iterations, copies).
        iterations: how many were run.
        converged: as in ``Result``.
    """

    numbers: NDArray[np.intp]
    posteriors: Mapping[str, Distribution]
    hidden: Mapping[str, Distribution]
    free_energy: Floats
    iterations: int
    converged: bool | None


@dataclass(frozen=True, eq=False)
class Results(Sequence[Result]):
    """The outcomes of ``infer_many``, in the order of the frames.

    ``results[k]`` is the result of frame k; ``results.posteriors["x"]`` holds that of all frames, their axis first, where
    ``x`` has one shape in all of them.

    Attributes:
        posteriors: beliefs by name, (frames, *shape).
        free_energy: nats, (iterations, frames); no rows unless it was asked for, nan where frames of another shape settled
            in fewer iterations.
        duration: seconds, planning included.
    """

    posteriors: Posteriors
    free_energy: Floats
    duration: float
    _pieces: tuple[Piece, ...] = field(repr=False)
    _places: tuple[tuple[int, int], ...] = field(repr=False)
    _frames: tuple[Frame, ...] = field(repr=False)
    _graphs: tuple[Graph, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> list[Result]: ...
    def __getitem__(self, index: int | slice) -> Result | list[Result]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index += len(self) if index < 0 else 0
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        number, copy = self._places[index]
        piece = self._pieces[number]
        graph = self._graphs[number]
        return Result(
            posteriors=Posteriors({name: belief[copy] for name, belief in piece.posteriors.items()}),
            free_energy=piece.free_energy[:, copy],
            iterations=piece.iterations,
            converged=piece.converged,
            duration=self.duration / len(self),
            graph=graph,
            hidden=Posteriors({name: belief[copy] for name, belief in piece.hidden.items()}),
            covariates=covariates_in(graph, graph.read_data(self._frames[index])),
        )

    def __iter__(self) -> Iterator[Result]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"<Results of {len(self)} frames of {len(self._pieces)} kinds, {self.duration * 1e3:.3g} ms>"


def infer_many(
    model: ModelInstance,
    frames: Iterable[Frame],
    *,
    constraints: Any = None,
    initialisation: Mapping[str, Distribution] | None = None,
    messages: Mapping[str, Distribution] | None = None,
    iterations: int = 1,
    free_energy: bool = False,
    tolerance: float | None = None,
    damping: float = 0.0,
    progress: bool | None = None,
    returnvars: Iterable[str] | None = None,
    executor: Executor | None = None,
    pieces: int | None = None,
) -> Results:
    """Posteriors of one model for many independent data sets.

    Args:
        model: a model instance; what differs from frame to frame are data.
        frames: data by name, one mapping a frame. Frames may differ in shape; those of one shape are solved together.
        constraints: as in ``infer``, like all that follow up to ``returnvars``; the same for every frame.
        initialisation: initial marginals by name.
        messages: initial messages by name.
        iterations: how often every region is updated.
        free_energy: score every frame in every iteration.
        tolerance: stop when no frame changes by more; frames of one shape stop together.
        damping: of loopy regions.
        progress: show a bar of the iterations.
        returnvars: the names wanted.
        executor: anything with ``submit(function, *arguments)`` that returns futures: a Dask ``Client``, an executor of
            ``concurrent.futures``. The model must then be importable where it runs.
        pieces: into how many pieces the frames of one shape are cut for it; one by default, without executor and with.

    Returns:
        Results, in the order of the frames.

    Raises:
        DataError: a frame does not fit the model; the message says which.
        ReactivePGMError: whatever ``infer`` would raise.

    Example:
        >>> from reactivepgm import Bernoulli, Beta, model
        >>> @model
        ... def coin(flips):
        ...     p = ~Beta(a=1.0, b=1.0)
        ...     flips[:] = ~Bernoulli(p)
        >>> results = infer_many(coin(), [{"flips": [1, 0, 1]}, {"flips": [1]}, {"flips": [0, 0, 0]}])
        >>> results.posteriors["p"].a, results[1].posteriors["p"]
        (array([3., 2., 1.]), Beta(a=2.0, b=1.0))
    """
    started = time.perf_counter()
    check_settings(iterations, damping)
    check_arguments(model, None)
    given = tuple(frames)
    chosen = (returnvars,) if isinstance(returnvars, str) else None if returnvars is None else tuple(returnvars)
    settings = Settings(
        constraints, initialisation or {}, messages or {}, iterations, free_energy, tolerance, damping, chosen
    )
    groups = _by_shape(model, given, settings)
    solved: list[Piece] = []
    graphs: list[Graph] = []
    waiting: list[tuple[Any, Graph]] = []
    for graph, numbers in groups:
        for part in np.array_split(numbers, min(pieces or 1, len(numbers))):
            inside = [given[k] for k in part]
            if executor is None:
                solved.append(_solved(graph, inside, part, settings, progress))
                graphs.append(graph)
            else:
                waiting.append((executor.submit(_solved_there, model, inside, part, settings), graph))
    for future, graph in waiting:
        solved.append(future.result())
        graphs.append(graph)
    places = [(0, 0)] * len(given)
    for number, piece in enumerate(solved):
        for copy, frame in enumerate(piece.numbers):
            places[frame] = (number, copy)
    return Results(
        posteriors=_Everywhere(solved, len(given)),
        free_energy=_scores(solved, len(given)),
        duration=time.perf_counter() - started,
        _pieces=tuple(solved),
        _places=tuple(places),
        _frames=given,
        _graphs=tuple(graphs),
    )


class _Everywhere(Posteriors):
    """The beliefs of all frames; what has another shape in some of them has to be asked of each."""

    def __init__(self, pieces: Sequence[Piece], frames: int) -> None:
        self._frames = frames
        self._pieces = pieces
        super().__init__({name: belief for piece in pieces for name, belief in piece.posteriors.items()})

    def __getitem__(self, name: str) -> Distribution:
        first = super().__getitem__(name)
        parts = [piece.posteriors.get(name) for piece in self._pieces]
        found = [part for part in parts if part is not None]
        shapes = {(type(part), part.batch_shape[1:], part.event_shape) for part in found}
        if len(found) < len(parts) or len(shapes) > 1:
            raise KeyError(f"{name!r} has not one shape in all frames; ask each frame: results[k].posteriors[{name!r}]")
        if len(found) == 1:
            return first
        order = np.argsort(np.concatenate([piece.numbers for piece in self._pieces]))
        return concatenate(found)[order]


def _by_shape(
    model: ModelInstance, frames: Sequence[Frame], settings: Settings
) -> list[tuple[Graph, NDArray[np.intp]]]:
    """A graph for every shape of data, and the frames that have it."""
    numbers: dict[Any, list[int]] = {}
    for number, frame in enumerate(frames):
        if not isinstance(frame, Mapping):
            raise DataError(f"frame {number} must map names to values, not {type(frame).__name__}")
        numbers.setdefault(tuple((name, np.shape(frame[name])) for name in sorted(frame)), []).append(number)
    return [(_built(model, frames[found[0]], found[0], settings), np.array(found)) for found in numbers.values()]


def _built(model: ModelInstance, frame: Frame, number: int, settings: Settings) -> Graph:
    try:
        graph = model.build(dict(frame))
        return graph if settings.constraints is None else graph.constrained(settings.constraints)
    except ReactivePGMError as error:
        error.add_note(f"frame {number}")
        raise


def _solved_there(model: ModelInstance, frames: list[Frame], numbers: NDArray[np.intp], settings: Settings) -> Piece:
    """A piece, from what can travel to another process: the model, not its graph."""
    return _solved(_built(model, frames[0], int(numbers[0]), settings), frames, numbers, settings, progress=False)


def _solved(
    graph: Graph, frames: list[Frame], numbers: NDArray[np.intp], settings: Settings, progress: bool | None
) -> Piece:
    read: list[dict[str, Any]] = []
    for number, frame in zip(numbers, frames, strict=True):
        try:
            read.append(graph.read_data(frame))
        except ReactivePGMError as error:
            error.add_note(f"frame {number}")
            raise
    run = _CopiedRun(
        copied(graph, len(frames)),
        {array.name: [values[array.name] for values in read] for array in graph.data if array.name in read[0]},
        settings.initialisation,
        settings.messages,
        LoopySchedule(settings.damping, settings.tolerance or 1e-8),
        settings.free_energy,
    )
    run.copies = len(frames)
    names = run.names() if settings.returnvars is None else list(settings.returnvars)
    run.check_names(names, "returnvars")
    nobody = Callbacks(None)
    scores, done, converged = iterate(
        run, settings.iterations, settings.free_energy, settings.tolerance, progress, nobody
    )
    run.finish()
    kept = np.array(scores) if settings.free_energy else np.zeros((0, len(frames)))
    return Piece(numbers, {name: run.posterior(name) for name in names}, dict(Posteriors(run.hidden())), kept, done, converged)


class _CopiedRun(Run):
    """A run that scores every copy by itself."""

    copies: int = 1

    def score(self) -> Floats:
        """The free energy of every copy, (copies,)."""
        return self.plan.free_energy.of_copies(self.beliefs, self.copies)


def _scores(pieces: Sequence[Piece], frames: int) -> Floats:
    scores = np.full((max((len(piece.free_energy) for piece in pieces), default=0), frames), np.nan)
    for piece in pieces:
        scores[: len(piece.free_energy), piece.numbers] = piece.free_energy
    return scores
