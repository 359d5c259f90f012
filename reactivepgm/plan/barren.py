"""Messages that say nothing because nothing observed lies behind them; no rule is called for those.

A variable without any other message sends a flat one, and a conditional density whose output receives a flat message
integrates to one whatever its inputs are (barren nodes: Shachter 1986, "Evaluating influence diagrams").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.intp]
Mask = NDArray[np.bool_]


class Barren:
    """Follows the steps of a sweep and tells which messages say something.

    Args:
        variables: (edges,) the variable of every edge.
        factors: (edges,) the factor of every edge.
        is_output: (edges,) whether the edge is the output of a density that is normalised given everything else.
        is_conditional: (factors,) whether a factor is such a density, with its output among the edges.
        informed: (variables,) whether a variable has a message from outside the forest's edges.

    Example:
        >>> pair = np.array([0, 1]), np.array([0, 0])
        >>> chain = Barren(*pair, np.array([False, True]), np.array([True]), np.array([True, False]))
        >>> chain.send_down(np.array([0, 1]))
        >>> chain.send_up(np.array([0, 1])).tolist()
        [False, True]
    """

    def __init__(
        self, variables: IntArray, factors: IntArray, is_output: Mask, is_conditional: Mask, informed: Mask
    ) -> None:
        self._variables, self._factors = variables, factors
        self._is_output = is_output
        self._told = ~is_conditional
        self._says_up = np.zeros(len(variables), dtype=bool)
        self._sources = informed.astype(np.intp)

    def send_down(self, edges: IntArray) -> None:
        """Variables send along edges: note which outputs are told something."""
        outputs = edges[self._is_output[edges]]
        others = self._sources[self._variables[outputs]] - self._says_up[outputs]
        self._told[self._factors[outputs]] = others > 0

    def hears(self, factors: IntArray) -> Mask:
        """After the sweep: whether the output of a factor was told anything (or the factor is no density given the rest)."""
        return self._told[factors]

    def send_up(self, edges: IntArray) -> Mask:
        """Factors send along edges: True for the messages that say something."""
        says = self._is_output[edges] | self._told[self._factors[edges]]
        self._says_up[edges] = says
        np.add.at(self._sources, self._variables[edges], says)
        return says
