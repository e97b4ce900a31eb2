"""A maximiser e on the sphere satisfies e = rho v / |v| with v = grad f(w + e); repeating this finds it.

On a quadratic v = theta e, theta the multiplier of the inner problem, and the map e -> rho v / |v| has at e
the derivative P H / theta, P the projector across e: a step multiplies a small error by at most

    q = max |eigenvalue of P H P| / theta,

so the iteration settles where theta exceeds the size of every eigenvalue of H: always where H is positive
semidefinite, and where rho is small against |g| otherwise, as theta >= |g| / rho - |H|.

    boundary_fixed_point    the maximiser is a fixed point; the iteration of theory/ascent.py ends on it
                            (and where q > 1 it does not)
    danskin                 by differences of w -> max f(w + e), its gradient is v
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from theory import Array, ascent
from theory.sharpness import largest_in_ball

TIMES = 400
STEP = 0.02
STENCIL = {3: (3 / 4, -3 / 20, 1 / 60), 4: (4 / 5, -1 / 5, 4 / 105, -1 / 280)}  # central, order 2 * its size
EPS = 2.0**-52


class Case(NamedTuple):
    reads: str  # "fixed point", "iteration" or "danskin"
    h: Array  # (d, d)
    w: Array  # (d,)
    rho: float
    share: float = 1.0  # of e, where the gradient is taken
    first_order: bool = False  # the first-order step for e


def cases():
    rng = np.random.default_rng(2)

    def symmetric(eigs):
        turn = np.linalg.qr(rng.standard_normal((len(eigs),) * 2))[0]
        return (turn * eigs) @ turn.T

    convex, mixed = symmetric([3.0, 2.0, 1.0, 0.2]), symmetric([2.0, 1.0, -0.5, -3.0])
    w = rng.standard_normal(4)
    out = {}
    for name, h, rho in [("convex", convex, 2.0), ("indefinite", mixed, 0.3)]:
        out[f"fixed point, {name}"] = Case("fixed point", h, w, rho)
        out[f"iteration, {name}"] = Case("iteration", h, w, rho)
        out[f"danskin: {name}"] = Case("danskin", h, w, rho)
    return out


solve = jax.jit(largest_in_ball)


def maximiser(case):
    """(e, theta)."""
    _, e, theta = map(np.asarray, solve(case.h, case.h @ case.w, case.rho))
    if case.first_order:
        g = case.h @ case.w
        e = case.rho * g / np.linalg.norm(g)
    return e, float(theta)


@cache
def iteration():
    """The gradient after TIMES ascents, compiled."""
    along = ascent.along(1.0, 2, None)

    def last(h, w, rho):
        return ascent.repeated(jax.value_and_grad(lambda w: 0.5 * w @ (h @ w)), rho, along, TIMES)(w)[1]

    return jax.jit(last)


def rate(case):
    """q."""
    e, theta = maximiser(case)
    across = np.eye(len(e)) - np.outer(e, e) / (e @ e)
    return np.abs(np.linalg.eigvalsh(across @ case.h @ across)).max() / theta


def hypotheses(case):
    eigs = np.linalg.eigvalsh(case.h)
    e, theta = maximiser(case._replace(first_order=False))
    out = {"on the sphere": abs(np.linalg.norm(e) / case.rho - 1) < 1e-14, "one": theta > eigs[-1] + 1e-3}
    if case.reads == "iteration":
        out["it settles"] = rate(case) < 1
    return out


def measured(case):
    e, _ = maximiser(case)
    v = case.h @ (case.w + case.share * e)
    if case.reads == "danskin":
        return np.abs(differences(case, 4) - v).max() / np.abs(v).max()
    if case.reads == "fixed point":
        return np.abs(e - case.rho * v / np.linalg.norm(v)).max() / case.rho
    found = np.asarray(iteration()(case.h, case.w, case.rho))
    return np.abs(found - v).max() / np.abs(v).max()


@cache
def largest_values():
    def largest_value(h, w, rho):
        return 0.5 * w @ (h @ w) + largest_in_ball(h, h @ w, rho).value

    return jax.jit(jax.vmap(largest_value, (None, 0, None)))


def differences(case, size):
    """The gradient of w -> max over |e| <= rho of f(w + e), of order 2 `size`."""
    d, weights = len(case.w), STENCIL[size]
    places = STEP * (1 + np.arange(size))[:, None, None] * np.eye(d)
    up, down = (
        np.asarray(largest_values()(case.h, (case.w + sign * places).reshape(-1, d), case.rho))
        for sign in (1, -1)
    )
    return np.array(weights) @ (up - down).reshape(size, d) / STEP


def bound(case):
    return 0.0


def tolerance(case):
    """Roundings, added up where it iterates; of differences, how much one order more changes them."""
    if case.reads == "danskin":
        v = case.h @ (case.w + maximiser(case._replace(first_order=False))[0])
        return np.abs(differences(case, 4) - differences(case, 3)).max() / np.abs(v).max()
    e, theta = maximiser(case._replace(first_order=False))
    condition = theta / (theta - np.linalg.eigvalsh(case.h)[-1])  # of e as a function of g
    across = rate(case._replace(first_order=False))
    return 64 * EPS * condition / (1 - min(across, 0.99))


def controls(case):
    out = {"the first-order step": case._replace(first_order=True)}
    if case.reads == "danskin":
        out["a part of the way"] = lambda factor: case._replace(share=1 / factor)
    if case.reads == "iteration":
        steep = np.linalg.eigh(case.h)[1][:, 1]
        bent = case.h - 20 * np.outer(steep, steep)
        out["a strongly concave direction, q > 1"] = case._replace(h=bent, rho=2.0)
    return out
