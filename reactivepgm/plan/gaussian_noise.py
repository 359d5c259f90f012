"""What the noise of a linear-Gaussian factor adds to the free energy, singular covariances included.

The average energy of the factor and the conditional entropy of its output are both infinite where its covariance C is
singular. With out told (eta, J), K = (I + J C)^-1 and u = K (eta - J (A in + b)), their difference is finite:

    U - H[out | in] = (log det(I + J C) + tr K - d + E[u'C u]) / 2
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reactivepgm.plan.gaussian_arrays import GaussianKernelArrays
from reactivepgm.plan.gaussian_beliefs import GaussianBeliefs
from reactivepgm.plan.gaussian_leaves import PooledBeliefs
from reactivepgm.plan.gaussian_relays import RelayedBeliefs

Floats = NDArray[np.float64]


def is_singular(covariance: Any) -> bool:
    """Whether any of some covariances has no inverse, to working precision.

    Example:
        >>> is_singular(np.ones((1, 2, 2))), is_singular(np.eye(2)[None])
        (True, False)
    """
    if covariance.shape[-1] == 1:
        return bool((covariance == 0.0).any())
    values = np.linalg.eigvalsh(covariance)
    return bool((values[..., 0] <= 1e-13 * values[..., -1]).any())


def noise_terms(number: int, value: GaussianKernelArrays, solution: GaussianBeliefs | RelayedBeliefs | PooledBeliefs) -> Floats:
    """Average energy of the noise less the conditional entropy of the output, for each row."""
    eta, j = solution.out_information(number)
    first, second, v_first, v_second, across = solution.joint(number)
    if len(value.matrices) == 2:
        a = np.concatenate([_whole(m, v) for m, v in zip(value.matrices, (v_first, v_second), strict=True)], axis=-1)
        mean = np.concatenate([first, second], axis=-1)
        spread = np.block([[v_first, across], [np.swapaxes(across, -1, -2), v_second]])
    else:
        a, mean, spread = _whole(value.matrices[0], v_second), second, v_second
    c, d = value.covariance, eta.shape[-1]
    blur = np.eye(d) + j @ c
    keep = np.linalg.inv(blur)
    image = (a @ mean[..., None])[..., 0]
    if value.offset is not None:
        image = image + value.offset
    u = (keep @ (eta - (j @ image[..., None])[..., 0])[..., None])[..., 0]
    back = keep @ j @ a
    _, logdet = np.linalg.slogdet(blur)
    tail = np.einsum("rij,rji->r", c @ back, spread @ np.swapaxes(back, -1, -2))
    pull = np.einsum("ri,rij,rj->r", u, np.broadcast_to(c, (len(u), d, d)), u)
    return 0.5 * np.asarray(logdet + np.einsum("rii->r", keep) - d + pull + tail)


def _whole(matrix: Any, like: Floats) -> Floats:
    """A matrix for every row; the identity where there is none."""
    d = like.shape[-1]
    return np.broadcast_to(np.eye(d) if matrix is None else matrix, (len(like), *(np.shape(matrix)[-2:] or (d, d))))
