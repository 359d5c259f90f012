"""The factors of discrete variables and their probabilities; DiscreteTransition = a[out, in, T1, ...]."""

from typing import Any

import numpy as np

from reactivepgm.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    DirichletCollection,
    PointMass,
    Poisson,
    Uniform,
    Uninformative,
)
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.registry import register
from reactivepgm.nodes.sampling import categories, filled, rows_index
from reactivepgm.numerics.array import Array

BERNOULLI = register(
    Node(
        "Bernoulli",
        "stochastic",
        (Interface("out", support="binary"), Interface("p", ("θ", "theta"), 0, support="unit")),
        Bernoulli,
    )
)

CATEGORICAL = register(
    Node(
        "Categorical",
        "stochastic",
        (Interface("out", support="category"), Interface("p", event_rank=1, support="simplex")),
        Categorical,
    )
)

BETA = register(
    Node(
        "Beta",
        "stochastic",
        (
            Interface("out", event_rank=0, support="unit"),
            Interface("a", ("α", "alpha"), event_rank=0, support="positive"),
            Interface("b", ("β", "beta"), event_rank=0, support="positive"),
        ),
        Beta,
    )
)

DIRICHLET = register(
    Node(
        "Dirichlet",
        "stochastic",
        (
            Interface("out", event_rank=1, support="simplex"),
            Interface("a", ("α", "alpha"), event_rank=1, support="positive"),
        ),
        Dirichlet,
    )
)

def _collections(rng: np.random.Generator, batch: tuple[int, ...], a: PointMass) -> Array:
    return DirichletCollection(filled(a, batch), event_rank=a.event_rank).sample(rng)


DIRICHLET_COLLECTION = register(
    Node(
        "DirichletCollection",
        "stochastic",
        (
            Interface("out", support="stochastic_columns"),
            Interface("a", ("α", "alpha"), support="positive"),
        ),
        DirichletCollection,
        batch_sampler=_collections,
    ),
    aliases=("MatrixDirichlet", "TensorDirichlet"),
)

POISSON = register(
    Node(
        "Poisson",
        "stochastic",
        (
            Interface("out", event_rank=0, support="count"),
            Interface("l", ("λ", "lambda_", "rate"), event_rank=0, support="positive"),
        ),
        Poisson,
    )
)

UNIFORM = register(
    Node(
        "Uniform",
        "stochastic",
        (
            Interface("out", event_rank=0),
            Interface("a", ("α", "left"), event_rank=0),
            Interface("b", ("β", "right"), event_rank=0),
        ),
        Uniform,
        relation=lambda a, b: None if np.all(np.asarray(a) < b) else f"a must be smaller than b; they are {a} and {b}",
    )
)

UNINFORMATIVE = register(Node("Uninformative", "stochastic", (Interface("out"),), Uninformative))


def _category(value: Any, size: int) -> Array:
    """A category as an index: an integer stays, a one-hot vector of the axis's size is read."""
    array = np.asarray(value)
    if array.ndim and array.shape[-1] == size and not np.issubdtype(array.dtype, np.integer):
        return array.argmax(axis=-1)
    return array.astype(int)


def transition_probabilities(in_: Any, a: Any, *conditions: Any) -> Categorical:
    """The distribution of ``out`` given categories: a column of ``a``.

    Args:
        in_: category of the first condition, an integer or a one-hot vector.
        a: (K_out, K_in, K_1, ...) probabilities that sum to one along the first axis.
        *conditions: categories of the further conditions.

    Example:
        >>> transition_probabilities(1, [[0.9, 0.2], [0.1, 0.8]]).p.tolist()
        [0.2, 0.8]
    """
    table = np.asarray(a, dtype=float)
    index = tuple(_category(c, k) for c, k in zip((in_, *conditions), table.shape[1:], strict=True))
    return Categorical(np.moveaxis(table, 0, -1)[index])


def _transitions(
    rng: np.random.Generator, batch: tuple[int, ...], in_: PointMass, a: PointMass, *conditions: PointMass
) -> Array:
    names = ("in", *(f"T{k + 1}" for k in range(len(conditions))))
    chosen = tuple(
        np.broadcast_to(categories(point, size, f"{name} of DiscreteTransition"), batch)
        for name, point, size in zip(names, (in_, *conditions), a.event_shape[1:], strict=True)
    )
    table = np.moveaxis(np.asarray(a.value), -a.event_rank, -1)
    if not a.batch_shape:
        return np.asarray(Categorical(table[chosen]).sample(rng))
    table = np.broadcast_to(table, (*batch, *table.shape[table.ndim - a.event_rank :]))
    return np.asarray(Categorical(table[(*rows_index(batch), *chosen)]).sample(rng))


DISCRETE_TRANSITION = register(
    Node(
        "DiscreteTransition",
        "stochastic",
        (
            Interface("out", support="category"),
            Interface("in", support="category"),
            Interface("a", support="stochastic_columns"),
        ),
        transition_probabilities,
        batch_sampler=_transitions,
        numbered="T",
    ),
    aliases=("Transition",),
)
