"""SAM first follows gradient flow, into a neighbourhood of order gamma rho within O(ln(1/rho) / gamma) steps.

On products of two weights. "follows": |x_t - phi(t gamma)| at the time 1 with rho = gamma^2, from (2, 1.5);
how far the order in gamma, of the finest pair, is from 1. "enters": the steps t until |a b - 1| / |w| <= 2
gamma rho |w|^2, twice what the cycle needs, as t gamma / ln(1 / (gamma rho)), with rho = gamma: at most 1 /
2, since the gradient flow from there contracts at the rate |w|^2 >= 2 and starts within a distance of 1.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.wml23 import finite_step_flow as flow
from theory import manifold
from theory.problems.factorisation import chain
from theory.update import norm, step

GAMMAS = (0.04, 0.02, 0.01, 0.005)
START = np.array([2.0, 1.5])
NEAR = 2.0  # of the threshold, over gamma rho |w|^2; the cycle is at 1 / (2 - gamma |w|^2)
MOST = 100_000
MARGIN = 0.1


class Case(NamedTuple):
    reads: str  # "follows" or "enters"
    shrinks: bool  # whether rho goes to zero with gamma
    time: float  # of the gradient flow: 1, but for a control
    near: float  # of the threshold
    rate: float  # of the contraction: 2, but for a control


def cases():
    return {
        "follows gradient flow": Case("follows", True, 1.0, NEAR, 2.0),
        "enters": Case("enters", True, 1.0, NEAR, 2.0),
    }


def hypotheses(case):
    return {"the start is within 1": abs(np.prod(START) - 1) / np.linalg.norm(START) < 1}


@cache
def flowed(time):
    return np.asarray(
        jax.jit(lambda w: manifold.along(lambda x: -jax.grad(chain().loss)(x), w, time, 40))(START)
    )


@flow.compiled
def steps_to_enter(f, w, gamma, rho, near):
    rule = jax.value_and_grad(f.loss)

    def outside(now):
        w, steps = now
        return (jnp.abs(jnp.prod(w) - 1) > near * gamma * rho * norm(w) ** 3) & (steps < MOST)

    return jax.lax.while_loop(outside, lambda now: (step(rule, now[0], gamma, rho, 1.0), now[1] + 1), (w, 0))[
        1
    ]


def measured(case):
    if case.reads == "follows":
        gaps = []
        for gamma in GAMMAS[-2:]:
            rho = gamma**2 if case.shrinks else 0.1
            last = flow.run(chain(), START, gamma, rho, 1.0, round(1 / gamma))
            gaps.append(np.linalg.norm(last - flowed(case.time)))
        return abs(flow.order(gaps) - 1)
    found = []
    for gamma in GAMMAS:
        steps = steps_to_enter(chain(), START, gamma, gamma, case.near)
        found.append(steps * gamma / np.log(1 / gamma**2))
    return max(found)


def bound(case):
    return MARGIN if case.reads == "follows" else 1 / case.rate


def controls(case):
    if case.reads == "follows":
        return {
            "rho held fixed": case._replace(shrinks=False),
            "another time": lambda factor: case._replace(time=factor),
        }
    return {
        "a threshold far below the cycle": case._replace(near=1e-3),
        "a faster contraction": lambda factor: case._replace(rate=2 * factor),
    }
