"""The function on which full-batch USAM moves away from the minimiser as far as a function can; a plane.

    f(z) = mu |z|^2 / 2 + l (|z|^2 - dist(z, K)^2) / 2,   K = {s : <s, u_1> <= 0, <s, u_2> <= c},  l = L - mu.

grad f(z) = mu z + l P(z), P the projection onto the wedge K. |z|^2 - dist(z, K)^2 is twice a convex function
with gradient P, which does not expand: f is mu-strongly convex and L-smooth, f(0) = 0 = min f.

With e = rho l - 1 > 0 and t in (0, 1) as in theory/bounds/own.py, x = (1, 0) and, in units of l,

    h = (t, -sqrt(t (1 - t))),   k = -e t x + (2 + rho mu + 2 e t) h,   y = (1 + rho mu) x + rho l h,
    u_1 = x - h,   u_2 = y - k,   c = e t (1 - t):

<h, u_1> = 0, <h, u_2> = <k, u_2> = c, <k, u_1> = -c. So P(0) = 0, P(x) = h is the vertex, P(y) = k lies on an
edge, and the step from x ends at the squared distance tau, exactly the worst of the class.

dist(z, K)^2 / 2 = max over a >= 0 of <a, b> - a' N a / 2, N the products of u_1 and u_2, b = (<z, u_1>, <z,
u_2> - c): one of four candidates, of which the largest value is the maximum because each is admitted.

The second coordinate is measured in units of sqrt(t (1 - t)), whose square is `weight`, so that everything is
rational: fractions give fractions. `loss` takes ordinary coordinates.

Place: ours.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp

from theory.bounds import own


class Wedge(NamedTuple):
    curvature: Any  # mu
    spread: Any  # l = L - mu
    weight: Any  # |(0, 1)|^2
    first: tuple  # u_1
    second: tuple  # u_2
    offset: Any  # c

    def inner(self, a, b):
        return a[0] * b[0] + self.weight * a[1] * b[1]

    def multipliers(self, z, larger=max):
        """The value of dist(z, K)^2 / 2 by each candidate, and its (a_1, a_2)."""
        n11, n12, n22 = (
            self.inner(u, v)
            for u, v in [(self.first, self.first), (self.first, self.second), (self.second, self.second)]
        )
        b1, b2 = self.inner(z, self.first), self.inner(z, self.second) - self.offset
        zero = 0 * b1
        one, two = larger(b1, zero) / n11, larger(b2, zero) / n22
        area = n11 * n22 - n12**2
        both = (b1 * n22 - b2 * n12) / area, (b2 * n11 - b1 * n12) / area
        return [
            (one * b1 / 2, (one, zero)),
            (two * b2 / 2, (zero, two)),
            ((both[0] * b1 + both[1] * b2) / 2, both),
        ]

    def projection(self, z):
        """P(z), by comparison: fractions or floats."""
        admitted = [each for each in self.multipliers(z) if min(each[1]) >= 0]
        a = max(admitted)[1]
        return tuple(x - a[0] * u - a[1] * v for x, u, v in zip(z, self.first, self.second, strict=True))

    def value(self, z):
        away = tuple(x - s for x, s in zip(z, self.projection(z), strict=True))
        return (self.smoothness * self.inner(z, z) - self.spread * self.inner(away, away)) / 2

    def gradient(self, z):
        return tuple(self.curvature * x + self.spread * s for x, s in zip(z, self.projection(z), strict=True))

    def step(self, z, gamma, rho):
        """x+ of full-batch USAM in this arithmetic."""
        ahead = tuple(x + rho * g for x, g in zip(z, self.gradient(z), strict=True))
        return tuple(x - gamma * k for x, k in zip(z, self.gradient(ahead), strict=True))

    def loss(self, w):
        """f at w in ordinary coordinates, an array of two."""
        z = w[0], w[1] / jnp.sqrt(self.weight)
        one, two, both = self.multipliers(z, jnp.maximum)
        inside = (both[1][0] >= 0) & (both[1][1] >= 0)
        half = jnp.maximum(jnp.maximum(one[0], two[0]), jnp.where(inside, both[0], 0))
        return self.smoothness * (w @ w) / 2 - self.spread * half

    @property
    def smoothness(self):
        return self.curvature + self.spread

    @property
    def minimum(self):
        return 0.0


def wedge(curvature, smoothness, gamma, rho):
    """The extremal function of F(mu, L) for the step gamma and the radius rho; its worst point is (1, 0)."""
    if not 0 <= curvature < smoothness:
        raise ValueError(f"the wedge needs 0 <= mu < L; got mu = {curvature} and L = {smoothness}")
    spread = smoothness - curvature
    e = own.excess(curvature, smoothness, rho)
    if not e > 0:
        raise ValueError(
            f"the wedge needs rho (L - mu) > 1; got {e + 1}: up to there no function beats the quadratics"
        )
    low, high = own.gamma_c(curvature, smoothness, rho), own.gamma_d(curvature, smoothness, rho)
    if not max(low, 0) < gamma < high:
        raise ValueError(
            f"the wedge needs a step between {float(max(low, 0)):g} and {float(high):g}; got {gamma}: "
            "elsewhere a quadratic is the worst"
        )
    return wedge_at(own.share(curvature, smoothness, gamma, rho), curvature, spread, rho)


def wedge_at(t, curvature, spread, rho):
    """The same by the share t in (0, 1) of the vertex, without comparisons: for rational functions too."""
    e, one = rho * spread - 1, t / t
    h, k, y = designed(t, curvature, spread, rho)
    u_1, u_2 = (one - h[0], 0 - h[1]), (y[0] - k[0], y[1] - k[1])
    return Wedge(curvature, spread, t * (1 - t), u_1, u_2, e * t * (1 - t))


def designed(t, curvature, spread, rho):
    """(h, k, y): P(x), P(y) and y; the gradients at x and y are mu x + l h and mu y + l k."""
    e, along, one = rho * spread - 1, 1 + rho * curvature, t / t
    h, bent = (t, -one), 1 + along + 2 * e * t
    return h, (bent * t - e * t, -bent), (along + rho * spread * t, -rho * spread * one)
