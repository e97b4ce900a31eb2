"""E f(w_t) - f* <= (1 - gamma mu)^t (f(w_0) - f*) + N for USAM up to 10 / (gamma mu) steps, by moments.

Compared at every power of two. `measured` is E f(w_t) - f* over its bound at the first t that exceeds it,
else the largest ratio. Two readings off the same recursion are rows of their own: the stationary value
against N ("stationary_value: ...") and, under interpolation, the promised rate against the exact one
("linear_rate: ...").
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from paper_checks.ol25 import theorem_3_2 as one
from theory.bounds import ol25
from theory.expectation import spectral
from theory.problems.quadratic import Quadratic


class Case(NamedTuple):
    reads: str  # "curve", "stationary value" or "rate"
    problem: Quadratic
    law: object
    claim: ol25.Claim
    cut: float  # what the claimed N is divided by: 1, but for a control
    moves: bool  # False for the control that does not


hypotheses = one.hypotheses


def cases():
    out = {}
    for kind in ("noisy", "interpolated"):
        f = one.problem(kind)
        for name, law in one.laws(f).items():
            for form in one.FORMS:
                made = Case("curve", f, law, ol25.claim(f, law, form, 0.0), 1.0, True)
                label = f"{form}, {kind}, {name}"
                if (kind, name) != (
                    "interpolated",
                    "full batch",
                ):  # the same as noisy: one function, no noise
                    out[label] = made
                if made.claim.k.c > 0:
                    out[f"stationary_value: {label}"] = made._replace(reads="stationary value")
                if kind == "interpolated":
                    out[f"linear_rate: {label}"] = made._replace(reads="rate")
    return out


def noise(case):
    return float(case.claim.noise) / case.cut


def start(f):
    """Along the slowest direction, with f - f* = 1."""
    eigs, vectors = np.linalg.eigh(f.hessian)
    return vectors[:, 0] * np.sqrt(2 / eigs[0])


def solved(case):
    return spectral(case.problem, case.law, start(case.problem), case.claim.gamma, case.claim.rho)


def measured(case):
    rate = case.claim.rate
    if case.reads == "stationary value":
        return solved(case).stationary
    if case.reads == "rate":
        return rate / max(solved(case).rate, np.finfo(float).eps)  # finite where the recursion grows
    times = 2.0 ** np.arange(np.ceil(np.log2(10 / rate)) + 1)
    curve = solved(case).at(times) if case.moves else np.ones(len(times))
    ratio = curve / ((1 - rate) ** times + noise(case))
    above = ratio > 1 + tolerance(case)
    return ratio[np.argmax(above)] if np.any(above) else ratio.max()


def bound(case):
    return noise(case) if case.reads == "stationary value" else 1.0


def tolerance(case):
    """The engine's 1e-10 (tests/extras/test_exact_arithmetic.py), relative to the bound."""
    return 1e-10 * max(bound(case), np.finfo(float).tiny)


def controls(case):
    out = {}
    if case.reads != "stationary value":
        out["gamma too large"] = lambda factor: one.falsified(case, gamma=case.claim.gamma * factor)
    if case.reads == "curve":
        out["the rule does not move"] = case._replace(moves=False)
    if case.claim.k.c > 0:
        out["N too small"] = lambda factor: case._replace(cut=factor)
        out["N without C"] = one.without_c(case)
    else:
        out["mu too large"] = partial(one.harder, case)
    return out
