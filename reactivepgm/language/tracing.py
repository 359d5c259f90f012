"""Models without source: the function runs as it was compiled, and ``~`` is an operator on what it finds.

``x = ~F(a, b)``     draws a variable, called x because the compiled code stores it there
``x[t] = ~F(a, b)``  waits until it is stored, and then ties the factor to the element
``x = a + b``        a deterministic factor with a variable x, as ever

What only the source can tell is refused with the reason: that ``q(mean)`` names an edge, for instance.
"""

from __future__ import annotations

from types import CodeType, FrameType
from typing import Any
from weakref import WeakSet

from reactivepgm.distributions import Distribution
from reactivepgm.errors import ModelError
from reactivepgm.graph import FactorHandle, GraphBuilder, PendingFactor, Reference, Site, Statement
from reactivepgm.graph.awaited import AwaitedFactor
from reactivepgm.graph.site import operation_key, user_frame
from reactivepgm.language.call_site import CallSite
from reactivepgm.language.refusal import over_data
from reactivepgm.language.run import rows_in_index
from reactivepgm.language.tracing_target import Target, is_in_loop, target_after

_TRACED: WeakSet[CodeType] = WeakSet()


def trace(code: CodeType) -> None:
    """From now on the ``~`` of this code, and of functions inside it, is an operator that draws."""
    _TRACED.add(code)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            trace(constant)


def new_builder(default_factorisation: Any, pipeline: Any) -> GraphBuilder:
    """A builder; one that looks at compiled code only where a model without source could run."""
    kind = TracingBuilder if len(_TRACED) else GraphBuilder
    return kind(default_factorisation=default_factorisation, pipeline=pipeline)


def unknown_name(error: NameError, site: Site) -> ModelError:
    """Why a name that is bound nowhere cannot be understood."""
    return ModelError(
        site.letter(
            f"{error}; the model has no source to look at, so every name in it must be bound",
            write='x = randomvar(n)  before the first x[...], and text in where: q="q(mean) q(out)"',
        )
    )


class TracingBuilder(GraphBuilder):
    """A builder that learns names and targets from the compiled code of the model."""

    def random(self, name: str | None, shape: tuple[int, ...] = (), site: Site | None = None) -> Reference:
        """Declare random variables under the name they are about to be stored under."""
        return super().random(self._name_here() if name is None else name, shape, site)

    def data(self, name: str | None, *args: Any, **kwargs: Any) -> Reference:
        """Declare data under the name they are about to be stored under."""
        return super().data(self._name_here() if name is None else name, *args, **kwargs)

    def constant(self, value: Any, name: str | None = None, site: Site | None = None) -> Any:
        """A constant under the name it is about to be stored under."""
        return super().constant(value, self._name_here() if name is None else name, site)

    def draw_pending(self, factor: PendingFactor | Distribution) -> Any:
        """``~factor``: a variable, a node and a variable, or a factor that waits for its element."""
        frame = _traced_frame()
        if frame is None:
            return super().draw_pending(factor)
        target = target_after(frame.f_code, frame.f_lasti)
        spelled = factor.spelled if isinstance(factor, PendingFactor) else repr(factor)
        statement = self._statement(frame, target, spelled)
        if target.kind == "element":
            if isinstance(factor, PendingFactor):
                factor.is_drawn = True
            return self._awaited(statement, spelled, lambda out, sliced: self.draw(factor, statement, out=out, sliced=sliced))
        handle: FactorHandle = self.draw(factor, statement, out=self._tied(frame, target, statement, factor))
        return (handle, handle.out) if target.kind == "pair" else handle.out

    def inverted(self, reference: Reference) -> Any:
        """``~(a + b)``: the sum's own variable gets a name, or becomes an element."""
        frame = _traced_frame()
        if frame is None or reference.array.kind != "random" or not reference.array.anonymous:
            return super().inverted(reference)
        target = target_after(frame.f_code, frame.f_lasti)
        statement = self._statement(frame, target, "...")
        if target.kind == "element":
            return self._awaited(statement, repr(reference), lambda out, _: self.identities.add(reference, out, statement.site))
        name = self._prefixed(target)
        if name is None:
            return reference
        if reference.is_whole:
            self.rename(reference.array, name)
            return reference
        kept = statement.new_elements(self, name, reference.shape)
        self.identities.add(reference, kept, statement.site)
        return kept

    def function_of(self, function: Any, args: Any, kwargs: Any) -> Any:
        """A NumPy function of random variables is a deterministic factor, as it is with source."""
        if _traced_frame() is None:
            return super().function_of(function, args, kwargs)
        return self.call(function, tuple(args), dict(kwargs), self.statement_here(None))

    # -- what the code says ---------------------------------------------------------------------------------------

    def _name_here(self) -> str | None:
        frame = _traced_frame()
        return None if frame is None else self._prefixed(target_after(frame.f_code, frame.f_lasti))

    def _prefixed(self, target: Target) -> str | None:
        return None if target.name is None else self.scope.qualified(target.name)

    def _statement(self, frame: FrameType, target: Target, spelled: str) -> Statement:
        """The statement, with a text that stands in for the missing source."""
        key = (self.scope, operation_key(frame))
        statement = self._operations.get(key)
        if statement is None:
            left = {"name": target.name, "pair": f"..., {target.name}", "element": "...[...]"}.get(target.kind)
            text = f"~{spelled}" if left is None else f"{left} = ~{spelled}"
            site = Site(frame.f_code.co_filename, frame.f_lineno, text)
            statement = self._operations[key] = Statement(site, scope=self.scope)
        return statement

    def _awaited(self, statement: Statement, spelled: str, tie: Any) -> AwaitedFactor:
        def tied(container: Any, key: Any) -> None:
            tie(container.drawn(key) if hasattr(container, "drawn") else container[key], rows_in_index(key))

        factor = AwaitedFactor(statement.site, spelled, tied)
        self._undrawn.append(factor)
        return factor

    def _tied(self, frame: FrameType, target: Target, statement: Statement, factor: Any) -> Reference | None:
        """The variable that the name stands for already, if the statement adds a factor to it."""
        current = None if target.name is None else _bound(frame, target.name)
        if not isinstance(current, Reference) or current.array is statement.created:
            return None
        array = current.array
        if array.kind == "data" and current.is_whole:
            raise over_data(CallSite(statement.site, target.name), current)()
        if array.kind != "random" or array.name != self._prefixed(target) or not current.is_whole:
            return None
        if isinstance(factor, PendingFactor) and _mentions((*factor.args, *factor.kwargs.values()), array):
            return None
        return None if self._was_made_in_a_loop(array) else current

    def _was_made_in_a_loop(self, array: Any) -> bool:
        places = [key[1] for key, statement in self._operations.items() if statement.created is array]
        return any(isinstance(place, tuple) and is_in_loop(*place) for place in places)


def _traced_frame() -> FrameType | None:
    frame = user_frame()
    return frame if frame is not None and frame.f_code in _TRACED else None


def _bound(frame: FrameType, name: str) -> Any:
    return frame.f_locals.get(name, frame.f_globals.get(name))


def _mentions(values: Any, array: Any) -> bool:
    return any(
        _mentions(value, array) if isinstance(value, (tuple, list)) else isinstance(value, Reference) and value.array is array
        for value in values
    )
