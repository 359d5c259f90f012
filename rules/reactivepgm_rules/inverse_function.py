"""Delta(inv)(out | in): the inverse of a positive number or matrix, exact where beliefs are gammas or Wisharts; messages.

Toward out    the density of 1/in:  Gamma(a, b) -> InverseGamma(a, b) and back;  W(ν, S) -> W^-1(ν, S^-1) and back
Toward in     the message of out at 1/in, which has no Jacobian:  InverseGamma(a, b) -> Gamma(a + 2, b),
              Gamma(a, b) -> InverseGamma(a - 2, b);  for matrices of d rows W^-1(ν, S) -> W(ν + 2(d + 1), S^-1) and back
"""

from reactivepgm.distributions import (
    GammaFamily,
    GammaShapeRate,
    InverseGamma,
    InverseWishart,
    Wishart,
)
from reactivepgm.errors import NoRuleError
from reactivepgm.nodes import Node
from reactivepgm.nodes.delta import DELTA
from reactivepgm.numerics.inverse import inv
from reactivepgm.numerics.linear_algebra import inv as inverse
from reactivepgm.rulebook import rule

Positive = GammaFamily | InverseGamma | Wishart | InverseWishart
Message = InverseGamma | GammaShapeRate | InverseWishart | Wishart


def inverted(belief: Positive, further: float) -> Message:
    """The distribution of 1/x; its density times x^(2 further), or det(X)^((d + 1) further).

    Example:
        >>> inverted(GammaShapeRate(3.0, 2.0), 0.0)
        InverseGamma(shape=3.0, scale=2.0)
        >>> inverted(InverseGamma(3.0, 2.0), 1.0)
        GammaShapeRate(shape=5.0, rate=2.0)
    """
    if isinstance(belief, GammaFamily):
        return InverseGamma._of(belief.shape - 2.0 * further, belief.rate)
    if isinstance(belief, InverseGamma):
        return GammaShapeRate._of(belief.shape + 2.0 * further, belief.scale)
    shift = 2.0 * further * (belief.event_shape[0] + 1.0)
    if isinstance(belief, Wishart):
        return InverseWishart._of(belief.df - shift, inverse(belief.scale))
    return Wishart.from_inverse_scale(belief.df + shift, belief.scale)


def _check(node: Node) -> None:
    if node.target is not inv:
        raise NoRuleError(f"{node.name}: of gammas and Wisharts the only function with rules is inv\n  meta {node.hint}")


@rule(DELTA, to="out")
def _(meta: None, node: Node, m_in: Positive) -> Message:
    """The distribution of the inverse."""
    _check(node)
    return inverted(m_in, 0.0)


@rule(DELTA, to="in")
def _(meta: None, node: Node, m_out: Positive) -> Message:
    """The message of the inverse at the inverse."""
    _check(node)
    return inverted(m_out, 1.0)
