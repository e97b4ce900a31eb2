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
import numpy as np

from theory.bounds.ol25 import cycle_factor, cycle_radius
from theory.problems.valley import Valley, figure_1_whole
from theory.update import direction

LOSS = figure_1_whole()
STEPS = (0.02, 0.005, 1e-3, 2.5e-4)
RHO, AHEAD = 0.3, "descent on the loss ahead"
CORNERS = ((0.0, 0.0), (1.0, 1.0), (0.2, 0.3), (0.8, 0.1))
STATES = 40
TINY = 1e-9  # y_1 over s


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


@jax.jit
@jax.vmap
def slopes(f, w, rho):
    """The gradient of f(w + rho u) by differentiation; grad f, grad f(w+) and H (I - u u') grad f(w+)."""
    slope = jax.grad(f.loss)
    g = slope(w)
    u = direction(g, 1.0)
    pull = slope(w + rho * u)
    found = jax.grad(lambda w: f.loss(w + rho * direction(slope(w), 1.0)))(w)
    return found, g, pull, jax.jvp(slope, (w,), (pull - u * (u @ pull),))[1]


@cache
def drawn():
    rng, count = np.random.default_rng(0), len(CORNERS)
    states = np.concatenate([rng.uniform(0, 1, (STATES, 2)), 0.3 * rng.standard_normal((STATES, 2))], axis=1)
    same = jax.tree.map(lambda field: np.stack([np.asarray(field)] * count), LOSS)
    radii = np.full(count, RHO)
    found = [slopes(same, w, radii) for w in states.reshape(-1, count, 4)]
    return [np.concatenate(each) for each in zip(*found, strict=True)]


def multipliers(low, top, s, gamma):
    """The derivative of a step on (top y_1^2 + low y_2^2) / 2 at (0, s), along y_1.

    The gradient is odd in y_1, so that over a tiny y_1 it is its derivative: nothing is subtracted.
    """
    count = len(low)
    flat = Valley(2 * np.stack([top, low], 1), np.zeros((count, 2, 2)), np.zeros((count, 2, 2, 2)))
    states = np.stack([0 * s, 0 * s, TINY * s, s], 1)
    slope = np.asarray(slopes(flat, states, np.full(count, RHO))[0])
    return 1 - gamma * slope[:, 2] / states[:, 2]


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
    found = multipliers(low, top, s, case.gamma)
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
