"""f_i(w) = (a_i' w - b_i)^2 / 2 + ridge |w|^2 / 2: least squares (ridge = 0) and ridge regression.

L_i = |a_i|^2 + ridge, L = top eigenvalue of A'A/n + ridge, mu = its smallest non-zero eigenvalue
(PL, not strongly convex, where ridge = 0 and n < d). inf f_i = b_i^2 ridge / (2 (|a_i|^2 + ridge)).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array, admit
from theory.problems import ALL, Model, Sum, positive


class Fields(NamedTuple):
    a: Array  # (n, d)
    b: Array  # (n,)
    ridge: float


class LeastSquares(Fields, Sum):
    __slots__ = ()

    @property
    def n(self):
        return len(self.b)

    def losses(self, w, i=ALL):
        rows = self.a[i]
        along = jnp.sum(
            rows * jnp.broadcast_to(w, rows.shape), axis=-1
        )  # under vmap it fuses with the gather, a product does not
        return 0.5 * (along - self.b[i]) ** 2 + 0.5 * self.ridge * (w @ w)

    def model(self, w):
        each = (self.a @ w - self.b)[:, None] * self.a
        hessian = self.a.T @ self.a / self.n + self.ridge * jnp.eye(len(w))
        return Model(
            each.mean(0) + self.ridge * w, jnp.abs(each).mean(0) + self.ridge * jnp.abs(w), hessian, 0.0
        )

    @property
    def hessians(self):
        a = np.asarray(self.a)
        return a[:, :, None] * a[:, None, :] + self.ridge * np.eye(a.shape[1])

    @property
    def hessian(self):
        a = np.asarray(self.a)
        return a.T @ a / self.n + self.ridge * np.eye(a.shape[1])

    def slopes(self, w):
        """The gradients of all f_i at w, (n, d)."""
        a = np.asarray(self.a)
        return (a @ w - np.asarray(self.b))[:, None] * a + self.ridge * w

    @property
    def spectrum(self):
        a = np.asarray(self.a)
        return np.linalg.eigvalsh(a.T @ a / self.n) + self.ridge

    @property
    def smoothness(self):
        return self.spectrum[-1]

    @property
    def smoothness_each(self):
        return np.sum(np.asarray(self.a) ** 2, axis=1) + self.ridge

    @property
    def pl(self):
        return self.spectrum[0] if self.ridge > 0 else positive(self.spectrum)

    @property
    def minimiser(self):
        """By least squares on the rows of a over sqrt(n ridge) I: the condition number is not squared."""
        a, b = np.asarray(self.a), np.asarray(self.b)
        d = a.shape[1]
        rows = np.concatenate([a, np.sqrt(self.n * self.ridge) * np.eye(d)])
        return np.linalg.lstsq(rows, np.concatenate([b, np.zeros(d)]), rcond=1e-6)[
            0
        ]  # as `positive`: 1e-12 of H

    @property
    def minimum(self):
        w = self.minimiser
        return 0.5 * np.mean((np.asarray(self.a) @ w - np.asarray(self.b)) ** 2) + 0.5 * self.ridge * (w @ w)

    @property
    def minima_each(self):
        return 0.5 * np.asarray(self.b) ** 2 * self.ridge / self.smoothness_each


def least_squares(a, b):
    """f_i = (a_i' w - b_i)^2 / 2."""
    return ridge(a, b, 0.0)


def ridge(a, b, weight):
    """f_i = (a_i' w - b_i)^2 / 2 + weight |w|^2 / 2."""
    a, b = admit.numbers(a, "the data"), admit.numbers(b, "the targets")
    weight = admit.number(weight, "the ridge weight")
    if a.ndim != 2 or b.shape != a.shape[:1]:
        raise ValueError(f"data must be (n, d) with n targets; got shapes {a.shape} and {b.shape}")
    if weight < 0:
        raise ValueError(f"the ridge weight must not be negative; got {weight:g}")
    if np.any(np.sum(a**2, axis=1) + weight == 0):
        raise ValueError(
            f"row {int(np.argmin(np.sum(a**2, axis=1)))} of the data is zero: drop it or give a ridge weight"
        )
    a, b = jax.device_put((a, b))
    return LeastSquares(a, b, weight)


def interpolating(key, n, d, spread):
    """Random least squares with a common minimiser; row lengths vary by a factor e^(+-spread)."""
    n, d = admit.whole(n, "the number of functions", 1), admit.whole(d, "the dimension", 1)
    if admit.number(spread, "the spread") < 0:
        raise ValueError(f"the spread must not be negative; got {spread:g}")
    rows, target, sizes = jax.random.split(key, 3)
    a = jax.random.normal(rows, (n, d)) * jnp.exp(
        jax.random.uniform(sizes, (n, 1), minval=-spread, maxval=spread)
    )
    return LeastSquares(a, a @ jax.random.normal(target, (d,)), 0.0)


def one_example(f):
    """The update rule on f for one example at a time, from two inner products: a move for `descent.iterate`.

    With t = a_i' w, s = |a_i|^2, r = t - b_i and c = v_i / n the gradient is g = c (r a_i + ridge w), so

        |g|^2 = c^2 [s (r + ridge t / s)^2 + ridge^2 (|w|^2 - t^2 / s)],

    and with h = c rho (1 - lam + lam / |g|), k = 1 + h ridge the point ahead is k w + h r a_i. This is for
    sweeps: a test holds it to the rule in `theory/update.py`. |g|^2 is off by roundings of (c ridge |w|)^2,
    and squares below 1e-308 vanish.
    """
    squares = jnp.sum(f.a * f.a, axis=1)

    def move(w, gamma, rho, lam, i, v):
        i, c = i[0], v[0] / f.n
        row, s = f.a[i], squares[i]
        t, whole = jnp.sum(row * w), jnp.sum(w * w)
        r, shift = t - f.b[i], t / jnp.where(s == 0, 1, s)
        square = s * (r + f.ridge * shift) ** 2 + f.ridge**2 * jnp.maximum(whole - shift * t, 0)
        inverse = jnp.where(square == 0, 0, 1 / (c * jnp.sqrt(jnp.where(square == 0, 1, square))))
        h = rho * (1 - lam + lam * inverse) * c
        k = 1 + h * f.ridge
        ahead = k * t + h * r * s - f.b[i]  # the residual there
        return (1 - gamma * c * f.ridge * k) * w - gamma * c * (ahead + f.ridge * h * r) * row

    return move
