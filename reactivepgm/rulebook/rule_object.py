"""One row of the table: a pure function from batched inputs to a batched result, and how to call it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reactivepgm.distributions import stack
from reactivepgm.nodes import Node
from reactivepgm.rulebook.signature import Signature, type_names


@dataclass(frozen=True, eq=False)
class Rule:
    """A message rule, a joint-marginal rule, an average energy or a kernel.

    Args:
        kind: "rule", "marginal", "energy" or "kernel".
        node: the node it was written for.
        target: the interface, the joint, the kernel's ``to|ins``, or "" for an energy.
        signature: its inputs.
        function: the function itself.
        vectorized: whether one call serves a whole batch; if not, it is called row by row.
        renamed: the caller's input names to the function's parameter names, for the inputs that it was found for.

    Example:
        >>> from reactivepgm.distributions import NormalMeanVariance, PointMass
        >>> from reactivepgm.rulebook import find_rule
        >>> rule = find_rule(
        ...     "NormalMeanVariance", "mean", {"m_out": NormalMeanVariance, "m_variance": PointMass}
        ... )
        >>> rule(m_out=NormalMeanVariance(1.0, 2.0), m_variance=PointMass(3.0)).variance
        5.0
    """

    kind: str
    node: Node
    target: str
    signature: Signature
    function: Callable[..., Any]
    vectorized: bool = True
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """File and line of the function."""
        code = getattr(self.function, "__code__", None)
        return f"{code.co_filename}:{code.co_firstlineno}" if code else self.function.__module__

    def __call__(
        self,
        *,
        meta: Any = None,
        node: Node | None = None,
        index: int | None = None,
        to: str | None = None,
        **inputs: Any,
    ) -> Any:
        """Compute the result.

        Args:
            meta: the factor's meta.
            node: the factor's node, where it is not the one the rule was written for.
            index: the component of a plural target.
            to: the target asked for, where the rule serves any.
            **inputs: the batched distributions, under the names that the rule was found for.
        """
        renamed = self.renamed
        arguments = {renamed.get(name, name): value for name, value in inputs.items()} if renamed else inputs
        extras = self.signature.extras
        if extras:
            given = {"meta": meta, "node": node or self.node, "index": index, "to": to or self.target}
            arguments = {**arguments, **{name: given[name] for name in extras}}
        if self.vectorized:
            return self.function(**arguments)
        return self._row_by_row(arguments)

    def _row_by_row(self, arguments: dict[str, Any]) -> Any:
        batched = {name: value for name, value in arguments.items() if name not in self.signature.extras}
        shape = np.broadcast_shapes(*(value.batch_shape for value in batched.values()))
        if not shape:
            return self.function(**arguments)
        spread = {name: value.broadcast_to(shape) for name, value in batched.items()}
        rows = [
            self.function(**{**arguments, **{name: value[row] for name, value in spread.items()}})
            for row in np.ndindex(*shape)
        ]
        for axis in reversed(range(len(shape))):
            rows = [_joined(rows[k : k + shape[axis]]) for k in range(0, len(rows), shape[axis])]
        return rows[0]

    def describe(self) -> str:
        """The row as the function's head writes it: ``(m_out: UnivariateNormal, q_variance: PointMass)``."""
        parts = [f"{name}: {type_names(types)}" for name, types in self.signature.inputs.items()]
        if self.signature.others is not None:
            parts.append(f"**others: {type_names(self.signature.others)}")
        if self.signature.meta != (object,):
            parts.append(f"meta: {type_names(self.signature.meta)}")
        return f"({', '.join(parts)})"

    def __repr__(self) -> str:
        arrow = f" -> {self.target}" if self.target else ""
        return f"<{self.kind} {self.node.name}{arrow} {self.describe()}>"


def _joined(rows: list[Any]) -> Any:
    """Rows, outermost axis first, as one batch."""
    if hasattr(rows[0], "batch_shape"):
        return stack(rows, axis=0)
    return np.stack([np.asarray(row) for row in rows])
