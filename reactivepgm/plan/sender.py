"""What one cluster of one interface sends, from the beliefs of the moment.

A message that reads nothing but data is computed once for them. Towards one component of a plural interface a rule that
takes an index reads that component's beliefs alone, (rows,) instead of (rows, K).
"""

from __future__ import annotations

from reactivepgm.distributions import Distribution
from reactivepgm.errors import NoRuleError
from reactivepgm.plan.beliefs import Beliefs, Mask
from reactivepgm.plan.outbound import RuleTable, Surroundings
from reactivepgm.plan.structure import Cluster, Structure


class Sender:
    """The messages of one cluster, all rows in one call of one rule."""

    def __init__(self, structure: Structure, cluster: Cluster) -> None:
        self.cluster = cluster
        self._surroundings = Surroundings(structure, cluster)
        self._rules = RuleTable(cluster)
        self._part: Surroundings | None = None
        self.component: int | None = None
        """The component that ``part`` sends to; None where it sends to all."""
        if len(cluster.edges) == 1 and cluster.edges[0].component is not None:
            self.component = cluster.edges[0].component
            self._part = Surroundings(structure, cluster, self.component)
        self._read: dict[str, Distribution] = {}
        self._sent: Distribution | None = None

    def inputs(self, beliefs: Beliefs) -> dict[str, Distribution]:
        """What the rule reads."""
        return (self._part or self._surroundings).read(beliefs)

    def message(self, beliefs: Beliefs) -> Distribution:
        """Towards the whole interface: a batch axis for the components where it is plural."""
        return self._rules.message(self.cluster.names[0], self._surroundings.read(beliefs))

    def part(self, beliefs: Beliefs) -> Distribution:
        """Towards the edges of the cluster: where that is one component of several, its own batch."""
        if self._part is not None:
            try:
                return self._rules.message(self.cluster.names[0], self._part.read(beliefs), self.component)
            except NoRuleError:  # no rule takes an index here, or not without the other components
                self._part = self.component = None
        inputs = self._surroundings.read(beliefs)
        if not self._surroundings.is_fixed:
            return self._rules.message(self.cluster.names[0], inputs)
        if self._sent is None or any(value is not self._read[name] for name, value in inputs.items()):
            self._read, self._sent = inputs, self._rules.message(self.cluster.names[0], inputs)
        return self._sent

    def missing(self, beliefs: Beliefs) -> Mask:
        """The rows without an observation."""
        missing = beliefs.missing(self.cluster.family)
        return missing if missing is None or self.cluster.rows is None else missing[self.cluster.rows]
