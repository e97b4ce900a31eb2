"""f_i(w) = w' H_i w / 2 - b_i' w + c_i with H_i positive semidefinite and b_i in its range.

L_i = top eigenvalue of H_i, L and mu = top and smallest non-zero eigenvalue of H = mean H_i,
w* = H^+ b, inf f_i = c_i - b_i' H_i^+ b_i / 2.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array, admit
from theory.problems import ALL, Model, Sum, positive


class Fields(NamedTuple):
    h: Array  # (n, d, d)
    b: Array  # (n, d)
    c: Array  # (n,)


class Quadratic(Fields, Sum):
    __slots__ = ()

    @property
    def n(self):
        return len(self.c)

    def losses(self, w, i=ALL):
        return 0.5 * ((self.h[i] @ w) @ w) - self.b[i] @ w + self.c[i]

    def model(self, w):
        each = self.h @ w - self.b
        return Model(each.mean(0), jnp.abs(each).mean(0), self.h.mean(0), 0.0)

    @property
    def hessians(self):
        return np.asarray(self.h)

    @property
    def hessian(self):
        return self.hessians.mean(0)

    @property
    def linear(self):
        return np.asarray(self.b)

    def slopes(self, w):
        """The gradients of all f_i at w, (n, d)."""
        return self.hessians @ w - self.linear

    @property
    def spectrum(self):
        return np.linalg.eigvalsh(self.hessian)

    @property
    def smoothness(self):
        return self.spectrum[-1]

    @property
    def smoothness_each(self):
        return np.linalg.eigvalsh(self.hessians)[:, -1]

    @property
    def pl(self):
        return positive(self.spectrum)

    @property
    def minimiser(self):
        return np.linalg.pinv(self.hessian, hermitian=True, rcond=1e-12) @ self.linear.mean(0)

    @property
    def minimum(self):
        return np.mean(self.c) - 0.5 * self.linear.mean(0) @ self.minimiser

    @property
    def minima_each(self):
        inverse = np.linalg.pinv(self.hessians, hermitian=True, rcond=1e-12)
        return np.asarray(self.c) - 0.5 * np.einsum("ni,nij,nj->n", self.linear, inverse, self.linear)


def quadratic(h, b, c):
    """The finite sum with Hessians h (n, d, d), linear terms b (n, d) and constants c (n,)."""
    h, b, c = admit.numbers(h, "Hessians"), admit.numbers(b, "linear terms"), admit.numbers(c, "constants")
    n, d = b.shape if b.ndim == 2 else (0, 0)
    if h.shape != (n, d, d) or c.shape != (n,):
        raise ValueError(
            f"a quadratic sum needs shapes (n, d, d), (n, d), (n,); got {h.shape}, {b.shape}, {c.shape}"
        )
    eigs = np.linalg.eigvalsh(h)
    if not np.allclose(h, np.swapaxes(h, 1, 2), rtol=1e-12, atol=0) or np.any(
        eigs[:, 0] < -1e-12 * eigs[:, -1]
    ):
        raise ValueError(
            f"Hessians must be symmetric positive semidefinite; the smallest eigenvalue is {eigs.min():g}"
        )
    inverse = np.linalg.pinv(h, hermitian=True, rcond=1e-12)
    outside = b - np.einsum("nij,njk,nk->ni", h, inverse, b)
    if np.any(np.abs(outside).max(1) > 1e-8 * np.abs(b).max(1)):
        i = int(np.argmax(np.abs(outside).max(1)))
        raise ValueError(
            f"b_{i} is not in the range of H_{i}, so f_{i} has no lower bound; project it on the range"
        )
    return Quadratic(*jax.device_put((h, b, c)))


def centred(f):
    """The same sum in coordinates w - w*, with f(0) = 0 = min f: no cancellation in f - min f.

    The f_i keep their curvature and slope at w*, hence A, B, C; their values there are set to zero, so that
    minima_each means inf f_i - f_i(w*).
    """
    slopes = f.slopes(f.minimiser)
    slopes = slopes - slopes.mean(0)  # zero but for rounding
    return Quadratic(*jax.device_put((f.hessians, -slopes, np.zeros(f.n))))
