"""The course of an inference as one compiled program, in place of iterations one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from reactivepgm.backends import check_backend, refuse_options, solve_in_jax


def course_of(backend: str, plain: Callable[..., Any], names: Sequence[str], **options: Any) -> Callable[..., Any]:
    """What runs the iterations of ``infer``.

    Args:
        backend: "numpy" or "jax".
        plain: iterations one by one.
        names: the variables that are wanted.
        options: options of ``infer`` that a compiled program cannot heed.

    Returns:
        ``plain``, or a function of the same arguments.

    Raises:
        ModelError: a backend that there is not, whose library is missing, or that cannot do what was asked.
    """
    check_backend(backend)
    if backend == "numpy":
        return plain
    refuse_options(**options)

    def whole(run: Any, iterations: int, free_energy: bool, tolerance: float | None, *_: Any) -> Any:
        return solve_in_jax(run.plan, run.beliefs, run.numbers(names), iterations, free_energy, tolerance)

    return whole
