"""Full batch: f(w_t) - f* <= (1 - gamma mu)^t (f(w_0) - f*) + N along 10 / (gamma mu) steps, every lam.

The corollary with A = C = 0, B = 1 and its closed-form steps ("old", "new"), and form B. Compared at every
power of two, in the manner of pl_trajectory.py: f(w_t) - f* over its bound at the first t that exceeds it,
else the largest ratio. For lam > 0 the run ends on the cycle of limit_cycle.py, so that N without its lam
term is false.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.ol25 import theorem_3_2 as one
from theory import sampling
from theory.bounds import ol25
from theory.descent import descend, still, whole_batch
from theory.problems.quadratic import Quadratic

COMPILED = True
BATCH = 15
STEPS = 2**13
TIMES = 2 ** np.arange(14)


class Case(NamedTuple):
    problem: Quadratic
    pl: float
    gamma: float
    rho: float
    lam: float
    noise: float
    condition: float  # of the form on gamma and rho: at most 1
    start: np.ndarray  # (d,)
    taken: float  # the share of gamma that the rule takes: 1, but for the control that does not move


def cases():
    f = one.problem("interpolated")
    pl, whole = float(f.pl), float(f.smoothness)
    out = {}
    for lam in one.LAMS:
        for name, steps in {"old": ol25.deterministic_old_steps, "new": ol25.deterministic_steps}.items():
            gamma, rho = steps(whole, lam)
            noise = ol25.deterministic_noise(pl, whole, gamma, rho, lam)
            general = ol25.claim(f, sampling.full(f.n), name, lam)._replace(gamma=gamma, rho=rho)
            sizes = gamma, rho, lam, noise, float(general.condition)
            out[f"{name}, lam={lam:g}"] = Case(f, pl, *sizes, start(f, noise), 1.0)
        claim = ol25.claim(f, sampling.full(f.n), "B", lam)
        sizes = claim.gamma, claim.rho, lam, float(claim.noise), float(claim.condition)
        out[f"B, lam={lam:g}"] = Case(f, pl, *sizes, start(f, float(claim.noise)), 1.0)
    return out


def hypotheses(case):
    rate = case.gamma * case.pl
    return {
        "condition on gamma and rho": case.condition <= 1 + 1e-14,
        "gamma mu <= 1": rate <= 1,
        "the horizon reaches 10 / (gamma mu)": TIMES[-1] * rate >= 10,
    }


def start(f, noise):
    """Equal parts along all eigenvectors, f - f* = max(1, 100 N)."""
    eigs, vectors = np.linalg.eigh(f.hessian)
    return vectors.sum(1) * np.sqrt(2 * max(1, 100 * noise) / eigs.sum())


def measured(case):
    f, w = case.problem, case.start
    rule = whole_batch(jax.value_and_grad(f.loss))
    curve = descend(rule, w, case.taken * case.gamma, case.rho, case.lam, (still(STEPS),), f.loss)[0]
    bounds = (1 - case.gamma * case.pl) ** TIMES * curve[0] + case.noise
    ratio = curve[TIMES] / bounds
    above = ratio > 1 + tolerance(case)
    return jnp.where(jnp.any(above), ratio[jnp.argmax(above)], jnp.max(ratio))


def bound(case):
    return 1.0


def tolerance(case):
    """Rounding of a contraction: a few roundings over gamma mu."""
    return 64 * 2.0**-52 / (case.gamma * case.pl)


def controls(case):
    out = {
        "the rule does not move": case._replace(taken=0.0),
        "gamma too large": lambda factor: case._replace(gamma=case.gamma * factor),
    }
    if case.lam > 0:
        out["N without lam"] = case._replace(noise=0.0)
        out["N too small"] = lambda factor: case._replace(noise=case.noise / factor)
    else:
        out["mu too large"] = lambda factor: case._replace(pl=case.pl * factor)
    return out
