"""``@model``: a function whose ``~`` statements make a factor graph."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from types import CellType, FunctionType, MethodType, TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, overload

from reactivepgm.distributions.marker import drawer
from reactivepgm.errors import DataError, ModelError, ModelReturnsNothingError, UndeclaredVariableError
from reactivepgm.graph import Graph, GraphBuilder, Site
from reactivepgm.graph.arithmetic import is_random
from reactivepgm.graph.site import caller_site
from reactivepgm.graph.unfactorised import unfactorised_names
from reactivepgm.language.call_site import CallSite
from reactivepgm.language.lifting import Loop
from reactivepgm.language.rewriter import Rewriter
from reactivepgm.language.run import ModelRun
from reactivepgm.language.source import HOOK, compiled, definition_of, site_of_function
from reactivepgm.language.submodel import RUNNING, ModelCall, ModelFunction, is_const_annotation
from reactivepgm.language.tracing import new_builder, trace, unknown_name
from reactivepgm.language.travel import found_model, is_cloudpickled, is_found
from reactivepgm.language.variables import active

_DEEP = 8
"""How often a model is inside itself when Python's stack is full because of it, at least."""
MODEL_OPTIONS = ("default_factorisation", "pipeline", "contract", "lift")


class Model(ModelFunction):
    """A model function; calling it gives a lazy instance.

    Args:
        function: the user's function.
        options: model options.
    """

    def __init__(self, function: Any, options: Mapping[str, Any]) -> None:
        _check_function(function)
        self.function = function
        self.options = dict(options)
        lifts = self._lifts = self.options.pop("lift", True)
        definition = definition_of(function)
        self.is_traced = definition is None
        """Whether the function runs as it was compiled, because its source is missing or another one."""
        self.sites: list[CallSite] = []
        self.loops: list[Loop] = []
        self.array_targets: frozenset[str] = frozenset()
        self._code = function.__code__
        if definition is None:
            trace(self._code)
        else:
            _check_decorators(function, definition)
            self._rewrite(definition, lifts)
        self.signature = inspect.signature(function)
        functools.update_wrapper(self, function)

    def _rewrite(self, definition: ast.FunctionDef, lifts: bool) -> None:
        code = self.function.__code__
        rewriter = Rewriter(code.co_filename, lifts)
        rewriter.rewrite(definition, bound=(*code.co_varnames, *code.co_cellvars, *code.co_freevars))
        self.sites = rewriter.sites
        self.loops = rewriter.loops
        self.array_targets = frozenset(rewriter.array_targets)
        self._code = compiled(self.function, definition)

    def __call__(self, *args: Any, **kwargs: Any) -> ModelInstance:
        """An instance with these arguments; nothing is built yet. Inside another model it waits for its ``~``."""
        return _awaiting(ModelInstance(self, args, kwargs))

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def bound_to(self, run: ModelRun) -> FunctionType:
        """The rewritten function with ``run`` as its hook; globals, defaults and closure are those of the original."""
        function: FunctionType = self.function
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        cells[HOOK] = CellType(run)
        run.loops = self.loops
        closure = tuple(cells[name] for name in self._code.co_freevars)
        bound = FunctionType(self._code, function.__globals__, function.__name__, function.__defaults__, closure)
        bound.__kwdefaults__ = function.__kwdefaults__
        return bound

    def __reduce__(self) -> Any:
        """By its name where that can be imported; otherwise by its function, which only cloudpickle can write down.

        What stands in ``__main__`` is imported by processes that were made from this one, and cloudpickle's ways lead
        to others.
        """
        module, name = self.function.__module__, self.function.__qualname__
        if is_found(self, module, name) and not (module == "__main__" and is_cloudpickled()):
            return found_model, (module, name)
        return Model, (self.function, {**self.options, "lift": self._lifts})

    def __repr__(self) -> str:
        return f"<model {self.function.__name__}{self.signature}>"


