"""Normalised SAM on h x^2 / 2 ends on x, -x with |x| = gamma h rho / (2 - gamma h), for 0 < gamma h < 2.

While |x| is large a step shrinks it; once x changes its sign, |x| -> gamma h rho - (1 - gamma h) |x|, a
contraction with that fixed point (gamma h <= 1; beyond, the sign changes at every step). Starts that meet 0
stay there: they are countably many. `measured` is the relative distance of the last |x| to the claimed one,
or of the next x to -x."""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory.bounds import ol25
from theory.descent import descend, still, whole_batch
from theory.update import step

STEPS = 1024
LENGTHS = (0.1, 0.5, 1.0, 1.5, 1.9)  # gamma h


class Case(NamedTuple):
    h: float
    gamma: float
    rho: float
    last: np.ndarray  # the last x and the next
    unnormalised: np.ndarray  # the same without normalisation
    scale: float  # of the claimed amplitude: 1, but for a control


@jax.jit
def runs(hs, starts, gammas, rhos, lam):
    def one(h, x, gamma, rho):
        rule = jax.value_and_grad(lambda x: 0.5 * h * x**2)
        last = descend(whole_batch(rule), x, gamma, rho, lam, (still(STEPS),), jnp.abs, STEPS)[1]
        return jnp.stack([last, step(rule, last, gamma, rho, lam)])

    return jax.vmap(one)(hs, starts, gammas, rhos)


def cases():
    return built()


@cache
def built():
    tried = [
        (h, length, rho, x) for h in (1.3, 0.2) for length in LENGTHS for rho, x in ((0.05, 3.0), (2.0, -0.1))
    ]
    hs, lengths, rhos, starts = np.array(tried).T
    normalised, plain = (np.asarray(runs(hs, starts, lengths / hs, rhos, lam)) for lam in (1.0, 0.0))
    return {
        f"gamma h={length:g}, h={h:g}, rho={rho:g}": Case(h, length / h, rho, normalised[k], plain[k], 1.0)
        for k, (h, length, rho, _) in enumerate(tried)
    }


def hypotheses(case):
    return {"0 < gamma h < 2": 0 < case.gamma * case.h < 2}


def measured(case):
    radius = case.scale * ol25.cycle_radius(case.h, case.gamma, case.rho, 1.0)
    x, after = case.last
    return max(abs(abs(x) - radius), abs(x + after)) / radius


def bound(case):
    return 0.0


def tolerance(case):
    return 1e-12


def controls(case):
    out = {"a little larger": lambda factor: case._replace(scale=factor)}
    if np.all(np.isfinite(case.unnormalised)):  # beyond gamma h (1 + rho h) = 2 it diverges
        out["unnormalised"] = case._replace(last=case.unnormalised)
    return out
