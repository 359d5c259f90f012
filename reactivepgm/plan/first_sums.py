"""The messages at the variables of one array while functions get their first points.

Information (eta, J) from all edges, and moments N(m, P) from whatever draws a variable; what a variable sends along an
edge is N(m + V (eta - J m), V) with V = (I + P J)^-1 P, the edge's own message left out. P may be singular.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import inv_psd, is_positive_definite, symmetrise
from reactivepgm.plan.gaussian_sweep import GaussianInbox
from reactivepgm.plan.pool import Exclusive

IntArray = NDArray[np.intp]
Mask = NDArray[np.bool_]


class Sums:
    """The messages at one array of variables: information from everywhere, moments from whatever draws a variable."""

    def __init__(self, inbox: GaussianInbox, elements: IntArray) -> None:
        self._inbox = inbox
        self._elements = elements
        self.sent = np.zeros(len(elements), dtype=bool)
        self.is_open = False
        self.dimension = 0
        self._waiting = np.bincount(elements, minlength=inbox.size)
        self._order = np.argsort(elements, kind="stable")
        self._first = np.searchsorted(elements[self._order], np.arange(inbox.size + 1))
        self._drawn = np.zeros(inbox.size, dtype=bool)
        self._drawer = np.full(inbox.size, -1)

    def open(self, dimension: int) -> None:
        """Make room, once the dimension is known."""
        if self.is_open:
            return
        self.is_open, self.dimension = True, dimension
        unary = self._inbox.unary(dimension)
        self._own = unary.weighted_mean, unary.precision
        size, edges = self._inbox.size, len(self._elements)
        self._mean, self._spread = np.zeros((size, dimension)), np.zeros((size, dimension, dimension))
        if unary.elements is not None:
            self._drawn[unary.elements] = True
            self._mean[unary.elements], self._spread[unary.elements] = unary.mean, unary.covariance
        self._eta, self._j = np.zeros((edges, dimension)), np.zeros((edges, dimension, dimension))

    def is_ready(self, edges: IntArray) -> Mask:
        """Whether the variables have heard from all their other edges."""
        ready: Mask = self._waiting[self._elements[edges]] == ~self.sent[edges]
        return ready

    def is_drawn(self, edges: IntArray) -> Mask:
        """Whether something has drawn the variables already."""
        return np.asarray(self._drawn[self._elements[edges]])

    def is_informed(self, edges: IntArray) -> Mask:
        """Whether the variables have heard something, and from all their other edges."""
        _, j = self._information(edges)
        return np.asarray(self.is_ready(edges) & j.reshape(len(edges), -1).any(axis=1))

    def put_moments(self, edges: IntArray, mean: Array, spread: Array) -> None:
        """Keep what the edges' factors say about the variables that they draw."""
        elements = self._elements[edges]
        free = ~self._drawn[elements]
        once = np.zeros(len(edges), dtype=bool)
        once[np.unique(elements, return_index=True)[1]] = True
        kept = free & once
        self._drawn[elements[kept]], self._drawer[elements[kept]] = True, edges[kept]
        self._mean[elements[kept]], self._spread[elements[kept]] = mean[kept], spread[kept]
        rest = ~kept
        if rest.any():
            j = inv_psd(spread[rest])
            self._eta[edges[rest]], self._j[edges[rest]] = times(j, mean[rest]), j
        self._close(edges)

    def put_information(self, edges: IntArray, eta: Array, j: Array) -> None:
        """Keep what the edges' factors say about variables that others draw."""
        self._eta[edges], self._j[edges] = eta, j
        self._close(edges)

    def _close(self, edges: IntArray) -> None:
        self.sent[edges] = True
        np.subtract.at(self._waiting, self._elements[edges], 1)

    def _information(self, edges: IntArray) -> tuple[Array, Array]:
        """The sums of information at the variables without the edges' own."""
        elements = self._elements[edges]
        eta, j = self._own[0][elements], self._own[1][elements]
        degree = self._first[elements + 1] - self._first[elements]
        if degree.sum() > 4 * len(self._elements) + 1000:
            exclusive = Exclusive(self._elements, edges)
            return eta + exclusive(self._eta), j + exclusive(self._j)
        owner = np.repeat(np.arange(len(edges)), degree)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(degree) - degree, degree)
        others = self._order[np.repeat(self._first[elements], degree) + within]
        kept = others != edges[owner]
        np.add.at(eta, owner[kept], self._eta[others[kept]])
        np.add.at(j, owner[kept], self._j[others[kept]])
        return eta, j

    def moments(self, edges: IntArray) -> tuple[Array, Array, Mask]:
        """What the variables send along edges, by mean and covariance, and where that is proper."""
        eta, j = self._information(edges)
        elements = self._elements[edges]
        drawn = self._drawn[elements] & (self._drawer[elements] != edges)
        mean, spread = np.zeros_like(eta), np.zeros_like(j)
        if drawn.any():
            m, p = self._mean[elements[drawn]], self._spread[elements[drawn]]
            blur = np.eye(self.dimension) + p @ j[drawn]
            spread[drawn] = symmetrise(np.linalg.solve(blur, p))
            mean[drawn] = m + times(spread[drawn], eta[drawn] - times(j[drawn], m))
        proper = drawn | np.asarray(is_positive_definite(j))
        rest = proper & ~drawn
        if rest.any():
            spread[rest] = inv_psd(j[rest])
            mean[rest] = times(spread[rest], eta[rest])
        return mean, spread, proper

    def behind(self, edges: IntArray, centre: Array, noise: Array) -> tuple[Array, Array]:
        """What the variables say about x, where the variable is x + N(centre, noise): weighted mean and precision."""
        eta, j = self._information(edges)
        elements = self._elements[edges]
        drawn = self._drawn[elements] & (self._drawer[elements] != edges)
        blur = np.eye(self.dimension) + j @ noise
        precision = symmetrise(np.linalg.solve(blur, j))
        weighted = np.linalg.solve(blur, (eta - times(j, centre))[..., None])[..., 0]
        if drawn.any():
            mean, spread, _ = self.moments(edges[drawn])
            precision[drawn] = inv_psd(spread + noise[drawn])
            weighted[drawn] = times(precision[drawn], mean - centre[drawn])
        return weighted, precision


def times(matrix: Array, vector: Array) -> Array:
    """Products of matrices and vectors, row by row."""
    return (matrix @ vector[..., None])[..., 0]
