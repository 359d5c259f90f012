"""How many axes a variable's value has, as far as the factors' interfaces say: numbers 0, vectors 1, matrices 2."""

from __future__ import annotations

from reactivepgm.plan.structure import Structure

_SAME = frozenset({"addition", "subtraction", "multiplication"})


def ranks_of(structure: Structure) -> dict[int, int]:
    """By array, the number of axes of one value; arrays about which no interface speaks are left out.

    A sum, difference or product that is a number is one of numbers.
    """
    ranks: dict[int, int] = {}
    followed = []
    for family in structure.families:
        edges = [edge for cluster in structure.clusters[family.id] for edge in cluster.edges]
        for edge in edges:
            rank = family.node.interface(edge.interface).event_rank
            if rank is not None:
                ranks[edge.array] = rank
        if family.node.key in _SAME:
            followed.append((family.node.interfaces[0].name, edges))
    for output, edges in reversed(followed):
        if any(ranks.get(edge.array) == 0 for edge in edges if edge.interface == output):
            ranks.update((edge.array, 0) for edge in edges)
    return ranks
