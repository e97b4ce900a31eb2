"""When the dropped term matters: on a quadratic its share is at most s kappa / sqrt((1 + r)^2 + kappa^2).

With g the gradient, u = g / |g|, P = I - u u', kappa = rho |P H u| / |g|, r = rho u'Hu / |g| and
s = rho |H| / |g|, the gradient ahead is v = g + rho H u = |g| (1 + r) u + rho P H u, hence

    |v| = |g| sqrt((1 + r)^2 + kappa^2)          v = |g| (1 + r) u + |g| kappa n, n a unit vector across u
    J' v = (rho / |g|) H P v                     so |J' v| <= s kappa |g|,

with equality where n is a top eigenvector. So dropping is harmless where kappa s is small, and the sine of
the angle between v and v + J' v is at most the share. For a positive semidefinite H also kappa <= s / 2.

    bending            `measured` is the largest ratio of |J' v| / |v| to its bound over random quadratics
    bending_turns      of the sine of the angle to the same bound, where it is below 1
    bending_is_small   of kappa to s / 2
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array, ascent
from theory.update import look_ahead, norm

RHO = 0.05
DRAWS, D = 200, 50
SIZES = (10.0, 1.0, 0.1, 0.01)  # of the gradient


class Case(NamedTuple):
    reads: str  # "share" of the term, "sine" of the angle, or "kappa"
    h: Array  # (d,), the eigenvalues
    g: Array  # (draws, d), in their basis
    times: float = 1.0  # the dropped term
    transposed: bool = False  # J v for J' v


def cases():
    rng = np.random.default_rng(0)
    eigs = 5 / np.arange(1, D + 1)
    directions = rng.standard_normal((DRAWS, D))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    top = np.array([1.0, 0.0])
    plane = np.array([[1e-4, 1.0], [1e-3, 1.0], [1.0, 1e-3]])  # in the first n is nearly the top eigenvector
    out = {f"|g|={size:g}": Case("share", eigs, size * directions) for size in SIZES}
    mixed = eigs * np.where(np.arange(D) % 2, -1, 1)
    out["indefinite"] = Case("share", mixed, directions)
    out["in the plane"] = Case("share", top, RHO * plane)
    for size in SIZES[:3]:  # below, the bound exceeds 1
        out[f"bending_turns: |g|={size:g}"] = Case("sine", eigs, size * directions)
    out["bending_turns: in the plane"] = Case("sine", top, RHO * plane)
    out["bending_is_small: 50 eigenvalues"] = Case("kappa", eigs, directions)
    out["bending_is_small: at 45 degrees"] = Case("kappa", top, np.ones((1, 2)))
    return out


def hypotheses(case):
    out = {"no gradient is zero": np.all(np.any(case.g != 0, axis=1))}
    return out | ({"convex": np.all(case.h >= 0)} if case.reads == "kappa" else {})


@jax.jit
@partial(jax.vmap, in_axes=(None, 0))
def sides(h, g):
    """(v, J' v, J v, kappa, r, s) at the point 0 of a quadratic with slope g there."""
    rule = jax.value_and_grad(lambda w: g @ w + 0.5 * h @ w**2)
    v = look_ahead(rule, RHO, 1.0)(0 * g)[1]
    whole = ascent.with_second_order(rule, RHO, ascent.along(1.0, 2, None))(0 * g)[1]
    u, scale = g / norm(g), RHO / norm(g)
    along = u @ (h * u)
    other = scale * (h * v - (u @ (h * v)) * u)
    return v, whole - v, other, scale * norm(h * u - along * u), scale * along, scale * jnp.max(jnp.abs(h))


def measured(case):
    v, term, other, kappa, r, s = map(np.asarray, sides(case.h, case.g))
    if case.reads == "kappa":
        return np.max(case.times * kappa / (s / 2))
    term = case.times * (other if case.transposed else term)
    share = s * kappa / np.sqrt((1 + r) ** 2 + kappa**2)
    if case.reads == "share":
        return np.max(length(term) / length(v) / share)
    unit, whole = v / length(v)[:, None], v + term
    across = whole - np.sum(unit * whole, axis=1, keepdims=True) * unit
    return np.max(np.where(share < 1, length(across) / length(whole) / share, 0))


def length(vectors):
    return np.linalg.norm(vectors, axis=1)


def bound(case):
    return 1.0


def controls(case):
    out = {"a larger term": lambda factor: case._replace(times=factor)}
    if case.reads != "kappa" and np.all(length(case.g) > 1):  # s is small
        out["J v for J' v"] = case._replace(transposed=True)
    return out
