"""``history=``: how many posteriors an engine keeps; never all, because streams do not end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reactivepgm.errors import ModelError


def checked_history(history: Any) -> Mapping[str, int] | int | None:
    """The option as it was given.

    Args:
        history: a number of posteriors for every named variable, numbers by name, or None for none.

    Raises:
        ModelError: no number, such as True or a list of names.

    Example:
        >>> checked_history({"x": 10})
        {'x': 10}
        >>> checked_history(True)
        Traceback (most recent call last):
        ...
        reactivepgm.errors.ModelError: history must say how many posteriors to keep, not True
          write  history=1000, or history={"x": 1000}
    """
    if history is None or _is_size(history):
        return history  # type: ignore[no-any-return]
    if isinstance(history, Mapping) and all(isinstance(name, str) and _is_size(n) for name, n in history.items()):
        return dict(history)
    names = list(history) if isinstance(history, list | tuple | set) else []
    example = ", ".join(f'"{name}": 1000' for name in names if isinstance(name, str)) or '"x": 1000'
    raise ModelError(
        f"history must say how many posteriors to keep, not {history!r}\n  write  history=1000, or history={{{example}}}"
    )


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
