"""Variables declared by hand: ``randomvar``, ``datavar``, ``constvar``."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from reactivepgm.errors import ModelError
from reactivepgm.graph import ConstantReference, GraphBuilder, Reference
from reactivepgm.graph.prod_constraint import ProdConstraint
from reactivepgm.graph.site import caller_site

active: ContextVar[GraphBuilder | None] = ContextVar("the model that is being built", default=None)


class ConstVariable:
    """As an annotation: the model's parameter is wrapped by ``constvar`` once.

    Example:
        >>> from reactivepgm.language import ConstVariable, model
        >>> @model
        ... def f(c: ConstVariable):
        ...     return c
        >>> _, c = f(2.0)
        >>> c.value
        2.0
    """


def randomvar(
    *shape: Any, prod_constraint: Any = None, form_constraint: Any = None, pipeline: Any = None, **unknown: Any
) -> Reference:
    """Declare latent variables: one, a vector, a matrix, ...

    Args:
        *shape: nothing for one variable; ``n``; ``n, m``; or a tuple ``(n, m)``.
        prod_constraint: ``ProdGeneric()`` (the default: products without a closed form are held as densities, of which a
            form makes a belief) or ``ProdAnalytical()`` (they are errors).
        form_constraint: which form their marginals take; kept for the inference.
        pipeline: a stage on every message that reaches these variables, after those of the statements that send them.
        **unknown: none; what else is given is named in the error.

    Returns:
        A reference to all of them.

    Raises:
        ModelError: outside a model, a size that is no number of elements, or an option that does not exist.

    Example:
        >>> from reactivepgm.language import model, randomvar
        >>> @model
        ... def f():
        ...     x = randomvar(3, 2)
        ...     return x
        >>> _, x = f()
        >>> x.shape, x.name
        ((3, 2), 'x')
    """
    builder, sizes = _builder("randomvar"), _as_shape(shape, "randomvar")
    _refuse_unknown("randomvar", unknown, "form_constraint=ProjectedTo(Normal), pipeline=..., or none")
    if prod_constraint is not None and not isinstance(prod_constraint, ProdConstraint):
        raise ModelError(
            caller_site().letter(
                f"prod_constraint is {prod_constraint!r}", write="prod_constraint=ProdAnalytical()  or  ProdGeneric()"
            )
        )
    place, reference = builder.redeclared("random", sizes)
    if reference is None:
        reference = builder.declared(place, builder.random(None, sizes, caller_site()))
    options = {"prod": prod_constraint, "form": form_constraint}
    if kept := {name: value for name, value in options.items() if value is not None}:
        reference.array.constraints = kept
    if pipeline is not None:
        reference.array.constraints = {**reference.array.constraints, "pipeline": pipeline}
    return reference


def datavar(type: Any = float, *shape: Any, **unknown: Any) -> Reference:
    """Declare data inputs; nothing flows until a value arrives.

    Args:
        type: ``float``, ``int`` or ``bool`` for numbers; ``np.ndarray``, ``list`` or ``tuple`` for vectors and matrices
            whose shape only the data will tell.
        *shape: nothing for one input; ``n``; ``n, m``; or a tuple ``(n, m)``.
        **unknown: none; what is given by a keyword is named in the error.

    Returns:
        A reference to all of them.

    Raises:
        ModelError: outside a model, a type that is none, or an option that does not exist.

    Example:
        >>> from reactivepgm.language import datavar, model
        >>> @model
        ... def f(n):
        ...     y = datavar(float, n)
        ...     return y
        >>> graph, y = f(4)
        >>> len(y), graph.data[0].name
        (4, 'y')
    """
    _refuse_unknown("datavar", unknown, "datavar(float, n)")
    numbers = (float, int, bool, np.floating, np.integer)
    if not isinstance(type, __builtins_type) or not issubclass(type, (*numbers, np.ndarray, list, tuple)):
        raise ModelError(
            caller_site().letter(
                f"datavar({type!r}) names no type of data", write="datavar(float, n) or datavar(np.ndarray, n)"
            )
        )
    value_shape = () if issubclass(type, numbers) else None
    builder, sizes = _builder("datavar"), _as_shape(shape, "datavar")
    place, reference = builder.redeclared("data", sizes)
    if reference is None:
        reference = builder.declared(place, builder.data(None, sizes, caller_site(), value_shape=value_shape))
    return reference


__builtins_type = __import__("builtins").type


def constvar(value: Any, *shape: Any, **unknown: Any) -> ConstantReference:
    """A clamped constant: one shared copy, however often it is used.

    Args:
        value: the value; or, with a shape, a function of the index that gives the values.
        *shape: as for ``randomvar``.
        **unknown: none; what is given by a keyword is named in the error.

    Raises:
        ModelError: outside a model, no numbers, or an option that does not exist.

    Example:
        >>> from reactivepgm.language import constvar, model
        >>> @model
        ... def f():
        ...     c = constvar(lambda i: i * 0.5, 3)
        ...     return c
        >>> _, c = f()
        >>> c.value.tolist()
        [0.0, 0.5, 1.0]
    """
    builder = _builder("constvar")
    _refuse_unknown("constvar", unknown, "constvar(value) or constvar(function, n)")
    if not shape:
        return builder.constant(value, None, caller_site())
    sizes = _as_shape(shape, "constvar")
    function: Callable[..., Any] = value if callable(value) else lambda *index: value
    try:
        values = np.array([function(*index) for index in np.ndindex(*sizes)], dtype=float)
    except (TypeError, ValueError) as error:
        raise ModelError(
            caller_site().letter(
                f"constvar could not make numbers of {value!r} for the shape {sizes}: {error}",
                write=f"a function of {len(sizes)} {'index' if len(sizes) == 1 else 'indices'} that returns a number",
            )
        ) from error
    return builder.constant(values.reshape(*sizes, *values.shape[1:]), None, caller_site())


def _builder(name: str) -> GraphBuilder:
    builder = active.get()
    if builder is None:
        raise ModelError(
            caller_site().letter(f"{name} was called outside a model", write="the call inside a function under @model")
        )
    return builder


def _refuse_unknown(name: str, unknown: dict[str, Any], write: str) -> None:
    if unknown:
        raise ModelError(caller_site().letter(f"{name} has no option {', '.join(unknown)}", write=write))


def _as_shape(shape: tuple[Any, ...], name: str) -> tuple[int, ...]:
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = tuple(shape[0])
    try:
        sizes = tuple(int(size.__index__()) for size in shape)
    except (AttributeError, TypeError):
        sizes = (-1,)
    if any(size < 0 for size in sizes):
        raise ModelError(
            caller_site().letter(
                f"{name}{shape!r} is no size", write=f"{name}(n), {name}(n, m) or {name}((n, m)) with whole numbers"
            )
        )
    return sizes
