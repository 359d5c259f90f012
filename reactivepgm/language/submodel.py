"""A model inside a model: one place in the source that calls another ``@model`` function, in every turn of its loops.

Its statements append rows to their families each time, so that a loop of calls makes the graph of the flat loop.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextvars import ContextVar
from types import FunctionType
from typing import TYPE_CHECKING, Any, NoReturn

from reactivepgm.errors import ModelError
from reactivepgm.graph import Reference, Site
from reactivepgm.graph.pending import Undrawn
from reactivepgm.language.call_site import CallSite
from reactivepgm.language.variables import ConstVariable
from reactivepgm.nodes import Interface, Node

if TYPE_CHECKING:
    from reactivepgm.language.run import ModelRun


RUNNING: ContextVar[ModelRun | None] = ContextVar("the run whose statements are executed", default=None)


class ModelFunction:
    """What the front end asks of a model: its statements and its function with a hook."""

    function: Any
    sites: list[CallSite]
    signature: inspect.Signature
    options: dict[str, Any]
    array_targets: frozenset[str]
    _node: Node | None = None

    @property
    def name(self) -> str:
        """The function's name."""
        return str(self.function.__name__)

    def bound_to(self, run: ModelRun) -> FunctionType:
        """The rewritten function with ``run`` as its hook."""
        raise NotImplementedError

    def contract(self) -> Node:
        """The model as one node, whose rules the user writes: ``z = ~submodel.contract()(x=x)``.

        Its interfaces are ``out`` and the model's parameters; it is the same node each time, and
        ``@rule(submodel, to="x")`` files a rule for it.
        """
        if self._node is None:
            names = [n for n, p in self.signature.parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
            interfaces = (Interface("out"), *(Interface(name) for name in names))
            code = self.function.__code__
            key = f"{self.function.__module__}.{self.function.__qualname__}:{code.co_firstlineno}"
            self._node = Node(
                self.name, "stochastic", interfaces, self._refuse, sampler=self._refuse, key=key, has_density=False
            )
        return self._node

    def _refuse(self, *_: Any) -> NoReturn:
        raise ModelError(f"{self.name} is a node by contract: it has rules, but no density and no sampler of its own")

    def completed(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], site: Site) -> dict[str, Any]:
        """All arguments by name, defaults included.

        Raises:
            ModelError: arguments that the function does not take, or misses.
        """
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ModelError(site.letter(f"{self.name}: {error}", write=f"{self.name}{self.signature}")) from None
        bound.apply_defaults()
        return dict(bound.arguments)


class ModelCall(Undrawn):
    """A model with arguments that waits for its ``~``, or for data."""

    what = "a model"
    model: Any
    _arguments: dict[str, Any]
    site: Site = Site("", 0, "")
    is_drawn = True
    """Whether its ``~`` came; only what is made inside another model waits for one."""


class Submodel:
    """One statement's inner model.

    Args:
        model: the inner model.
        outer: the run of the model around it.
        site: the statement.
    """

    def __init__(self, model: ModelFunction, outer: ModelRun, site: Site) -> None:
        self.model = model
        self.site = site
        self.builder = outer.builder
        self.scope = outer.builder.enter(outer.scope, model.name)
        self.run = type(outer)(outer.builder, model.sites, scope=self.scope, model=model, outer=outer)
        self._function = model.bound_to(self.run)
        parameters = model.signature.parameters
        self._wrapped = [n for n, p in parameters.items() if is_const_annotation(p.annotation)]
        targets = {site.target for site in model.sites}
        self._must_bind = bool(self._wrapped) or any(name in targets for name in parameters)
        defaults = model.options
        self._options = (defaults.get("default_factorisation"), defaults.get("pipeline"))
        if len(self.scope.path) > len(outer.builder.deepest.path):
            outer.builder.deepest = self.scope

    def __call__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run it once; what it returned."""
        builder = self.builder
        outer, options = builder.scope, (builder.default_factorisation, builder.default_pipeline)
        running = RUNNING.set(self.run)
        builder.scope = self.scope
        self.scope.turns.clear()
        if self._options != (None, None):
            builder.default_factorisation = options[0] if self._options[0] is None else self._options[0]
            builder.default_pipeline = options[1] if self._options[1] is None else self._options[1]
        try:
            if self._must_bind:
                args, kwargs = self._bound(args, kwargs)
            return self._function(*args, **kwargs)
        except TypeError:
            self.model.completed(args, kwargs, self.site)
            raise
        finally:
            RUNNING.reset(running)
            builder.scope = outer
            builder.default_factorisation, builder.default_pipeline = options

    def _bound(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        arguments = self.model.completed(args, kwargs, self.site)
        for name in self._wrapped:
            if not isinstance(arguments[name], Reference):
                arguments[name] = self.builder.constant(arguments[name], self.scope.qualified(name), self.site)
        self.run.arguments = arguments
        bound = inspect.BoundArguments(self.model.signature, arguments)
        return bound.args, bound.kwargs

    def made(self, value: Any) -> bool:
        """Whether a value is a random variable that was made inside."""
        return isinstance(value, Reference) and value.kind == "random" and value.array.scope.starts_with(self.scope)


def is_const_annotation(annotation: Any) -> bool:
    """Whether a parameter is annotated ``ConstVariable``."""
    return annotation is ConstVariable or annotation in ("ConstVariable", "reactivepgm.ConstVariable")
