"""Sharpness of a loss f at radius rho: worst, ascent and average direction, and what they tend to.

    R_max(w) = max_{|v| <= rho} f(w + v) - f(w)
    R_asc(w) = f(w + rho g / |g|) - f(w),   g = grad f(w); infinite where g = 0
    R_avg(w) = E f(w + rho n) - f(w),       n uniform on the unit sphere

At a minimiser with Hessian H of rank M, eigenvalues lambda_1 >= ... >= lambda_M > 0, dimension d, their
infima over a shrinking neighbourhood, over rho^2, tend to lambda_1 / 2, lambda_M / 2 and tr H / (2 d).

Exact here: the largest value of a quadratic in a ball or on a sphere (`largest_in_ball`, `largest_on_sphere`:
a secular equation, with its hard case); averages of polynomials, by moments (`average`) or by a rule of nodes
(`sphere_rule`). Elsewhere `largest_found` climbs from given starts, each climb a sequence of such quadratics,
and `largest_by_slopes` where a Hessian is too large: what they return is attained, so it is a lower bound of
the maximum and no more.

The largest value in a ball. v is a maximiser of g . v + v' H v / 2 over |v| <= rho exactly if for some m >= 0

    (m I - H) v = g,   m I - H positive semidefinite,   m (rho - |v|) = 0.

With m = lambda_1 + s and d_i = lambda_1 - lambda_i >= 0 the size of v is |(g_i / (s + d_i))_i|, which falls
in s, and its inverse is concave: Newton's steps on the inverse, from a point where |v| >= rho, rise to the
root without passing it. In s nothing cancels where g is almost orthogonal to the top eigenvectors.
Hard case: g is orthogonal to them and |v| < rho at s = 0; then s = 0, and a top eigenvector fills v up to
length rho. On the sphere m may be negative, all else is the same.

Place: wml23, equations (1), (2), (4) and section 4 (its D is d); f21 for the inner maximum.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from theory import Array, admit
from theory.update import direction, norm

TINY = 1e-150  # of the largest number of the problem: what is below counts as zero, its squares would vanish
MOST = 200  # Newton steps; a dozen is usual


# Quadratics


class Largest(NamedTuple):
    """A maximum, where it is attained, and the multiplier m >= lambda_1 of |v|^2 / 2 there."""

    value: Array
    step: Array  # (d,)
    multiplier: Array


def largest_in_ball(hessian, slope, radius):
    """The maximum of slope . v + v' hessian v / 2 over |v| <= radius; any symmetric hessian, any slope.

    Its first derivatives in the arguments are those of the maximum wherever it has any (the step and the
    multiplier are held: the envelope theorem); second derivatives are not. The minimum is that of the
    negative.
    """
    return largest(hessian, slope, radius, inside=True)


def largest_on_sphere(hessian, slope, radius):
    """The same over |v| = radius; the multiplier may be negative."""
    return largest(hessian, slope, radius, inside=False)


def largest(hessian, slope, radius, inside):
    eigs, basis = jnp.linalg.eigh(jax.lax.stop_gradient(hessian))
    held, length = jax.lax.stop_gradient((slope, radius))
    flat = length <= 0
    pulls = basis.T @ held / jnp.where(flat, 1, length)
    scale = jnp.max(jnp.abs(jnp.concatenate([eigs, pulls])))
    scale = jnp.where(scale > 0, scale, 1)
    lowest = jnp.where(inside, jnp.maximum(-eigs[-1], 0) / scale, 0)
    shift, unit = secular((eigs[-1] - eigs) / scale, pulls / scale, lowest)
    multiplier = shift * scale + eigs[-1]
    step = jnp.where(flat, 0, length) * (basis @ unit)
    # the Lagrangian: its second part vanishes, its derivative does not
    value = slope @ step + 0.5 * (hessian @ step) @ step + 0.5 * multiplier * (radius**2 - step @ step)
    return Largest(value, step, multiplier)


def secular(gaps, pulls, lowest):
    """(s, u) with u = pulls / (s + gaps), |u| <= 1, for the least s >= lowest >= 0 that allows it.

    gaps >= 0, the last of them 0. Where s = 0 leaves |u| < 1, the last entry of u fills it up.
    """
    pulls = jnp.where(jnp.abs(pulls) > TINY, pulls, 0)

    def at(s):
        below = s + gaps
        free = below <= 0  # then the pull is zero too
        below = jnp.where(free, 1, below)
        unit = jnp.where(free, 0, pulls / below)
        return unit, jnp.sqrt(jnp.sum(unit**2)), jnp.sum(unit**2 / below)

    def going(now):
        count, _, change = now
        return (change > 0) & (count < MOST)

    def newton(now):
        count, s, _ = now
        _, size, fall = at(s)
        moved = s + jnp.where(size > 1, (size - 1) * size**2 / jnp.where(fall > 0, fall, 1), 0)
        return count + 1, moved, moved - s

    # each term alone has size >= 1 to the left of |pull| - gap
    first = jnp.maximum(lowest, jnp.max(jnp.abs(pulls) - gaps))
    shift = jax.lax.while_loop(going, newton, (0, first, jnp.inf))[1]
    unit, size, _ = at(shift)
    missing = jnp.where(shift > 0, 0, jnp.sqrt(jnp.maximum(1 - size**2, 0)))
    return shift, unit.at[-1].add(missing)


# Other losses


def largest_found(model, starts, radius, inside, iterations):
    """A lower bound of the maximum of f over |v| <= radius, or over |v| = radius unless `inside`.

    model(v) is (f, its gradient, its Hessian) at v. From each of `starts` (count, d) a climb that never
    falls: the quadratic model at v, less damping / 2 times the square of the move, is solved exactly as above
    and its maximiser taken if f gains. A gain halves the damping; else it becomes twice that with which the
    model would have been right there, and at least four times what it was. A second climb starts from the
    mirror image of where the first ends: near a minimum f is almost even. Returns the best value and its v;
    nothing says that no higher one exists. Compile it with `iterations` static.
    """

    def move(now, _):
        v, (value, slope, hessian), damping = now
        damped = hessian - damping * jnp.eye(len(v))
        tried = largest(damped, slope - damped @ v, radius, inside).step
        there, way = model(tried), tried - v
        gain = there[0] > value
        excess = value + slope @ way + 0.5 * (hessian @ way) @ way - there[0]
        square = jnp.sum(way**2)
        more = 4 * jnp.maximum(excess / jnp.where(square > 0, square, 1), damping)
        v, here = jax.tree.map(lambda new, old: jnp.where(gain, new, old), (tried, there), (v, now[1]))
        return (v, here, jnp.where(gain, damping / 2, more)), None

    def climb(v, _):
        nothing = -jnp.inf, v, jnp.zeros((len(v), len(v)))  # the first move goes to v itself, on the sphere
        v, here, _ = jax.lax.scan(move, (v, nothing, 0.0), length=iterations + 1)[0]
        return -v, (here[0], v)

    def twice(start):
        return jax.lax.scan(climb, radius * start / norm(start), length=2)[1]

    value, v = (x.reshape(-1, *x.shape[2:]) for x in jax.vmap(twice)(starts))
    best = jnp.argmax(value)
    return value[best], v[best]


def largest_by_slopes(value_and_grad, starts, radius, iterations):
    """The same bound from gradients alone, on vectors of any length: (value, v), the best of all points seen.

    From each of `starts` (count, d) v <- radius g / |g|, g the gradient at v. Maximisers on the sphere with a
    slope outwards are fixed points, and where f is convex no move falls: f(v') - f(v) >= g . (v' - v) >= 0.
    Elsewhere one may, so the best point is kept. On a quadratic without slope these are the power iterations.
    The starts are taken one after the other: a vmap over weights would make grouped convolutions.
    """

    def move(now, _):
        v, best = now
        value, slope = value_and_grad(v)
        gain = value > best[0]
        best = jax.tree.map(lambda new, old: jnp.where(gain, new, old), (value, v), best)
        return (radius * direction(slope, 1.0), best), None

    def climb(start):
        v = radius * direction(start, 1.0)
        return jax.lax.scan(move, (v, (jnp.full((), -jnp.inf, v.dtype), v)), length=iterations + 1)[0][1]

    value, v = jax.lax.map(climb, starts)
    best = jnp.argmax(value)
    return value[best], v[best]


def second_order(rise):
    """The model of any function, by automatic differentiation; its Hessian is dense."""
    return lambda v: (*jax.value_and_grad(rise)(v), jax.hessian(rise)(v))


def ascent(loss, w, rho):
    """R_asc(w); infinite where the gradient is zero."""
    value, grad = jax.value_and_grad(loss)(w)
    return jnp.where(norm(grad) > 0, loss(w + rho * direction(grad, 1.0)) - value, jnp.inf)


def each_sample(f, notion, w):
    """The mean over the samples k of notion(f_k, w): the sharpness that 1-SAM sees."""
    return jnp.mean(jax.vmap(lambda k: notion(lambda w: f.losses(w, k), w))(jnp.arange(f.n)))


# Averages over the sphere


def sphere_rule(d, degree):
    """Nodes (count, d) and weights on the unit sphere whose sums are means of polynomials up to `degree`.

    On the circle equal angles; then the last coordinate t has the density (1 - t^2)^((d - 3) / 2), Gauss and
    Gegenbauer, times the rule of one dimension less on the sphere that is left. About (degree / 2)^(d - 1)
    nodes.
    """
    d, degree = admit.whole(d, "the dimension", 1), admit.whole(degree, "the degree", 0)
    if d == 1:
        return np.array([[-1.0], [1.0]]), np.array([0.5, 0.5])
    if d == 2:
        angles = 2 * np.pi * np.arange(degree + 1) / (degree + 1)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1), np.full(degree + 1, 1 / (degree + 1))
    lower, each = sphere_rule(d - 1, degree)
    heights, weights = scipy.special.roots_gegenbauer(degree // 2 + 1, (d - 2) / 2)
    nodes = np.concatenate(
        [
            np.sqrt(1 - heights**2)[:, None, None] * lower,
            np.broadcast_to(heights[:, None, None], (len(heights), len(lower), 1)),
        ],
        axis=2,
    )
    return nodes.reshape(-1, d), np.outer(weights / weights.sum(), each).ravel()


def average(rise, rho, rule):
    """E rise(rho n) by a rule of the sphere: exact where rise is a polynomial of its degree."""
    nodes, weights = rule
    return weights @ jax.vmap(rise)(rho * nodes)


# Polynomials of degree four


class Quartic(NamedTuple):
    """f(w + v) - f(w) = slope . v + v' hessian v / 2 + third[v, v, v] / 6 + fourth[v, v, v, v] / 24."""

    slope: Array  # (d,)
    hessian: Array  # (d, d)
    third: Array  # (d, d, d)
    fourth: Array  # (d, d, d, d)

    def rise(self, v):
        second = 0.5 * self.hessian + ((self.third @ v) / 6 + ((self.fourth @ v) @ v) / 24)
        return self.slope @ v + (second @ v) @ v

    def model(self, v):
        """The rise at v, its gradient and its Hessian."""
        third, fourth = self.third @ v, (self.fourth @ v) @ v
        slope = self.slope + (self.hessian + third / 2 + fourth / 6) @ v
        return self.rise(v), slope, self.hessian + third + fourth / 2

    def at(self, v):
        """The same polynomial about w + v."""
        _, slope, hessian = self.model(v)
        return Quartic(slope, hessian, self.third + self.fourth @ v, self.fourth)

    def within(self, basis):
        """The same in coordinates a, v = basis a."""
        third = np.einsum("abc,ai,bj,ck->ijk", self.third, *(basis,) * 3, optimize=True)
        fourth = np.einsum("abcd,ai,bj,ck,dl->ijkl", self.fourth, *(basis,) * 4, optimize=True)
        return Quartic(basis.T @ self.slope, basis.T @ self.hessian @ basis, third, fourth)

    @property
    def negative(self):
        return Quartic(*(-part for part in self))

    @property
    def laplacian(self):
        return np.trace(self.hessian)

    @property
    def bilaplacian(self):
        return np.einsum("aabb->", self.fourth)

    def average(self, rho):
        """E f(w + rho n) - f(w): odd moments vanish, E n n' = I / d, and E n_a n_b n_c n_d is the sum of the
        three pairings over d (d + 2)."""
        d = len(self.slope)
        return rho**2 * self.laplacian / (2 * d) + rho**4 * self.bilaplacian / (8 * d * (d + 2))


def quartic(loss, w):
    """The polynomial of degree four about w, by automatic differentiation: f itself if it is one."""
    derivatives = [jax.grad(loss)]
    for _ in range(3):
        derivatives.append(jax.jacfwd(derivatives[-1]))
    return Quartic(*(each(w) for each in derivatives))


# Limits


def limits(hessian, rank):
    """(lambda_1 / 2, lambda_M / 2, tr H / (2 d)) at a minimiser whose Hessian has that rank M."""
    eigs = np.linalg.eigvalsh(hessian)
    rank = admit.whole(rank, "the rank", 1, len(eigs))
    return eigs[-1] / 2, eigs[-rank] / 2, np.sum(eigs) / (2 * len(eigs))
