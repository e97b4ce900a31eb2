"""rho = 0: the rate of SGD under PL and the expected residual, with twice the step of Theorem 3.2.

    E f(w+) - f* <= (1 - gamma mu) (f(w) - f*) + gamma mu N,    L gamma K <= 1,    N = L gamma C / (2 mu)

is the step and noise that Theorem 3.2 halves and doubles at rho = 0 (proof: theory/bounds/ol25.py,
`sgd_step`). On quadratics the N that a state needs is quadratic in w - w*: `measured` is its largest value
over all states, or without noise the largest ratio of promised to true decrease, from the moments in closed
form. Parabolas of one curvature attain it.
"""

from typing import NamedTuple

import numpy as np
import scipy.linalg

from paper_checks.ol25 import theorem_3_2 as one
from theory import sampling
from theory.bounds import ol25
from theory.expectation import Pieces, averaged, pieces
from theory.problems.quadratic import centred, quadratic

BEYOND = (
    1 / np.finfo(float).eps
)  # what far states, or states that do not descend, need: no N and no rate serves


class Case(NamedTuple):
    atoms: Pieces
    k: ol25.Constants
    gamma: float
    rho: float  # of the rule: 0, but for a control
    noise: float  # claimed


def cases():
    out = {}
    for kind in ("noisy", "interpolated", "parabolas"):
        f = parabolas() if kind == "parabolas" else one.problem(kind)
        laws = {"uniform": sampling.uniform(f.n)} if kind == "parabolas" else one.laws(f)
        for name, law in laws.items():
            if kind == "interpolated" and name == "full batch":
                continue  # the same function again
            k = ol25.sharp_constants(f, law)
            gamma = ol25.sgd_step(k)
            atoms = Pieces(*map(np.asarray, pieces(f, law)))
            out[f"{kind}, {name}"] = Case(atoms, k, gamma, 0.0, ol25.sgd_noise(k, gamma))
    return out


def parabolas():
    """|w - c_i|^2 / 2: mu = L = A, so that N is needed at w* itself."""
    centres = np.random.default_rng(4).standard_normal((3, 2))
    return centred(quadratic(np.tile(np.eye(2), (3, 1, 1)), centres, np.zeros(3)))


def hypotheses(case):
    load = case.k.smoothness * case.gamma * case.k.effort
    return {"L gamma K <= 1": load <= 1 + 1e-14, "gamma mu <= 1": case.gamma * case.k.pl <= 1 + 1e-14}


def measured(case):
    """E f(w+) - f* = e'Q e - 2 p'e + r with e = w - w*; f(w) - f* = e'H e / 2."""
    q, whole, rate = case.atoms.q, case.atoms.whole, case.gamma * case.k.pl
    n, z = case.atoms.moves(case.gamma, case.rho)[:2]
    keep = np.eye(len(whole)) - n
    second = averaged(q, keep @ whole @ keep) / 2
    drop = whole / 2 - second  # of f - f*, but for the noise
    if case.k.c == 0:
        return scipy.linalg.eigvalsh(rate * whole / 2, drop)[-1] if definite(drop) else BEYOND
    first = q @ (keep @ whole @ z[:, :, None])[:, :, 0] / 2
    left = drop - rate * whole / 2
    if not definite(left):
        return BEYOND
    return (q @ np.einsum("ki,ij,kj->k", z, whole, z) / 2 + first @ np.linalg.pinv(left) @ first) / rate


def definite(form):
    """Positive; a form that is zero, as under one step to the minimum, counts."""
    eigs = np.linalg.eigvalsh(form)
    return np.all(eigs > 0) or np.all(np.abs(eigs) < 1e-15)


def bound(case):
    return case.noise if case.k.c > 0 else 1.0


def tolerance(case):
    """Rounding of the moments, relative to the N of the theorem."""
    return 1e-12 * (ol25.sgd_noise(case.k, case.gamma) if case.k.c > 0 else 1.0)


def controls(case):
    out = {"gamma too large": lambda factor: again(case, case.gamma * factor)}
    if case.k.c > 0:
        out["N too small"] = lambda factor: case._replace(noise=case.noise / factor)
        out["N without C"] = case._replace(noise=0.0)
    else:
        out["mu too large"] = lambda factor: case._replace(k=case.k._replace(pl=case.k.pl * factor))
    return out


def again(case, gamma):
    return case._replace(gamma=gamma, noise=ol25.sgd_noise(case.k, gamma))
