"""f_i(w) = log(1 + (a_i' w - b_i)^2): smooth, bounded below by 0, neither convex nor PL.

With r = a_i' w - b_i the second derivative along a_i is 2 (1 - r^2) / (1 + r^2)^2, in [-1/4, 2], so that
L_i = 2 |a_i|^2 (attained at r = 0) and L <= top eigenvalue of 2 A'A / n (attained where some w solves all
equations). |grad f_i| = 2 |r| |a_i| / (1 + r^2) <= |a_i|, with equality at |r| = 1. inf f_i = 0.

The minimum of f is 0 where some w solves all equations. Otherwise it is known where every row of A lies along
one axis: f then splits into sums of one variable, and the slope of such a sum vanishes at the roots of

    sum_i a_i r_i prod_{j != i} (1 + r_j^2),        a polynomial of degree 2 n - 1.

Place: ours; the test functions of the non-convex theorem (ol25, Theorem 3.7).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import polynomial

from theory import Array, admit
from theory.problems import ALL, Model, Sum

MOST = 8  # rows along one axis: the roots of a polynomial of degree 15 are still good starts


class Fields(NamedTuple):
    a: Array  # (n, d)
    b: Array  # (n,)


class LogRatio(Fields, Sum):
    __slots__ = ()

    @property
    def n(self):
        return len(self.b)

    def losses(self, w, i=ALL):
        return jnp.log1p((self.a[i] @ w - self.b[i]) ** 2)

    def model(self, w):
        """The third derivative of log(1 + r^2) is at most (3 + 2 sqrt(2)) / 2, at r = sqrt(2) - 1."""
        r = self.a @ w - self.b
        each = (2 * r / (1 + r**2))[:, None] * self.a
        bend = 2 * (1 - r**2) / (1 + r**2) ** 2
        hessian = self.a.T @ (bend[:, None] * self.a) / self.n
        third = (3 + 2 * np.sqrt(2)) / 2 * jnp.mean(jnp.sum(self.a**2, axis=1) ** 1.5)
        return Model(each.mean(0), jnp.abs(each).mean(0), hessian, third)

    def slopes(self, w):
        """The gradients of all f_i at w, (n, d)."""
        a = np.asarray(self.a)
        r = a @ w - np.asarray(self.b)
        return (2 * r / (1 + r**2))[:, None] * a

    @property
    def smoothness(self):
        a = np.asarray(self.a)
        return 2 * np.linalg.eigvalsh(a.T @ a / self.n)[-1]

    @property
    def smoothness_each(self):
        return 2 * np.sum(np.asarray(self.a) ** 2, axis=1)

    @property
    def pl(self):
        raise ValueError(
            "f = mean log(1 + r^2) has no PL constant: its gradient vanishes far away; "
            "use the bounds that need none (theory/bounds/ol25_nonconvex.py)"
        )

    @property
    def minimiser(self):
        a, b = np.asarray(self.a), np.asarray(self.b)
        w = np.linalg.lstsq(a, b, rcond=1e-12)[0]
        if np.max(np.abs(a @ w - b)) <= 1e-12 * (np.max(np.abs(a) @ np.abs(w)) + np.max(np.abs(b))):
            return w
        if np.any(np.count_nonzero(a, axis=1) > 1):
            raise ValueError(
                "the minimum of mean log(1 + (a_i' w - b_i)^2) is known where some w solves all equations "
                "or every row of the data lies along one axis; change the targets or the data"
            )
        best = np.zeros(a.shape[1])
        for axis, column in enumerate(a.T):
            rows = column != 0
            if np.any(rows):
                best[axis] = least(column[rows], b[rows])
        return best

    @property
    def minimum(self):
        return np.mean(np.log1p((np.asarray(self.a) @ self.minimiser - np.asarray(self.b)) ** 2))

    @property
    def minima_each(self):
        return np.zeros(self.n)


def least(a, b):
    """The x that minimises sum_i log(1 + (a_i x - b_i)^2), from the roots of its slope."""
    if len(a) > MOST:
        raise ValueError(
            f"the minimum along an axis is found from a polynomial, for at most {MOST} rows there; "
            f"got {len(a)}: use fewer rows along one axis"
        )
    slope = np.zeros(1)
    for i in range(len(a)):
        term = a[i] * np.array([-b[i], a[i]])
        for j in range(len(a)):
            if j != i:
                term = polynomial.polymul(term, [1 + b[j] ** 2, -2 * a[j] * b[j], a[j] ** 2])
        slope = polynomial.polyadd(slope, term)
    # the least value is read at every root, real in name or not: near a double root rounding moves both off
    tries = np.real(polynomial.polyroots(slope))
    x = tries[np.argmin(np.sum(np.log1p((np.outer(tries, a) - b) ** 2), axis=1))]
    for _ in range(3):  # Newton, to rounding
        r = a * x - b
        bend = np.sum(2 * a**2 * (1 - r**2) / (1 + r**2) ** 2)
        x = x - np.sum(2 * a * r / (1 + r**2)) / bend if bend > 0 else x
    return x


def log_ratio(a, b):
    """f_i = log(1 + (a_i' w - b_i)^2)."""
    a, b = admit.numbers(a, "the data"), admit.numbers(b, "the targets")
    if a.ndim != 2 or b.shape != a.shape[:1]:
        raise ValueError(f"data must be (n, d) with n targets; got shapes {a.shape} and {b.shape}")
    if np.any(np.sum(a**2, axis=1) == 0):
        raise ValueError(f"row {int(np.argmin(np.sum(a**2, axis=1)))} of the data is zero: drop it")
    return LogRatio(*jax.device_put((a, b)))
