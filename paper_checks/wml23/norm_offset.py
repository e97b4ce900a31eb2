"""With g / (|g| + epsilon) in its ascent SAM on a quadratic ends where |g| is smaller by exactly epsilon.

R = gamma rho l_1^2 / (2 - gamma l_1) is |g| on the cycle without it. For epsilon < R the cycle has |g| = R -
epsilon along v_1, for epsilon > R the run goes to zero, and at epsilon = R it does so as 1 / t (see
theory/bounds/wml23.py). The rule is that of theory/update.py with lam = 0 and the radius rho / (|g| +
epsilon). `measured` is the distance of the last |g| to its claim, over R, or the last |g| over its bound.
"""

from functools import cache, partial
from typing import NamedTuple

import jax
import numpy as np

from paper_checks.wml23.quadratic_cycle import EPS, ROUNDINGS, bowl, turned
from theory.bounds import wml23
from theory.update import norm, step

EIGS = 2.0 * np.array([0.25, 0.5, 0.8, 1.0])
RHO = 0.1
STEPS = 8000
REACHES = (0.6, 1.5)  # gamma l_1
SHARES = (0.0, 1e-8, 1e-3, 0.5, 0.9, 1.0, 1.01, 2.0)  # of epsilon in R


class Case(NamedTuple):
    reads: str  # "cycle" or "equality"
    gamma: float
    epsilon: float
    seen: float  # the last |g|
    before: float  # the last |g| of the neighbour: a smaller epsilon, for a control
    counted: float  # what epsilon is multiplied by in the claim: 1, but for a control
    scale: float  # of the claim: 1, but for a control


@partial(jax.jit, static_argnames="steps")
def ends(h, starts, gamma, epsilon, steps):
    """The last |g| of every run."""

    def one(start, gamma, epsilon):
        rule = jax.value_and_grad(bowl(h).loss)

        def move(w):
            return step(rule, w, gamma, RHO / (norm(rule(w)[1]) + epsilon), 0.0)

        return norm(rule(jax.lax.fori_loop(0, steps, lambda _, w: move(w), start))[1])

    return jax.vmap(one)(starts, gamma, epsilon)


@cache
def built():
    h, turn = (x[0] for x in turned(np.random.default_rng(3), EIGS[None]))
    keys = [(reach, share) for reach in REACHES for share in SHARES]
    reach, share = np.array(keys).T
    full = wml23.cycle_gradient(EIGS[-1], reach / EIGS[-1], RHO, 1.0)
    generic = RHO * np.array([4.0, 3.0, -5.0, 2.0])
    along = (full / EIGS[-1])[:, None] * turn[:, -1]
    starts = np.where((share == 1)[:, None], along, generic)
    found = ends(h, starts, reach / EIGS[-1], share * full, STEPS)
    return dict(zip(keys, zip(full, np.asarray(found), strict=True), strict=True))


def cases():
    out, seen = {}, built()
    for (reach, share), (full, last) in seen.items():
        reads = "equality" if share == 1 else "cycle"
        neighbour = seen[reach, 0.9][1] if share >= 1 else seen[reach, 0.0][1]
        made = Case(reads, reach / EIGS[-1], share * full, last, neighbour, 1.0, 1.0)
        out[f"gamma l_1={reach:g}, epsilon={share:g} R"] = made
    return out


def full(case):
    """R."""
    return wml23.cycle_gradient(EIGS[-1], case.gamma, RHO, 1.0)


def hypotheses(case):
    return {"0 < gamma l_1 < 2": 0 < case.gamma * EIGS[-1] < 2, "epsilon >= 0": case.epsilon >= 0}


def measured(case):
    if case.reads == "equality":
        return case.scale * case.seen / wml23.critical_offset_gradient(EIGS[-1], case.gamma, RHO, STEPS)
    claimed = wml23.offset_gradient(EIGS[-1], case.gamma, RHO, case.counted * case.epsilon)
    return abs(case.seen - case.scale * float(claimed)) / full(case)


def bound(case):
    return 1.0 if case.reads == "equality" else 0.0


def tolerance(case):
    """Roundings, added up at the radial rate |h - 1 + (2 - h) epsilon / R|, and at the rate of alignment."""
    if case.reads == "equality":
        return ROUNDINGS * EPS
    reach = case.gamma * EIGS[-1]
    share = min(case.epsilon / full(case), 0.9)
    rate = max(abs(reach - 1 + (2 - reach) * share), wml23.alignment_rate(EIGS, case.gamma))
    return ROUNDINGS * EPS / (1 - rate)


def controls(case):
    if case.reads == "equality":
        return {
            "a smaller epsilon": case._replace(seen=case.before),
            "a smaller bound": lambda factor: case._replace(scale=factor),
        }
    out = {}
    if case.seen > 0.01 * full(case):
        out["a little larger"] = lambda factor: case._replace(scale=factor)
    if case.epsilon > full(case):
        out["an epsilon of 0.9 R"] = case._replace(seen=case.before)
    elif case.epsilon > 0:
        out["without epsilon"] = case._replace(counted=0.0)
        out["epsilon counted more"] = lambda factor: case._replace(counted=factor)
    return out
