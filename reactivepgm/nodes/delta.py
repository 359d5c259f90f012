"""Delta(f): the deterministic factor out = f(in, ...) of any Python function, and how beliefs go through it.

Gaussian beliefs pass as through a linear map with noise that stands for f: its tangent (Linearisation), or its linear
regression under the inputs' belief by sigma points (Unscented) or cubature (GaussHermite). Where what is said of the output
is not Gaussian, the inputs follow the natural gradient of its expected logarithm (CVI).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from reactivepgm.errors import InvalidParameterError, ParametrisationError
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register


@dataclass(frozen=True, slots=True)
class Linearisation:
    """The tangent of the function at the mean of its inputs, as in the extended Kalman filter.

    Args:
        order: of the central differences that stand for derivatives: 2, 4 or 6.
        step: of the differences, relative; by default the one that balances rounding against truncation.
        jacobian: the derivatives themselves: of the same arguments as the function, it gives the derivative by a sole
            argument, or a tuple of derivatives, one an argument, each (e, d) for vectors and a number for numbers.

    Example:
        >>> Linearisation(order=2)
        Linearisation(order=2, step=None, jacobian=None)
    """

    order: int = 4
    step: float | None = None
    jacobian: Callable[..., Any] | None = None


Linearization = Linearisation


@dataclass(frozen=True, slots=True)
class Unscented:
    """The moments of the function's value by 2d + 1 sigma points, as in the unscented Kalman filter.

    Args:
        alpha: how far the points lie from the mean.
        beta: weight of the central point; 2 is best for Gaussians.
        kappa: a second parameter of the distance.

    Example:
        >>> Unscented(alpha=0.5).beta
        2.0
    """

    alpha: float = 1e-3
    beta: float = 2.0
    kappa: float = 0.0


@dataclass(frozen=True, slots=True)
class GaussHermite:
    """The moments of the function's value by a grid of Gauss-Hermite points.

    Args:
        n: points a coordinate of the inputs.

    Raises:
        InvalidParameterError: fewer than two points, with which nothing can vary.

    Example:
        >>> GaussHermite(5).n
        5
    """

    n: int = 11

    def __post_init__(self) -> None:
        if self.n < 2:
            raise InvalidParameterError(f"GaussHermite: n is at least 2, not {self.n!r}")


@dataclass(frozen=True, slots=True)
class CVI:
    """Conjugate-computation variational inference: whatever is said of the function's value becomes a message of the input.

    With nu the product of the messages at the output, a step goes towards the natural gradient of E_q[log nu(f(x))], which
    is a member of q's own family; q(f(x)) is kept as weighted points. Khan and Lin 2017, "Conjugate-computation variational
    inference"; the gradient is a regression on the sufficient statistics, Salimans and Knowles 2013.

    Args:
        iterations: the most steps in one update of the region.
        step: how far a step goes, above 0 and at most 1; halved where the bound would fall.
        points: Gauss-Hermite points a coordinate, for inputs of one or two coordinates together.
        samples: draws for inputs of more coordinates, the same in every step.
        seed: of the draws.
        tolerance: the steps end where messages move less than this, relative to the belief.

    Raises:
        InvalidParameterError: no steps, no points, or a step outside (0, 1].

    Example:
        >>> CVI(points=16).step
        1.0
    """

    iterations: int = 100
    step: float = 1.0
    points: int = 32
    samples: int = 1000
    seed: int = 0
    tolerance: float = 1e-9

    def __post_init__(self) -> None:
        if not 0.0 < self.step <= 1.0:
            raise InvalidParameterError(f"CVI: step is above 0 and at most 1, not {self.step!r}")
        if self.iterations < 1 or self.points < 3 or self.samples < 3:
            raise InvalidParameterError(f"CVI: one iteration, three points and three samples at least: {self!r}")


GaussianMethod = Linearisation | Unscented | GaussHermite


@dataclass(frozen=True)
class DeltaMeta:
    """How beliefs go through a function, and back where its inverses are known.

    A method alone serves as the meta where no inverse is known.

    Args:
        method: Linearisation(), Unscented(...) or GaussHermite(n); CVI(...) is a meta itself and has no use for inverses.
        inverse: for a function of one input, the input as a function of the output; for several, a tuple with a
            function of the output and the other inputs for every input, or None where there is none.

    Raises:
        ParametrisationError: something else than a method, or than functions.

    Example:
        >>> DeltaMeta(method=Linearisation(), inverse=(None, lambda out, first: out - first)).inverse_toward(0) is None
        True
    """

    method: GaussianMethod = Linearisation()
    inverse: Any = None

    def __new__(cls, method: GaussianMethod | CVI | None = None, inverse: Any = None) -> Any:
        """The kind of meta that rules are chosen by: with an inverse for every input, messages need no joint."""
        if isinstance(method, CVI):
            if inverse is not None:
                raise ParametrisationError("DeltaMeta: CVI goes by the function itself; leave inverse out")
            return method
        every = inverse if isinstance(inverse, tuple) else (inverse,)
        return object.__new__(ForwardDeltaMeta if any(f is None for f in every) else InvertibleDeltaMeta)

    def __post_init__(self) -> None:
        if not isinstance(self.method, GaussianMethod):
            raise ParametrisationError(f"DeltaMeta: method is {METHODS}, not {self.method!r}")
        every = self.inverse if isinstance(self.inverse, tuple) else (self.inverse,)
        if not all(f is None or callable(f) for f in every):
            raise ParametrisationError(f"DeltaMeta: inverse is a function, a tuple of functions, or None, not {self.inverse!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return DeltaMeta, (self.method, self.inverse)

    def inverse_toward(self, position: int) -> Callable[..., Any] | None:
        """The inverse toward an input, counted from 0; None where none is known.

        Raises:
            ParametrisationError: fewer inverses than inputs.
        """
        if not isinstance(self.inverse, tuple):
            if position and self.inverse is not None:
                raise ParametrisationError("DeltaMeta: a function of several inputs has a tuple of inverses, one an input")
            return self.inverse  # type: ignore[no-any-return]
        if position >= len(self.inverse):
            raise ParametrisationError(f"DeltaMeta: there are {len(self.inverse)} inverses, and none for input {position + 1}")
        return self.inverse[position]  # type: ignore[no-any-return]


class ForwardDeltaMeta(DeltaMeta):
    """Without an inverse for every input: messages toward inputs depend on those of all inputs."""


class InvertibleDeltaMeta(DeltaMeta):
    """With an inverse for every input."""


METHODS = "Linearisation(), Unscented(), GaussHermite(n) or CVI()"
_HINT = (
    "a function needs a meta that says how beliefs go through it: .where(meta=Linearisation());"
    " or Unscented(), GaussHermite(n), CVI(), DeltaMeta(method=..., inverse=...)"
)
_INTERFACES = (Interface("out"), Interface("in", ("ins",), plural=True))


@lru_cache(maxsize=4096)  # one node per function, so that a model's loop makes one kind of factor
def Delta(function: Callable[..., Any], inputs: int | None = None) -> Node:  # noqa: N802 - reads as a node's name in a model
    """The node out = function(in1, in2, ...); one node per function object, all under the rules of ``Delta``.

    Args:
        function: any Python function of the inputs' values.
        inputs: how many there are, each an interface of its own, ``in`` or ``in1``, ``in2``, ...; by default one plural
            interface ``in`` takes them all.

    Returns:
        The node.

    Example:
        >>> def square(x):
        ...     return x * x
        >>> Delta(square) is Delta(square)
        True
        >>> Delta(square)(3.0)
        9.0
        >>> Delta(max, 2).names
        ('out', 'in1', 'in2')
    """
    name = f"Delta({getattr(function, '__name__', repr(function))})"
    if inputs is None:
        return Node(name, "deterministic", _INTERFACES, function, key="Delta", numbered="in", hint=_HINT)
    ins = [Interface("in", ("ins", "in1"))] if inputs == 1 else [Interface(f"in{k + 1}") for k in range(inputs)]
    own = (_INTERFACES[0], *ins)
    return Node(name, "deterministic", own, function, key="Delta", hint=_HINT)


def _applied(*_: Any) -> Any:
    raise TypeError("Delta stands for no function of its own: write Delta(function)")


DELTA = register(
    Node("Delta", "deterministic", _INTERFACES, _applied, numbered="in", hint=_HINT), targets=(Delta,)
)
