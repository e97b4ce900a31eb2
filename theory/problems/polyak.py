"""f_i(w) = sum_j a_i w_j^2 + 3 b_i sin^2 w_j + c_ij w_j: PL, not convex.

With mean a = mean b = 1 and mean c = 0 the sum is f(w) = sum_j phi(w_j), phi(x) = x^2 + 3 sin^2 x, with
phi'' = 2 + 6 cos 2x in [-4, 8], w* = 0 and f* = 0.
L = 8 and L_i = 2 a_i + 6 b_i, attained at 0. phi'^2 / (2 phi) is least at x = +-2.2017, where it is 0.175530
(paper_checks/ol25/sine_function.py encloses it); PL is that, rounded down. Since |grad f|^2 and f are sums
over the coordinates, the constant serves in every dimension. inf f_i by a search and bisection.

Place: ours as a family; phi is a textbook example of a PL function, usually with the constant 1/32.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array, admit
from theory.problems import ALL, Model, Sum

SMOOTHNESS = 8.0
PL = 0.17553
CELLS = 2**12  # of the search for inf f_i


class Fields(NamedTuple):
    a: Array  # (n,), of mean 1
    b: Array  # (n,), of mean 1
    c: Array  # (n, d), of mean 0


class Sines(Fields, Sum):
    __slots__ = ()

    @property
    def n(self):
        return len(self.a)

    def losses(self, w, i=ALL):
        return self.a[i] * (w @ w) + 3 * self.b[i] * jnp.sum(jnp.sin(w) ** 2) + self.c[i] @ w

    def loss(self, w, i=ALL, v=1.0):
        """The weights meet the coefficients first: in f itself the linear terms cancel before w is seen."""
        square, sine = jnp.sum(v * self.a[i]), jnp.sum(v * self.b[i])
        slope = jnp.sum(jnp.broadcast_to(v, self.a[i].shape)[:, None] * self.c[i], axis=0)
        return (square * (w @ w) + 3 * sine * jnp.sum(jnp.sin(w) ** 2) + slope @ w) / self.n

    def model(self, w):
        """Third derivatives are -12 sin 2w_j, one for each coordinate."""
        each = 2 * self.a[:, None] * w[None] + 3 * self.b[:, None] * jnp.sin(2 * w)[None] + self.c
        hessian = jnp.diag(2 + 6 * jnp.cos(2 * w))
        return Model(2 * w + 3 * jnp.sin(2 * w), jnp.abs(each).mean(0), hessian, 12.0)

    def slopes(self, w):
        """The gradients of all f_i at w, (n, d)."""
        a, b = np.asarray(self.a)[:, None], np.asarray(self.b)[:, None]
        return 2 * a * w + 3 * b * np.sin(2 * w) + np.asarray(self.c)

    @property
    def smoothness(self):
        return SMOOTHNESS

    @property
    def smoothness_each(self):
        return 2 * np.asarray(self.a) + 6 * np.asarray(self.b)

    @property
    def pl(self):
        return PL

    @property
    def minimiser(self):
        return np.zeros(np.shape(self.c)[1])

    @property
    def minimum(self):
        return 0.0

    @property
    def minima_each(self):
        """sum_j min_x a x^2 + 3 b sin^2 x + c_j x, the minimisers between 0 and -c_j / a.

        The best of the points of a grid, then bisection of the slope between its neighbours: to rounding, and
        should another valley be as deep, above inf f_i by at most L_i h^2 / 8, h the spacing.
        """
        a, b, c = np.asarray(self.a)[:, None], np.asarray(self.b)[:, None], np.asarray(self.c)

        def value(x):
            return a * x**2 + 3 * b * np.sin(x) ** 2 + c * x

        reach = -c / a
        points = np.linspace(0, 1, CELLS + 1)
        best = points[np.argmin(value(points[:, None, None] * reach), axis=0)]
        low, high = np.maximum(best - 1 / CELLS, 0) * reach, np.minimum(best + 1 / CELLS, 1) * reach
        for _ in range(100):
            middle = (low + high) / 2
            towards = (2 * a * middle + 3 * b * np.sin(2 * middle) + c) * np.sign(reach) < 0  # still downhill
            low, high = np.where(towards, middle, low), np.where(towards, high, middle)
        return np.minimum(value(low), value(high)).sum(1)


def sines(a, b, c):
    """f_i(w) = sum_j a_i w_j^2 + 3 b_i sin^2 w_j + c_ij w_j."""
    a, b = admit.numbers(a, "the quadratic weights"), admit.numbers(b, "the sine weights")
    c = admit.numbers(c, "the linear terms")
    if a.ndim != 1 or b.shape != a.shape or c.ndim != 2 or len(c) != len(a):
        raise ValueError(
            f"a sum of sines needs shapes (n,), (n,), (n, d); got {a.shape}, {b.shape}, {c.shape}"
        )
    for weights, name in [(a, "quadratic"), (b, "sine")]:
        if np.any(weights <= 0) or abs(weights.mean() - 1) > 1e-12:
            raise ValueError(
                f"the {name} weights must be positive and of mean 1; smallest {weights.min():g}, "
                f"mean {weights.mean():.15g}: divide them by their mean"
            )
    if np.any(np.abs(c.mean(0)) > 1e-12 * np.abs(c).max()):
        j = int(np.argmax(np.abs(c.mean(0))))
        raise ValueError(
            f"the linear terms must cancel; column {j} has mean {c[:, j].mean():.12g}: subtract that from it"
        )
    return Sines(*jax.device_put((a, b, c)))


def sine(d):
    """The function itself, n = 1."""
    return sines([1.0], [1.0], np.zeros((1, admit.whole(d, "the dimension", 1))))


def tilted(c):
    """f_i(w) = f(w) + c_i' w: no two share a minimum."""
    c = admit.numbers(c, "the linear terms")
    return sines(np.ones(len(c)), np.ones(len(c)), c)


def scaled(a, b, d):
    """f_i(w) = sum_j a_i w_j^2 + 3 b_i sin^2 w_j: all share the minimum 0, interpolation."""
    a = admit.numbers(a, "the quadratic weights")
    return sines(a, b, np.zeros((len(a), admit.whole(d, "the dimension", 1))))
