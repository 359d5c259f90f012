"""Random forests and their dense solution: the whole joint as one saddle-point system."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reactivepgm.plan.gaussian_arrays import Factors, GaussianKernelArrays, GaussianUnary


@dataclass
class Problem:
    sizes: list[int]
    dims: list[int]
    families: list[Factors]
    unary: list[GaussianUnary]
    kernels: list[GaussianKernelArrays]

    def matrices(self, f, k):
        kernel, fam = self.kernels[f], self.families[f]
        d_out, d_in = self.dims[fam.out[0]], self.dims[fam.ins[k][0]]
        A = np.eye(d_out, d_in)[None] if kernel.matrices[k] is None else kernel.matrices[k]
        return np.broadcast_to(A, (fam.rows, d_out, d_in))

    def dense(self):
        """Means, covariance, log evidence, and the position of every (array, element), by one saddle system.

        Unknowns are all x and a dual for every factor row and moment prior: K = [[J, -B'], [-B, -C]].
        """
        position, n = {}, 0
        for a, (size, d) in enumerate(zip(self.sizes, self.dims, strict=True)):
            for i in range(size):
                position[a, i] = slice(n, n + d)
                n += d
        duals = []
        for a, u in enumerate(self.unary):
            if u.elements is not None:
                for i, e in enumerate(u.elements):
                    duals.append((a, int(e), [], u.mean[i], u.covariance[i]))
        for f, (fam, kernel) in enumerate(zip(self.families, self.kernels, strict=True)):
            d = self.dims[fam.out[0]]
            for r in range(fam.rows):
                C = np.zeros((d, d)) if kernel.covariance is None else np.broadcast_to(
                    kernel.covariance, (fam.rows, d, d))[r]
                b = np.zeros(d) if kernel.offset is None else np.broadcast_to(kernel.offset, (fam.rows, d))[r]
                ins = [(a, int(index[r]), self.matrices(f, k)[r]) for k, (a, index) in enumerate(fam.ins)]
                duals.append((fam.out[0], int(fam.out[1][r]), ins, b, C))
        total = n + sum(len(b) for *_, b, _ in duals)
        K, s = np.zeros((total, total)), np.zeros(total)
        for a, u in enumerate(self.unary):
            for i in range(self.sizes[a]):
                p = position[a, i]
                K[p, p] += u.precision[i]
                s[p] += u.weighted_mean[i]
        at = n
        for a, e, ins, b, C in duals:
            p = slice(at, at + len(b))
            at += len(b)
            K[p, p] = -C
            s[p] = -b
            K[p, position[a, e]] -= np.eye(len(b))
            for a2, e2, A in ins:
                K[p, position[a2, e2]] += A
            K[:n, p] = K[p, :n].T
        inverse = np.linalg.inv(K)
        duals_total = total - n
        log = 0.5 * (s @ inverse @ s - np.linalg.slogdet(K)[1] + (n - duals_total) * np.log(2 * np.pi))
        return inverse @ s, inverse[:n, :n], log, position


def random_forest(rng, *, arrays=3, size=12, dims=(1, 2, 3), two=0.2, rows=24, zero_noise=0.2, singular=0.2,
                  scale=1.0, flat=0.0, double=0.0, moment=0.5):
    """Families of random rows between random arrays that together make a forest."""
    dim = [int(rng.choice(dims)) for _ in range(arrays)]
    sizes = [int(rng.integers(1, size + 1)) for _ in range(arrays)]
    parent = {(a, i): (a, i) for a in range(arrays) for i in range(sizes[a])}

    def find(x):
        while parent[x] != x:
            x = parent[x]
        return x

    drawn = set()
    found = {}
    names = list(parent)
    for _ in range(rows * 6):
        ends = [names[int(rng.integers(len(names)))] for _ in range(3 if rng.random() < two else 2)]
        roots = {find(x) for x in ends}
        if len(roots) < len(ends) or (ends[0] in drawn and rng.random() >= double):
            continue
        again = ends[0] in drawn
        drawn.add(ends[0])
        first = find(ends[0])
        for x in ends[1:]:
            parent[find(x)] = first
        key = (tuple(a for a, _ in ends), again, int(rng.integers(2)))
        found.setdefault(key, []).append([i for _, i in ends])
    families, kernels = [], []
    for (where, again, _), indices in found.items():
        index = np.array(indices, dtype=np.intp)
        fam = Factors((where[0], index[:, 0]), tuple((a, index[:, k + 1]) for k, a in enumerate(where[1:])))
        d, n = dim[where[0]], len(index)
        matrices = []
        for a in where[1:]:
            if dim[a] == d and rng.random() < 0.3:
                matrices.append(None)
                continue
            A = rng.normal(size=(1 if rng.random() < 0.3 else n, d, dim[a])) / np.sqrt(dim[a])
            if rng.random() < singular:
                A[:, 0] = 0.0
            matrices.append(A)
        L = rng.normal(size=(n, d, d)) * scale ** rng.uniform(-1, 1, size=(n, 1, 1))
        C = L @ L.swapaxes(1, 2) + (0.1 * np.eye(d) if again else 0.0)
        if not again and rng.random() < singular:
            L[..., -1] = 0.0
            C = L @ L.swapaxes(1, 2)
        families.append(fam)
        deterministic = not again and rng.random() < zero_noise
        kernels.append(GaussianKernelArrays(tuple(matrices), rng.normal(size=(n, d)) if rng.random() < 0.7 else None,
                                            None if deterministic else C))
    unary = []
    for a in range(arrays):
        d, n = dim[a], sizes[a]
        L = rng.normal(size=(n, d, d)) * scale ** rng.uniform(-1, 1, size=(n, 1, 1))
        J = L @ L.swapaxes(1, 2)
        J[rng.random(n) < 0.5] = 0.0
        eta = np.einsum("nij,nj->ni", J, rng.normal(size=(n, d)))
        roots = [i for i in range(n) if (a, i) not in drawn]
        priors = []
        for i in roots:
            if rng.random() < flat:
                continue
            if rng.random() < moment:
                priors.append(i)
            else:
                J[i] += np.eye(d) * scale ** rng.uniform(-1, 1)
        L = rng.normal(size=(len(priors), d, d))
        P = L @ L.swapaxes(1, 2)
        if d > 1:
            L[: len(priors) // 3, :, 0] = 0.0
            P = L @ L.swapaxes(1, 2)
        unary.append(GaussianUnary(eta, J, np.array(priors, dtype=np.intp), rng.normal(size=(len(priors), d)), P)
                     if priors else GaussianUnary(eta, J))
    return Problem(sizes, dim, families, unary, kernels)
