"""Same-batch SAM with a constant radius on h_i (x - c_i)^2 / 2: E w_t -> x, sum_i h_i (1 + rho h_i) (x - c_i)
= 0.

The mean of a step is affine, x -> x - gamma mean_i h_i (1 + rho h_i) (x - c_i), so that its fixed point does
not depend on gamma: steps that fall to zero lead to the same point, and the limit of E D_t is at least
mean(h) (x - w*)^2 / 2. `measured` is the distance of E w_t after 4000 steps, by exact moments, relative to |x
- w*|."""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from theory import expectation, sampling
from theory.bounds import af22
from theory.problems.quadratic import quadratic

STEPS = 4000
PARABOLAS = {
    "h = (1, 0.5)": ([1.0, 0.5], [1.0, -1.0]),
    "h = (1, 0.1)": ([1.0, 0.1], [1.0, -1.0]),
    "h = (0.3, 0.8)": ([0.3, 0.8], [2.0, -3.0]),
}


class Case(NamedTuple):
    h: np.ndarray
    c: np.ndarray
    rho: float  # of the run
    claimed: float  # rho in the fixed point: the same, but for a control
    mean: float  # E w_t - w*
    apart: float  # the same where the ascent has a draw of its own
    left: float  # of the start in the first: |start - shift| prod_t |1 - gamma_t mean h (1 + rho h)|


@jax.jit
def last_mean(atoms, start, gammas, rho):
    def mean(atoms, state):
        return state.mean

    return expectation.recursion(atoms, start, gammas, rho, STEPS, mean)[-1]


def cases():
    return built()


@cache
def built():
    out = {}
    for name, (curvatures, centres) in PARABOLAS.items():
        h, c = np.array(curvatures), np.array(centres)
        best = np.sum(h * c) / np.sum(h)
        f = quadratic(h[:, None, None], (h * (c - best))[:, None], np.zeros(len(h)))
        law = sampling.uniform(len(h))
        start = np.array([3.0])
        for rho in (0.7, 0.2):
            for steps, gammas in {
                "gamma = 0.3": np.full(STEPS, 0.3),
                "decreasing steps": af22.pl_steps(1.0, h.mean(), np.arange(STEPS))[0],
            }.items():
                same, apart = (
                    float(last_mean(atoms(f, law), start, gammas, rho)[0])
                    for atoms in (expectation.together, expectation.apart)
                )
                away = abs(start[0] + best - af22.shifted_point(h, c, rho))
                left = away * np.prod(np.abs(1 - gammas * np.mean(h * (1 + rho * h))))
                out[f"{name}, rho = {rho:g}, {steps}"] = Case(h, c, rho, rho, same, apart, left)
    return out


def hypotheses(case):
    return {"rho < 1 / L": case.rho * case.h.max() < 1}


def measured(case):
    best = np.sum(case.h * case.c) / np.sum(case.h)
    shift = af22.shifted_point(case.h, case.c, case.claimed) - best
    true = af22.shifted_point(case.h, case.c, case.rho) - best
    return abs(case.mean - shift) / abs(true)


def bound(case):
    return 0.0


def tolerance(case):
    """What is left of the start, and rounding."""
    best = np.sum(case.h * case.c) / np.sum(case.h)
    return (1 + 1e-9) * case.left / abs(af22.shifted_point(case.h, case.c, case.rho) - best) + 1e-12


def controls(case):
    return {
        "another rho": lambda factor: case._replace(claimed=case.rho * factor),
        "the minimiser": case._replace(claimed=0.0),
        "two batches": case._replace(mean=case.apart),
    }
