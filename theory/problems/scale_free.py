"""f(x) = x^2 / 2 + a x^2 (2 sin t - k cos t) / (4 + k^2) with t = k log|x| + phase: PL, seldom convex.

f' = x (1 + a sin t) and f'' = 1 + a sin t + a k cos t, so with 0 <= a < 1 the one critical point is 0, where
f = f' = 0, L = 1 + a sqrt(1 + k^2), and f is not convex where a sqrt(1 + k^2) > 1. Multiplying x by e^(2 pi /
k) multiplies f by the square of that: every scale looks like every other, and one period of t shows all
states. |f'|^2 / (2 f) depends on t alone,

    (1 + a sin t)^2 / (1 + p sin t - q cos t),     p = 4 a / (4 + k^2),  q = 2 a k / (4 + k^2);

mu is its least value, found where the slope of its logarithm vanishes: with z = e^(it) the roots of a
polynomial of degree 4.

Place: ours; functions on which the rates under PL of af22 are tried without noise.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from numpy.polynomial import polynomial

from theory import Array, admit
from theory.problems import ALL, Sum


class Fields(NamedTuple):
    depth: Array | float  # a
    pace: Array | float  # k
    phase: Array | float


class ScaleFree(Fields, Sum):
    __slots__ = ()

    @property
    def n(self):
        return 1

    def losses(self, w, i=ALL):
        square = w[0] * w[0]
        size = jnp.where(
            square > 0, jnp.abs(w[0]), 1
        )  # f and f' are 0 at 0, and log 0 must not be seen there
        t = self.pace * jnp.log(size) + self.phase
        wave = (2 * jnp.sin(t) - self.pace * jnp.cos(t)) / (4 + self.pace**2)
        return (square * (0.5 + self.depth * wave))[None][i]

    @property
    def smoothness(self):
        return 1 + np.asarray(self.depth) * np.sqrt(1 + np.asarray(self.pace) ** 2)

    @property
    def smoothness_each(self):
        return np.array([self.smoothness])

    @property
    def pl(self):
        return pl_and_place(float(self.depth), float(self.pace))[0]

    @property
    def minimiser(self):
        return np.zeros(1)

    @property
    def minimum(self):
        return 0.0

    @property
    def minima_each(self):
        return np.zeros(1)


def pl_and_place(depth, pace):
    """mu, and the t where it is attained."""
    p, q = 4 * depth / (4 + pace**2), 2 * depth * pace / (4 + pace**2)
    # as polynomials in z, each multiplied by z: sin t = (z - 1/z) / 2i, cos t = (z + 1/z) / 2
    sine, cosine = np.array([0.5j, 0, -0.5j]), np.array([0.5, 0, 0.5])
    one = np.array([0, 1, 0])
    below = one + p * sine - q * cosine
    slope = polynomial.polysub(
        polynomial.polymul(2 * depth * cosine, below),
        polynomial.polymul(one + depth * sine, p * cosine + q * sine),
    )
    t = np.append(np.angle(polynomial.polyroots(slope)) if depth > 0 else [], 0.0)
    ratio = (1 + depth * np.sin(t)) ** 2 / (1 + p * np.sin(t) - q * np.cos(t))
    return float(ratio.min()), float(t[np.argmin(ratio)])


def scale_free(depth, pace, phase):
    """f' = x (1 + depth sin(pace log|x| + phase))."""
    depth, pace = admit.number(depth, "the depth"), admit.number(pace, "the pace")
    if not 0 <= depth < 1:
        raise ValueError(f"the depth must lie in [0, 1), or there are other critical points; got {depth:g}")
    if pace < 0:
        raise ValueError(f"the pace must not be negative; got {pace:g}: change the phase instead")
    return ScaleFree(depth, pace, admit.number(phase, "the phase"))
