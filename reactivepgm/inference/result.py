"""What an inference hands back: posteriors by name, the score by iteration, and whether it settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from reactivepgm.distributions import Distribution
from reactivepgm.errors import UnknownNameError
from reactivepgm.graph import Graph
from reactivepgm.inference.html import html_of_result, html_of_table
from reactivepgm.inference.tables import brief, rendered
from reactivepgm.inference.trace import Trace


class Posteriors(Mapping[str, Distribution]):
    """Posterior beliefs by the variables' names: one batched distribution for every variable array.

    An unknown name is an UnknownNameError, a KeyError, that lists the known ones. A belief may be a function of nothing,
    called when it is read.
    """

    def __init__(self, beliefs: Mapping[str, Distribution | Callable[[], Distribution]]) -> None:
        self._beliefs = dict(beliefs)

    def __getitem__(self, name: str) -> Distribution:
        if name not in self._beliefs:
            raise UnknownNameError(f"no posterior named {name!r}; there are: {', '.join(sorted(self._beliefs))}")
        belief = self._beliefs[name]
        if not isinstance(belief, Distribution):
            belief = self._beliefs[name] = belief()
        return belief

    def __iter__(self) -> Iterator[str]:
        return iter(self._beliefs)

    def __len__(self) -> int:
        return len(self._beliefs)

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {belief!r}" for name, belief in self.items())

    def __getstate__(self) -> dict[str, object]:
        return {"_beliefs": dict(self.items())}

    def table(self, title: str | None = None) -> Table:
        """Name, shape, family, mean and standard deviation."""
        table = Table(title=title, title_justify="left", min_width=len(title or ""))
        for heading in ("variable", "shape", "family", "mean", "sd"):
            table.add_column(heading, no_wrap=heading in ("variable", "shape"))
        for name, belief in self.items():
            shape = "×".join(map(str, belief.batch_shape)) or "1"
            table.add_row(name, shape, type(belief).__name__, brief(_of(belief, "mean")), brief(_of(belief, "std")))
        return table

    def _repr_html_(self) -> str:
        return html_of_table(self.table())


@dataclass(frozen=True, eq=False)
class Result:
    """The outcome of ``infer``; printing it shows a table.

    Attributes:
        posteriors: beliefs by name; ``result.posteriors["x"].mean`` has the shape of ``x`` (then the event's).
        free_energy: nats, one number an iteration; empty unless it was asked for.
        iterations: how many were run.
        converged: whether the loopy regions and the free energy settled within their tolerances; True when nothing
            iterates.
        duration: seconds, planning included.
        graph: the graph.
        returned: what the model function returned.
        hidden: beliefs about the variables to which the library gave a name, such as the ``a * x + b`` of a regression.
        covariates: the data that were inputs of factors, as they were; ``predict`` uses them again.
        trace: every rule call with its time, if it was asked for.
        annotations: what ``infer(annotations=...)`` asked for, by name.
    """

    posteriors: Posteriors
    free_energy: NDArray[np.float64]
    iterations: int
    converged: bool | None
    duration: float
    graph: Graph
    returned: Any = None
    hidden: Posteriors = field(default_factory=lambda: Posteriors({}))
    covariates: Mapping[str, Any] = field(default_factory=dict)
    trace: Trace | None = None
    annotations: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the result to one file, from which ``load_result`` reads it back.

        Args:
            path: the file; it is replaced as a whole or not at all.

        Raises:
            StorageError: something in the result cannot be stored; the message names it.
            OSError: the file cannot be written.

        Example:
            >>> import os, tempfile
            >>> from reactivepgm import Bernoulli, Beta, infer, load_result, model
            >>> @model
            ... def coin(flips):
            ...     p = ~Beta(a=1.0, b=1.0)
            ...     flips[:] = ~Bernoulli(p)
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     path = os.path.join(folder, "coin.rpgm")
            ...     infer(coin(), data={"flips": [1, 0, 1, 1]}).save(path)
            ...     load_result(path).posteriors["p"]
            Beta(a=4.0, b=2.0)
        """
        from reactivepgm.inference.storage import save_result  # it stores this class, so it imports this file

        save_result(self, path)

    def table(self) -> Table:
        """The posteriors as a rich table: name, shape, family, mean and standard deviation."""
        return self.posteriors.table(self._title())

    def _title(self) -> str:
        parts = [f"{self.iterations} iteration{'s' if self.iterations != 1 else ''}"]
        if len(self.free_energy):
            parts.append(f"free energy {self.free_energy[-1]:.6g} nats")
        if self.converged is False:
            parts.append("not converged")
        parts.append(f"{self.duration * 1e3:.3g} ms")
        return ", ".join(parts)

    def __repr__(self) -> str:
        return rendered(self.table())

    def _repr_html_(self) -> str:
        return html_of_result(self.table(), self.free_energy)


def _of(belief: Distribution, attribute: str) -> Any:
    try:
        return getattr(belief, attribute)
    except (AttributeError, NotImplementedError):
        return None
