"""One run of a rewritten model: the calls into which its statements were turned."""

from __future__ import annotations

import builtins
import operator
from typing import Any

import numpy as np

from reactivepgm.errors import ModelError
from reactivepgm.graph import FactorHandle, GraphBuilder, Reference, Statement
from reactivepgm.graph.growing import GrowingReference
from reactivepgm.graph.scope import ROOT, Scope
from reactivepgm.graph.site import caller_site, operation_key, site_of, user_frame
from reactivepgm.language.call_site import CallSite
from reactivepgm.language.interpretation import Inline, Interpretation, sited
from reactivepgm.language.lifting_hooks import LoopHooks
from reactivepgm.language.refusal import (
    Refusal,
    before_the_start,
    no_container,
    no_reach,
    not_made,
    nothing_returned,
    over_data,
    over_datum,
)
from reactivepgm.language.submodel import ModelCall, ModelFunction, Submodel

_INDIRECT = frozenset({Inline, tuple, list})
"""Arguments that may hold distributions or models written in place."""


class ModelRun(Interpretation, LoopHooks):
    """The hook of one run: rewritten statements call it.

    Args:
        builder: where variables and factors go.
        sites: what the rewriter knows about each statement.
        scope: where the variables belong: the model, or an instance of a model inside it.
        model: the model that runs.
        outer: the run of the model around it.
    """

    add, sub, mul, matmul, truediv, neg, and_, or_, invert = (
        staticmethod(f)
        for f in (
            operator.add,
            operator.sub,
            operator.mul,
            operator.matmul,
            operator.truediv,
            operator.neg,
            operator.and_,
            operator.or_,
            operator.invert,
        )
    )
    slice = staticmethod(slice)

    @staticmethod
    def counted(container: Any, key: Any, places: tuple[int, ...]) -> Any:
        """An index whose entries at some places are computed in a loop: of variables they do not count from the end."""
        if type(key) is int:
            if key < 0 and isinstance(container, Reference) and container.kind != "constant":
                raise before_the_start(container, key, caller_site())
        elif isinstance(container, Reference) and container.kind != "constant":
            for entry in [key[k] for k in places] if type(key) is tuple else [key]:
                for part in (entry.start, entry.stop) if isinstance(entry, slice) else (entry,):
                    if type(part) is int and part < 0:
                        raise before_the_start(container, part, caller_site())
        return key

    def __init__(
        self,
        builder: GraphBuilder,
        sites: list[CallSite],
        scope: Scope = ROOT,
        model: ModelFunction | None = None,
        outer: ModelRun | None = None,
    ) -> None:
        self.builder = builder
        self.sites = list(sites)
        self.scope = scope
        self.model = model
        self.outer = outer
        self.arguments: dict[str, Any] = {}
        """What the parameters of a model inside a model are bound to."""
        self.statements = [Statement(s.site, s.labels, scope) for s in sites]
        self._factorisations: dict[int, Any] = {}
        self._submodels: dict[tuple[int, ModelFunction], Submodel] = {}
        self._unpacked: dict[int, Submodel] = {}
        self._direct: dict[int, Submodel] = {}
        """The inner models that statements call by name, with plain arguments."""
        self._parts: dict[tuple[int, str], Statement] = {}
        self._natives: dict[Any, int] = {}
        self._plain = {}
        self._makers = {}

    def item(
        self, number: int, container: Any, key: Any, target: Any, args: Any, kwargs: Any = None, options: Any = None
    ) -> None:
        """``container[key] = ~target(*args, **kwargs)``."""
        statement = self.statements[number]
        if statement.target is target and statement.latest is not None:
            kind = type(container)
            if kind is Reference or kind is GrowingReference:
                row = args if kwargs is None else _in_order(statement, args, kwargs)
                if row is not None and self._has_same_options(number, statement, options):
                    shape = container.shape
                    if kind is GrowingReference:
                        if statement.append(container.drawn(key), row):
                            return
                    elif type(key) is int and len(shape) == 1 and 0 <= key < shape[0] and container.numbers is None:
                        # One of many rows, most likely: no reference is made of its output.
                        if statement.append_element(container.array, container.first + key, row):
                            return
                    elif statement.append(container[key], row):
                        return
        submodel = self._direct.get(number)
        is_direct = submodel is not None and submodel.model is target and options is None and type(container) is Reference
        if submodel is not None and is_direct and _INDIRECT.isdisjoint(map(type, args)):
            self._identified(number, submodel, submodel(args, kwargs or {}), container[key])
            return
        self._item(number, container, key, target, args, kwargs or {}, options)

    def item_pair(
        self, number: int, container: Any, key: Any, target: Any, args: Any, kwargs: Any = None, options: Any = None
    ) -> Any:
        """``node, container[key] = ~...``: the node, or the first of an ordinary pair."""
        return self._item(number, container, key, target, args, kwargs or {}, options)

    def name(self, number: int, current: Any, target: Any, args: Any, kwargs: Any = None, options: Any = None) -> Any:
        """The value of ``x = ~target(*args, **kwargs)``; ``current`` is what x is bound to before."""
        statement = self.statements[number]
        if statement.target is target and statement.latest is not None:
            is_new = current is None or self.sites[number].refers_to_itself or _is_of(current, statement.created)
            row = args if kwargs is None else _in_order(statement, args, kwargs)
            if is_new and row is not None and self._has_same_options(number, statement, options):
                again = statement.repeated(row)
                if again is not None:
                    return again
        drawn = self._name(number, current, target, args, kwargs or {}, options)
        return drawn.out if isinstance(drawn, FactorHandle) else drawn

    def name_pair(self, number: int, current: Any, target: Any, args: Any, kwargs: Any = None, options: Any = None) -> Any:
        """The value of ``node, x = ~...``."""
        drawn = self._name(number, current, target, args, kwargs or {}, options)
        return (drawn, drawn.out) if isinstance(drawn, FactorHandle) else drawn

    def _item(self, number: int, container: Any, key: Any, target: Any, args: Any, kwargs: Any, options: Any) -> Any:
        known = self.sites[number]
        if type(container) in (dict, list):
            drawn = self._drawn(number, None, target, args, kwargs, options, None, None)
            container[key] = drawn.out if isinstance(drawn, FactorHandle) else drawn[1] if known.unpacks else drawn
            return drawn if isinstance(drawn, FactorHandle) else drawn[0] if known.unpacks else None
        if not isinstance(container, Reference) or container.kind == "constant":
            value = self._drawn(number, None, target, args, kwargs, options, None, no_container(known, container))
            first, container[key] = value if known.unpacks else (None, value)
            return first
        out = container.drawn(key) if isinstance(container, GrowingReference) else container[key]
        drawn = self._drawn(number, out, target, args, kwargs, options, rows_in_index(key), None)
        if isinstance(drawn, FactorHandle):
            return drawn
        if number in self._unpacked:
            first, second = drawn
            self._identified(number, self._unpacked[number], second, out)
            return first
        if drawn is not out:
            site = self.statements[number].site
            raise ModelError(site.letter(f"{drawn!r} is no factor, and {out!r} takes no other value", write="a factor after ~"))
        return None

    def _name(self, number: int, current: Any, target: Any, args: Any, kwargs: Any, options: Any) -> Any:
        known = self.sites[number]
        out = self._tied(known.target, known.refers_to_itself, self.statements[number], current)
        refuse = None
        if known.target and isinstance(current, Reference) and current.array.kind == "data":
            is_named = current.is_whole or current is self.arguments.get(known.target)
            if is_named:
                refuse = over_data(known, current)
            elif not known.refers_to_itself:
                refuse = over_datum(known, current)
        return self._drawn(number, out, target, args, kwargs, options, None, refuse)

    def _tied(self, name: str | None, refers: bool, mine: Statement, current: Any) -> Reference | None:
        """The variable that a name already stands for, if the statement adds a factor to it rather than makes a new one.

        A name bound in an earlier turn of a loop, and a name that occurs among the arguments, is rebound as in Python.
        So is a parameter, unless it is a variable: the inner model draws that.
        """
        if name is None or refers or not isinstance(current, Reference) or current.array.kind != "random":
            return None
        array = current.array
        if current is self.arguments.get(name) and not array.scope.starts_with(self.scope):
            return current
        if array.name != self.scope.prefix + name or not current.is_whole or array is mine.created:
            return None
        for site, statement in zip(self.sites, self.statements, strict=True):
            if statement.created is array and site.loops:
                return None
        if any(part.created is array and (number < 0 or self.sites[number].loops) for (number, _), part in self._parts.items()):
            return None
        return current

    def _drawn(
        self,
        number: int,
        out: Reference | None,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: Any,
        sliced: int | None,
        refuse: Refusal | None,
    ) -> Any:
        """A handle where the operand is a factor, else its value, or what ordinary ``~`` makes of it."""
        name = self.sites[number].target
        extra: dict[str, Any] = {"name": name and self.scope.prefix + name, "sliced": sliced, "out": out}
        extra.update(self._options(number, options))

        def factor() -> dict[str, Any]:
            if refuse is not None:
                raise refuse()
            return extra

        with sited(self.statements[number]):
            return self._interpreted(number, target, args, kwargs, factor)

    def _options(self, number: int, options: Any) -> dict[str, Any]:
        if options is None:
            return {}
        q, meta, pipeline = options
        if self.sites[number].q_is_constant:
            if number not in self._factorisations:
                self._factorisations[number] = q()
            q = self._factorisations[number]
        return {"q": q, "meta": meta, "pipeline": pipeline}

    def _has_same_options(self, number: int, statement: Statement, options: Any) -> bool:
        q, meta, pipeline = statement.options
        if options is None:
            return q is None and meta is None and pipeline is None
        if options[1] is not meta or options[2] is not pipeline:
            return False
        return self.sites[number].q_is_constant or (options[0] is q and isinstance(q, str))

    # -- models inside the model ------------------------------------------------------------------------------------

    def _submodel(self, number: int, model: ModelFunction, args: Any, kwargs: Any, factor: Any) -> Any:
        """What the inner model returns, under the name that the statement gives it."""
        options, known = factor(), self.sites[number]
        for option in ("q", "meta", "pipeline"):
            if options.get(option) is not None:
                raise no_reach(known, model.name, option)
        submodel = self._submodels.get((number, model))
        if submodel is None:
            submodel = self._submodels[number, model] = Submodel(model, self, known.site)
            if not kwargs:
                self._direct[number] = submodel
        value, out = submodel(args, kwargs), options["out"]
        if known.unpacks:
            if not isinstance(value, (tuple, list)):
                raise not_made(known, model.name, value, known.site.text.partition("=")[0].strip())
            self._unpacked[number] = submodel
            return value
        if out is not None:
            return self._identified(number, submodel, value, out)
        if known.target is None or options["name"] is None:
            return value
        if value is None:
            raise nothing_returned(known, model.name)
        return self._kept(self.statements[number], submodel, known.target, value)

    def _identified(self, number: int, submodel: Submodel, value: Any, out: Reference) -> Reference:
        """The returned variable is the one that the statement draws."""
        if not submodel.made(value):
            raise not_made(self.sites[number], submodel.model.name, value, out)
        self.builder.identities.add(value, out, self.statements[number].site)
        return out

    def _kept(self, statement: Statement, submodel: Submodel, name: str, value: Any) -> Any:
        """The returned variable becomes the variable of a name; what is no new variable keeps its own name."""
        if not submodel.made(value):
            return value
        identities = self.builder.identities
        known = identities.target(value)
        if known is not None or value.shape != value.array.block:
            return value if known is None else known
        kept = statement.new_elements(self.builder, self.scope.prefix + name, value.shape)
        identities.add(value, kept, statement.site)
        return kept

    def unpacked(self, number: int, names: tuple[str | None, ...], places: tuple[Any, ...], value: Any) -> Any:
        """The values of several targets; ``places`` holds what a name is bound to, or (container, key) of an element."""
        submodel = self._unpacked.get(number)
        parts = list(value)
        if len(parts) != len(names):
            return parts  # Python says what is wrong
        for position, (name, place) in enumerate(zip(names, places, strict=True)):
            part = parts[position]
            if name is None and isinstance(place[0], Reference) and submodel is not None:
                container, key = place
                out = container.drawn(key) if isinstance(container, GrowingReference) else container[key]
                self._identified(number, submodel, part, out)
            elif name is None:
                place[0][place[1]] = part
            elif submodel is not None:
                statement = self._parts.get((number, name))
                if statement is None:
                    statement = self._parts[number, name] = Statement(self.sites[number].site, scope=self.scope)
                out = self._tied(name, self.sites[number].refers_to_itself, statement, place)
                if out is not None:
                    parts[position] = self._identified(number, submodel, part, out)
                else:
                    parts[position] = self._kept(statement, submodel, name, part)
            else:
                self.named(name, part)
        return parts

    def native(self, instance: ModelCall) -> Any:
        """``~submodel(...)`` in a function that was not rewritten."""
        frame = user_frame()
        number = self._natives.get(operation_key(frame))
        if number is None:
            number = self._natives[operation_key(frame)] = len(self.sites)
            self.sites.append(CallSite(site_of(frame)))
            self.statements.append(Statement(site_of(frame), scope=self.scope))
        drawn = self._drawn(number, None, instance, (), {}, None, None, None)
        return drawn.out if isinstance(drawn, FactorHandle) else drawn

    def growing(self, name: str) -> Any:
        """What a name means that the function only ever indexes: a global, or an array that grows."""
        scope = self.model.function.__globals__ if self.model is not None else {}
        for known in (scope, vars(builtins)):
            if name in known:
                return known[name]
        return self.builder.growing(name)

    def listed(self, name: str, value: Any) -> Any:
        """Several variables on their way to one name, once: those of one kind become an array of that name."""
        kept = None if self.scope.path or type(value) not in (list, tuple) else self._one_array(name, value)
        return self.named(name, value) if kept is None else kept

    def _one_array(self, name: str, value: Any) -> Any:
        """The elements of a new array in the place of single anonymous variables; None where they are no such thing."""
        if len({id(v.array) for v in value if type(v) is Reference and v.array.anonymous and v.array.size == 1}) != len(value):
            return None
        if len(value) < 2 or len(kinds := self.builder.drawn_kinds([v.array for v in value])) != 1 or None in kinds:
            return None
        array = self.builder.random(self.scope.prefix + name, (len(value),), value[0].array.site)
        for k, variable in enumerate(value):
            self.builder.identities.add(variable, array[k], variable.array.site)
            array.array.rank = variable.array.rank
        return type(value)(array[k] for k in range(len(value)))

    def named(self, name: Any, value: Any) -> Any:
        """A value on its way to a name: an anonymous variable in it takes that name."""
        if isinstance(name, tuple):
            if isinstance(value, (tuple, list)) and len(value) == len(name):
                for one, part in zip(name, value, strict=True):
                    self.named(one, part)
        elif isinstance(value, Reference):
            if value.array.anonymous:
                part = self._parts.get((-1, name))
                if part is None:
                    part = self._parts[-1, name] = Statement(value.array.site, scope=self.scope)
                return self._renamed(part, value, self.scope.prefix + name)
        elif type(value) in (list, tuple):
            arrays = {id(v.array): v.array for v in value if type(v) is Reference and v.array.anonymous}
            for position, array in enumerate(arrays.values()):
                own = name if len(arrays) == 1 else f"{name}_{position}"
                self.builder.rename(array, self.scope.prefix + own)
        return value


def _is_of(value: Any, array: Any) -> bool:
    return isinstance(value, Reference) and value.array is array


def _in_order(statement: Statement, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...] | None:
    """Keyword arguments in the order of the interfaces, None if they are others than last time."""
    keywords = statement.keywords
    if len(kwargs) != len(keywords):
        return None
    try:
        if len(keywords) == 2 and not args:  # the common case, unrolled: this runs once a row
            first, second = keywords
            return kwargs[first], kwargs[second]
        return (*args, *[kwargs[k] for k in keywords])
    except KeyError:
        return None


def rows_in_index(key: Any) -> int:
    """How many leading axes an index counts as rows: the slices, up to an ellipsis."""
    count = 0
    for part in key if isinstance(key, tuple) else (key,):
        if isinstance(part, (slice, list, np.ndarray)):
            count += 1
        elif part is Ellipsis:
            break
    return count
