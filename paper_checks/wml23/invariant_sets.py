"""{|P g| <= gamma rho l_j^2} is invariant under SAM on a quadratic if gamma l_j <= 1, and not beyond.

P keeps the eigenvectors of l_j and below. Beyond 1 the radius has to be that over 2 - gamma l_j, which is |g|
on the cycle; with it the sets serve for every gamma l_j < 2 ("wide, ..."; theory/bounds/wml23.py, both
proofs). `measured` is the largest |P g| after a step over the radius, from states of which P g fills the set:
along v_j from very short to the full length, where the bound is attained; in random directions below; and the
same beside a part above v_j.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.wml23.quadratic_cycle import EPS, ROUNDINGS, bowl
from theory import Array
from theory.bounds import wml23
from theory.update import norm, step

COMPILED = True
EIGS = 1.6 * np.array([0.15, 0.4, 0.8, 1.0])
RHO = 0.3
ALONG = 24  # states along v_j, as many in random directions, and all again beside a part above


class Case(NamedTuple):
    below: Array  # (4,), 1 where P keeps an eigenvector
    eig: float  # l_j
    gamma: float
    shares: Array  # (states, 4), entries of g over the radius
    wide: float  # 1 for the radius that serves beyond gamma l_j = 1, else 0
    scale: float  # of the radius: 1, but for a control


def cases():
    out = {}
    for place in range(4):
        for reach in (0.3, 1.0):
            out[f"j={4 - place}, gamma l_j={reach:g}"] = made(place, reach, 0.0)
        for reach in (0.6, 1.3, 1.9):
            out[f"wide, j={4 - place}, gamma l_j={reach:g}"] = made(place, reach, 1.0)
    return out


def made(place, reach, wide):
    rng = np.random.default_rng(place)
    along = np.geomspace(1e-12, 1, ALONG)[:, None] * np.eye(4)[place]
    random = rng.standard_normal((ALONG, 4)) * (np.arange(4) <= place)
    random *= (np.geomspace(1e-6, 1, ALONG) / np.linalg.norm(random, axis=1))[:, None]
    states = np.concatenate([along, random])
    above = rng.standard_normal(states.shape) * (np.arange(4) > place)
    states = np.concatenate([states, states + above])
    return Case((np.arange(4) <= place) * 1.0, EIGS[place], reach / EIGS[place], states, wide, 1.0)


def hypotheses(case):
    reach = case.gamma * case.eig
    kept = np.linalg.norm(case.shares * case.below, axis=1)
    return {
        "within the step": reach < 2 if case.wide else reach <= 1 + EPS,
        "in the set": np.all(kept <= 1 + ROUNDINGS * EPS),
    }


def measured(case):
    narrow = wml23.invariant_radius(case.eig, case.gamma, RHO)
    radius = jnp.where(case.wide > 0, wml23.wide_invariant_radius(case.eig, case.gamma, RHO), narrow)
    radius = case.scale * radius
    f = bowl(EIGS[:, None] * np.eye(4))

    def one(share):
        w = step(jax.value_and_grad(f.loss), radius * share / EIGS, case.gamma, RHO, 1.0)
        return norm(case.below * EIGS * w) / radius

    return jnp.max(jax.vmap(one)(case.shares))


def bound(case):
    return 1.0


def tolerance(case):
    return ROUNDINGS * EPS


def controls(case):
    out = {"a smaller set": lambda factor: case._replace(scale=1 / factor)}
    if not case.wide:
        out["a longer step"] = lambda factor: case._replace(gamma=case.gamma * factor)
    elif case.gamma * case.eig > 1:
        out["the radius of short steps"] = case._replace(wide=0.0)
    return out
