"""``explain``: what an inference will do, told before it does anything: updates, sweeps, and the rule of every message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from reactivepgm.distributions import Distribution
from reactivepgm.errors import MissingInitialError, ModelError
from reactivepgm.graph import Family, Graph
from reactivepgm.inference.assumed import assumed_plan
from reactivepgm.inference.html import html_of_explanation
from reactivepgm.inference.infer import check_arguments
from reactivepgm.inference.tables import rendered
from reactivepgm.language import ModelInstance
from reactivepgm.plan import Plan
from reactivepgm.plan.cycles import regions_and_cycle
from reactivepgm.plan.forecast import Forecast
from reactivepgm.plan.foresight import BatchForecast, Foresight
from reactivepgm.plan.kinds import Kinds, shown
from reactivepgm.plan.structure import Structure
from reactivepgm.rulebook import Quadrature, Rule

OPEN = "decided when run"


@dataclass(frozen=True)
class Update:
    """One step of an iteration.

    Args:
        variables: the arrays that are updated, with the number of elements where it is not all.
        colour: of the regions that are cut within an array; those of one colour are updated together.
        regions: how many regions there are.
        sweep: how messages flow inside them.
        marginals: by array, the class of the marginals.
    """

    variables: str
    colour: int
    regions: int
    sweep: str
    marginals: Mapping[str, str]


@dataclass(frozen=True)
class RuleUse:
    """One call of a rule, for all rows of a family.

    Args:
        what: "→ mean", "joint out, mean", "kernel mean → out", "average energy".
        rule: the signature of the rule, or why there is none to show.
        gives: the class of the result.
        at: file and line of the rule.
    """

    what: str
    rule: str
    gives: str
    at: str


@dataclass(frozen=True, eq=False)
class Explanation:
    """What an inference will do; printing it shows tables.

    Attributes:
        graph: the graph.
        updates: the steps of an iteration, in order.
        rules: by family number, the rules that its messages, joints, kernel and energy will use.
        missing: letters about rules, and products in closed form, that are certainly missing.
        notes: what must be given before it can run.
    """

    graph: Graph
    updates: Sequence[Update]
    rules: Mapping[int, Sequence[RuleUse]]
    missing: Sequence[str]
    notes: Sequence[str]

    def __rich__(self) -> Group:
        return Group(*self._parts())

    def _parts(self) -> list[Table | Text]:
        parts: list[Table | Text] = [Text("one iteration, in order"), self.updates_table()]
        for number in self.rules:
            family = self.graph.family(number)
            parts += [Text(f"\n{self.title(family)}"), self.rules_table(family)]
        parts += [Text(f"\nmissing: {letter}") for letter in self.missing]
        return [*parts, *(Text(f"\n{note}") for note in self.notes)]

    def updates_table(self) -> Table:
        """The steps of an iteration in order."""
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for heading in ("", "updates", "colour", "regions", "sweep", "marginal"):
            table.add_column(heading, justify="right" if heading in ("", "regions", "colour") else "left")
        for number, update in enumerate(self.updates, 1):
            kinds = set(update.marginals.values())
            told = kinds if len(kinds) == 1 else [f"{name}: {kind}" for name, kind in update.marginals.items()]
            cells = (str(number), update.variables, str(update.colour), str(update.regions), update.sweep, "\n".join(told))
            table.add_row(*map(Text, cells))
        return table

    def title(self, family: Family) -> str:
        """A family in two lines: count, node and factorisation; its line of the model."""
        q = " ".join(f"q({', '.join(c)})" for c in family.clusters if set(c) & set(family.random))
        return f"{family.rows} × {family.node.name}   {q}\n{family.site}"

    def rules_table(self, family: Family) -> Table:
        """The rules of one family."""
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for heading in ("computes", "by the rule", "gives", "at"):
            table.add_column(heading, no_wrap=heading in ("computes", "at"))
        for use in self.rules[family.id]:
            table.add_row(Text(use.what), Text(use.rule), Text(use.gives), Text(use.at))
        return table

    def __repr__(self) -> str:
        lines = []
        for part in self._parts():
            text = part.plain if isinstance(part, Text) else rendered(part, width=130)
            lines += [line.rstrip() for line in text.split("\n") if isinstance(part, Text) or line.strip()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html_of_explanation(self)


def explain(
    model: ModelInstance | Graph,
    data: Mapping[str, Any] | None = None,
    *,
    constraints: Any = None,
    initialisation: Mapping[str, Distribution] | None = None,
    fallback: Quadrature | None = None,
) -> Explanation:
    """What ``infer`` with the same arguments will do, before anything runs.

    Args:
        model: a model instance or a graph.
        data: values that the model needs to be built, as for ``infer``; only their shapes matter. A graph needs none.
        constraints: whole-model constraints, as for ``infer``.
        initialisation: initial marginals, as for ``infer``. Where they are needed and not given, each variable is taken to
            start in the family of its prior, and a note says so.
        fallback: what stands in for missing rules, as for ``infer``.

    Returns:
        An Explanation; print it, or look at ``updates``, ``rules`` and ``missing``.

    Example:
        >>> from reactivepgm import Bernoulli, Beta, explain, model
        >>> @model
        ... def coin(flips):
        ...     p = ~Beta(a=1.0, b=1.0)
        ...     flips[:] = ~Bernoulli(p)
        >>> explanation = explain(coin(), {"flips": [1, 0, 1]})
        >>> explanation.updates[0].sweep, explanation.updates[0].marginals
        ('one variable a region', {'p': 'Beta'})
        >>> explanation.rules[1][0].what, explanation.rules[1][0].rule
        ('→ p', '(m_out: PointMass)')
    """
    check_arguments(model, data, "explain")
    graph = model.build(data) if isinstance(model, ModelInstance) else model
    if constraints is not None:
        graph = graph.constrained(constraints)
    if fallback is not None:
        graph = graph.with_fallback(fallback)
    plan, initial, notes = _planned(graph, initialisation or {})
    structure = plan.structure
    counted = {id(batch): regions_and_cycle(structure, batch) for batch in plan.batches}
    foresight = Foresight(structure, plan.batches, initial, lambda batch: counted[id(batch)][1])
    foresight.assumed = initial if notes else {}
    seen = foresight.iterate()
    if initial:  # the second iteration sees the marginals' own classes
        foresight.assumed, foresight.missing = {}, []
        seen = foresight.iterate()
    calls = [call for batch in seen for call in batch.calls]
    return Explanation(
        graph=graph,
        updates=[_update(structure, batch, counted[id(batch.batch)][0]) for batch in seen],
        rules=_uses(structure, [*calls, *foresight.energies()]),
        missing=list(dict.fromkeys(map(str, foresight.missing))),
        notes=notes,
    )


def _planned(graph: Graph, initialisation: Mapping[str, Distribution]) -> tuple[Plan, dict[int, Kinds], list[str]]:
    arrays = [array for array in graph.random if array.size]
    numbers = {array.name: number for number, array in enumerate(arrays)}
    for name in initialisation:
        if name not in numbers:
            known = ", ".join(numbers) or "none"
            raise ModelError(f"initialisation: the model has no random variable `{name}`; it has {known}")
    given: dict[int, Kinds] = {numbers[name]: frozenset({type(belief)}) for name, belief in initialisation.items()}
    try:
        return Plan(graph, frozenset(given)), given, []
    except MissingInitialError as error:
        plan, assumed = assumed_plan(graph, given)
        note = f"{error}\nHere every variable is taken to start in the family of its prior."
        return plan, assumed, [note]


def _update(structure: Structure, seen: BatchForecast, regions: int) -> Update:
    names = []
    for array, elements in seen.batch.elements.items():
        variable = structure.arrays[array]
        size = "" if variable.shape == () else f"[{', '.join(map(str, variable.shape))}]"
        names.append(f"{variable.name}{size}" if elements is None else f"{variable.name}: {len(elements)} of {variable.size}")
    marginals = {structure.arrays[array].name: shown(kinds) for array, kinds in seen.marginals.items()}
    return Update(", ".join(names), seen.batch.colour, regions, seen.sweep or OPEN, marginals)


def _uses(structure: Structure, calls: Sequence[Forecast]) -> dict[int, list[RuleUse]]:
    """By family, in the order of the statements; what several colours use is told once."""
    found: dict[int, dict[RuleUse, None]] = {family.id: {} for family in structure.families}
    for call in calls:
        found[call.family.id][_use(call)] = None
    return {family: list(uses) for family, uses in found.items() if uses}


def _use(call: Forecast) -> RuleUse:
    gives = {"kernel": "a kernel", "energy": "nats"}.get(call.kind, shown(call.gives))
    if call.missing is not None:
        return RuleUse(_what(call), "missing", "-", "-")
    if not call.rules or call.is_partial or len(call.rules) > 1:
        several = f"{OPEN}, one of {len(call.rules)}" if len(call.rules) > 1 else OPEN
        return RuleUse(_what(call), several, gives, "\n".join(map(_where, call.rules)) or "-")
    (rule,) = call.rules
    return RuleUse(_what(call), rule.describe(), gives, _where(rule))


def _what(call: Forecast) -> str:
    if call.kind == "kernel":
        out, _, ins = call.target.partition("|")
        return f"kernel {ins.replace(',', ', ')} → {out}"
    return {"rule": f"→ {call.target}", "marginal": f"joint {call.target}", "energy": "average energy"}[call.kind]


def _where(rule: Rule) -> str:
    """The rule's file, with its folder outside the library's own rules, and the line."""
    file, _, line = rule.where.rpartition(":")
    parts = Path(file).parts[-2:]
    return f"{parts[-1] if parts[:1] == ('reactivepgm_rules',) else '/'.join(parts)}:{line}" if parts else rule.where
