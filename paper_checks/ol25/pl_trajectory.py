"""E f(w_t) - f* <= (1 - gamma mu)^t (f(w_0) - f*) + N for USAM up to 10 / (gamma mu) steps, by moments.

Compared at every power of two. `measured` is E f(w_t) - f* over its bound at the first t that exceeds it,
else the largest ratio. Two readings off the same recursion are rows of their own: the stationary value
against N ("stationary_value: ...") and, under interpolation, the promised rate against the exact one
("linear_rate: ...").
"""

from typing import NamedTuple

import numpy as np

from paper_checks.ol25 import theorem_3_2 as one
from theory.bounds import ol25
from theory.expectation import spectral
from theory.problems.quadratic import Quadratic

WEIGHTS = {"old": ol25.paper_weights(0.0), "new": ol25.paper_weights(0.0), "form_b": ol25.jensen_weights(0.0)}


class Case(NamedTuple):
    reads: str  # "curve", "stationary value" or "rate"
    problem: Quadratic
    law: object
    form: str
    k: ol25.Constants
    gamma: float
    rho: float
    cut: float  # what the claimed N is divided by: 1, but for a control
    moves: bool  # False for the control that does not


def cases():
    out = {}
    for kind in ("noisy", "interpolated"):
        f = one.problem(kind)
        for name, law in one.laws(f).items():
            for form in WEIGHTS:
                sharp = form == "form_b"
                k = ol25.sharp_constants(f, law) if sharp else ol25.paper_constants(f, law)
                gamma, rho = (
                    ol25.form_b_steps(k, WEIGHTS[form])
                    if sharp
                    else ol25.old_steps(k, 0.0)
                    if form == "old"
                    else ol25.new_steps(k, 0.0)
                )
                made = Case("curve", f, law, form, k, gamma, rho, 1.0, True)
                label = f"{form}, {kind}, {name}"
                if (
                    kind == "noisy" or name != "full batch"
                ):  # the full batch is one function, and has no noise
                    out[label] = made
                if kind == "noisy" and name != "full batch":
                    out[f"stationary_value: {label}"] = made._replace(reads="stationary value")
                if kind == "interpolated":
                    out[f"linear_rate: {label}"] = made._replace(reads="rate")
    return out


def noise(case):
    form = ol25.noise_b if case.form == "form_b" else ol25.noise_a
    return form(case.k, case.gamma, case.rho, WEIGHTS[case.form]) / case.cut


def start(f):
    """Along the slowest direction, with f - f* = 1."""
    eigs, vectors = np.linalg.eigh(f.hessian)
    return vectors[:, 0] * np.sqrt(2 / eigs[0])


def solved(case):
    return spectral(case.problem, case.law, start(case.problem), case.gamma, case.rho)


def hypotheses(case):
    left = ol25.condition_b if case.form == "form_b" else ol25.condition_a
    most = 0.25 if case.form == "form_b" else 1.0
    return {
        "condition on gamma and rho": left(case.k, case.gamma, case.rho, WEIGHTS[case.form]) <= most + 1e-14,
        "gamma mu <= 1": case.gamma * case.k.pl <= 1,
    }


def measured(case):
    rate = case.gamma * case.k.pl
    if case.reads == "stationary value":
        return solved(case).stationary
    if case.reads == "rate":
        return rate / max(solved(case).rate, np.finfo(float).eps)  # finite where the recursion grows
    times = 2.0 ** np.arange(np.ceil(np.log2(10 / rate)) + 1)
    curve = solved(case).at(times) if case.moves else np.ones(len(times))
    ratio = curve / ol25.gap(case.k, case.gamma, 1.0, noise(case), times)
    above = ratio > 1 + tolerance(case)
    return ratio[np.argmax(above)] if np.any(above) else ratio.max()


def bound(case):
    return noise(case) if case.reads == "stationary value" else 1.0


def tolerance(case):
    """The engine's 1e-10 (tests/extras/test_exact_arithmetic.py), relative to the bound."""
    return 1e-10 * max(bound(case), np.finfo(float).tiny)


def controls(case):
    def harder(factor):
        return case._replace(k=case.k._replace(pl=case.k.pl * factor))

    if case.reads == "rate":
        return {
            "mu too large": harder,
            "gamma too large": lambda factor: case._replace(gamma=case.gamma * factor),
        }
    out = {}
    if case.reads == "curve":
        out["the rule does not move"] = case._replace(moves=False)
        out["gamma too large"] = lambda factor: case._replace(gamma=case.gamma * factor)
    if case.k.c > 0:
        out["N too small"] = lambda factor: case._replace(cut=factor)
        out["N without C"] = case._replace(k=case.k._replace(c=0.0))
    elif case.reads == "curve":
        out["mu too large"] = harder
    return out
