"""A small error across the 2-cycle of limit_cycle.py is multiplied by 1 - gamma h (1 - s) - 2 s^2 a step.

h = s L is the eigenvalue along the error; the factor depends on neither rho nor lam (theory/bounds/ol25.py),
and for s < 1 lies in (-1, 1) wherever there is a cycle. `measured` is the largest distance, over the other
eigenvectors, of the rule's derivative at the cycle from that multiple of the eigenvector. The cases "modulus,
..." compare the largest modulus of the derivative itself with one; along the second eigenvector there is a
cycle too, and it repels.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.ol25 import limit_cycle
from theory import Array
from theory.bounds import ol25
from theory.problems.quadratic import Quadratic, quadratic
from theory.update import step

COMPILED = True
RHO = 0.3


class Case(NamedTuple):
    problem: Quadratic
    top: float  # the eigenvalue of the cycle
    vector: Array  # and its eigenvector
    eigs: Array  # the other eigenvalues
    across: Array  # (d - 1, d), and their eigenvectors
    gamma: float
    lam: float
    radius: float  # where the derivative is taken, over the cycle's: 1, but for a control
    power: float  # of s in the last term: 2, but for a control
    modulus: float  # 1 where the modulus is read, else 0
    scale: float  # of the claimed factor: 1, but for a control


def cases():
    out: dict[str, Case] = {}
    for kind, f in problems().items():
        eigs, vectors = np.linalg.eigh(np.asarray(f.h[0]))
        for reach in (0.2, 1.0, 1.9):
            for lam in (0.5, 1.0):
                case = on_cycle(f, eigs, vectors, -1, reach / eigs[-1], lam)
                if hypotheses(case)["there is a cycle"]:
                    label = f"{kind}, gamma L={reach:g}, lam={lam:g}"
                    out |= {label: case, f"modulus, {label}": case._replace(modulus=1.0)}
    return out


def problems():
    """The one of limit_cycle.py, and one with a second eigenvalue close to the top."""
    turn = np.linalg.qr(np.random.default_rng(8).standard_normal((4, 4)))[0]
    spread = {
        "spread": np.geomspace(limit_cycle.SLOWEST, limit_cycle.TOP, 4),
        "close": limit_cycle.TOP * np.array([0.01, 0.5, 0.99, 1.0]),
    }
    return {
        name: quadratic(((turn * eigs) @ turn.T)[None], np.zeros((1, 4)), np.zeros(1))
        for name, eigs in spread.items()
    }


def on_cycle(f, eigs, vectors, place, gamma, lam):
    others = np.delete(np.arange(4), place)
    across = vectors[:, others].T
    return Case(f, eigs[place], vectors[:, place], eigs[others], across, gamma, lam, 1.0, 2.0, 0.0, 1.0)


def hypotheses(case):
    rest = 2 - case.gamma * case.top * (1 + RHO * (1 - case.lam) * case.top)
    return {"there is a cycle": rest > 0, "lam > 0": case.lam > 0}


def measured(case):
    f = case.problem
    w = case.radius * ol25.cycle_radius(case.top, case.gamma, RHO, case.lam) * case.vector

    def move(w):
        return step(jax.value_and_grad(f.loss), w, case.gamma, RHO, case.lam)

    moved = jax.vmap(lambda e: jax.jvp(move, (w,), (e,))[1])(case.across)
    factor = ol25.cycle_factor(case.top, case.eigs, case.gamma)
    share = case.eigs / case.top
    factor = case.scale * (factor + 2 * share**2 - 2 * share**case.power)
    apart = jnp.linalg.norm(moved - factor[:, None] * case.across, axis=1)
    return jnp.where(case.modulus > 0, jnp.max(jnp.linalg.norm(moved, axis=1)), jnp.max(apart))


def bound(case):
    return jnp.where(case.modulus > 0, 1.0, 0.0)


def tolerance(case):
    return 1e-13  # some hundred roundings of numbers of order one


def controls(case):
    if case.modulus:
        eigs, vectors = np.linalg.eigh(np.asarray(case.problem.h[0]))
        second = on_cycle(case.problem, eigs, vectors, -2, case.gamma, case.lam)
        return {"the cycle along the second eigenvector": second._replace(modulus=1.0)}
    return {
        "a little larger": lambda factor: case._replace(scale=factor),
        "s in place of its square": case._replace(power=1.0),
        "beside the cycle": lambda factor: case._replace(radius=factor),
    }
