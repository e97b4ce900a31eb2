"""Descent on the ascent-direction loss f(w + rho u), u = g / |g|, is unstable where it aligns as it should.

"gradient": its gradient is grad f(w+) + rho H (I - u u') grad f(w+) / |g|, w+ = w + rho u, on Figure 1's loss
at random states, against automatic differentiation; relative.

On a quadratic with the eigenvalues top > low the states s v_low are aligned, and descent moves there as SAM
does: on a cycle with s = gamma rho low / (2 - gamma low). A small error along v_top is multiplied by 1 -
gamma bend, where the last term comes from the turning of u,

    bend = top + rho top^2 / (low s) + rho^2 top^2 (top - low) / (low^2 s^2).

"multiplier": this against automatic differentiation, at the cycle. "unstable": |1 - gamma bend| > 1 there, as
gamma bend > top^2 (top - low) (2 - gamma low)^2 / (gamma low^4), which grows as gamma falls; `measured` is 1
over that modulus, top = 2 F_1 and low = 2 F_2 all over the square. So the run leaves the alignment however
small the step, and |y| settles where gamma bend is about 2, at the scale rho gamma^(1/2). Where it ends in
the plane is drawn and not asserted.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory.bounds.ol25 import cycle_factor, cycle_radius
from theory.problems.valley import figure_1_whole
from theory.update import direction

LOSS = figure_1_whole()
STEPS = (0.02, 0.005, 1e-3, 2.5e-4)
RHO, AHEAD = 0.3, "descent on the loss ahead"
CORNERS = ((0.0, 0.0), (1.0, 1.0), (0.2, 0.3), (0.8, 0.1))
STATES = 40


class Case(NamedTuple):
    reads: str  # "gradient", "multiplier" or "unstable"
    gamma: float
    turning: float  # of the last term: 1, but for a control
    scale: float  # of the claim
    stretch: float  # of s over the cycle's: 1, but for a control
    method: str  # "descent on the loss ahead", but for a control


def cases():
    out = {"gradient": Case("gradient", 0.0, 1.0, 1.0, 1.0, AHEAD)}
    for gamma in STEPS:
        for reads in ("multiplier", "unstable"):
            out[f"{reads}, gamma={gamma:g}"] = Case(reads, gamma, 1.0, 1.0, 1.0, AHEAD)
    return out


def hypotheses(case):
    low, top = eigenvalues()
    return {"low < top": np.all(low < top), "gamma top < 2": case.gamma * np.max(top) < 2}


def eigenvalues():
    """2 F_2 and 2 F_1 at the corners."""
    x = np.array(CORNERS).T
    first, second = x[0] ** 2 + 6 * x[1] ** 2 + 8, 4 * (1 - x[0]) ** 2 + (1 - x[1]) ** 2 + 1
    return 2 * second, 2 * first


def ascended(loss, w, rho):
    return loss(w + rho * direction(jax.grad(loss)(w), 1.0))


@jax.jit
def gradients(states, rho):
    """Of the ascent-direction loss by differentiation; grad f, grad f(w+) and H (I - u u') grad f(w+)."""

    def one(w):
        slope = jax.grad(LOSS.loss)
        g = slope(w)
        u = direction(g, 1.0)
        ahead = slope(w + rho * u)
        bent = jax.jvp(slope, (w,), (ahead - u * (u @ ahead),))[1]
        return jax.grad(lambda w: ascended(LOSS.loss, w, rho))(w), g, ahead, bent

    return jax.vmap(one)(states)


@jax.jit
def multipliers(low, top, s, gamma, rho):
    """The derivative of a step of descent, on low y_1^2 / 2 + top y_2^2 / 2 at (s, 0), along y_2."""

    def one(low, top, s):
        def move(y):
            return y - gamma * jax.grad(lambda y: ascended(quadratic, y, rho))(y)

        def quadratic(y):
            return 0.5 * (low * y[0] ** 2 + top * y[1] ** 2)

        return jax.jvp(move, (jnp.stack([s, 0.0]),), (jnp.array([0.0, 1.0]),))[1][1]

    return jax.vmap(one)(low, top, s)


@cache
def drawn():
    rng = np.random.default_rng(0)
    states = np.concatenate([rng.uniform(0, 1, (STATES, 2)), 0.3 * rng.standard_normal((STATES, 2))], axis=1)
    return tuple(map(np.asarray, gradients(states, RHO)))


def claimed(case, low, top, s):
    turned = RHO**2 * top**2 * (top - low) / (low**2 * s**2)
    return 1 - case.scale * case.gamma * (top + RHO * top**2 / (low * s) + case.turning * turned)


def measured(case):
    if case.reads == "gradient":
        found, g, ahead, bent = drawn()
        turned = RHO * bent / np.linalg.norm(g, axis=1, keepdims=True)
        off = found - case.scale * ahead - case.turning * turned
        return np.max(np.linalg.norm(off, axis=1) / np.linalg.norm(found, axis=1))
    low, top = eigenvalues()
    if case.method == "SAM":
        return np.max(1 / np.abs(cycle_factor(top, low, case.gamma)))
    s = case.stretch * cycle_radius(low, case.gamma, RHO, 1.0)
    found = np.asarray(multipliers(low, top, s, case.gamma, RHO))
    if case.reads == "unstable":
        return np.max(1 / np.abs(found))
    return np.max(np.abs(found / claimed(case, low, top, cycle_radius(low, case.gamma, RHO, 1.0)) - 1))


def bound(case):
    return 1.0 if case.reads == "unstable" else 0.0


def tolerance(case):
    return 1e-12


def controls(case):
    if case.reads == "unstable":
        return {
            "SAM, aligned with the largest eigenvalue": case._replace(method="SAM"),
            "far from the minimisers": lambda factor: case._replace(stretch=factor),
        }
    return {
        "a little more": lambda factor: case._replace(scale=factor),
        "without the turning of u": case._replace(turning=0.0),
    }
