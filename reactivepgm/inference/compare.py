"""``compare``: the same model and data under several factorisations, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.table import Table

from reactivepgm.approximations import WeightedSamples
from reactivepgm.distributions import Bernoulli, Categorical, Distribution, PointMass
from reactivepgm.errors import ConstraintError, InferenceError, UnknownNameError
from reactivepgm.graph import Graph
from reactivepgm.inference.html import html_of_table
from reactivepgm.inference.infer import infer
from reactivepgm.inference.result import Result
from reactivepgm.inference.tables import brief, rendered
from reactivepgm.language import ModelInstance

NOTE = (
    "A lower free energy is a tighter bound on -log evidence; the figures compare only because model and data are the same."
)
_DISCRETE = (Bernoulli, Categorical)
_COUNTED = frozenset({"binary", "category", "count"})


@dataclass(frozen=True, eq=False)
class Comparison:
    """Results by the names of their constraints; printing it shows a table and says which is best.

    A point mass has no entropy to score: with q(theta) at a point the free energy bounds -log p(data, theta) there, a
    density in units of theta, and no longer -log p(data). So free energies compare among results that hold the same
    variables at points, and those of others stand apart. Points of discrete variables have entropy zero, and compare.
    """

    results: Mapping[str, Result]

    @property
    def best(self) -> str:
        """The name of the constraint with the lowest final free energy among those that compare.

        These are the results that hold no variable at a point, or, if all do, the same ones.

        Raises:
            InferenceError: all hold variables at points, and not the same ones.
        """
        best = self._best()
        if best is None:
            raise InferenceError(f"no best constraint: {self._apart()}\n  write  one constraint without point masses besides")
        return best

    def __getitem__(self, name: str) -> Result:
        try:
            return self.results[name]
        except (KeyError, TypeError):
            known = ", ".join(map(repr, self.results))
            raise UnknownNameError(f"nothing was compared under {name!r}; there are: {known}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def points(self, name: str) -> tuple[str, ...]:
        """The variables that a result holds at points where others need not: by what its free energy is measured.

        Raises:
            UnknownNameError: nothing was compared under that name.
        """
        result = self[name]
        return tuple(v for v, belief in result.posteriors.items() if isinstance(belief, PointMass) and self._is_continuous(v))

    def table(self) -> Table:
        """A row a constraint: free energy (nats), distance to the best, iterations, time, posteriors as mean ± sd.

        There is no distance where free energies do not compare.
        """
        variables = list(dict.fromkeys(v for result in self.results.values() for v in result.posteriors))
        best = self._best()
        table = Table(title="factorisations compared", title_justify="left", caption=self.verdict(), caption_justify="left")
        table.add_column("constraint", overflow="fold", min_width=12)
        for heading in ("free energy", "Δ", "iterations", "ms"):
            table.add_column(heading, justify="right", no_wrap=True)
        for heading in variables:
            table.add_column(heading)
        for name, result in self.results.items():
            score = float(result.free_energy[-1])
            is_near = best is not None and self.points(name) == self.points(best)
            table.add_row(
                f"{name} *" if name == best else name if is_near else f"{name} †",
                f"{score:.6f}",
                f"{score - float(self.results[best].free_energy[-1]):.4g}" if best is not None and is_near else "–",
                str(result.iterations),
                f"{result.duration * 1e3:.1f}",
                *(_summary(result, variable) for variable in variables),
            )
        return table

    def verdict(self) -> str:
        """Which constraint is best, what that means, and which free energies do not compare."""
        best = self._best()
        if best is None:
            return f"† no best constraint: {self._apart()}."
        held = self.points(best)
        note = NOTE if not held else f"All hold {_listed(held)} at a point: the figures bound -log p(data, {', '.join(held)})."
        parts = [f"* best: {best}. {note}"]
        if any(self.points(name) != held for name in self.results):
            parts.append(f"† does not compare: {self._apart()}.")
        sampled = [name for name, r in self.results.items() if any(map(_is_sampled, r.posteriors.values()))]
        if sampled:
            parts.append(f"Estimated from samples: {', '.join(sampled)}.")
        return "\n".join(parts)

    def _best(self) -> str | None:
        """The lowest of the results that hold the least at points, if all that do so hold the same."""
        kinds = {self.points(name) for name in self.results}
        if () not in kinds and len(kinds) > 1:
            return None
        held = () if () in kinds else next(iter(kinds))
        near = [name for name in self.results if self.points(name) == held]
        return min(near, key=lambda name: float(self.results[name].free_energy[-1]))

    def _apart(self) -> str:
        told = [f"{name} holds {_listed(held)} at a point" for name in self.results if (held := self.points(name))]
        return f"{'; '.join(told)}; a point has no entropy, so its free energy bounds a density at the point, not the evidence"

    def _is_continuous(self, variable: str) -> bool:
        """Whether nobody believes in categories or counts of it."""
        beliefs = [r.posteriors[variable] for r in self.results.values() if variable in r.posteriors]
        return not any(isinstance(belief, _DISCRETE) for belief in beliefs) and not self._is_drawn_discrete(variable)

    def _is_drawn_discrete(self, variable: str) -> bool:
        graph = next(iter(self.results.values())).graph
        array = graph.variable(variable)
        for family in graph.families:
            out = family.random.get(family.node.interfaces[0].name)
            is_drawn = out is not None and any(a.id == array.id for _, a, _ in out.components())
            if is_drawn and family.node.interfaces[0].support in _COUNTED:
                return True
        return False

    def __repr__(self) -> str:
        table = self.table()
        return rendered(table, width=max(140, 16 * len(table.columns)))

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
        A Comparison; ``comparison["mean field"]`` is a Result, ``comparison.best`` a name. Free energies of results that hold
        different variables at points (``PointMass``) do not compare, and the table says so. In regions with cycles the
        free energy approximates -log evidence, and bounds nothing.

    Raises:
        ConstraintError: constraints without names, or none; whatever ``infer`` raises comes with a note that names the
            constraint.

    Example:
        >>> from reactivepgm import Gamma, MeanField, NormalMeanPrecision, compare, model
        >>> @model
        ... def level(y):
        ...     tau = ~Gamma(shape=1.0, rate=1.0)
        ...     y[:] = ~NormalMeanPrecision(0.0, tau)
        >>> compare(level(), {"y": [1.0, -1.0]}, constraints={"exact": None, "mean field": MeanField()}).best
        'exact'
    """
    if not isinstance(constraints, Mapping) or not constraints or not all(isinstance(name, str) for name in constraints):
        raise ConstraintError(
            f"constraints= of compare is {constraints!r}; it takes constraints by name, one at least\n"
            '  write  constraints={"as it is": None, "mean field": MeanField()}'
        )
    results = {}
    for name, constraint in constraints.items():
        try:
            results[name] = infer(model, data, constraints=constraint, **{**options, "free_energy": True})
        except Exception as error:
            error.add_note(f"while comparing: constraint {name!r}")
            raise
    return Comparison(results)


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(names)


def _is_sampled(belief: Distribution) -> bool:
    return isinstance(belief, WeightedSamples)


def _summary(result: Result, variable: str) -> str:
    if variable not in result.posteriors:
        return ""
    belief = result.posteriors[variable]
    mean = np.ravel(np.asarray(belief.mean, dtype=float))
    deviation = np.ravel(np.asarray(belief.std, dtype=float))
    if mean.size == 1 and deviation.size == 1:
        return f"{mean[0]:.4g} ± {deviation[0]:.3g}"
    return f"{brief(mean)} ± {brief(deviation)}"
