"""Other machines for the same plan: ``backend="jax"`` runs it as one jitted program."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from reactivepgm.backends.refusal import refuse_options as refuse_options
from reactivepgm.errors import ModelError
from reactivepgm.plan import Beliefs, Plan

BACKENDS = ("numpy", "jax")
"""What ``infer(backend=...)`` takes."""


def check_backend(name: object) -> None:
    """Raise for a backend that there is not, or whose library is missing.

    Raises:
        ModelError: says what to write, or to install.

    Example:
        >>> check_backend("numpy")
    """
    if name not in BACKENDS:
        raise ModelError(f'backend={name!r} is none\n  write  backend="numpy" or backend="jax"')
    if name == "jax" and find_spec("jax") is None:
        raise ModelError("backend=\"jax\" needs JAX, which is not installed\n  write  pip install 'reactivepgm[jax]'")


def solve_in_jax(
    plan: Plan, beliefs: Beliefs, arrays: Sequence[int], iterations: int, is_scored: bool, tolerance: float | None
) -> tuple[list[float], int, bool | None]:
    """Iterate a plan as one compiled program; see ``compiled.solve``.

    Args:
        plan: the plan.
        beliefs: clamped and begun; the posteriors are left there.
        arrays: whose marginals are wanted at once; the others are computed when they are read.
        iterations: how many.
        is_scored: whether the free energy is wanted.
        tolerance: when to stop.

    Returns:
        The free energies, how many iterations were run, and whether they settled.
    """
    from reactivepgm.backends.compiled import solve  # JAX is imported by whoever asks for it
    from reactivepgm.backends.program import Wishes

    return solve(plan, beliefs, Wishes(iterations, is_scored, tolerance, tuple(sorted(set(arrays)))))
