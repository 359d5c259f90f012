"""Draws of a graph's variables, made block by block from their ancestors; all draws of a block in one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.distributions import Distribution, PointMass
from reactivepgm.errors import DataError, ImproperPosteriorError, ModelError, ReactivePGMError
from reactivepgm.graph import Family, FixedBinding, RandomBinding, VariableArray
from reactivepgm.graph.ancestral import Ancestry, Block, cell_count, data_cells, output_source, plain_source
from reactivepgm.graph.binding import MixedBinding
from reactivepgm.graph.derived import BatchedSource
from reactivepgm.graph.source import DataSource, Source, StackedSource
from reactivepgm.nodes.sampling import aligned_events, draw
from reactivepgm.numerics.array import Array

Rows = NDArray[np.intp] | None


class Draws:
    """``n`` draws of every array that has been drawn so far, flat: (n, cells, *event) by array id.

    Args:
        n: how many draws.
        rng: the source of randomness.
        values: the data that are given.
        ancestry: what is drawn, and which data feed back.
    """

    def __init__(self, n: int, rng: np.random.Generator, values: Mapping[str, Any], ancestry: Ancestry) -> None:
        self.n = n
        self.rng = rng
        self.values = values
        self.ancestry = ancestry
        self._flat: dict[int, Array] = {}
        self._fixed: dict[int, PointMass] = {}

    def give(self, array: VariableArray, belief: Distribution) -> None:
        """Draw an array from a belief about all of it."""
        drawn = np.asarray(belief.broadcast_to(array.shape).sample(self.rng, self.n))
        self._flat[array.id] = drawn.reshape(self.n, array.size, *drawn.shape[1 + len(array.shape) :])

    def draw(self, block: Block) -> None:
        """Draw the outputs of a block of factors.

        Raises:
            ModelError: an improper factor, or one whose draws are no finite numbers.
        """
        family = block.family
        rows = family.rows if block.rows is None else len(block.rows)
        output, *names = family.interfaces
        inputs = [self._input(family, name, block.rows) for name in _positional(family, names)]
        try:
            with np.errstate(all="ignore"):
                drawn = draw(family.node, self.rng, inputs, (self.n, rows))
        except ImproperPosteriorError:
            raise ModelError(self._improper(family, "an improper prior")) from None
        except ReactivePGMError as error:
            raise type(error)(family.site.letter(str(error))) from None
        except (ArithmeticError, ValueError) as error:
            raise ModelError(self._improper(family, f"no prior that can be drawn from ({error})")) from error
        if not np.isfinite(drawn).all():
            raise ModelError(self._improper(family, "no prior whose draws are finite"))
        self._put(family, output, block.rows, drawn)

    def of(self, array: VariableArray) -> Array:
        """The draws of an array in its own shape, (n, *shape, *event)."""
        if not array.size and array.id not in self._flat:
            return np.empty((self.n, *array.shape, *(array.value_shape or ())))
        flat = self._flat[array.id]
        shape = array.shape if array.kind == "random" else (*array.shape, *(array.value_shape or ()))
        return flat.reshape(self.n, *shape, *flat.shape[2:])

    def _improper(self, family: Family, what: str) -> str:
        binding = family.bindings[family.interfaces[0]]
        if isinstance(binding, FixedBinding):
            name = ", ".join(binding.names)
        else:
            name = ", ".join(dict.fromkeys(array.name for _, array, _ in binding.components()))
        return family.site.letter(
            f"{name} has {what}: {family.node.name} cannot be sampled forward",
            write="a proper prior, such as Normal(mean=0.0, variance=100.0)",
        )

    def _input(self, family: Family, name: str, rows: Rows) -> PointMass | tuple[PointMass, ...]:
        """What sits on an interface, for the rows of a block; a tuple of components on a plural interface."""
        binding = family.bindings[name]
        if isinstance(binding, MixedBinding):
            mixed: dict[int | None, PointMass] = {k: self._clamped(part, rows) for k, part in binding.clamped.items()}
            mixed |= {k: self._random(array, _chosen(index, rows)) for k, array, index in binding.components()}
            return tuple(mixed[k] for k in range(binding.width))
        if isinstance(binding, RandomBinding):
            parts = tuple(self._random(array, _chosen(index, rows)) for _, array, index in binding.components())
            return parts if binding.is_plural else parts[0]
        if not binding.is_plural:
            return self._clamped(binding, rows)
        source = plain_source(binding.source)
        if isinstance(source, StackedSource) and self.ancestry.feedback.intersection(binding.names):
            return tuple(self._fed(part, binding, rows) for part in source.parts)
        whole = self._clamped(binding, rows)
        components = np.moveaxis(np.asarray(whole.value), -1 - whole.event_rank, 0)
        return tuple(PointMass._of(part, whole.event_rank) for part in components)

    def _clamped(self, binding: FixedBinding, rows: Rows) -> PointMass:
        """Data, constants or draws of data, for the rows of a block."""
        if self.ancestry.feedback.intersection(binding.names):
            return self._fed(binding.source, binding, rows)
        if id(binding) not in self._fixed:
            self._fixed[id(binding)] = binding.resolve(self.values)
        whole = self._fixed[id(binding)]
        return whole[rows] if rows is not None and binding.source.is_rowwise else whole

    def _random(self, array: VariableArray, index: NDArray[np.intp]) -> PointMass:
        flat = self._flat[array.id]
        chosen = flat[:, index] if len(index) > 1 else flat[:, index[0] : index[0] + 1]
        return PointMass._of(chosen, chosen.ndim - 2)

    def _fed(self, source: Source, binding: FixedBinding, rows: Rows) -> PointMass:
        """An input made of data that the model draws itself."""
        source = plain_source(source)
        if isinstance(source, DataSource):
            cells = data_cells(source, binding.rows)
            chosen = self._stored(source.array)[:, cells[rows] if rows is not None and source.is_rowwise else cells]
            event = chosen.shape[3:] if source.event is None else source.event
            value = chosen.reshape(*chosen.shape[:2], *event)
            if np.isnan(value).any():
                name = source.array.name
                raise DataError(
                    binding.site.letter(f"{name} is an input where no factor draws it", write=f'data={{"{name}": ...}}')
                )
            return PointMass._of(value, len(event))
        if isinstance(source, BatchedSource):
            parts = [self._fed(part, binding, rows) for part in source.parts]
            value = np.asarray(source.function(*aligned_events(parts)))
            return PointMass._of(value, max(part.event_rank for part in parts))
        value = np.asarray(source.read(self.values))
        if source.is_rowwise and rows is not None:
            value = value[rows]
        return PointMass._of(value, value.ndim - source.is_rowwise)

    def _stored(self, array: VariableArray) -> Array:
        """The cells of data that feed back: drawn, given, or nan."""
        if array.id not in self._flat:
            self._flat[array.id] = self._given_cells(array, ())
        return self._flat[array.id]

    def _given_cells(self, array: VariableArray, event: tuple[int, ...]) -> Array:
        given = self.values.get(array.name)
        if array.value_shape is not None:
            event = ()
        elif given is not None:
            event = np.shape(given)[len(array.shape) :]
        shape = (self.n, cell_count(array), *event)
        if given is None:
            return np.full(shape, np.nan)
        return np.broadcast_to(np.reshape(given, shape[1:]), shape).astype(float)

    def _put(self, family: Family, output: str, rows: Rows, drawn: Array) -> None:
        binding = family.bindings[output]
        if isinstance(binding, RandomBinding):
            array = binding.array
            cells = _chosen(binding.index, rows)
        else:
            source = output_source(family)
            assert source is not None
            array = source.array
            found = data_cells(source, binding.rows)
            drawn = _as_event(family, drawn, source.event)
            if source.event is not None:
                drawn = drawn.reshape(self.n, -1)
            cells = (found if rows is None or len(found) == 1 else found[rows]).ravel()
        count = cell_count(array)
        if array.id not in self._flat and len(cells) == count and np.array_equal(cells, np.arange(count)):
            self._flat[array.id] = drawn
            return
        flat = self._flat.get(array.id)
        if flat is None and not self.ancestry.drawn[array.id].all():
            flat = self._given_cells(array, drawn.shape[2:])
        if flat is None:
            flat = np.empty((self.n, count, *drawn.shape[2:]), dtype=drawn.dtype)
        if flat.shape[2:] != drawn.shape[2:]:
            raise ModelError(
                family.site.letter(
                    f"{array.name} has values of shape {flat.shape[2:]} elsewhere, and of shape {drawn.shape[2:]} here",
                    write="two arrays, one for each shape",
                )
            )
        kind = np.result_type(flat, drawn)
        flat = flat if flat.dtype == kind else flat.astype(kind)
        if len(cells) == 1:
            flat[:, cells[0]] = drawn[:, 0]
        else:
            flat[:, cells] = drawn
        self._flat[array.id] = flat


def _chosen(index: NDArray[np.intp], rows: Rows) -> NDArray[np.intp]:
    return index if rows is None else index[rows]


def _positional(family: Family, names: list[str]) -> list[str]:
    """The inputs in the order of the node's arguments; numbered ones by their numbers."""
    declared = set(family.node.names)
    numbered = [name for name in names if name not in declared]
    prefix = len(family.node.numbered or "")
    return [name for name in names if name in declared] + sorted(numbered, key=lambda name: int(name[prefix:]))


def _as_event(family: Family, drawn: Array, event: tuple[int, ...] | None) -> Array:
    """Draws in the shape in which the data are given: a category is one-hot where its data are vectors."""
    if event is None or drawn.shape[2:] == event:
        return drawn
    if drawn.ndim == 2 and len(event) == 1 and np.issubdtype(drawn.dtype, np.integer) and drawn.max(initial=0) < event[0]:
        return np.eye(event[0])[drawn]
    raise ModelError(
        family.site.letter(
            f"{family.node.name} draws values of shape {drawn.shape[2:]}, and its data have shape {event}",
            write="data of that shape",
        )
    )
