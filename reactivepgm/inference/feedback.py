"""``autoupdates``: from posteriors to the parameters of the next step; whatever is wrong with it is told by its name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from reactivepgm.distributions import Distribution
from reactivepgm.errors import DataError, ModelError
from reactivepgm.graph import VariableArray, as_data_value, fitted


class Feedback:
    """The user's function, called once after every observation.

    Args:
        function: from the posteriors by name, and the observation if it takes two arguments, to values by parameter name.

    Attributes:
        function: as it was given.
        takes_data: whether it is called with the observation too.

    Raises:
        ModelError: it is no function of one or two arguments.

    Example:
        >>> feedback = Feedback(lambda beliefs: {"m": 1.0 / 0.0})
        >>> feedback({}, {})  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        reactivepgm.errors.ModelError: autoupdates `<lambda>` (...) failed with ZeroDivisionError: float division by zero
    """

    def __init__(self, function: Callable[..., Mapping[str, Any]] | None) -> None:
        if function is not None and not callable(function):
            raise ModelError(
                f"autoupdates must be a function, not {function!r}\n"
                '  write  autoupdates=lambda q: {"m": q["x"].mean, "v": q["x"].variance}'
            )
        self.function = function
        self.takes_data = function is not None and _positional(function) >= 2

    @property
    def is_given(self) -> bool:
        """Whether there is a function."""
        return self.function is not None

    def __str__(self) -> str:
        code = getattr(self.function, "__code__", None)
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return f"autoupdates `{name}`" + (f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else "")

    def __call__(self, beliefs: Mapping[str, Distribution], observation: Mapping[str, Any]) -> Mapping[str, Any]:
        """The new values.

        Raises:
            ModelError: the function fails, or returns no mapping.
        """
        assert self.function is not None
        try:
            returned = self.function(beliefs, observation) if self.takes_data else self.function(beliefs)
        except Exception as error:
            raise self.failed(error) from error
        return self.checked(returned)

    def failed(self, error: Exception) -> ModelError:
        """The error for a function that fails."""
        told = error.args[0] if isinstance(error, KeyError) and error.args else error
        return ModelError(f"{self} failed with {type(error).__name__}: {told}")

    def checked(self, returned: Any) -> Mapping[str, Any]:
        """What the function returned.

        Raises:
            ModelError: no mapping.
        """
        if not isinstance(returned, Mapping):
            raise ModelError(f"{self} must return a mapping from parameter names to values, not {returned!r}")
        return returned

    def value(self, array: VariableArray, value: Any) -> Any:
        """A returned value that fits its parameter.

        Raises:
            DataError: another shape, no number, or not finite.
        """
        try:
            fits = fitted(array, value)
        except DataError as error:
            raise DataError(f"{self} returned {value!r} for `{array.name}`: {error}") from None
        if not np.isfinite(fits).all():
            raise DataError(f"{self} returned {value!r} for `{array.name}`: a parameter must be finite")
        return fits

    def like(self, name: str, value: Any, given: Any) -> Any:
        """A returned value in the place of an argument of the model.

        Raises:
            DataError: another shape than the argument's, no number, or not finite.
        """
        try:
            fits, shape = as_data_value(name, value), np.shape(as_data_value(name, given))
        except DataError as error:
            raise DataError(f"{self} returned {value!r} for `{name}`: {error}") from None
        if np.shape(fits) != shape:
            met = f"its shape is {np.shape(fits)}, the model was given {name} of shape {shape}"
            raise DataError(f"{self} returned {value!r} for `{name}`: {met}")
        if not np.isfinite(fits).all():
            raise DataError(f"{self} returned {value!r} for `{name}`: a parameter must be finite")
        return float(fits) if np.ndim(fits) == 0 else fits

    def unknown(self, name: str, parameters: Iterable[str]) -> ModelError:
        """The error for a name that is no parameter of the model."""
        there = ", ".join(parameters) or "none"
        return ModelError(f"{self} returned `{name}`, which is no parameter of the model; those are {there}")


def _positional(function: Callable[..., Any]) -> int:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some callables written in C have no signature
        return 1
    return sum(p.kind in kinds and p.default is p.empty for p in parameters)
