"""The law of batches: one call on n stacked inputs equals n calls."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from reactivepgm.distributions import Distribution, Factorized, stack


def assert_rows_alike(call: Callable[..., Any], **rows: Sequence[Distribution]) -> None:
    """Stack each input's rows, call once, and compare every row with a call of its own."""
    batched = call(**{name: stack(list(given), axis=0) for name, given in rows.items()})
    for i in range(len(next(iter(rows.values())))):
        assert_alike(batched, call(**{name: given[i] for name, given in rows.items()}), i)


def assert_alike(batched: Any, single: Any, row: int) -> None:
    """One row of a result equals a result: distributions, joints that fall apart, or numbers."""
    if isinstance(single, Factorized):
        assert set(batched.factors) == set(single.factors)
        for name, part in single.factors.items():
            assert_alike(batched.factors[name], part, row)
    elif isinstance(single, Distribution):
        mine = batched[row]
        assert type(mine) is type(single)
        for name, value in single.parameters.items():
            np.testing.assert_allclose(mine.parameters[name], value, rtol=1e-10, atol=1e-13, err_msg=name)
    else:
        np.testing.assert_allclose(
            np.broadcast_to(batched, (row + 1,))[row] if np.ndim(batched) == 0 else batched[row], single, rtol=1e-10
        )