class ModelInstance(ModelCall):
    """A model with its arguments; it is built when it is unpacked, or by ``build``.

    Example:
        >>> from reactivepgm.language import datavar, model, randomvar
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> @model
        ... def pair(v):
        ...     y = datavar(float)
        ...     x = ~NormalMeanVariance(0.0, v)
        ...     y[...] = ~NormalMeanVariance(x, 1.0)
        ...     return x, y
        >>> graph, (x, y) = pair(2.0)
        >>> len(graph.families), x.name
        (2, 'x')
    """

    if TYPE_CHECKING:

        def where(self, *, q: Any = None, meta: Any = None, pipeline: Any = None) -> Self:
            """In a model's statement ``@model`` takes the options, which a contracted model has."""

    def __init__(self, model: Model, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.model = model
        self.returned: Any = None
        """What the model function returned when it was built last."""
        self._built: Graph | None = None
        try:
            self._arguments = dict(model.signature.bind_partial(*args, **kwargs).arguments)
        except TypeError as error:
            raise ModelError(site_of_function(model.function).letter(f"{model.function.__name__}: {error}")) from None

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments it was given, by name."""
        return dict(self._arguments)

    @property
    def open_parameters(self) -> tuple[str, ...]:
        """The parameters without an argument or a default: they wait for data."""
        parameters = self.model.signature.parameters
        return tuple(n for n, p in parameters.items() if n not in self._arguments and p.default is p.empty)

    def without(self, names: Iterable[str]) -> ModelInstance:
        """The instance with some of its arguments left open."""
        left = {name: value for name, value in self._arguments.items() if name not in set(names)}
        return ModelInstance(self.model, (), left)

    def build(self, data: Mapping[str, Any] | None = None) -> Graph:
        """Run the model.

        Args:
            data: values by name; a name that is a parameter makes the parameter data, the others are ``datavar``s.

        Raises:
            ModelError: whatever is wrong with the model, with file, line and statement.
            DataError: data that do not fit.
        """
        self.is_drawn = True
        options = self.model.options
        builder = new_builder(options.get("default_factorisation"), options.get("pipeline"))
        run = ModelRun(builder, self.model.sites, model=self.model)
        data = {} if data is None else dict(data)
        builder.unfactorised = unfactorised_names(data)
        bound = inspect.BoundArguments(self.model.signature, self._bound_arguments(builder, data))
        bound.apply_defaults()
        token, running, drawing = active.set(builder), RUNNING.set(run), drawer.set(builder)
        try:
            self.returned = self.model.bound_to(run)(*bound.args, **bound.kwargs)
        except NameError as error:
            self._undeclared(error)
        except RecursionError as error:
            self._endless(error, builder.deepest.models)
        finally:
            active.reset(token)
            RUNNING.reset(running)
            drawer.reset(drawing)
        graph = builder.finish(options)
        self.returned = builder.resolved(self.returned)
        self._check_names(graph, data)
        if data:
            graph.read_data(data)
        return graph

    def _check_names(self, graph: Graph, data: Mapping[str, Any]) -> None:
        """All that was given is data of the model."""
        site, known = site_of_function(self.model.function), {array.name: array for array in graph.data}
        for name in data:
            if name not in known:
                close = get_close_matches(name, known, 1, 0.5)
                raise DataError(
                    site.letter(
                        f"there are no data called {name} in the model; its data are {', '.join(known) or 'none'}",
                        write=f"{close[0]!r} for {name!r}" if close else f"data={{{', '.join(f'{n!r}: ...' for n in known)}}}",
                    )
                )

    def __iter__(self) -> Iterator[Any]:
        if not self.is_drawn and any(map(is_random, self._arguments.values())):
            self._complain()
        graph = self.build()
        if self.returned is None:
            site = site_of_function(self.model.function)
            raise ModelReturnsNothingError(
                site.letter(f"{self.model.function.__name__} returns nothing to unpack", write="return x, y  at its end")
            )
        return iter((graph, self.returned))

    def __call__(self, *args: Any, **kwargs: Any) -> ModelInstance:
        """The model with further arguments: what another model does that got this one as an argument."""
        try:
            further = self.model.signature.bind_partial(*args, **kwargs).arguments
        except TypeError as error:
            raise ModelError(caller_site().letter(f"{self.model.name}: {error}")) from None
        self.is_drawn = True  # what it becomes waits instead
        return _awaiting(ModelInstance(self.model, (), {**self._arguments, **further}))

    def __invert__(self) -> Any:
        run = RUNNING.get()
        if run is None:
            cure = f"infer({self.model.name}(...), data={{...}}), or z = ~{self.model.name}(...) inside another model"
            raise ModelError(caller_site().letter(f"~{self.model.name}(...) stands outside a model", write=cure))
        return run.native(self)

    def _bound_arguments(self, builder: GraphBuilder, data: Mapping[str, Any]) -> dict[str, Any]:
        """The function's arguments: data references for the parameters that are data."""
        parameters = self.model.signature.parameters
        site = site_of_function(self.model.function)
        arguments: dict[str, Any] = {}
        function = self.model.function.__name__
        declared = [name for name in data if name in parameters]
        for name, parameter in parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                if name in self._arguments:
                    arguments[name] = self._arguments[name]
                continue
            if name in data:
                if name in self._arguments:
                    raise DataError(site.letter(f"{name} is given twice, as an argument and in data=", write="one of the two"))
                arguments[name] = builder.data(name, site=_parameter_site(site, name), value=data[name])
            elif name in self._arguments:
                arguments[name] = self._constant(builder, parameter, self._arguments[name])
            elif parameter.default is not parameter.empty:
                arguments[name] = self._constant(builder, parameter, parameter.default)
            else:
                close = get_close_matches(name.lower(), {n.lower(): n for n in data if n not in declared}, 1, 0.5)
                meant = [n for n in data if n.lower() in close]
                raise DataError(
                    site.letter(
                        f"{function} misses {name}" + (f"; data= has {meant[0]}" if meant else ""),
                        write=f'data={{"{name}": ...}} for observations, or {function}({name}=...) for a constant',
                    )
                )
        return arguments

    def _constant(self, builder: GraphBuilder, parameter: inspect.Parameter, value: Any) -> Any:
        if is_const_annotation(parameter.annotation):
            return builder.constant(value, parameter.name, site_of_function(self.model.function))
        return value

    def _endless(self, error: RecursionError, models: tuple[str, ...]) -> NoReturn:
        """A model that draws itself, inside itself, inside itself, ..."""
        name, depth = max(((name, models.count(name)) for name in models), key=lambda found: found[1], default=("", 0))
        if depth < _DEEP:
            raise error
        raise ModelError(
            _site_in(error.__traceback__, self.model).letter(
                f"{name} draws itself {depth} times over, one inside the other, and has not come to an end",
                write=f"a condition that ends it, such as  if depth > 0: z = ~{name}(depth - 1, ...); a loop, to go deeper",
            )
        ) from None

    def _undeclared(self, error: NameError) -> NoReturn:
        """A name that the model only ever indexes is an array that nobody declared."""
        name = error.name or str(error).partition("'")[2].partition("'")[0]
        if self.model.is_traced:
            raise unknown_name(error, _site_in(error.__traceback__, self.model)) from error
        if name not in self.model.array_targets:
            raise error
        raise UndeclaredVariableError(
            _site_in(error.__traceback__, self.model).letter(
                f"{name} was never declared", write=f"{name} = randomvar(n)  before the first use of {name}[...]"
            )
        ) from error

    @property
    def spelled(self) -> str:
        """The model's name and its arguments."""
        return f"{self.model.name}({', '.join(f'{name}={value!r}' for name, value in self._arguments.items())})"

    def __repr__(self) -> str:
        return f"<{self.spelled}>"


def _awaiting(instance: ModelInstance) -> ModelInstance:
    """An instance that is made while another model runs must be drawn there."""
    run = RUNNING.get()
    if run is not None:
        instance.is_drawn, instance.site = False, caller_site()
        run.builder.awaits(instance)
    return instance


@overload
def model(function: Callable[..., Any], /) -> Model: ...
@overload
def model(
    *, default_factorisation: Any = None, pipeline: Any = None, contract: bool = False, lift: bool = True
) -> Callable[[Callable[..., Any]], Model]: ...
def model(function: Any = None, /, **options: Any) -> Any:
    """Turn a function into a model: ``x = ~F(...)`` in it draws ``x`` from the factor ``F``.

    Args:
        function: the function; its parameters are data where they are named in ``data=``, constants otherwise.
        **options: ``default_factorisation`` and ``pipeline``, for statements that give none; ``contract=True`` makes it
            one node with rules of its own where another model draws it; ``lift=False`` runs its loops turn by turn.

    Where the function has no source (``exec``, the bare prompt), or the file changed after it was imported, it runs as
    it was compiled; see ``reactivepgm.language.tracing``.

    Raises:
        ModelError: no plain function: a lambda, a decorator below ``@model``, zero-argument ``super()``.

    Example:
        >>> from reactivepgm.distributions import Bernoulli, Beta
        >>> @model
        ... def coin(y):
        ...     p = ~Beta(1.0, 1.0)
        ...     y[:] = ~Bernoulli(p)
        ...     return p
        >>> graph = coin().build({"y": [1, 0, 1]})
        >>> [family.rows for family in graph.families]
        [1, 3]
    """
    unknown = [name for name in options if name not in MODEL_OPTIONS]
    if unknown:
        raise ModelError(f"@model has no option {', '.join(unknown)}\n  write  one of {', '.join(MODEL_OPTIONS)}")
    for name in ("contract", "lift"):
        if not isinstance(options.get(name, True), bool):
            raise ModelError(f"@model({name}=...) is {options[name]!r}\n  write  {name}=True or {name}=False")
    if function is None:
        return lambda decorated: Model(decorated, options)
    return Model(function, options)


def _check_function(function: Any) -> None:
    site = site_of_function(function)
    if isinstance(function, (staticmethod, classmethod)):
        kind = type(function).__name__
        raise ModelError(f"@model stands above @{kind}\n  write  @{kind} above @model")
    if isinstance(function, type) or not callable(function):
        what = f"the class {function.__name__}" if isinstance(function, type) else repr(function)
        raise ModelError(f"@model stands above {what}, which is no function\n  write  @model directly above def")
    if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        name = getattr(function, "__name__", repr(function))
        raise ModelError(
            site.letter(
                f"{name} was wrapped by a decorator below @model",
                write="@model directly above def, other decorators above it",
            )
        )
    if function.__name__ == "<lambda>":
        raise ModelError(
            site.letter("a lambda holds no ~ statements", write="def name(...): with the statements, under @model")
        )
    if "__class__" in function.__code__.co_freevars:
        raise ModelError(
            site.letter(
                f"{function.__name__} uses super() without arguments, or __class__",
                write="super(ClassName, self) with its arguments",
            )
        )
    flags = function.__code__.co_flags
    if flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        raise ModelError(site.letter(f"{function.__name__} is a generator or a coroutine", write="a plain function"))


def _check_decorators(function: FunctionType, definition: ast.FunctionDef) -> None:
    """No decorator may stand between ``@model`` and ``def``: its effect would be lost."""
    position = -1
    for number, decorator in enumerate(definition.decorator_list):
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        try:
            meant = eval(  # the decorator's own name, in the function's own globals
                compile(ast.fix_missing_locations(ast.Expression(called)), "<decorator>", "eval"), function.__globals__
            )
        except Exception:
            meant = None
        if meant is model or ast.unparse(called).rpartition(".")[2] == "model":
            position = number
    below = definition.decorator_list[position + 1 :] if position >= 0 else []
    if below:
        raise ModelError(
            site_of_function(function).letter(
                f"the decorator @{ast.unparse(below[0])} stands below @model",
                write="@model directly above def, other decorators above it",
            )
        )


def _parameter_site(site: Site, name: str) -> Site:
    return Site(site.file, site.line, f"{site.text}(... {name} ...)")


def _site_in(traceback: TracebackType | None, model: Model) -> Site:
    """The innermost line of the model's own file in a traceback."""
    import linecache

    file, line = model.function.__code__.co_filename, model.function.__code__.co_firstlineno
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return Site(file, line, linecache.getline(file, line).strip())
