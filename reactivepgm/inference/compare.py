"""``compare``: the same model and data under several factorisations, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.table import Table

from reactivepgm.graph import Graph
from reactivepgm.inference.html import html_of_table
from reactivepgm.inference.infer import infer
from reactivepgm.inference.result import Result
from reactivepgm.inference.tables import brief, rendered
from reactivepgm.language import ModelInstance

NOTE = (
    "A lower free energy is a tighter bound on -log evidence; the figures compare only because model and data are the same."
)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Results by the names of their constraints; printing it shows a table and says which is best."""

    results: Mapping[str, Result]

    @property
    def best(self) -> str:
        """The name of the constraint with the lowest final free energy."""
        return min(self.results, key=lambda name: float(self.results[name].free_energy[-1]))

    def __getitem__(self, name: str) -> Result:
        return self.results[name]

    def table(self) -> Table:
        """A row a constraint: free energy (nats), distance to the best, iterations, time, posteriors as mean ± sd."""
        variables = list(next(iter(self.results.values())).posteriors)
        lowest = float(self.results[self.best].free_energy[-1])
        table = Table(title="factorisations compared", title_justify="left", caption=self.verdict(), caption_justify="left")
        for heading in ("constraint", "free energy", "Δ", "iterations", "ms", *variables):
            table.add_column(heading, justify="left" if heading in ("constraint", *variables) else "right")
        for name, result in self.results.items():
            score = float(result.free_energy[-1])
            table.add_row(
                f"{name} *" if name == self.best else name,
                f"{score:.6f}",
                f"{score - lowest:.4g}",
                str(result.iterations),
                f"{result.duration * 1e3:.1f}",
                *(_summary(result, variable) for variable in variables),
            )
        return table

    def verdict(self) -> str:
        """Which constraint is best, and what that means."""
        return f"* best: {self.best}. {NOTE}"

    def __repr__(self) -> str:
        return rendered(self.table(), width=140)

    def _repr_html_(self) -> str:
        return html_of_table(self.table())


def compare(
    model: ModelInstance | Graph, data: Mapping[str, Any] | None = None, *, constraints: Mapping[str, Any], **options: Any
) -> Comparison:
    """Run ``infer`` once for each named constraint and tabulate the results.

    Args:
        model: a model instance or a graph.
        data: as for ``infer``.
        constraints: from a name to a constraint that ``infer`` takes (None: as the model says).
        **options: further arguments of ``infer``, the same for all.

    Returns:
        A Comparison; ``comparison["mean field"]`` is a Result, ``comparison.best`` a name.

    Raises:
        ValueError: if there are no constraints; whatever ``infer`` raises, with a note that names the constraint.

    Example:
        >>> from reactivepgm import Gamma, MeanField, NormalMeanPrecision, compare, model
        >>> @model
        ... def level(y):
        ...     tau = ~Gamma(shape=1.0, rate=1.0)
        ...     y[:] = ~NormalMeanPrecision(0.0, tau)
        >>> compare(level(), {"y": [1.0, -1.0]}, constraints={"exact": None, "mean field": MeanField()}).best
        'exact'
    """
    if not constraints:
        raise ValueError('constraints= is empty: give at least one, such as {"mean field": MeanField()}')
    results = {}
    for name, constraint in constraints.items():
        try:
            results[name] = infer(model, data, constraints=constraint, **{**options, "free_energy": True})
        except Exception as error:
            error.add_note(f"while comparing: constraint {name!r}")
            raise
    return Comparison(results)


def _summary(result: Result, variable: str) -> str:
    belief = result.posteriors[variable]
    mean = np.ravel(np.asarray(belief.mean, dtype=float))
    deviation = np.ravel(np.asarray(belief.std, dtype=float))
    if mean.size == 1 and deviation.size == 1:
        return f"{mean[0]:.4g} ± {deviation[0]:.3g}"
    return f"{brief(mean)} ± {brief(deviation)}"
