"""f_k(w) = r_k(w)^2 / 2 with r_k(w) = a_k . w + w' C_k w / 2: residuals that bend, all zero at w = 0.

f = mean_k f_k is a polynomial of degree four. Where the rows a_k are independent, 0 lies on a manifold of
minimisers of dimension d - n, and there, with J = A the derivative of the residuals,

    Hess f = A'A / n                                     of rank n, Hess f_k = a_k a_k' of rank one,
    d^3 f[u, u, u] = (3 / n) sum_k (a_k . u) C_k[u, u],
    d^4 f[u, u, u, u] = (3 / n) sum_k C_k[u, u]^2        everywhere,
    Laplacian of the Laplacian = (1 / n) sum_k [(tr C_k)^2 + 2 |C_k|^2].

A gradient lies in the range of J(w)', which tilts: with c = max_{|u|=1} |(C_k u)_k| and s the least singular
value of A, the sine of its angle to the range of A' is at most c |w| / (s - c |w|).

Place: ours; a generic minimiser for the definitions of wml23, section 4 (M is n, D is d).
"""

from typing import NamedTuple

import jax
import numpy as np

from theory import Array, admit
from theory.problems import ALL, Sum
from theory.sharpness import Quartic


class Fields(NamedTuple):
    a: Array  # (n, d)
    c: Array  # (n, d, d), symmetric


class Curved(Fields, Sum):
    __slots__ = ()

    @property
    def n(self):
        return len(self.a)

    def residuals(self, w, i=ALL):
        return self.a[i] @ w + 0.5 * ((self.c[i] @ w) @ w)

    def losses(self, w, i=ALL):
        return 0.5 * self.residuals(w, i) ** 2

    @property
    def minimum(self):
        return 0.0

    @property
    def minima_each(self):
        return np.zeros(self.n)

    @property
    def hessian(self):
        """At 0."""
        a = np.asarray(self.a)
        return a.T @ a / self.n

    @property
    def third(self):
        """At 0, (d, d, d)."""
        return symmetric_third(np.asarray(self.a), np.asarray(self.c)) / self.n

    @property
    def fourth(self):
        """(d, d, d, d), the same everywhere."""
        c = np.asarray(self.c)
        pairs = np.einsum("kab,kcd->abcd", c, c)
        return (pairs + np.swapaxes(pairs, 1, 2) + np.swapaxes(pairs, 1, 3)) / self.n

    @property
    def expansion(self):
        """f about 0, all of it."""
        return Quartic(np.zeros(self.a.shape[1]), self.hessian, self.third, self.fourth)

    @property
    def bilaplacian(self):
        c = np.asarray(self.c)
        return np.mean(np.trace(c, axis1=1, axis2=2) ** 2 + 2 * np.sum(c**2, axis=(1, 2)))

    @property
    def bend(self):
        """c: |(C_k w)_k| <= c |w|, the largest singular value of the n d rows."""
        return np.linalg.norm(np.reshape(self.c, (-1, self.a.shape[1])), 2)

    @property
    def steepness(self):
        """s: the least singular value of A."""
        return np.linalg.svd(np.asarray(self.a), compute_uv=False)[-1]

    def tilt(self, distance):
        """At least the sine of the angle between a gradient at |w| = distance and the range of Hess f(0)."""
        moved = self.bend * distance
        if not moved < self.steepness:
            raise ValueError(
                f"the tilt is bounded for |w| < {self.steepness / self.bend:.3g} alone; got {distance:.3g}"
            )
        return moved / (self.steepness - moved)

    def sample(self, k):
        """f_k as a problem of one residual."""
        return Curved(self.a[k : k + 1], self.c[k : k + 1])


def symmetric_third(a, c):
    """sum_k of the three placements of a_k beside C_k."""
    once = np.einsum("ka,kbc->abc", a, c)
    return once + np.swapaxes(once, 0, 1) + np.swapaxes(once, 0, 2)


def curved(a, c):
    """The loss with rows a (n, d) and bends c (n, d, d)."""
    a, c = admit.numbers(a, "the rows"), admit.numbers(c, "the bends")
    n, d = a.shape if a.ndim == 2 else (0, 0)
    if c.shape != (n, d, d):
        raise ValueError(f"residuals need rows (n, d) and bends (n, d, d); got shapes {a.shape}, {c.shape}")
    if not np.array_equal(c, np.swapaxes(c, 1, 2)):
        raise ValueError("bends must be symmetric: take the mean with the transposes")
    singular = np.linalg.svd(a, compute_uv=False)
    if n > d or singular[-1] <= 1e-10 * singular[0]:
        raise ValueError(
            f"the {n} rows of length {d} must be independent; the last singular value is {singular[-1]:.3g}: "
            "drop those that others span"
        )
    return Curved(*jax.device_put((a, c)))


def random(seed, d, singular, bend):
    """Rows with the given singular values in random position; bends of independent entries of that size."""
    rng = np.random.default_rng(seed)
    singular = np.asarray(singular, float)
    n = len(singular)
    left = np.linalg.qr(rng.standard_normal((n, n)))[0]
    right = np.linalg.qr(rng.standard_normal((d, n)))[0]
    c = rng.standard_normal((n, d, d))
    return curved((left * singular) @ right.T, bend * (c + np.swapaxes(c, 1, 2)))
