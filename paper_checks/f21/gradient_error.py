"""Orders in rho at a fixed gradient that is not zero: what the first-order rule misses of the inner maximum.

With g = grad f, u = g / |g|, H the Hessian, P = I - u u', e the maximiser of f(w + e) over |e| <= rho, and
a = rho u the first-order step:

    inner_solution_error           e - a = (rho^2 / |g|) P H u + O(rho^3)
    inner_value_error              f(w + e) - f(w + a) = (rho^3 / (2 |g|)) |P H u|^2 + O(rho^4)
    gradient_penalty               f(w + e) - f(w) = rho |g| + rho^2 u'Hu / 2 + O(rho^3)
    gradient_error                 grad max - grad f(w + a) = (rho^2 / |g|) H P H u + O(rho^3)
    equation_3                     so the rule has the gradient of the maximum up to order 2
    gradient_error_second_order    with the term that it drops, up to order 3
    dropped_term_order             the dropped term: (rho^2 / |g|) H P H u + O(rho^3) for SAM, rho H g +
                                   O(rho^2) for USAM

On a quadratic e is exact (theory/sharpness.py). On a small tanh net it is the fixed point of e = rho grad f(w
+ e) / |grad f(w + e)|, settled to rounding: for small rho f is nearly linear on the ball, which makes it the
one maximiser. grad max is grad f(w + e) (danskin). `measured` is the distance of the order of what is left,
once the leading terms are taken away, to the claimed one, on the finest pair of RADII.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import ascent
from theory.problems.tanh_net import tanh_net
from theory.sharpness import largest_in_ball
from theory.update import direction, look_ahead

RADII = 0.02 * 2.0 ** -np.arange(5)  # over |g| / |H|
SETTLED = 60
MARGIN = 0.1
ORDERS = {
    "inner_solution_error": 3,
    "inner_value_error": 4,
    "gradient_penalty": 3,
    "gradient_error": 3,
    "equation_3": 2,
    "gradient_error_second_order": 3,
    "dropped_term_order: SAM": 3,
    "dropped_term_order: USAM": 2,
}


class Case(NamedTuple):
    problem: str
    reads: str
    order: float
    factor: float = 1.0  # of the leading term
    transposed: bool = False  # J v for J' v


@cache
def problem(name):
    """(f, w)."""
    rng = np.random.default_rng(3)
    if name == "quadratic":
        turn = np.linalg.qr(rng.standard_normal((12, 12)))[0]
        h = (turn * np.geomspace(0.1, 3, 12)) @ turn.T
        return lambda w: 0.5 * w @ (h @ w), jnp.asarray(rng.standard_normal(12))
    x, second = rng.standard_normal((20, 6)), rng.standard_normal(6)
    net = tanh_net(x, rng.standard_normal(20), second)
    return net.loss, jnp.asarray(rng.standard_normal(36))


@cache
def derivatives(name):
    """The gradient and the Hessian."""
    f, w = problem(name)
    return jax.tree.map(np.asarray, jax.jit(lambda w: (jax.grad(f)(w), jax.hessian(f)(w)))(w))


@cache
def left(name):
    """(radii, {reads: (difference, its leading term)}), one row for each radius."""
    f, w = problem(name)
    rule = jax.value_and_grad(f)
    g, h = derivatives(name)
    size = np.linalg.norm(g)
    radii = RADII * size / np.linalg.norm(h, 2)
    u = g / size
    across = h @ u - (u @ (h @ u)) * u

    def maximiser(rho):
        if name == "quadratic":
            return largest_in_ball(h, g, rho).step
        return jax.lax.fori_loop(0, SETTLED, lambda _, e: rho * direction(jax.grad(f)(w + e), 1.0), rho * u)

    def rise(a, e):
        """f(w + e) - f(w + a) without cancellation: the slope along the way, by Gauss's rule."""
        nodes, weights = np.polynomial.legendre.leggauss(8)
        slopes = jax.vmap(lambda t: jax.grad(f)(w + a + t * (e - a)))((1 + nodes) / 2)
        return weights / 2 @ slopes @ (e - a)

    def parts(rho):
        e, a = maximiser(rho), rho * u
        best = jax.grad(f)(w + e)
        sam = look_ahead(rule, rho, 1.0)(w)[1]
        usam = look_ahead(rule, rho, 0)(w)[1]
        whole = ascent.with_second_order(rule, rho, ascent.along(1.0, 2, None))(w)[1]
        usam_whole = ascent.with_second_order(rule, rho, ascent.along(0, 2, None))(w)[1]
        jacobian_v = rho / size * (h @ sam - u * (u @ (h @ sam)))
        bend = rho**2 / size * (h @ across)
        zero = jnp.zeros_like(g)
        return {
            "inner_solution_error": (e - a, rho**2 / size * across),
            "inner_value_error": (rise(a, e), rho**3 / (2 * size) * across @ across),
            "gradient_penalty": (rise(zero, e), rho * size + rho**2 / 2 * u @ (h @ u)),
            "gradient_error": (best - sam, bend),
            "equation_3": (best - sam, zero),
            "gradient_error_second_order": (best - whole, zero),
            "dropped_term_order: SAM": (whole - sam, bend),
            "dropped_term_order: USAM": (usam_whole - usam, rho * (h @ g)),
            "transposed": (jacobian_v, bend),
            "dropped": (best - sam, zero),
        }

    return radii, jax.tree.map(np.asarray, jax.jit(jax.vmap(parts))(radii))


def cases():
    out = {}
    for name in ("quadratic", "net"):
        for reads, order in ORDERS.items():
            slug, _, which = reads.partition(": ")
            if (name, which) != ("quadratic", "SAM"):  # there the leading term is all
                out[f"{slug}: {which or 'the rule'}, {name}"] = Case(name, reads, order)
    return out


def hypotheses(case):
    return {"the gradient is not zero": np.linalg.norm(derivatives(case.problem)[0]) > 0}


def measured(case):
    radii, parts = left(case.problem)
    found, leading = parts["transposed" if case.transposed else case.reads]
    sizes = np.linalg.norm((found - case.factor * leading).reshape(len(radii), -1), axis=1)
    slopes = np.diff(np.log(sizes)) / np.diff(np.log(radii))
    return abs(slopes[-1] - case.order)


def bound(case):
    return MARGIN


def controls(case):
    out = {"another order": lambda factor: case._replace(order=case.order * factor)}
    if np.any(left(case.problem)[1][case.reads][1] != 0):
        out["the leading term a little larger"] = lambda factor: case._replace(factor=factor)
        out["no leading term"] = case._replace(factor=0.0)
    if case.reads == "dropped_term_order: SAM":
        out["J v for J' v"] = case._replace(transposed=True)
    if case.reads == "gradient_error_second_order":
        out["the term dropped"] = case._replace(reads="dropped")
    return out
