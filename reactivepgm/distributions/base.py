"""A belief: an immutable, batched distribution whose constructor arguments are its attributes.

Parameters are (*batch, *event of that parameter), batch axes first, and broadcast lazily: ``batch_shape`` is the
broadcast of what the parameters bring. Two doors lead in: the constructor casts and checks shapes, ``_of`` trusts.
"""

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

import numpy as np

from reactivepgm.distributions.html import html_of
from reactivepgm.distributions.indexing import broadcast_rows, take_rows
from reactivepgm.distributions.marker import drawn, first_symbolic, optioned
from reactivepgm.distributions.notation import abbreviated
from reactivepgm.errors import InvalidParameterError, ParametrisationError
from reactivepgm.numerics.array import Array, as_array, as_scalar, broadcast_shapes, shape_of
from reactivepgm.numerics.elementary import sqrt

if TYPE_CHECKING:
    from reactivepgm.distributions.group import Group

_new = object.__new__


def _trusted(cls: type, names: tuple[str, ...]) -> Callable[..., Any]:
    """A constructor that only stores: two bound slot setters cost half of two attribute assignments."""
    setters = [getattr(cls, name).__set__ for name in names]
    if len(setters) == 1:
        (one,) = setters

        def of_one(a: Any) -> Any:
            self: Any = _new(cls)
            one(self, a)
            return self

        return of_one
    if len(setters) == 2:
        first, second = setters

        def of_two(a: Any, b: Any) -> Any:
            self: Any = _new(cls)
            first(self, a)
            second(self, b)
            return self

        return of_two

    def of_any(*values: Any) -> Any:
        self: Any = _new(cls)
        for setter, value in zip(setters, values, strict=True):
            setter(self, value)
        return self

    return of_any


class DistributionMeta(type):
    """Makes the constructor a pending factor when an argument is symbolic, and cheap when all are floats."""

    def __new__(mcs, name: str, bases: tuple[type, ...], body: dict[str, Any], **options: Any) -> "DistributionMeta":
        """Every distribution class is slotted, and gets its own trusted constructor."""
        body.setdefault("__slots__", ())
        cls = super().__new__(mcs, name, bases, body, **options)
        ranks = body.get("parameter_ranks")
        if ranks and "_of" not in body:
            of = _trusted(cls, tuple(ranks))
            cls._of = staticmethod(of)  # type: ignore[attr-defined]
            if not any(ranks.values()):
                cls._float_arity = len(ranks)  # type: ignore[attr-defined]
        return cls

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """A distribution, or what a symbolic argument makes of the call."""
        if not kwargs:
            for value in args:
                if type(value) is not float:
                    break
            else:
                if len(args) == cls._float_arity:  # type: ignore[attr-defined]
                    return cls._of(*args)  # type: ignore[attr-defined]
        symbolic = first_symbolic(args, kwargs)
        if symbolic is not None:
            return symbolic.pending(cls, args, kwargs)
        return cls._checked(*args, **kwargs)  # type: ignore[attr-defined]

    @property
    def __signature__(cls) -> Signature:
        """What ``inspect.signature`` and help show: the parameters, or those of a constructor with options."""
        checked = cls._checked  # type: ignore[attr-defined]
        if checked.__func__ is not Distribution._checked.__func__:  # type: ignore[attr-defined]
            return signature(checked)
        names = cls.parameter_ranks  # type: ignore[attr-defined]
        return Signature([Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names])


