"""All messages along a chain of categorical variables by odd-even elimination, in either arithmetic.

    composite(r, l) = sum_x after(r, x) known(x) before(x, l)

Every other variable goes until one gap is left; undone in reverse, each level's messages follow from those of the
level above.  A gap without an element holds ones, so that many chains make one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reactivepgm.plan.discrete_elements import Arithmetic
from reactivepgm.plan.small_matrices import Floats, transpose


@dataclass(slots=True)
class DiscreteChain:
    """One level of a chain, batch-last: potentials (K, K, m) from before to behind each gap, and known (K, m + 1)."""

    cross: Floats
    known: Floats
    do: Arithmetic

    def messages(self) -> tuple[Floats, Floats, float]:
        """Into the variable behind each gap, and into the one before; and the log of all scales divided out."""
        levels, scale = [self], 0.0
        while levels[-1].cross.shape[2] > 1:
            level, more = levels[-1]._halved()
            levels.append(level)
            scale += more
        top = levels[-1]
        forward, last = self.do.rescale(self.do.apply(top.cross, top.known[:, :1]))
        backward = self.do.rescale(self.do.apply(transpose(top.cross), top.known[:, 1:]))[0]
        scale += float(last.sum())
        for level in reversed(levels[:-1]):
            forward, backward = level._refined(forward, backward)
        return forward, backward, scale

    def _halved(self) -> tuple[DiscreteChain, float]:
        k, _, m = self.cross.shape
        h = m // 2
        before, after, x = slice(0, 2 * h, 2), slice(1, 2 * h, 2), slice(1, 2 * h, 2)
        cross, known = np.empty((k, k, m - h)), self.known[:, ::2]
        if m % 2:
            cross[..., -1] = self.cross[..., -1]
            known = np.concatenate([self.known[:, : m : 2], self.known[:, m:]], axis=1)
        weighted = self.do.times(self.cross[..., before], self.known[:, None, x])
        cross[..., :h], scale = self.do.rescale(self.do.compose(self.cross[..., after], weighted))
        return DiscreteChain(cross, known, self.do), float(scale.sum())

    def _refined(self, forward: Floats, backward: Floats) -> tuple[Floats, Floats]:
        k, _, m = self.cross.shape
        h = m // 2
        odd, even = slice(1, 2 * h, 2), slice(0, 2 * h, 2)
        ahead, back = np.empty((k, m)), np.empty((k, m))
        ahead[:, odd], back[:, even] = forward[:, :h], backward[:, :h]
        if m % 2:
            ahead[:, -1], back[:, -1] = forward[:, -1], backward[:, -1]
        source = self.known[:, even].copy()
        source[:, 1:] = self.do.times(source[:, 1:], ahead[:, 1 : 2 * h - 1 : 2])
        ahead[:, even] = self.do.rescale(self.do.apply(self.cross[..., even], source))[0]
        source = self.known[:, 2 : 2 * h + 1 : 2].copy()
        size = len(range(2, m, 2))
        source[:, :size] = self.do.times(source[:, :size], back[:, 2:m:2])
        back[:, odd] = self.do.rescale(self.do.apply(transpose(self.cross[..., odd]), source))[0]
        return ahead, back
