"""Many distributions as one batched distribution: along a new axis (stack) or an old one (concatenate)."""

from collections.abc import Sequence

from reactivepgm.distributions.base import Distribution
from reactivepgm.distributions.factorized import Factorized
from reactivepgm.distributions.indexing import broadcast_rows, concatenate_rows, stack_rows
from reactivepgm.distributions.uninformative import Uninformative
from reactivepgm.errors import InvalidParameterError
from reactivepgm.numerics.array import broadcast_shapes


def stack(dists: Sequence[Distribution], axis: int = 0) -> Distribution:
    """One distribution with a new batch axis; the batch shapes broadcast.

    Distributions of one exponential family but different parametrisations become its canonical class.

    Args:
        dists: at least one.
        axis: where the new axis goes among the batch axes; negative counts from the last batch axis.

    Raises:
        InvalidParameterError: nothing to stack, or families that do not mix.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> stack([NormalMeanVariance(0.0, 1.0), NormalMeanVariance(2.0, 3.0)])
        NormalMeanVariance(mean=[0.0, 2.0], variance=[1.0, 3.0])
    """
    dists = _alike(dists, "stack")
    first = dists[0]
    if isinstance(first, Uninformative):
        return first
    if isinstance(first, Factorized):
        return Factorized._of({n: stack([d.factors[n] for d in dists], axis) for n in first.factors})  # type: ignore[attr-defined]
    columns = list(zip(*(d.parameters.values() for d in dists), strict=True))
    if all(type(value) is float for column in columns for value in column):
        return first.like(*(stack_rows(column, 0, 0) for column in columns))
    batch = broadcast_shapes(*(d.batch_shape for d in dists))
    return first.like(
        *(
            stack_rows([broadcast_rows(value, rank, batch) for value in column], rank, axis)
            for column, rank in zip(columns, first._ranks, strict=True)
        )
    )


def concatenate(dists: Sequence[Distribution], axis: int = 0) -> Distribution:
    """One distribution with the rows of all, one after the other along a batch axis.

    Args:
        dists: at least one; all with at least one batch axis.
        axis: the batch axis.

    Raises:
        InvalidParameterError: nothing to join, families that do not mix, or a distribution without rows.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance
        >>> concatenate([NormalMeanVariance([0.0], 1.0), NormalMeanVariance([2.0, 3.0], 1.0)])
        NormalMeanVariance(mean=[0.0, 2.0, 3.0], variance=[1.0, 1.0, 1.0])
    """
    dists = _alike(dists, "concatenate")
    first = dists[0]
    if isinstance(first, Uninformative) or len(dists) == 1:
        return first
    shapes = [d.batch_shape for d in dists]
    if not all(shapes):
        raise InvalidParameterError("only batched distributions can be concatenated; stack single ones")
    place = axis % len(shapes[0])
    if isinstance(first, Factorized):
        return Factorized._of(
            {
                n: concatenate([d.factors[n].broadcast_to(s) for d, s in zip(dists, shapes, strict=True)], axis)  # type: ignore[attr-defined]
                for n in first.factors
            }
        )
    columns = list(zip(*(d.parameters.values() for d in dists), strict=True))
    joined = []
    for column, rank in zip(columns, first._ranks, strict=True):
        rows = [broadcast_rows(value, rank, shape) for value, shape in zip(column, shapes, strict=True)]
        joined.append(concatenate_rows(rows, place))
    return first.like(*joined)


def _alike(dists: Sequence[Distribution], verb: str) -> list[Distribution]:
    dists = list(dists)
    if not dists:
        raise InvalidParameterError(f"nothing to {verb}")
    first = dists[0]
    kinds = {type(d) for d in dists}
    if len(kinds) == 1 and len({d._ranks for d in dists}) == 1:
        if isinstance(first, Factorized) and any(set(d.factors) != set(first.factors) for d in dists):  # type: ignore[attr-defined]
            raise InvalidParameterError(f"cannot {verb} Factorized of different variables")
        return dists
    group = first.group
    if group is None or any(d.group is not group for d in dists):
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise InvalidParameterError(f"cannot {verb} distributions of different families: {names}")
    return [group.from_naturals(*d.naturals()) for d in dists]
