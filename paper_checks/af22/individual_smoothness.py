"""One batch for both gradients, smoothness of the mean alone: the non-convex bound is false.

The functions of theory/problems/ripple.py have the mean x^2 / 2, L = 1, and bounded variance. At x = 1 no
draw of `trap` moves, so that (1/T) sum E|grad L(w_t)|^2 = 1 for every T, while the bound (4 L D_0 + 8
sigma^2) / sqrt(T) falls below 1. `measured` is the claimed bound, its bound the true mean, lowered by twice
the tolerance, so that the tolerance decides nothing. "smallest T": just below it the bound still holds: a
control.

"individual_smoothness_ripple: ..." is the same with cos(k x) / k, k = 20, for T = 10^4 from x = 0.8, on 256
sampled paths. |grad L|^2 lies in [0, 1], so that the mean is below the sample's by less than
sqrt(log(1000) / 512) with probability 99.9 % (Hoeffding). k = 1/2, where both functions are 3/2-smooth, is a
control.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory.bounds import af22
from theory.descent import descend
from theory.problems.ripple import ripple, trap
from theory.update import look_ahead

RELATIVE = 1e-12
SAMPLED, PATHS, START = 10**4, 256, 0.8
MISSED = np.sqrt(np.log(1000) / (2 * PATHS))


class Case(NamedTuple):
    horizon: int
    true: float  # (1/T) sum E|grad L(w_t)|^2, or below it
    left: float  # |E g+| of the worst draw at x = 1, 0 for paths
    gap: float
    variance: float
    smoothness: float
    other: "Case | None"  # a control
    name: str  # of that control


@jax.jit
def moves(f, rho):
    """The sampled gradients ahead of x = 1."""
    ahead = look_ahead(jax.value_and_grad(f.loss), rho, 0)
    return jax.vmap(lambda i: ahead(jnp.ones(1), i, 2.0)[1])(jnp.arange(2)[:, None])


@jax.jit
def mean_square(f, draws, gamma, rho):
    """(1/T) sum |grad L(w_t)|^2 over paths and t < T."""

    def path(draw):
        weights = jnp.full(draw.shape, 2.0)
        rule = jax.value_and_grad(f.loss)
        return descend(rule, jnp.full(1, START), gamma, rho, 0, (draw, weights), lambda w: w[0] ** 2)[0]

    return jnp.mean(jax.vmap(path)(draws)[:, :-1])


def at_rest(horizon):
    _, rho = af22.nonconvex_steps(1.0, horizon)
    f = trap(rho)
    left = float(np.max(np.abs(moves(f, rho))))
    return Case(horizon, 1.0, left, 0.5, f.variance, 1.0, None, "")


def sampled(pace):
    f = ripple(pace)
    draws = np.random.default_rng(7).integers(0, 2, (PATHS, SAMPLED, 1))
    found = float(mean_square(f, draws, *af22.nonconvex_steps(1.0, SAMPLED)))
    return Case(SAMPLED, found - MISSED, 0.0, START**2 / 2, f.variance, 1.0, None, "")


def cases():
    return built()


@cache
def built():
    smallest = next(horizon for horizon in range(1, 1000) if claimed(at_rest(horizon)) < 1)
    held = at_rest(smallest - 1)
    out = {f"smallest T = {smallest}": at_rest(smallest)._replace(other=held, name="T smaller by 1")}
    out |= {f"T = {horizon}": at_rest(horizon) for horizon in (625, 10**4)}
    smooth = sampled(0.5)
    wavy = sampled(20.0)._replace(other=smooth, name="k = 1/2")
    return out | {"individual_smoothness_ripple: k = 20": wavy}


def claimed(case):
    return float(af22.nonconvex(case.gap, case.smoothness, case.variance, case.horizon))


def hypotheses(case):
    return {"no draw leaves x = 1": case.left <= 1e-13, "L = 1": case.smoothness == 1}


def measured(case):
    return claimed(case)


def bound(case):
    return case.true * (1 - 2 * RELATIVE)


def tolerance(case):
    return RELATIVE * abs(case.true)


def controls(case):
    out = {
        "L larger": lambda factor: case._replace(smoothness=factor),
        "sigma^2 larger": lambda factor: case._replace(variance=factor * case.variance),
    }
    if case.other is not None:
        out[case.name] = case.other
    return out
