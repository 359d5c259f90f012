"""Rounding beside flat variables: what a subtraction or an inverse leaves where there is exactly nothing.

Information that is left over from a subtraction and is smaller than its rounding counts as none; otherwise a direction
that nothing determines would look like one that is barely determined.
"""

from __future__ import annotations

import numpy as np

from reactivepgm.plan.small_matrices import Bools, Floats, symmetrise

RANK = 1e-13   # information below this share of what it was subtracted from is rounding


def of_nullity(H: Floats, J: Floats, A: Floats) -> Floats:
    """Takes the rounding out of ``H``, a block of the inverse of [[J, A'], [A, .]]: where J v = 0, H A v is zero exactly."""
    root = np.sqrt(np.maximum(np.einsum("iin->in", J), 0.0))
    unit = np.where(root > 0.0, root, 1.0)
    values, vectors = np.linalg.eigh(np.moveaxis(J / (unit[:, None] * unit), 2, 0))
    lost = values < RANK * J.shape[0]
    if not lost.any():
        return H
    # What is rounding in a component must not be taken for a direction.
    null = np.where(lost[:, None] & (np.abs(vectors) > RANK), vectors / unit.T[:, :, None], 0.0)
    A = np.moveaxis(A, 2, 0)
    image = A @ null
    image[np.abs(image) <= RANK * (np.abs(A) @ np.abs(null))] = 0.0
    size = np.sqrt((image**2).sum(axis=2, keepdims=True))    # of each axis, so that units do not matter
    size[size == 0.0] = 1.0
    image = image / size
    kept = np.eye(H.shape[0]) - image @ np.linalg.pinv(image)
    clean = kept @ (np.moveaxis(H, 2, 0) * size * size.swapaxes(1, 2)) @ kept
    return symmetrise(np.moveaxis(clean / (size * size.swapaxes(1, 2)), 0, 2))


def decided(H: Floats, before: Floats, moment: Bools) -> Floats:
    """Removes what is only rounding from information that a subtraction left over."""
    d = H.shape[0]
    size = np.einsum("iin->in", before)
    doubtful = ~moment & (size > 0.0).any(axis=0)
    if not doubtful.any():
        return H
    root = np.sqrt(np.where(size > 0.0, size, 1.0))[:, doubtful]
    scaled = np.moveaxis(H[..., doubtful] / (root[:, None] * root[None]), 2, 0)
    values, vectors = np.linalg.eigh(scaled)
    noise = np.abs(values) < RANK * d
    touched = noise.any(axis=1)
    if touched.any():
        kept = np.where(noise, 0.0, values)[touched]
        vectors = vectors[touched]
        rebuilt = np.moveaxis((vectors * kept[:, None]) @ vectors.swapaxes(1, 2), 0, 2)
        rows = np.flatnonzero(doubtful)[touched]
        H = H.copy()
        H[..., rows] = rebuilt * (root[:, None] * root[None])[..., touched]
    return H
