"""f(x_T) - f* <= prod Q(rho_t, gamma) (f(x_0) - f*) for radii chosen by an adversary; equality on quadratics.

At every step the adversary takes, of radii rho l from 0 to 20, the one after which the gap is largest
beside what Theorem A promises for it. `measured` is the largest ratio of gap to promise over t = 1 .. T;
the bound is 1. The step is a share of 2 / (p + q) at rho l = 1, too long for the larger radii. On a
quadratic with curvatures mu and L alone the ratio is 1; "one radius" is the product Q^T.
"""

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory.bounds import own
from theory.problems.logistic import logistic
from theory.problems.quadratic import quadratic
from theory.problems.wedge import wedge
from theory.update import step

STEPS = 10
REACHES = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 20.0)  # rho l
SHARES = (0.3, 1.0, 1.8)  # of the balanced step at rho l = 1
STARTS = 8


class Function(NamedTuple):
    """A strongly convex function and what the theorems read of it."""

    f: Any
    mu: float
    top: float  # L
    minimiser: np.ndarray
    minimum: float


class Case(NamedTuple):
    function: Function
    gamma: float
    radii: tuple
    factors: np.ndarray  # promised, one for each radius
    scale: float = 1.0  # of the promise at every step, less than 1 for a control


@cache
def functions():
    rng = np.random.default_rng(5)
    a, y = rng.standard_normal((12, 4)), np.where(rng.random(12) < 0.5, 1.0, -1.0)
    sloped = logistic(a, y, 0.05)
    balanced = own.balanced_step(0.1, 1.0, 3.0)
    tilted = 0.3 * own.balanced_step(0.01, 1.0, 5.0)
    return {
        "quadratic": flat([0.1, 0.3, 1.0]),
        "wedge": Function(wedge(0.1, 1.0, balanced, 3.0), 0.1, 1.0, np.zeros(2), 0.0),
        "tilted wedge": Function(wedge(0.01, 1.0, tilted, 5.0), 0.01, 1.0, np.zeros(2), 0.0),
        "logistic": Function(sloped, 0.05, sloped.smoothness, sloped.minimiser, sloped.minimum),
    }


def flat(eigs):
    """The quadratic with these curvatures."""
    f = quadratic(np.diag(eigs)[None], np.zeros((1, len(eigs))), np.zeros(1))
    return Function(f, eigs[0], eigs[-1], np.zeros(len(eigs)), 0.0)


def cases():
    out = {}
    for name, of in functions().items():
        for share in SHARES:
            gamma = share * own.balanced_step(of.mu, of.top, 1 / (of.top - of.mu))
            out[f"{name}, {share:g} balanced steps"] = case(of, gamma, REACHES)
    for reach in (0.5, 3.0):
        of = functions()["quadratic"]
        gamma = own.balanced_step(of.mu, of.top, reach / (of.top - of.mu))
        out[f"one radius, rho l = {reach:g}"] = case(of, gamma, (reach,) * len(REACHES))
    return out


def case(of, gamma, reaches):
    radii = tuple(reach / (of.top - of.mu) for reach in reaches)
    return Case(of, gamma, radii, np.array([own.quad_factor(of.mu, of.top, gamma, rho) for rho in radii]))


def hypotheses(case):
    return {"rho >= 0": min(case.radii) >= 0, "gamma > 0": case.gamma > 0}


@jax.jit
def hunted(f, starts, minimum, gamma, radii, factors):
    """Gap over promise at t = 1 .. STEPS, (starts, steps)."""

    def turn(now, _):
        w, ratio = now
        tried = jax.vmap(lambda rho: step(jax.value_and_grad(f.loss), w, gamma, rho, 0.0))(radii)
        gaps = jax.vmap(f.loss)(tried) - minimum
        found = ratio * gaps / (factors * (f.loss(w) - minimum))
        k = jnp.argmax(found)
        return (tried[k], found[k]), found[k]

    return jax.vmap(lambda w: jax.lax.scan(turn, (w, 1.0), length=STEPS)[1])(starts)


def measured(case):
    of = case.function
    d = len(of.minimiser)
    ways = np.vstack([np.eye(d), np.random.default_rng(3).standard_normal((STARTS - d, d))])
    starts = of.minimiser + 3 * ways
    found = hunted(of.f, starts, of.minimum, case.gamma, np.array(case.radii), case.factors)
    return float(np.max(np.asarray(found) * case.scale ** -np.arange(1.0, STEPS + 1)))


def bound(case):
    return 1.0


def controls(case):
    out = {"a smaller factor": lambda factor: case._replace(scale=1 / factor)}
    if len(set(case.radii)) > 1:
        least = np.full(len(case.radii), np.min(case.factors))
        out["the factor of the best radius"] = case._replace(factors=least)
    return out
