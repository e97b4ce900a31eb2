"""Importance sampling, p_i = L_i / sum L, needs fewer steps than uniform sampling by L_max / L_avg.

A falls from L_max to L_avg, the theorem's gamma grows in proportion, and so does the exact rate (spectrum of
the second-moment recursion of USAM, "new" steps, interpolation). `measured` is the relative distance of the
exact ratio of rates from L_max / L_avg; the claim is for small gamma, the margin 2 %.
"""

from typing import NamedTuple

import numpy as np

from theory import sampling
from theory.bounds import ol25
from theory.expectation import spectral
from theory.problems.quadratic import Quadratic, quadratic

MARGIN = 0.02
N, D = 6, 3


class Case(NamedTuple):
    problem: Quadratic
    fast: object  # the law that is claimed to be faster
    steps: object  # the law whose theorem gives its steps: the same, but for a control
    scale: float  # of the claimed ratio: 1, but for a control


def cases():
    out = {}
    for spread in (2, 10, 50):
        rng = np.random.default_rng(spread)
        factors = rng.standard_normal((N, D, D)) * np.geomspace(1, np.sqrt(spread), N)[:, None, None]
        f = quadratic(factors @ factors.transpose(0, 2, 1) / D, np.zeros((N, D)), np.zeros(N))
        each = f.smoothness_each
        law = sampling.importance(each)
        out[f"L_max / L_avg = {each.max() / each.mean():.3f}"] = Case(f, law, law, 1.0)
    return out


def hypotheses(case):
    return {"interpolation": case.problem.mismatch == 0, "L_max > L_avg": claimed(case) > 1 + 2 * MARGIN}


def claimed(case):
    each = case.problem.smoothness_each
    return case.scale * each.max() / each.mean()


def rate(f, law, steps):
    claim = ol25.claim(f, steps, "new", 0.0)
    return spectral(f, law, np.ones(D), claim.gamma, claim.rho).rate


def measured(case):
    uniform = sampling.uniform(N)
    found = rate(case.problem, case.fast, case.steps) / rate(case.problem, uniform, uniform)
    return abs(found / claimed(case) - 1)


def bound(case):
    return MARGIN


def controls(case):
    q = np.asarray(case.fast.q)
    uniform, reversed_law = sampling.uniform(N), sampling.importance(1 / q)
    # v = n e_i with probability p_i: the gradients are those of another function
    unweighted = sampling.Listed(np.arange(N)[:, None], np.full((N, 1), float(N)), q, N)
    return {
        "weights left out": case._replace(fast=unweighted),
        "uniform against itself": case._replace(fast=uniform, steps=uniform),
        "importance reversed": case._replace(fast=reversed_law, steps=reversed_law),
        "the ratio too large": lambda factor: case._replace(scale=factor),
    }
