"""Step, radius and T for a given eps bring min_{t<T} E|grad f(w_t)|^2 to eps^2; T is of order eps^-4.

Formulas and proof: theory/bounds/ol25_nonconvex.py.

"constants, ..."    on a thousand random sets (L, ell, A, B, C, lam, delta_0, eps) over many orders of
                    magnitude: the largest ratio to eps^2 of the bound of nonconvex_bound.py at these steps
"order, ..."        the exponent of eps in T, from five values a factor 10 apart
"plateau, ..."      a full-batch run on log(1 + w^2) from far out, where the gradient is just above eps, so
                    that T is needed but for a factor: the least |grad f|^2 over eps^2
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.ol25 import theorem_3_7 as true
from theory import sampling
from theory.bounds import ol25, ol25_nonconvex

SETS = 1000
KINDS = {  # which of A, B, C, beta are there
    "A, B, C, beta": (1, 1, 1, 1),
    "A and C, as for single functions": (1, 0, 1, 1),
    "A alone, as under interpolation": (1, 0, 0, 0),
    "B and beta, as for full batches": (0, 1, 0, 1),
    "B alone, as for full-batch USAM": (0, 1, 0, 0),
    "B and C, as under bounded variance": (0, 1, 1, 0),
}
SCALES = 10.0 ** -np.arange(1, 6)


class Case(NamedTuple):
    reads: str  # "constants", "order" or "plateau"
    claim: ol25_nonconvex.Claim | None  # of all sets together
    largest: np.ndarray  # g0
    start: np.ndarray
    steps: np.ndarray
    eps: np.ndarray
    order: float  # claimed
    run: true.Case | None
    mildest: bool = False  # whether the smallest ratio is read for the largest: a control, of T >= 200 / 100


def cases():
    return built()


@cache
def built():
    rng = np.random.default_rng(17)
    out = {}
    for name, kind in KINDS.items():
        out[f"constants, {name}"] = sets(rng, kind)
        order = 4.0 if kind[0] or kind[2] or kind[3] else 2.0
        largest, start, steps = scales(kind)
        out[f"order, {name}"] = Case("order", None, largest, start, steps, SCALES, order, None)
    f, full = true.single_well(), sampling.full(1)
    for lam in (0.0, 0.5, 1.0):
        slope = 2 * 5.0 / (1 + 5.0**2)
        run = true.case("best", f, full, lam, [5.0], 0.99 * slope)
        empty = np.zeros(0)
        out[f"plateau, lam={lam:g}"] = Case("plateau", None, empty, empty, empty, empty, 4.0, run)
    return out


def sets(rng, kind):
    """Constants over some orders of magnitude, each with its plan."""
    rows = []
    for _ in range(SETS):
        whole, a, c, eps, start = np.exp(rng.uniform(-4, 4, 5))
        b = rng.choice([1.0, np.exp(rng.uniform(-2, 4))])
        k = ol25_nonconvex.Constants(
            whole, whole * np.exp(rng.uniform(0, 3)), kind[0] * a, kind[1] * b, kind[2] * c
        )
        lam = rng.choice([0.2, 0.7, 1.0]) if kind[3] else 0.0
        weights = (ol25.paper_weights if rng.uniform() < 0.5 else ol25.jensen_weights)(lam)
        plan = ol25_nonconvex.plan(k, weights, eps, start)
        largest = ol25_nonconvex.largest_step(k, weights, eps)
        rows.append((*k, *weights, plan.gamma, plan.rho, largest, start, plan.steps, eps))
    *constants, slope, constant, gamma, rho, largest, start, steps, eps = np.array(rows, dtype=float).T
    k, weights = ol25_nonconvex.Constants(*constants), ol25.Weights(slope, constant)
    claim = ol25_nonconvex.Claim(k, weights, 0.0, gamma, rho)
    return Case("constants", claim, largest, start, steps, eps, 4.0, None)


def scales(kind):
    """g0, delta_0 and T at every scale of eps, at L = ell = delta_0 = 1."""
    k = ol25_nonconvex.Constants(1.0, 1.0, *map(float, kind[:3]))
    weights = ol25.jensen_weights(0.5 * kind[3])
    steps = [float(ol25_nonconvex.iterations(k, weights, eps, 1.0)) for eps in SCALES]
    largest = [ol25_nonconvex.largest_step(k, weights, eps) for eps in SCALES]
    return np.array(largest), np.ones(len(SCALES)), np.array(steps)


def hypotheses(case):
    if case.reads == "constants":
        return {
            "condition on gamma and rho": np.all(np.asarray(case.claim.condition) <= 1 + 1e-12),
            "every set has steps": np.all(case.claim.gamma > 0) and np.all(case.claim.rho > 0),
        }
    if case.reads == "plateau":
        return true.hypotheses(case.run)
    return {"five scales": len(case.eps) == 5}


def measured(case):
    if case.reads == "constants":
        ratio = case.claim.square(case.start, case.steps) / case.eps**2
        return np.min(ratio[case.steps >= 2]) if case.mildest else np.max(ratio)
    if case.reads == "order":
        return abs(np.polyfit(np.log(1 / case.eps), np.log(case.steps), 1)[0] - case.order)
    return (true.found(case.run) / case.run.eps) ** 2


def bound(case):
    """T is a power of eps at these constants, but for rounding it up: by 1 of 5400 at the largest eps."""
    return 1e-3 if case.reads == "order" else 1.0


def controls(case):
    if case.reads == "order":
        return {"another exponent": lambda factor: case._replace(order=case.order * factor)}
    if case.reads == "plateau":
        steps = case.run.plan.steps
        return {
            "T / 100": case._replace(run=true.planned(case.run, steps=steps // 100)),
            "fewer steps": lambda factor: case._replace(
                run=true.planned(case.run, steps=int(steps / factor))
            ),
            "the rule does not move": case._replace(run=true.planned(case.run, gamma=0.0)),
        }
    out = {
        "T / 100": case._replace(steps=np.maximum(case.steps // 100, 1)),
        "T / 100, where it does least": case._replace(steps=np.maximum(case.steps // 100, 1), mildest=True),
        "fewer steps": lambda factor: case._replace(steps=np.maximum(np.floor(case.steps / factor), 1)),
    }
    claim = case.claim
    if np.any(claim.k.a > 0):
        out["gamma = g0, whatever T"] = case._replace(claim=claim._replace(gamma=case.largest))
    if np.any(claim.k.c > 0) or np.any(claim.weights.constant > 0):
        out["steps for a larger eps"] = lambda factor: case._replace(eps=case.eps / factor)
    return out
