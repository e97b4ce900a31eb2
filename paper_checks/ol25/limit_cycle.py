"""Full-batch Unified SAM on a quadratic ends on the 2-cycle w, -w along the top eigenvector, of the radius in
theory/bounds/ol25.py, for lam > 0 and gamma L <= 1; f there is L |w|^2 / 2, so it never reaches the minimum.

`measured` is the relative distance of the last iterate to the cycle, of the next to its mirror image, and of
f to its value.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array
from theory.bounds import ol25
from theory.descent import descend, still, whole_batch
from theory.problems.quadratic import Quadratic, quadratic
from theory.update import norm, step

COMPILED = True
STEPS = 4096
TOP, SLOWEST = 1.7, 0.3  # a step leaves at most 1 - 0.2 * 0.3 / 1.7 of the slowest: 1e-63 after 4096
RHO = 0.3


class Case(NamedTuple):
    problem: Quadratic
    top: float  # the eigenvalue of the claimed cycle
    vector: Array  # and its eigenvector
    gamma: float
    lam: float
    scale: float  # of the claimed radius: 1, but for a control


def cases():
    rng = np.random.default_rng(8)
    turn = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    eigs = np.geomspace(SLOWEST, TOP, 4)
    f = quadratic(((turn * eigs) @ turn.T)[None], np.zeros((1, 4)), np.zeros(1))
    return {
        f"gamma L={reach:g}, lam={lam:g}": Case(f, eigs[-1], turn[:, -1], reach / eigs[-1], lam, 1.0)
        for reach in (0.2, 0.6, 1.0)
        for lam in (0.25, 0.5, 0.75, 1.0)
    }


def hypotheses(case):
    return {"gamma L <= 1": case.gamma * case.problem.smoothness <= 1 + 1e-15, "lam > 0": case.lam > 0}


def measured(case):
    f = case.problem
    rule = jax.value_and_grad(f.loss)
    w = descend(whole_batch(rule), jnp.ones(4), case.gamma, RHO, case.lam, (still(STEPS),), f.loss, STEPS)[1]
    after = step(rule, w, case.gamma, RHO, case.lam)
    radius = case.scale * ol25.cycle_radius(case.top, case.gamma, RHO, case.lam)
    claimed = radius * case.vector * jnp.sign(w @ case.vector)
    height = case.top * radius**2 / 2
    return jnp.maximum(
        jnp.maximum(norm(w - claimed), norm(after + claimed)) / radius, jnp.abs(f.loss(w) - height) / height
    )


def bound(case):
    return 0.0


def tolerance(case):
    return 1e-12


def controls(case):
    eigs, vectors = np.linalg.eigh(np.asarray(case.problem.h[0]))
    return {
        "a little larger": lambda factor: case._replace(scale=factor),
        "the second eigenvalue": case._replace(top=eigs[-2], vector=vectors[:, -2]),
        "another lam in the radius": case._replace(scale=(1 + case.lam) / 2 if case.lam < 1 else 0.5),
    }
