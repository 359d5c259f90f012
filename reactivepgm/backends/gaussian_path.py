"""All messages along a Gaussian chain in one scan: both directions side by side, since neither waits for the other.

A chain is variables 0..m with a factor N(x_{k+1}; A_k x_k + b_k, C_k) exp(h'x_k - x_k'H x_k / 2) in each gap, information
(J, eta) at each variable, and a normal (C, m) at the first. With D = inv(I + C J):

    forwards     V = D C,  u = D (m + C eta);     C <- A V A' + C_k,      m <- A u + b_k
    backwards    with (J + K, eta + k) behind the gap and C_k in it;     K <- H + A'J D A,    k <- h + A'(D'eta - J D b)

On a CPU a scan costs 20 ns a scalar step; matrices go in blocks side by side. Elsewhere steps are dear and width is free: there
elements that carry their variable's information compose associatively (Särkkä & García-Fernández 2021), in 2 log2 m rounds.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from reactivepgm.backends.matrices import (
    identity_plus,
    info_contact,
    inverse,
    matmul,
    matvec,
    moment_contact,
    symmetrise,
    transpose,
)
from reactivepgm.numerics.array import Array

_FEW = 16
"""Up to how many variables blocks are not worth it."""


class Chain(NamedTuple):
    """A chain of m gaps, batch last; see the module's docstring for what the letters are.

    ``left`` (d, d, m) and ``left_vector`` (d, m) are H and h; ``cross`` is A, ``noise`` C, ``offset`` b.
    """

    left: Array
    left_vector: Array
    cross: Array
    noise: Array
    offset: Array


Pair = tuple[Array, Array]


def chain_messages(chain: Chain, J: Array, eta: Array, first: Pair, is_wide: bool) -> tuple[Pair, Pair]:
    """Into the variable behind each gap, as (covariance, mean), and into the one before it, as information.

    Args:
        chain: the factors.
        J: information at the variables, (d, d, m + 1).
        eta: likewise, (d, m + 1).
        first: covariance (d, d, 1) and mean (d, 1) of the first variable.
        is_wide: whether width is free and steps are dear.
    """
    before = J[..., :-1] + chain.left, eta[:, :-1] + chain.left_vector
    if is_wide:
        return _by_composition(chain, before, (J[..., 1:], eta[:, 1:]), first)
    if len(eta) == 1:
        return _by_scan(chain, before, (J[..., 1:], eta[:, 1:]), first)
    return (_by_blocks if eta.shape[1] > _FEW else _in_a_row)(chain, before, (J[..., 1:], eta[:, 1:]), first)


def _ahead(A: Array, noise: Array, offset: Array, C: Array, m: Array, J: Array, eta: Array) -> Pair:
    V, u = info_contact(C, m, J, eta)
    return symmetrise(matmul(matmul(A, V), transpose(A))) + noise, matvec(A, u) + offset


def _back(left: Array, left_vector: Array, A: Array, noise: Array, offset: Array, J: Array, eta: Array) -> Pair:
    W, u = moment_contact(noise, offset, J, eta)
    over = transpose(A)
    return left - symmetrise(matmul(matmul(over, W), A)), left_vector - matvec(over, u)


def _by_scan(chain: Chain, before: Pair, behind: Pair, first: Pair) -> tuple[Pair, Pair]:
    """One number after another."""
    steps = tuple(part.reshape(-1) for part in (*chain, *before, *behind))
    left, left_vector, cross, noise, offset, J, eta, J_behind, eta_behind = steps
    backwards = tuple(part[::-1] for part in (left, left_vector, cross, noise, offset, J_behind, eta_behind))
    zero = jnp.zeros((), dtype=J.dtype)
    start = first[0].reshape(()), first[1].reshape(()), zero, zero
    _, (C, m, K, k) = jax.lax.scan(_numbers, start, ((cross, noise, offset, J, eta), backwards))
    return (C[None, None], m[None]), (K[::-1][None, None], k[::-1][None])


def _by_blocks(chain: Chain, before: Pair, behind: Pair, first: Pair) -> tuple[Pair, Pair]:
    """Blocks of gaps side by side: composed to one gap each, these solved in a row, and then all blocks from their ends.

    A step of small matrices costs as much as one of a hundred small matrices, so blocks are about as many as their gaps.
    """
    d, m = chain.left_vector.shape
    length = math.ceil(math.sqrt(m))
    blocks = math.ceil(m / length)
    spare = blocks * length - m
    every = Chain(*before, *chain[2:])
    # Gaps that hand on everything fill the last block.
    copy = Chain(*(jnp.zeros((*part.shape[:-1], spare)) for part in every))
    copy = copy._replace(cross=jnp.broadcast_to(jnp.eye(d)[:, :, None], (d, d, spare)))

    def cut(part: Array, filling: Array) -> Array:
        """(.., m) as (length, .., blocks)."""
        whole = jnp.concatenate([part, filling], axis=-1)
        return jnp.moveaxis(whole.reshape(*whole.shape[:-1], blocks, length), -1, 0)

    def joined(part: Array) -> Array:
        whole = jnp.moveaxis(part, 0, -1)
        return whole.reshape(*whole.shape[:-2], blocks * length)[..., :m]

    rows = Chain(*map(cut, every, copy))
    nothing = Chain(*(jnp.zeros((*part.shape[1:-1], blocks)) for part in rows))
    nothing = nothing._replace(cross=jnp.broadcast_to(jnp.eye(d)[:, :, None], (d, d, blocks)))
    whole, _ = jax.lax.scan(lambda one, two: (_composed(one, two), None), nothing, rows)

    # The last variable's information is behind everything; that of all others is in the gap that they begin.
    last = behind[0][..., -1:], behind[1][:, -1:]
    none = tuple(jnp.zeros((*part.shape[:-1], blocks - 1)) for part in last)
    ends = tuple(jnp.concatenate([n, end], axis=-1) for n, end in zip(none, last, strict=True))
    ahead, back = _in_a_row(whole, (whole.left, whole.left_vector), (ends[0], ends[1]), first)
    starts = [jnp.concatenate([one, a[..., :-1]], axis=-1) for one, a in zip(first, ahead, strict=True)]
    told = [jnp.concatenate([b[..., 1:], end], axis=-1) for b, end in zip(back, last, strict=True)]
    apart = [cut(part[..., :-1], jnp.zeros((*part.shape[:-1], spare + 1))).at[-1].set(0.0) for part in behind]
    parts = Chain(*map(cut, chain, copy))
    forwards = parts.cross, parts.noise, parts.offset, rows.left, rows.left_vector
    backwards = tuple(part[::-1] for part in (*parts, *apart))
    _, (C, mean, K, k) = jax.lax.scan(_matrices, (*starts, *told), (forwards, backwards))
    return (joined(C), joined(mean)), (joined(K[::-1]), joined(k[::-1]))


def _in_a_row(chain: Chain, before: Pair, behind: Pair, first: Pair) -> tuple[Pair, Pair]:
    """One gap after another."""
    def rows(*parts: Array) -> tuple[Array, ...]:
        return tuple(jnp.moveaxis(part, -1, 0)[..., None] for part in parts)

    forwards = rows(chain.cross, chain.noise, chain.offset, *before)
    backwards = tuple(part[::-1] for part in rows(*chain, *behind))
    start = (*first, *(jnp.zeros_like(part) for part in first))
    _, found = jax.lax.scan(_matrices, start, (forwards, backwards))
    C, m, K, k = (jnp.moveaxis(part[..., 0], 0, -1) for part in found)
    return (C, m), (K[..., ::-1], k[..., ::-1])


def _numbers(carry: tuple[Array, ...], inputs: tuple[tuple[Array, ...], ...]) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """One step each way on numbers."""
    C, m, K, k = carry
    A, noise, offset, J, eta = inputs[0]
    D = 1.0 / (1.0 + C * J)
    C, m = A * A * (C * D) + noise, A * (D * (m + C * eta)) + offset
    left, left_vector, A, noise, offset, J, eta = inputs[1]
    J, eta = J + K, eta + k
    D = 1.0 / (1.0 + noise * J)
    K, k = left + A * A * (J * D), left_vector + A * (D * (eta - J * offset))
    return (C, m, K, k), (C, m, K, k)


def _matrices(carry: tuple[Array, ...], inputs: tuple[tuple[Array, ...], ...]) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """One step each way on matrices."""
    C, m, K, k = carry
    A, noise, offset, J, eta = inputs[0]
    C, m = _ahead(A, noise, offset, C, m, J, eta)
    left, left_vector, A, noise, offset, J, eta = inputs[1]
    K, k = _back(left, left_vector, A, noise, offset, J + K, eta + k)
    return (C, m, K, k), (C, m, K, k)


def _by_composition(chain: Chain, before: Pair, behind: Pair, first: Pair) -> tuple[Pair, Pair]:
    every = _turned(Chain(*before, chain.cross, chain.noise, chain.offset), -1, 0)

    def join(one: Chain, two: Chain) -> Chain:
        return _turned(_composed(_turned(one, 0, -1), _turned(two, 0, -1)), -1, 0)

    ahead = _turned(jax.lax.associative_scan(join, every), 0, -1)
    V, u = info_contact(*first, ahead.left, ahead.left_vector)
    A = ahead.cross
    forwards = symmetrise(matmul(matmul(A, V), transpose(A))) + ahead.noise, matvec(A, u) + ahead.offset
    back = _turned(jax.lax.associative_scan(lambda later, earlier: join(earlier, later), every, reverse=True), 0, -1)
    told = _back(*back, behind[0][..., -1:], behind[1][:, -1:])
    J, eta = (jnp.concatenate([t[..., 1:], b[..., -1:]], axis=-1) for t, b in zip(told, behind, strict=True))
    return forwards, _back(*chain, J, eta)


def _turned(chain: Chain, source: int, target: int) -> Chain:
    """The batch axis elsewhere."""
    return Chain(*(jnp.moveaxis(part, source, target) for part in chain))


def _composed(one: Chain, two: Chain) -> Chain:
    """Two gaps as one: the variable between them goes; its information is in the block of the second."""
    C, b, J, eta = one.noise, one.offset, two.left, two.left_vector
    D = inverse(identity_plus(matmul(C, J)))
    JD, DC = symmetrise(matmul(J, D)), symmetrise(matmul(D, C))
    over, across = transpose(one.cross), matmul(two.cross, D)
    return Chain(
        one.left + symmetrise(matmul(matmul(over, JD), one.cross)),
        one.left_vector - matvec(over, matvec(JD, b) - matvec(transpose(D), eta)),
        matmul(across, one.cross),
        two.noise + symmetrise(matmul(matmul(two.cross, DC), transpose(two.cross))),
        two.offset + matvec(across, b) + matvec(two.cross, matvec(DC, eta)),
    )
