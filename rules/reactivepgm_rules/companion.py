"""The state of an autoregressive process: y = (y1, ..., yp) given x, y1 a regression on x, the others copies of x.

y = A x + e,   A = [theta'; I 0] the companion matrix,   Cov[e] = 1/gamma at the first component, zero elsewhere
With m, J, g as in regression.py:   exp E[log f] ∝ exp(-g (y1 - m'x)²/2 - x'J x/2) δ(y2.. - x1..)

Messages    y: N(A x, Cov[e]) of x ~ m_x(x) exp(-x'J x/2);   x: what y says about A x, and J
Joint       lives on the coordinates (y1, x): an EmbeddedNormal

Across a cut between y and x the copies cannot bind (their variational messages would be certain): what remains of the
factor there is the regression of y1 on x.
"""

from reactivepgm.distributions import (
    EmbeddedNormal,
    MultivariateNormal,
    MvNormalMeanCovariance,
    MvNormalWeightedMeanPrecision,
)
from reactivepgm.numerics.array import Array, namespace
from reactivepgm.numerics.linear_algebra import eye, matvec, symmetrise, transpose

from .gaussian_map import mapped
from .gaussian_sum import widened
from .linear_joint import backward, conditional, tilted
from .matrix_form import concatenated, scaling, symmetric_blocks
from .regression import Regression


def companion(mean: Array) -> Array:
    """The matrix [m'; I 0], (*batch, p, p).

    Example:
        >>> import numpy as np
        >>> companion(np.array([0.5, 0.25])).tolist()
        [[0.5, 0.25], [1.0, 0.0]]
    """
    xp, p = namespace(mean), mean.shape[-1]
    copies = xp.broadcast_to(eye(p, mean)[:-1], (*mean.shape[:-1], p - 1, p))
    return xp.concatenate([mean[..., None, :], copies], axis=-2)


def first_only(variance: Array, like: Array) -> Array:
    """The covariance of noise on the first component, (*batch, p, p).

    Example:
        >>> import numpy as np
        >>> first_only(2.0, np.zeros(2)).tolist()
        [[2.0, 0.0], [0.0, 0.0]]
    """
    one = eye(like.shape[-1], like)[:1]
    return scaling(variance) * (transpose(one) @ one)


def state_at(r: Regression, x: Array) -> MvNormalMeanCovariance:
    """The next state of a known or expected one.

    Example:
        >>> import numpy as np
        >>> state_at(Regression(np.array([0.5, 0.25]), None, 4.0), np.array([1.0, 2.0])).mean
        array([1., 1.])
    """
    return MvNormalMeanCovariance._of(matvec(companion(r.mean), x), first_only(1.0 / r.gamma, r.mean))


def state_toward_y(r: Regression, m_x: MultivariateNormal) -> MultivariateNormal:
    """What a message about x says about y.

    Example:
        >>> import numpy as np
        >>> m = MvNormalMeanCovariance([1.0, 2.0], np.eye(2))
        >>> state_toward_y(Regression(np.zeros(2), None, 4.0), m).covariance.tolist()
        [[0.25, 0.0], [0.0, 1.0]]
    """
    image = mapped(companion(r.mean), _tilted(m_x, r.pull))
    return widened(image, first_only(1.0 / r.gamma, r.mean))  # type: ignore[return-value]


def state_toward_x(r: Regression, m_y: MultivariateNormal) -> MvNormalWeightedMeanPrecision:
    """What a message about y says about x.

    Example:
        >>> import numpy as np
        >>> m = MvNormalMeanCovariance([1.0, 2.0], np.eye(2))
        >>> state_toward_x(Regression(np.zeros(2), None, 1.0), m).weighted_mean
        array([2., 0.])
    """
    weighted, precision = backward(companion(r.mean), first_only(1.0 / r.gamma, r.mean), m_y)
    return MvNormalWeightedMeanPrecision._of(weighted, precision if r.pull is None else precision + r.pull)


def joint_of_states(r: Regression, m_y: MultivariateNormal, m_x: MultivariateNormal) -> EmbeddedNormal:
    """The belief about [y; x], by its coordinates (y1, x).

    Example:
        >>> import numpy as np
        >>> m = MvNormalMeanCovariance(np.zeros(2), np.eye(2))
        >>> joint_of_states(Regression(np.zeros(2), None, 1.0), m, m).source_covariance.tolist()
        [[0.5, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 1.0]]
    """
    noise = first_only(1.0 / r.gamma, r.mean)
    c = conditional(companion(r.mean), noise, m_y, _tilted(m_x, r.pull))
    row = c.matrix[..., :1, :]
    across = row @ c.covariance
    own = symmetrise(across @ transpose(row) + c.noise[..., :1, :1])
    mean = concatenated(matvec(row, c.mean) + c.offset[..., :1], c.mean)
    return EmbeddedNormal._of(mean, symmetric_blocks(own, across, c.covariance), _embedding(r.mean))


def _embedding(like: Array) -> Array:
    """The matrix from (y1, x) to [y; x], (2p, p + 1)."""
    p = like.shape[-1]
    free = eye(p + 1, like)
    return namespace(like).concatenate([free[:p], free[1:]], axis=0)


def _tilted(m: MultivariateNormal, pull: Array | None) -> MultivariateNormal:
    return tilted(m, pull)  # type: ignore[return-value]
