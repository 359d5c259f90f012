"""BIFM(out | in, zprev, znext): one step of a linear state-space model as one factor; messages and joint. BIFMHelper.

Factor        znext = A zprev + B in,  out = C znext
Sum-product   with → the law of A zprev + B in, ← the product of m_znext with m_out carried back through C:
              ν(znext) = → times m_out through C,   ν(out) = C (→ times m_znext)
              ν(zprev): A zprev = ← - B in,         ν(in): B in = ← - A zprev
Joint         of [in; zprev]; znext follows from them. H = [B, A], (η, J) of ←:
              precision diag(J_in, J_zprev) + H' J H, weighted mean [η_in; η_zprev] + H' η     Loeliger et al. 2007, table IV

All messages are ordinary ones, the forward message of zprev included: schedules that send marginals forward
(backward information filter, forward marginal; Loeliger et al. 2016) reach the same marginals.

BIFMHelper    out = in: messages pass unchanged, toward out also the marginal of in; energy H[q(in)], so that the copy of
              the belief does not count twice.

Differs       the rules are pure functions of their messages; no state is kept in a meta between calls
"""

from reactivepgm.distributions import Distribution, MultivariateNormal, MvNormalWeightedMeanPrecision, product
from reactivepgm.errors import NoRuleError
from reactivepgm.nodes.maps import BIFM, BIFMHelper, BIFMMeta
from reactivepgm.numerics.array import Array
from reactivepgm.numerics.linear_algebra import matvec, symmetrise, transpose
from reactivepgm.rulebook import average_energy, marginal_rule, rule

from .gaussian_map import in_information_form, mapped, unmapped
from .gaussian_sum import added, subtracted
from .matrix_form import concatenated, symmetric_blocks


def _vector(belief: Distribution) -> MultivariateNormal:
    if not isinstance(belief, MultivariateNormal):
        raise NoRuleError(f"a message of BIFM is a multivariate normal, not {type(belief).__name__}")
    return belief


def arriving(meta: BIFMMeta, m_in: MultivariateNormal, m_zprev: MultivariateNormal) -> MultivariateNormal:
    """The law of A zprev + B in.

    Example:
        >>> import numpy as np
        >>> from reactivepgm.distributions import MvNormalMeanCovariance
        >>> m = MvNormalMeanCovariance(np.ones(1), np.eye(1))
        >>> arriving(BIFMMeta(2.0 * np.eye(1), np.eye(1), np.eye(1)), m, m).covariance
        array([[5.]])
    """
    return _vector(added(mapped(meta.A, m_zprev), mapped(meta.B, m_in)))


def returning(meta: BIFMMeta, m_out: MultivariateNormal, m_znext: MultivariateNormal) -> MultivariateNormal:
    """What out and the next step say about znext.

    Example:
        >>> import numpy as np
        >>> from reactivepgm.distributions import MvNormalMeanCovariance
        >>> m = MvNormalMeanCovariance(np.ones(1), np.eye(1))
        >>> returning(BIFMMeta(np.eye(1), np.eye(1), np.eye(1)), m, m).covariance
        array([[0.5]])
    """
    return _vector(product(unmapped(meta.C, m_out), m_znext))


@rule(BIFM, to="znext")
def _(
    m_out: MultivariateNormal, m_in: MultivariateNormal, m_zprev: MultivariateNormal, meta: BIFMMeta
) -> MultivariateNormal:
    """The prediction, updated by the output."""
    return _vector(product(arriving(meta, m_in, m_zprev), unmapped(meta.C, m_out)))


@rule(BIFM, to="out")
def _(
    m_in: MultivariateNormal, m_zprev: MultivariateNormal, m_znext: MultivariateNormal, meta: BIFMMeta
) -> MultivariateNormal:
    """The smoothed state, seen through C."""
    return mapped(meta.C, _vector(product(arriving(meta, m_in, m_zprev), m_znext)))


@rule(BIFM, to="zprev")
def _(
    m_out: MultivariateNormal, m_in: MultivariateNormal, m_znext: MultivariateNormal, meta: BIFMMeta
) -> MultivariateNormal:
    """The next state less the input, back through A."""
    return unmapped(meta.A, _vector(subtracted(returning(meta, m_out, m_znext), mapped(meta.B, m_in))))


@rule(BIFM, to="in")
def _(
    m_out: MultivariateNormal, m_zprev: MultivariateNormal, m_znext: MultivariateNormal, meta: BIFMMeta
) -> MultivariateNormal:
    """The next state less the former, back through B."""
    return unmapped(meta.B, _vector(subtracted(returning(meta, m_out, m_znext), mapped(meta.A, m_zprev))))


@marginal_rule(BIFM, "in_zprev_znext")
def _(
    m_out: MultivariateNormal,
    m_in: MultivariateNormal,
    m_zprev: MultivariateNormal,
    m_znext: MultivariateNormal,
    meta: BIFMMeta,
) -> MvNormalWeightedMeanPrecision:
    """Two priors tied by what is known of their sum."""
    weighted, precision = in_information_form(returning(meta, m_out, m_znext))
    eta_in, j_in = in_information_form(m_in)
    eta_z, j_z = in_information_form(m_zprev)
    blocks = symmetric_blocks(
        j_in + _square(meta.B, precision),
        transpose(meta.B) @ precision @ meta.A,
        j_z + _square(meta.A, precision),
    )
    pushed = (eta_in + matvec(transpose(meta.B), weighted), eta_z + matvec(transpose(meta.A), weighted))
    return MvNormalWeightedMeanPrecision._of(concatenated(*pushed), blocks)


def _square(a: Array, matrix: Array) -> Array:
    return symmetrise(transpose(a) @ matrix @ a)


@rule(BIFMHelper, to="in")
def _(m_out: Distribution) -> Distribution:
    """The message passes."""
    return m_out


@rule(BIFMHelper, to="out")
def _(m_in: Distribution) -> Distribution:
    """The message passes."""
    return m_in


@rule(BIFMHelper, to="out")
def _(q_in: Distribution) -> Distribution:
    """The marginal is handed on."""
    return q_in


@average_energy(BIFMHelper)
def _(q_out: Distribution, q_in: Distribution) -> Array:
    """The entropy of the belief that is handed on."""
    return q_in.entropy()
