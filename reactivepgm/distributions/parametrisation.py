"""``Normal``, ``MvNormal`` and ``Gamma``: the keywords say which parametrisation is meant."""

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, overload

from reactivepgm.distributions.base import Distribution, DistributionMeta
from reactivepgm.distributions.gamma import GammaFamily, GammaShapeRate, GammaShapeScale
from reactivepgm.distributions.marker import first_symbolic
from reactivepgm.distributions.mv_normal import MultivariateNormal, MvNormalMeanCovariance, MvNormalMeanPrecision
from reactivepgm.distributions.normal import NormalMeanPrecision, NormalMeanVariance, UnivariateNormal
from reactivepgm.errors import ParametrisationError


class Chooser(type):
    """The type of names that stand for several classes, of which keywords choose one."""

    choices: dict[frozenset[str], type[Distribution]]
    family: type[Distribution]
    examples: tuple[str, ...]

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """A distribution of the class that the keywords choose; a pending factor if an argument is symbolic."""
        symbolic = first_symbolic(args, kwargs)
        if symbolic is not None:
            return symbolic.pending(cls, args, kwargs)
        chosen = cls.choices.get(frozenset(kwargs))
        if args or chosen is None:
            cls._refuse(args, kwargs)
        return chosen(**kwargs)

    def _refuse(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> NoReturn:
        given = ", ".join([*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())])
        forms = []
        for names in cls.choices:
            ordered: list[str] = [name for name in ("mean", "shape") if name in names]
            ordered += [name for name in names if name not in ordered]
            values = args if len(args) == len(ordered) and not kwargs else cls.examples
            forms.append(f"{cls.__name__}({', '.join(f'{n}={v}' for n, v in zip(ordered, values, strict=True))})")
        raise ParametrisationError(
            f"{cls.__name__}({given}) does not say which parametrisation is meant: write {' or '.join(forms)}"
        )

    def __instancecheck__(cls, instance: object) -> bool:
        """Whether it belongs to the family, in any parametrisation."""
        return isinstance(instance, cls.family)

    def __subclasscheck__(cls, subclass: type) -> bool:
        """Whether a class is a parametrisation of the family."""
        return subclass is cls or issubclass(subclass, cls.family)


if TYPE_CHECKING:
    # To a type checker Normal(mean=..., variance=...) is a univariate normal, and other keywords are a mistake.
    _Choice = DistributionMeta
    _Normal = UnivariateNormal
    _MvNormal = MultivariateNormal
    _Gamma = GammaFamily
else:
    _Choice = Chooser
    _Normal = _MvNormal = _Gamma = object


class Normal(_Normal, metaclass=_Choice):
    """A normal by mean and variance, or by mean and precision.

    Args:
        mean: (*batch,).
        variance: (*batch,), or
        precision: (*batch,).

    Raises:
        ParametrisationError: positional arguments, or other keywords.

    Example:
        >>> Normal(mean=0.0, precision=2.0)
        NormalMeanPrecision(mean=0.0, precision=2.0)
        >>> Normal(0, 1)
        Traceback (most recent call last):
        ...
        reactivepgm.errors.ParametrisationError: Normal(0, 1) does not say which parametrisation is meant: \
write Normal(mean=0, variance=1) or Normal(mean=0, precision=1)
    """

    family: ClassVar[type[Distribution]] = UnivariateNormal
    choices: ClassVar[dict[frozenset[str], type[Distribution]]] = {
        frozenset({"mean", "variance"}): NormalMeanVariance,
        frozenset({"mean", "precision"}): NormalMeanPrecision,
    }
    examples: ClassVar[tuple[str, ...]] = ("0.0", "1.0")

    if TYPE_CHECKING:

        @overload
        def __init__(self, *, mean: Any, variance: Any) -> None: ...
        @overload
        def __init__(self, *, mean: Any, precision: Any) -> None: ...
        def __init__(self, **parameters: Any) -> None: ...


class MvNormal(_MvNormal, metaclass=_Choice):
    """A multivariate normal by mean and covariance, or by mean and precision.

    Args:
        mean: (*batch, d).
        covariance: (*batch, d, d), or
        precision: (*batch, d, d).

    Raises:
        ParametrisationError: positional arguments, or other keywords.

    Example:
        >>> MvNormal(mean=[0.0], covariance=[[1.0]])
        MvNormalMeanCovariance(mean=[0.0], covariance=[[1.0]])
    """

    family: ClassVar[type[Distribution]] = MultivariateNormal
    choices: ClassVar[dict[frozenset[str], type[Distribution]]] = {
        frozenset({"mean", "covariance"}): MvNormalMeanCovariance,
        frozenset({"mean", "precision"}): MvNormalMeanPrecision,
    }
    examples: ClassVar[tuple[str, ...]] = ("numpy.zeros(d)", "numpy.eye(d)")

    if TYPE_CHECKING:

        @overload
        def __init__(self, *, mean: Any, covariance: Any) -> None: ...
        @overload
        def __init__(self, *, mean: Any, precision: Any) -> None: ...
        def __init__(self, **parameters: Any) -> None: ...


class Gamma(_Gamma, metaclass=_Choice):
    """A gamma by shape and rate, or by shape and scale.

    Args:
        shape: (*batch,).
        rate: (*batch,), or
        scale: (*batch,).

    Raises:
        ParametrisationError: positional arguments, or other keywords.

    Example:
        >>> Gamma(shape=2.0, scale=3.0).mean
        6.0
    """

    family: ClassVar[type[Distribution]] = GammaFamily
    choices: ClassVar[dict[frozenset[str], type[Distribution]]] = {
        frozenset({"shape", "rate"}): GammaShapeRate,
        frozenset({"shape", "scale"}): GammaShapeScale,
    }
    examples: ClassVar[tuple[str, ...]] = ("1.0", "1.0")

    if TYPE_CHECKING:

        @overload
        def __init__(self, *, shape: Any, rate: Any) -> None: ...
        @overload
        def __init__(self, *, shape: Any, scale: Any) -> None: ...
        def __init__(self, **parameters: Any) -> None: ...