class Distribution(metaclass=DistributionMeta):
    """What every belief offers; see the module docstring for shapes.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> d = NormalMeanVariance([0.0, 1.0, 2.0], 4.0)
        >>> d.batch_shape, d[1]
        ((3,), NormalMeanVariance(mean=1.0, variance=4.0))
    """

    parameter_ranks: ClassVar[dict[str, int]] = {}
    """The constructor's arguments and the number of event axes of each."""
    group: ClassVar["Group | None"] = None
    """The exponential family, shared by all its parametrisations; None outside."""
    _float_arity: ClassVar[int] = -1
    """How many floats make an instance without any check; -1 if none do."""

    if TYPE_CHECKING:

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

        def where(self, *, q: Any = None, meta: Any = None, pipeline: Any = None) -> Self:
            """The options of a statement; no distribution keeps them."""

    else:

        def where(self, **options: Any) -> Any:
            """A factor with options, in a function that runs as it was written while a model is built."""
            return optioned(self, options)

    @classmethod
    def _of(cls, *values: Any) -> Self:
        """Trusted constructor: parameters in order, neither cast nor checked."""
        raise ParametrisationError(f"{cls.__name__} is abstract")

    @classmethod
    def _checked(cls, *args: Any, **kwargs: Any) -> Self:
        """The careful constructor: names, casts, checks shapes."""
        names = cls.parameter_ranks
        if not names:
            raise ParametrisationError(f"{cls.__name__} is an abstract family; it has no constructor")
        given = bind(cls.__name__, tuple(names), args, kwargs)
        for name, value in zip(names, given, strict=True):
            if value is None:
                raise InvalidParameterError(f"{cls.__name__}: {name} is None, which is no number")
        values = [_own(value) for value in given]
        for (name, rank), value in zip(names.items(), values, strict=True):
            if len(shape_of(value)) < rank:
                cls._too_few_axes(name, rank, value)
        cls._check_shapes(*values)
        self = cls._of(*values)
        self._check_batch()
        return self

    @classmethod
    def _check_shapes(cls, *values: Array) -> None:
        """Check what the parameters' event shapes have to do with each other."""

    @classmethod
    def _too_few_axes(cls, name: str, rank: int, value: Array) -> NoReturn:
        wanted = ("a number", "a vector (*batch, d)", "a matrix (*batch, d, d)")[min(rank, 2)]
        raise InvalidParameterError(f"{cls.__name__}: {name} must be {wanted}, not of shape {shape_of(value)}")

    def _check_batch(self) -> None:
        try:
            self.batch_shape  # noqa: B018
        except ValueError:
            shown = ", ".join(f"{name} {shape_of(value)}" for name, value in self.parameters.items())
            raise InvalidParameterError(f"{type(self).__name__}: the shapes do not broadcast: {shown}") from None

    @property
    def parameters(self) -> dict[str, Array]:
        """The constructor's arguments by name, in order."""
        return {name: getattr(self, name) for name in self.parameter_ranks}

    @property
    def _ranks(self) -> tuple[int, ...]:
        return tuple(self.parameter_ranks.values())

    def like(self, *values: Array) -> Self:
        """The same kind of distribution with other parameters, neither cast nor checked.

        Example:
            >>> from reactivepgm.distributions import PointMass
            >>> PointMass([1.0, 2.0]).like(np.zeros((5, 2))).event_shape
            (2,)
        """
        return type(self)._of(*values)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The rows: the broadcast of the parameters' leading axes."""
        result: tuple[int, ...] = ()
        for name, rank in self.parameter_ranks.items():
            value = getattr(self, name)
            if type(value) is not float:
                shape = value.shape[: len(value.shape) - rank]
                if shape != result:
                    result = broadcast_shapes(result, shape)
        return result

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one value; () for scalars."""
        return ()

    @property
    def mean(self) -> Array:
        """E x, (*batch, *event); nan or inf where it does not exist."""
        raise NotImplementedError

    @property
    def variance(self) -> Array:
        """The variance of every component of x, (*batch, *event)."""
        raise NotImplementedError

    @property
    def std(self) -> Array:
        """The standard deviation of every component of x, (*batch, *event)."""
        return sqrt(self.variance)

    @property
    def mode(self) -> Array:
        """A value of highest density, (*batch, *event); nan where there is none."""
        raise NotImplementedError

    def entropy(self) -> Array:
        """-E log p(x) in nats, (*batch,)."""
        raise NotImplementedError

    def log_pdf(self, x: Array) -> Array:
        """log p(x), (*batch,); x (..., *event) broadcasts against the batch."""
        raise NotImplementedError

    def sample(self, rng: np.random.Generator, n: int | None = None) -> Array:
        """Draws: (n, *batch, *event), or (*batch, *event) when n is None."""
        raise NotImplementedError

    def _drawn(self, x: Array) -> Array:
        """A draw in the precision of the parameters; generators only know double."""
        precision = np.result_type(*(value for value in self.parameters.values() if type(value) is not float), 0.0)
        return as_scalar(x if x.dtype == precision else x.astype(precision)) if isinstance(x, np.ndarray) else x

    def naturals(self) -> tuple[Array, ...]:
        """The natural parameters of the group, each (*batch, *event of that parameter)."""
        raise ParametrisationError(f"{type(self).__name__} belongs to no exponential family")

    def broadcast_to(self, batch_shape: tuple[int, ...]) -> Self:
        """The same distribution with every parameter brought to a batch shape, as views.

        Example:
            >>> from reactivepgm.distributions import NormalMeanVariance
            >>> NormalMeanVariance(0.0, 1.0).broadcast_to((3,)).variance
            array([1., 1., 1.])
        """
        values = self.parameters.values()
        return self.like(*(broadcast_rows(v, r, batch_shape) for v, r in zip(values, self._ranks, strict=True)))

    def __getitem__(self, index: Any) -> Self:
        """Choose rows; event axes are out of reach, and parameters that all rows share stay shared."""
        return self.like(*take_rows(tuple(self.parameters.values()), self._ranks, self.batch_shape, index))

    def __len__(self) -> int:
        shape = self.batch_shape
        if not shape:
            raise TypeError(f"a single {type(self).__name__} has no length")
        return shape[0]

    def __invert__(self) -> Any:
        """A variable with this prior, in a function that runs as it was written while a model is built."""
        return drawn(self)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other) or not isinstance(other, Distribution):
            return NotImplemented
        mine, theirs = self.parameters.values(), other.parameters.values()
        return self._ranks == other._ranks and all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))

    def __hash__(self) -> int:
        # A few entries of each parameter suffice, and read as floats they agree for float32 and float64.
        parts: list[Any] = [type(self)]
        for value in self.parameters.values():
            flat = np.ravel(value)
            parts.append((np.shape(value), *(float(x) for x in flat[:: max(1, flat.size // 4)])))
        return hash(tuple(parts))

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable; make a new one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuilt, (type(self), tuple(self.parameters.values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={abbreviated(value)}" for name, value in self.parameters.items())
        return f"{type(self).__name__}({shown})"

    def _repr_html_(self) -> str:
        return html_of(self)


def rebuilt(cls: type[Distribution], values: tuple[Any, ...]) -> Distribution:
    """A distribution from its pickled parameters.

    Example:
        >>> from reactivepgm.distributions import Beta
        >>> rebuilt(Beta, (1.0, 2.0))
        Beta(a=1.0, b=2.0)
    """
    return cls._of(*values)


def _own(value: Any) -> Array:
    """A parameter that nobody else can change: an array is copied, and read-only."""
    array = as_array(value)
    if isinstance(array, np.ndarray):
        if array is value or array.base is not None:
            array = array.copy()
        array.setflags(write=False)
    return array


def bind(owner: str, names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """Arguments in the order of the names.

    Raises:
        ParametrisationError: some are missing, unknown or given twice.

    Example:
        >>> bind("Beta", ("a", "b"), (1.0,), {"b": 2.0})
        [1.0, 2.0]
    """
    rest = names[len(args) :]
    if len(args) > len(names) or len(kwargs) != len(rest) or any(name not in kwargs for name in rest):
        given = [*("_" for _ in args), *(f"{name}=" for name in kwargs)]
        call = f"{owner}({', '.join(names)})"
        raise ParametrisationError(f"write {call}; {owner}({', '.join(given)}) does not say which parameters they are")
    return [*args, *(kwargs[name] for name in rest)]
