"""What depends on what in a plan: batches on the marginals of other batches and on data, through cut edges too."""

from __future__ import annotations

from collections.abc import Iterable

from reactivepgm.plan import Crossing, Plan
from reactivepgm.plan.structure import Cluster


class Dependencies:
    """Read off the plan once; batches are known by their numbers.

    Attributes:
        homes: by batch, the arrays that it updates.
        touching: by batch, the arrays whose marginals it reads.
        data: by batch, the names of the data that can change its marginals, however far away.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        batches = plan.batches
        self.homes = [set(batch.elements) for batch in batches]
        self.touching = [
            {edge.array for cluster in batch.clusters for other in self.others(cluster) for edge in other.edges}
            for batch in batches
        ]
        self.data = self._reached([self._read_by(batch.clusters) for batch in batches])

    def others(self, cluster: Cluster) -> list[Cluster]:
        """The other clusters of a cluster's family: it reads their marginals."""
        return [other for other in self._plan.structure.clusters[cluster.family.id] if other.number != cluster.number]

    def dependents(self, number: int) -> list[int]:
        """The batches that read a marginal of a batch, directly."""
        return [n for n in range(len(self.homes)) if n != number and self.homes[number] & self.touching[n]]

    def of_array(self, array: int) -> list[int]:
        """The batches that update an array."""
        return [number for number, homes in enumerate(self.homes) if array in homes]

    def of_cluster(self, cluster: Cluster) -> list[int]:
        """The batches that update the variables of a cluster."""
        return sorted({number for edge in cluster.edges for number in self.of_array(edge.array)})

    def of_crossing(self, crossing: Crossing) -> list[int]:
        """The batches that read the joint marginal of a cut cluster."""
        family = crossing.cluster.family
        return [
            number
            for number, batch in enumerate(self._plan.batches)
            if any(c.family is family and c.number != crossing.cluster.number for c in batch.clusters)
        ]

    def _read_by(self, clusters: Iterable[Cluster]) -> set[str]:
        families = {cluster.family.id: cluster.family for cluster in clusters}
        return {name for family in families.values() for binding in family.bindings.values() for name in binding.names}

    def _reached(self, data: list[set[str]]) -> list[frozenset[str]]:
        """Data travel along readings of marginals and across cut edges, until nothing new is reached."""
        pairs = [(n, m) for n in range(len(data)) for m in self.dependents(n)]
        for crossing in self._plan.crossings:
            ends = self.of_cluster(crossing.cluster)
            pairs += [(n, m) for n in ends for m in (*ends, *self.of_crossing(crossing))]
        changed = True
        while changed:
            changed = False
            for source, target in pairs:
                if not data[source] <= data[target]:
                    data[target] |= data[source]
                    changed = True
        return [frozenset(names) for names in data]
