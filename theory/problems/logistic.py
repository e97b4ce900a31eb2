"""f_i(w) = log(1 + exp(-y_i a_i' w)) + ridge |w|^2 / 2 with labels y_i = +-1.

L_i = |a_i|^2 / 4 + ridge (attained at w = 0), L <= top eigenvalue of A'A / (4n) + ridge, mu = ridge
(without a ridge weight there is no PL constant). Minima by Newton; for f_i along a_i alone:
inf f_i = min_c log(1 + e^-c) + ridge c^2 / (2 |a_i|^2), convex in c.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import expit

from theory import Array, admit
from theory.problems import ALL, Model, Sum

NEWTON_STEPS = 100


class Fields(NamedTuple):
    a: Array  # (n, d)
    y: Array  # (n,), +-1
    ridge: float


class Logistic(Fields, Sum):
    __slots__ = ()

    @property
    def n(self):
        return len(self.y)

    def losses(self, w, i=ALL):
        return jnp.logaddexp(0.0, -self.y[i] * (self.a[i] @ w)) + 0.5 * self.ridge * (w @ w)

    def model(self, w):
        """The third derivative of log(1 + e^c) is at most 1 / (6 sqrt(3)), f's mean |a_i|^3 times that."""
        signed = -self.y[:, None] * self.a
        chance = jax.nn.sigmoid(signed @ w)
        each = chance[:, None] * signed
        hessian = signed.T @ ((chance * (1 - chance))[:, None] * signed) / self.n + self.ridge * jnp.eye(
            len(w)
        )
        third = jnp.mean(jnp.sum(self.a**2, axis=1) ** 1.5) / (6 * np.sqrt(3))
        return Model(
            each.mean(0) + self.ridge * w, jnp.abs(each).mean(0) + self.ridge * jnp.abs(w), hessian, third
        )

    @property
    def smoothness(self):
        a = np.asarray(self.a)
        return np.linalg.eigvalsh(a.T @ a)[-1] / (4 * self.n) + self.ridge

    @property
    def smoothness_each(self):
        return np.sum(np.asarray(self.a) ** 2, axis=1) / 4 + self.ridge

    @property
    def variance(self):
        """mean |a_i|^2 >= mean_i |grad f_i - grad f|^2 at every w: the slope of log(1 + e^c) is below 1."""
        return np.mean(np.sum(np.asarray(self.a) ** 2, axis=1))

    @property
    def pl(self):
        if self.ridge == 0:
            raise ValueError(
                "logistic loss without a ridge weight has no PL constant; give a positive weight"
            )
        return self.ridge

    @property
    def minimiser(self):
        """Newton with step halving, until the gradient is rounding."""
        signed = np.asarray(self.y)[:, None] * np.asarray(self.a)
        n, d = signed.shape

        def value(w):
            return np.mean(np.logaddexp(0, -signed @ w)) + 0.5 * self.ridge * (w @ w)

        w = np.zeros(d)
        for _ in range(NEWTON_STEPS):
            slope = expit(-signed @ w)
            grad = -signed.T @ slope / n + self.ridge * w
            if np.max(np.abs(grad)) <= 64 * np.finfo(float).eps * (
                np.max(np.mean(np.abs(signed), axis=0)) + self.ridge * np.max(np.abs(w))
            ):
                return w
            hessian = (signed.T * (slope * (1 - slope))) @ signed / n + self.ridge * np.eye(d)
            move = np.linalg.solve(hessian, grad)
            share = 1.0
            while value(w - share * move) > value(w) and share > 1e-3:
                share /= 2
            w = w - share * move
        raise ValueError(
            f"no minimum of the logistic loss was reached in {NEWTON_STEPS} Newton steps "
            f"(gradient {np.max(np.abs(grad)):.1e}); "
            "separable data need a positive ridge weight"
        )

    @property
    def minimum(self):
        w = self.minimiser
        margins = np.asarray(self.y) * (np.asarray(self.a) @ w)
        return np.mean(np.logaddexp(0, -margins)) + 0.5 * self.ridge * (w @ w)

    @property
    def minima_each(self):
        """Bisection on the slope -1/(1+e^c) + ridge c/|a|^2, which increases in c, to rounding."""
        square = np.sum(np.asarray(self.a) ** 2, axis=1)
        if self.ridge == 0:
            return np.zeros(self.n)
        low, high = np.zeros(self.n), square / self.ridge + 1
        for _ in range(200):
            middle = (low + high) / 2
            rising = self.ridge * middle > square * expit(-middle)
            low, high = np.where(rising, low, middle), np.where(rising, middle, high)
        return np.logaddexp(0, -low) + 0.5 * self.ridge * low**2 / square


def logistic(a, y, weight):
    """f_i = log(1 + exp(-y_i a_i' w)) + weight |w|^2 / 2; labels are -1 and 1."""
    a, y = admit.numbers(a, "the data"), admit.numbers(y, "the labels")
    weight = admit.number(weight, "the ridge weight")
    if a.ndim != 2 or y.shape != a.shape[:1]:
        raise ValueError(f"data must be (n, d) with n labels; got shapes {a.shape} and {y.shape}")
    if not np.all(np.abs(y) == 1):
        raise ValueError(f"labels must be -1 or 1; got {y[np.abs(y) != 1][0]:g}: map the two classes to them")
    if weight < 0:
        raise ValueError(f"the ridge weight must not be negative; got {weight:g}")
    if np.any(np.sum(a**2, axis=1) == 0):
        raise ValueError(f"row {int(np.argmin(np.sum(a**2, axis=1)))} of the data is zero: drop it")
    a, y = jax.device_put((a, y))
    return Logistic(a, y, weight)
