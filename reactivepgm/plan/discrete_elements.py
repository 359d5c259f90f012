"""Potentials as numbers or as logs: the two arithmetics in which discrete messages travel.

    scaled   products and sums of numbers, rescaled after every step; underflow raises FloatingPointError
    logs     sums and log-sum-exp, three times dearer, nothing underflows

Arrays run batch-last: potentials (K, L, n), messages (K, n).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from reactivepgm.plan.small_matrices import Floats


class Arithmetic(Protocol):
    """What a sweep asks of its numbers."""

    one: float

    def enter(self, logs: Floats) -> tuple[Floats, Floats]:
        """Log potentials in this arithmetic, rescaled over all axes but the last, and the logs of the scales."""

    def leave(self, values: Floats) -> Floats:
        """Logs of values."""

    def times(self, a: Floats, b: Floats) -> Floats:
        """Products."""

    def product(self, a: Floats, starts: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> Floats:
        """Products over segments of the last axis."""

    def exclusive(self, a: Floats) -> Floats:
        """Products over the last axis of all but each own."""

    def total(self, a: Floats) -> Floats:
        """Products over the last axis."""

    def apply(self, A: Floats, v: Floats) -> Floats:
        """Sums of A_ik v_k over k."""

    def compose(self, A: Floats, B: Floats) -> Floats:
        """Sums of A_ik B_kj over k."""

    def rescale(self, a: Floats) -> tuple[Floats, Floats]:
        """Brings the largest entry to one, and returns the log of what was divided out."""


class Scaled:
    """Numbers, the largest of each message or potential being one."""

    one = 1.0

    def enter(self, logs: Floats) -> tuple[Floats, Floats]:
        """Exponentials relative to the largest."""
        axes = tuple(range(logs.ndim - 1))
        top = logs.max(axis=axes)
        result: Floats = np.exp(logs - top)
        return result, top

    def leave(self, values: Floats) -> Floats:
        """Logs; a zero is impossible, not a mistake."""
        with np.errstate(divide="ignore"):
            result: Floats = np.log(values)
        return result

    def times(self, a: Floats, b: Floats) -> Floats:
        """Products."""
        return a * b

    def product(self, a: Floats, starts: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> Floats:
        """Products over segments of the last axis."""
        return np.multiply.reduceat(a, starts, axis=-1)

    def exclusive(self, a: Floats) -> Floats:
        """Prefix times suffix: no division, so that zeros may stand among the factors."""
        result = np.ones_like(a)
        np.cumprod(a[..., :-1], axis=-1, out=result[..., 1:])
        result[..., :-1] *= np.cumprod(a[..., :0:-1], axis=-1)[..., ::-1]
        return result

    def total(self, a: Floats) -> Floats:
        """Products over the last axis."""
        result: Floats = a.prod(axis=-1)
        return result

    def apply(self, A: Floats, v: Floats) -> Floats:
        """Matrix times vector."""
        return self.compose(A, v[:, None])[:, 0]

    def compose(self, A: Floats, B: Floats) -> Floats:
        """Matrix times matrix, by operations that report underflow."""
        total: Floats = A[:, 0, None] * B[None, 0]
        term = np.empty_like(total)
        for k in range(1, B.shape[0]):
            total += np.multiply(A[:, k, None], B[None, k], out=term)
        return total

    def rescale(self, a: Floats) -> tuple[Floats, Floats]:
        """Divides by the largest entry; all zeros raise FloatingPointError."""
        top = a.max(axis=tuple(range(a.ndim - 1)))
        return a / top, np.log(top)


class Logs:
    """Logs; impossible is minus infinity."""

    one = 0.0

    def enter(self, logs: Floats) -> tuple[Floats, Floats]:
        """Logs relative to the largest."""
        return self.rescale(logs)

    def leave(self, values: Floats) -> Floats:
        """They are logs."""
        return values

    def times(self, a: Floats, b: Floats) -> Floats:
        """Sums of logs."""
        return a + b

    def product(self, a: Floats, starts: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> Floats:
        """Sums of logs over segments of the last axis."""
        return np.add.reduceat(a, starts, axis=-1)

    def exclusive(self, a: Floats) -> Floats:
        """Prefix plus suffix: no difference, so that minus infinity may stand among the terms."""
        result = np.zeros_like(a)
        np.cumsum(a[..., :-1], axis=-1, out=result[..., 1:])
        result[..., :-1] += np.cumsum(a[..., :0:-1], axis=-1)[..., ::-1]
        return result

    def total(self, a: Floats) -> Floats:
        """Sums of logs over the last axis."""
        result: Floats = a.sum(axis=-1)
        return result

    def apply(self, A: Floats, v: Floats) -> Floats:
        """log sum_k exp(A_ik + v_k)."""
        return self.compose(A, v[:, None])[:, 0]

    def compose(self, A: Floats, B: Floats) -> Floats:
        """log sum_k exp(A_ik + B_kj), in two passes over k: the largest term, then the sum."""
        top = A[:, 0, None] + B[None, 0]
        for k in range(1, B.shape[0]):
            np.maximum(top, A[:, k, None] + B[None, k], out=top)
        top = np.where(np.isneginf(top), 0.0, top)
        total = np.exp(A[:, 0, None] + B[None, 0] - top)
        for k in range(1, B.shape[0]):
            total += np.exp(A[:, k, None] + B[None, k] - top)
        with np.errstate(divide="ignore"):
            result: Floats = np.log(total) + top
        return result

    def rescale(self, a: Floats) -> tuple[Floats, Floats]:
        """Subtracts the largest entry, where there is one."""
        top = a.max(axis=tuple(range(a.ndim - 1)))
        top = np.where(np.isneginf(top), 0.0, top)
        return a - top, top
