"""The mixed rule on a quadratic ends on w, -w along v_1, for every step that leaves it a cycle.

|g| there is lam gamma rho l_1^2 / (2 - h - (1 - lam) gamma rho l_1^2), h = gamma l_1, wherever lam > 0 and
the denominator is positive (theory/bounds/wml23.py, the proof with it). Rotated quadratics, random starts.
`measured` is the largest relative distance, over a case, of the last |g| to that, of w to its part along v_1,
and of the next w to -w.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.wml23.quadratic_cycle import EPS, ROUNDINGS, paths, random_runs, times
from theory.bounds import wml23

LAMS = (0.05, 0.3, 0.7, 1.0)
EACH = 20
RANGE = (0.2, 1.95)  # of gamma l_1 (1 + rho (1 - lam) l_1), which has to stay below 2


class Case(NamedTuple):
    h: np.ndarray  # (n, 4, 4)
    eigs: np.ndarray  # (n, 4), ascending
    vectors: np.ndarray  # (n, 2, 4), of the second and of the top eigenvalue
    gamma: np.ndarray  # (n,)
    rho: np.ndarray  # (n,)
    lam: float  # of the claim
    last: np.ndarray  # (n, 2, 4), the last w and the one before
    plain: np.ndarray  # the same at lam = 0 and a small rho
    place: int  # of the claimed eigenvalue: -1, but for a control
    scale: float  # of the claim: 1, but for a control


@cache
def built():
    """Runs for each of LAMS, their ends, and those of USAM."""
    rng, n = np.random.default_rng(9), EACH * len(LAMS)
    runs = random_runs(rng, n, 4, np.tile(np.linspace(*RANGE, EACH), len(LAMS)))
    lam = np.repeat(LAMS, EACH)
    gamma = runs.gamma / (1 + runs.rho * (1 - lam) * runs.eigs[:, -1])
    small = 0.01 / runs.eigs[:, -1]  # at which USAM is stable for every one of these steps
    pairs = (runs.h, runs.h), (runs.start, runs.start), (gamma, gamma), (runs.rho, small), (lam, 0 * lam)
    found = paths(*map(np.concatenate, pairs))[:, [-1, -2]]
    return runs._replace(gamma=gamma, lam=lam), *np.split(found, 2)


def cases():
    runs, mixed, plain = built()
    out = {}
    for lam in LAMS:
        part = runs.lam == lam
        h, eigs, vectors, gamma, rho = (
            x[part] for x in (runs.h, runs.eigs, runs.vectors, runs.gamma, runs.rho)
        )
        out[f"lam={lam:g}"] = Case(h, eigs, vectors, gamma, rho, lam, mixed[part], plain[part], -1, 1.0)
    return out


def stiff(case):
    """2 - gamma l_1 (1 + rho (1 - lam) l_1)."""
    return 1 - wml23.radial_factor(case.eigs[:, -1], case.gamma, case.rho, case.lam)


def hypotheses(case):
    return {"lam > 0": case.lam > 0, "there is a cycle": np.all(stiff(case) > 0)}


def measured(case):
    w, before = np.moveaxis(case.last, 1, 0)
    g = times(case.h, w)
    vector = case.vectors[:, case.place]
    right = wml23.cycle_gradient(case.eigs[:, case.place], case.gamma, case.rho, case.lam)
    radius = np.abs(case.scale * right / case.eigs[:, case.place])
    parts = [
        np.abs(np.linalg.norm(g, axis=1) / right / case.scale - 1),
        np.linalg.norm(w - np.sum(w * vector, axis=1)[:, None] * vector, axis=1) / radius,
        np.linalg.norm(w + before, axis=1) / radius,
    ]
    return np.max(parts)


def bound(case):
    return 0.0


def tolerance(case):
    """Roundings of a step, added up at the slower rate, and of the matrix, over the gap."""
    runs = built()[0]
    runs = runs.kept(runs.lam == case.lam) if case.lam in LAMS else runs
    radial = np.abs(wml23.radial_factor(runs.eigs[:, -1], runs.gamma, runs.rho, runs.lam))
    rates = np.maximum(wml23.alignment_rate(runs.eigs, runs.gamma), radial)
    return ROUNDINGS * EPS * np.max(1 / (1 - rates) + 1 / (1 - runs.eigs[:, -2] / runs.eigs[:, -1]))


def controls(case):
    out = {
        "a little larger": lambda factor: case._replace(scale=factor),
        "the second eigenvector": case._replace(place=-2),
        "USAM, which converges": case._replace(last=case.plain),
    }
    if case.lam < 1:
        out["the cycle of SAM"] = case._replace(lam=1.0)
    return out
