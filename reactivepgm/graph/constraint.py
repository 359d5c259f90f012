"""Whole-model constraints: how q factorises, and which form its factors take, wherever no statement says so itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reactivepgm.errors import ConstraintError
from reactivepgm.graph.constraint_conflict import Said
from reactivepgm.graph.constraint_cut import cut, ordered
from reactivepgm.graph.constraint_derived import derived_blocks
from reactivepgm.graph.constraint_equation import Codes, Equation
from reactivepgm.graph.constraint_scope import Within
from reactivepgm.graph.constraint_text import parse_constraint
from reactivepgm.graph.factorisation import Factorisation, FullFactorisation, MeanField
from reactivepgm.graph.family import Family
from reactivepgm.graph.form_constraint import FormConstraint, Forms, families_under
from reactivepgm.graph.scope import ROOT, Scope
from reactivepgm.graph.variable import VariableArray

if TYPE_CHECKING:
    from reactivepgm.graph.graph import Graph


def constrained(graph: Graph, constraints: Any) -> tuple[tuple[Family, ...], dict[int, Forms]]:
    """The families and the forms by array under constraints, later ones on top of earlier ones.

    Raises:
        ConstraintError: a constraint that matches nothing, is inconsistent, or contradicts another one or a statement's
            own ``where``.
        ConstraintSyntaxError: a text that cannot be read.
    """
    state = _State(graph, graph.families, dict(graph.forms))
    state.apply(constraints, [Instance(graph, ROOT)], "")
    families = families_under(state.families, state.forms)
    return tuple(replace(family, id=id) for id, family in enumerate(families)), state.forms


@dataclass(frozen=True)
class Instance:
    """The whole model, or one instance of a submodel: what names mean there."""

    graph: Graph
    scope: Scope

    def holds(self, family: Family) -> bool:
        """Whether a family was written here."""
        return family.scope.starts_with(self.scope)

    def array(self, name: str) -> VariableArray | None:
        """The random array that a name means here; None if there is none."""
        full = self.scope.qualified(name)
        for array in self.graph.random:
            if array.name == full and not array.anonymous:
                return array
        alias = self.graph.aliases.get(full)
        return alias if alias is not None and alias.kind == "random" else None

    def named(self, names: Iterable[str]) -> Callable[[Family, str, VariableArray], str | None]:
        """By which of some names the variable on an interface is meant.

        Inside a submodel a parameter's name means whatever variable was handed in, as the statement itself calls it;
        so does that variable's own name.
        """
        own = {array.id: name for name in names if (array := self.array(name)) is not None}
        handed = {name for name in names if self.scope.path and name not in own.values()}

        def naming(family: Family, interface: str, array: VariableArray) -> str | None:
            if not self.holds(family):
                return None
            for label in family.labels.get(interface, ()) if handed else ():
                if (name := label.partition("[")[0].strip()) in handed:
                    return name
            return own.get(array.id)

        return naming

    def knows(self, name: str, families: Iterable[Family]) -> bool:
        """Whether a name means anything here."""
        if self.array(name) is not None:
            return True
        naming = self.named([name])
        return any(
            naming(family, interface, array) is not None
            for family in families
            for interface, binding in family.random.items()
            for _, array, _ in binding.components()
        )


class _State:
    """Families and forms while constraints are applied one after the other."""

    def __init__(self, graph: Graph, families: tuple[Family, ...], forms: dict[int, Forms]) -> None:
        self.graph = graph
        self.families = families
        self.forms = forms
        self.said = Said()

    def apply(self, constraints: Any, instances: list[Instance], within: str) -> None:
        """Apply one constraint or several, everywhere in some instances."""
        for constraint in constraints if isinstance(constraints, (list, tuple)) else (constraints,):
            if isinstance(constraint, str):
                constraint = parse_constraint(constraint)
            if isinstance(constraint, Equation):
                self.said.equation(constraint, within)
                self._factorise(constraint, instances, within)
            elif isinstance(constraint, FormConstraint):
                self._form(constraint, instances, within)
            elif isinstance(constraint, (MeanField, FullFactorisation)):
                self.said.uniform(constraint, within)
                self._uniform(constraint, instances)
            elif isinstance(constraint, Within):
                self.apply(constraint.constraints, self._inside(constraint, instances), f" inside {constraint.path}")
            elif isinstance(constraint, (list, tuple)):
                self.apply(constraint, instances, within)
            elif constraint is not None:
                raise ConstraintError(
                    f"{constraint!r} is no constraint\n"
                    '  write  MeanField(), BetheFactorisation(), "q(x, tau) = q(x) q(tau)", "q(x) :: PointMass",'
                    " or a list of these"
                )

    def _inside(self, constraint: Within, instances: list[Instance]) -> list[Instance]:
        """The instances of a submodel that lie in other instances."""
        found = {}
        for scope in self._scopes():
            for instance in instances:
                depth = len(instance.scope.path)
                if not scope.starts_with(instance.scope):
                    continue
                for end in range(depth + 1, len(scope.path) + 1):
                    local = Scope(scope.path[depth:end], scope.models[depth:end])
                    if local.is_inside(constraint.path):
                        found[scope.path[:end]] = Scope(scope.path[:end], scope.models[:end])
                        break
        if not found:
            known = dict.fromkeys(".".join(scope.path) for scope in self._scopes() if scope.path)
            raise ConstraintError(
                constraint.site.letter(
                    f"the constraint {constraint.text!r} matches nothing: the model has no submodel {constraint.path}",
                    write=f"one of {', '.join(known)}" if known else "it without a submodel: the model has none",
                )
            )
        return [Instance(self.graph, scope) for scope in found.values()]

    def _scopes(self) -> Iterator[Scope]:
        yield from (family.scope for family in self.families)
        yield from (array.scope for array in self.graph.arrays)

    def _factorise(self, equation: Equation, instances: list[Instance], within: str) -> None:
        if sorted(equation.names) != sorted(equation.left):
            raise ConstraintError(
                equation.site.letter(
                    f"the constraint {equation.text!r} has {', '.join(equation.left)} on the left and"
                    f" {', '.join(equation.names)} on the right",
                    write="each variable once on the left, and all of it on the right",
                )
            )
        known = [i for i in instances if all(i.knows(name, self.families) for name in equation.left)]
        if not known:
            self._matches_nothing(equation, equation.left, instances, within)
        applied = False
        for instance in known:
            codes, naming = Codes(equation), instance.named(equation.left)
            for name in equation.left:
                if (array := instance.array(name)) is not None:
                    codes.of(name, array)
            derived = derived_blocks(self.families, codes, naming)
            families: list[Family] = []
            for family in self.families:
                parts = cut(family, codes, naming, derived, self.said.is_mean_field)
                applied |= parts is not None
                families += [family] if parts is None else parts
            self.families = tuple(families)
        if not applied:
            raise ConstraintError(
                equation.site.letter(
                    f"the constraint {equation.text!r} matches nothing{within}:"
                    f" no factor has two of {', '.join(equation.left)}",
                    write="variables that meet in a factor",
                )
            )

    def _form(self, constraint: FormConstraint, instances: list[Instance], within: str) -> None:
        arrays = [array for i in instances if (array := i.array(constraint.name)) is not None]
        if not arrays:
            self._matches_nothing(constraint, (constraint.name,), instances, within)
        for array in arrays:
            self.said.form(constraint, array.id)
            forms = self.forms.get(array.id, Forms())
            self.forms[array.id] = (
                replace(forms, message=constraint.form) if constraint.message else replace(forms, marginal=constraint.form)
            )

    def _matches_nothing(
        self, constraint: Equation | FormConstraint, names: tuple[str, ...], instances: list[Instance], within: str
    ) -> None:
        unknown = [n for n in names if not any(i.knows(n, self.families) for i in instances)] or list(names)
        known = dict.fromkeys(
            array.name.removeprefix(instance.scope.prefix)
            for instance in instances
            for array in self.graph.random
            if not array.anonymous and array.name.startswith(instance.scope.prefix)
        )
        raise ConstraintError(
            constraint.site.letter(
                f"the constraint {constraint.text!r} matches nothing: the model has no random variable"
                f" {', '.join(unknown)}{within}",
                write=f"one with {', '.join(known) or 'a variable of the model'}",
            )
        )

    def _uniform(self, constraint: Factorisation, instances: list[Instance]) -> None:
        self.families = tuple(
            _uniform(family, constraint) if any(instance.holds(family) for instance in instances) else family
            for family in self.families
        )


def _uniform(family: Family, constraint: Factorisation) -> Family:
    if family.factorisation_given or family.node.is_deterministic:
        return family  # the output of a deterministic factor is what its inputs are
    if isinstance(constraint, MeanField):
        return replace(family, clusters=tuple((name,) for name in family.interfaces))
    random = family.random
    joint: list[tuple[str, ...]] = [tuple(random)] if random else []
    single = [(name,) for name in family.interfaces if name not in random]
    return replace(family, clusters=ordered(family, [*joint, *single]))
