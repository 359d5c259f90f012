"""What sits on an interface of a family: random variables, or fixed values (data, constants, expressions over data)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import PointMass
from reactivepgm.errors import DataError, InvalidParameterError, ModelError
from reactivepgm.graph.site import Site
from reactivepgm.graph.source import ConstantSource, Source, StackedSource
from reactivepgm.graph.variable import VariableArray
from reactivepgm.nodes import Node

IntArray = NDArray[np.intp]


class RandomBinding:
    """Random variables on an interface.

    Args:
        arrays: the array of the variables; on a plural interface one array a component, or one for all.
        index: element numbers, (rows,), or (rows, K) on a plural interface.
    """

    __slots__ = ("arrays", "index")

    def __init__(self, arrays: tuple[VariableArray, ...], index: IntArray) -> None:
        self.arrays = arrays
        self.index = index

    @property
    def array(self) -> VariableArray:
        """The one array all variables belong to.

        Raises:
            ModelError: the components of a plural interface come from different arrays; use ``components()``.
        """
        if any(array is not self.arrays[0] for array in self.arrays):
            names = ", ".join(array.name for array in self.arrays)
            raise ModelError(f"the components {names} are different arrays; go through components()")
        return self.arrays[0]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.index)

    @property
    def is_plural(self) -> bool:
        """Whether several variables a row sit on the interface."""
        return self.index.ndim == 2

    @property
    def names(self) -> tuple[str, ...]:
        """The data it needs: none."""
        return ()

    def components(self) -> Iterator[tuple[int | None, VariableArray, IntArray]]:
        """(component, array, (rows,) element numbers); the component is None on an interface that is not plural."""
        if self.index.ndim == 1:
            yield None, self.arrays[0], self.index
            return
        for k in range(self.index.shape[1]):
            yield k, self.arrays[k if len(self.arrays) > 1 else 0], self.index[:, k]

    def __repr__(self) -> str:
        return f"RandomBinding({', '.join(dict.fromkeys(a.name for a in self.arrays))}, {self.index.shape})"


class FixedBinding:
    """Data, constants or expressions over data on an interface.

    Args:
        source: where the values come from.
        rows: number of rows of the family.
        node: the family's node.
        interface: the interface's name.
        site: the statement.
        is_plural: whether each row has several values.
    """

    __slots__ = ("_constant", "categories", "interface", "is_plural", "node", "rows", "site", "source")

    def __init__(self, source: Source, rows: int, node: Node, interface: str, site: Site, *, is_plural: bool = False) -> None:
        self.source = source
        self.rows = rows
        self.node = node
        self.interface = interface
        self.site = site
        self.is_plural = is_plural
        self.categories: int | None = None
        """How many categories a number is one of, where the factor wants it one-hot."""
        self._constant: PointMass | None = None
        if isinstance(source, ConstantSource):
            self._check(source.value)
            self._constant = self._point(source.value)

    @property
    def names(self) -> tuple[str, ...]:
        """The data it needs; empty for a constant."""
        return self.source.names

    def resolve(self, values: Mapping[str, Any]) -> PointMass:
        """The values, with batch shape (rows,), or () when all rows share one; (rows, K) or (K,) when plural.

        Raises:
            DataError: data are missing or of another shape than the model was built for.
            InvalidParameterError: a value outside the interface's support.
        """
        point, mask = self.resolve_masked(values)
        if mask is not None:
            row = int(np.flatnonzero(mask)[0])
            raise DataError(
                self.site.letter(f"a value is missing at row {row} of {self.interface} of {self.node.name}", write="a value")
            )
        return point

    def resolve_masked(self, values: Mapping[str, Any]) -> tuple[PointMass, NDArray[np.bool_] | None]:
        """The values, and which rows are missing: there stands an arbitrary value that fits.

        Returns:
            The point mass, and (rows,) True where a value is missing, or None where none is.
        """
        if self._constant is not None:
            if self.categories is not None and isinstance(self.source, ConstantSource):
                return self._point(self.source.value), None
            return self._constant, None
        value = self.source.read(values)
        if isinstance(value, float):
            mask = np.full(self.rows, True) if value != value else None
        else:
            value, mask = self._without_missing(np.asarray(value))
        if mask is not None and isinstance(value, float):
            value = self._placeholder(())
        self._check(value)
        return self._point(value), mask

    def _without_missing(self, value: Any) -> tuple[Any, NDArray[np.bool_] | None]:
        gaps = np.isnan(value) if np.issubdtype(value.dtype, np.floating) else np.zeros(1, dtype=bool)
        if not gaps.any():
            return value, None
        rowwise = self.source.is_rowwise
        flat = gaps.reshape(len(gaps), -1) if rowwise else gaps.reshape(1, -1)
        missing: NDArray[np.bool_] = np.asarray(flat.any(axis=1))
        partly = missing & ~flat.all(axis=1)
        if partly.any():
            raise DataError(
                self.site.letter(
                    f"row {int(np.flatnonzero(partly)[0])} of {self.interface} of {self.node.name} is missing in part",
                    write="all of it or none; observe the components by factors of their own",
                )
            )
        present = value[~missing] if rowwise else value[:0]
        event = value.shape[1:] if rowwise else value.shape
        instead = present[0] if len(present) else self._placeholder(event)
        filled = value.copy()
        if rowwise:
            filled[missing] = instead
            return filled, missing
        filled[...] = instead
        return filled, np.full(self.rows, True)

    def _placeholder(self, event: tuple[int, ...]) -> Any:
        """A finite value inside the support, for rows that drop out anyway."""
        support = self.node.interface(self.interface).support
        if support in ("positive_definite", "positive_semidefinite"):
            return np.eye(event[-1])
        if support in ("simplex", "category", "stochastic_columns") and event:
            return np.full(event, 1.0 / (event[0] if support == "stochastic_columns" else event[-1]))
        level = 0.0 if support is None else 0.5 if support == "unit" else 1.0
        return np.full(event, level) if event else level

    def _event_rank(self, value: Any) -> int:
        return int(np.ndim(value)) - self.source.is_rowwise - self.is_plural

    def _point(self, value: Any) -> PointMass:
        if self.categories is not None and self._event_rank(value) == 0:
            return PointMass(self._one_hot(np.asarray(value), self.categories), event_rank=1)
        if isinstance(value, float):
            return PointMass(value)
        return PointMass(value, event_rank=self._event_rank(value))

    def _one_hot(self, value: NDArray[Any], count: int) -> NDArray[Any]:
        """Whole numbers (*batch,) as unit vectors (*batch, count)."""
        outside = (value < 0) | (value >= count)
        if outside.any():
            row = int(np.flatnonzero(outside)[0])
            raise DataError(
                self.site.letter(
                    f"{self.interface} of {self.node.name} is one of {count} categories, 0 to {count - 1};"
                    f" row {row} is {value.ravel()[row]:g}",
                    write=f"categories counted from 0, or a prior for more than {count} of them",
                )
            )
        unit: NDArray[Any] = (value[..., None] == np.arange(count)).astype(value.dtype)
        return unit

    def _check(self, value: Any) -> None:
        edge = self.node.interface(self.interface)
        if edge.event_rank is not None and self._event_rank(value) != edge.event_rank:
            kinds = ("a scalar", "a vector", "a matrix")
            wanted = kinds[edge.event_rank] if edge.event_rank < 3 else f"an array of rank {edge.event_rank}"
            shape = np.shape(value)[self.source.is_rowwise + self.is_plural :]
            error = DataError if self.names else InvalidParameterError
            raise error(self.site.letter(f"{self.interface} of {self.node.name} must be {wanted}; its shape is {shape}"))
        if self.names and not np.isfinite(value).all():
            self._refuse_infinite(np.asarray(value))
        if edge.support is None:
            return
        try:
            self.node.check(self.interface, value, self._event_rank(value))
        except InvalidParameterError as error:
            raise InvalidParameterError(self.site.letter(str(error), write="a value inside the support")) from None

    def _refuse_infinite(self, value: Any) -> None:
        bad = ~np.isfinite(value)
        row = int(np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))[0]) if self.source.is_rowwise else 0
        met = f"{self.interface} of {self.node.name} is not finite at row {row}: {value[bad].flat[0]}"
        raise DataError(self.site.letter(met, write="a finite value, or None where an observation is missing"))

    def __repr__(self) -> str:
        return f"FixedBinding({', '.join(self.names) or 'constant'}, rows={self.rows})"


class MixedBinding(RandomBinding):
    """Random variables and fixed values side by side on a plural interface.

    Args:
        parts: one binding a component, in their order; at least one random and one fixed.
    """

    __slots__ = ("clamped", "numbers", "width")

    def __init__(self, parts: Sequence[RandomBinding | FixedBinding]) -> None:
        random = [(k, part) for k, part in enumerate(parts) if isinstance(part, RandomBinding)]
        super().__init__(tuple(p.arrays[0] for _, p in random), np.stack([p.index for _, p in random], axis=1))
        self.numbers = tuple(k for k, _ in random)
        self.clamped = {k: part for k, part in enumerate(parts) if isinstance(part, FixedBinding)}
        self.width = len(parts)

    @staticmethod
    def of(parts: Sequence[RandomBinding | FixedBinding], rows: int, node: Node, interface: str, site: Site) -> Binding:
        """The binding of a plural interface from those of its components, whatever they are."""
        random = [part for part in parts if isinstance(part, RandomBinding)]
        fixed = [part for part in parts if isinstance(part, FixedBinding)]
        if random and fixed:
            return MixedBinding(parts)
        if random:
            arrays = tuple(part.arrays[0] for part in random)
            index = np.stack([part.index for part in random], axis=1)
            return RandomBinding(arrays[:1] if len(set(map(id, arrays))) == 1 else arrays, index)
        sources = tuple(part.source for part in fixed)
        stack: Source = StackedSource(sources, rows)
        if all(isinstance(source, ConstantSource) for source in sources):
            stack = ConstantSource(stack.read({}), stack.is_rowwise)
        return FixedBinding(stack, rows, node, interface, site, is_plural=True)

    @property
    def names(self) -> tuple[str, ...]:
        """The data that the fixed components need."""
        return tuple(dict.fromkeys(name for part in self.clamped.values() for name in part.names))

    def components(self) -> Iterator[tuple[int | None, VariableArray, IntArray]]:
        """The random components: (component, array, (rows,) element numbers)."""
        for column, number in enumerate(self.numbers):
            yield number, self.arrays[column], self.index[:, column]

    def __repr__(self) -> str:
        return f"MixedBinding({len(self.numbers)} random, {len(self.clamped)} fixed, rows={self.rows})"


Binding = RandomBinding | FixedBinding
