"""From lambda_1(Phi) a step of SAM takes gamma rho^2 (2 / (2 - gamma lambda_1))^2 |P grad lambda_1|^2 / 2,
one of normalised descent gamma^2 |P grad lambda_1|^2 / (4 lambda_1): the mean of two, to leading order.

From the cycle about the models' minimisers; the second rule, w - gamma g / |g|, starts at gamma v_1 / 2.
"order": of the decrease in the size that varies, for the finest pair; `measured` is how far it is from the
claimed one. "value": the decrease over its formula, at the finest size.
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from paper_checks.wml23 import finite_step_flow as flow
from theory.bounds import wml23_flow
from theory.update import descended, direction

NAMES = ("valley", "pair", "network", "net")
FINEST = {"rho": 0.005, "gamma": 0.005, "normalised": 0.005}  # rho; gamma lambda_1; gamma lambda_1
RHO, REACH = 0.005, 0.5  # where they do not vary
MARGIN = 0.02


class Case(NamedTuple):
    reads: str  # "order" or "value"
    name: str
    varies: str  # "rho" or "gamma" of SAM, or "normalised": gamma of the other rule
    claim: float  # the order, or what the formula is multiplied by
    finite: bool  # whether the formula is that of a finite step


ORDER = {"rho": 2.0, "gamma": 1.0, "normalised": 2.0}


def cases():
    out = {}
    for name in NAMES:
        for varies, order in ORDER.items():
            label = "normalised descent in gamma" if varies == "normalised" else f"SAM in {varies}"
            out[f"order, {label}, {name}"] = Case("order", name, varies, order, True)
            if varies != "gamma":
                out[f"value, {label}, {name}"] = Case("value", name, varies, 1.0, True)
    return out


@flow.compiled
def normalised(f, w, gamma):
    """w - gamma g / |g|."""
    return descended(w, gamma, direction(jax.grad(f.loss)(w), 1.0))


@cache
def decrease(name, varies, size):
    """(a step's decrease of lambda_1, its formula, the formula as gamma -> 0)."""
    f, w, _, look = flow.models()[name]
    here = look(w)
    top, slope = here.top, here.slope
    if varies == "normalised":
        gamma = size / top
        start = w + gamma / 2 * here.vector
        last = normalised(f, normalised(f, start, gamma), gamma)
        formula = limiting = wml23_flow.decrease_normalised(top, slope, gamma)
    else:
        rho, gamma = (size, REACH / top) if varies == "rho" else (RHO, size / top)
        start = flow.cycle(name, gamma, rho, 1.0)
        last = flow.run(f, start, gamma, rho, 1.0, 2)
        formula = wml23_flow.decrease(top, slope, gamma, rho)
        limiting = gamma * rho**2 * slope @ slope / 2
    tops = [look(flow.limit(f, x)).top for x in (start, last)]
    return (tops[0] - tops[1]) / 2, formula, limiting


def hypotheses(case):
    _, w, _, look = flow.models()[case.name]
    return {"lambda_1 is not stationary": np.linalg.norm(look(w).slope) > 0.1}


def measured(case):
    finest = FINEST[case.varies]
    if case.reads == "order":
        found = [decrease(case.name, case.varies, size)[0] for size in (2 * finest, finest)]
        return abs(flow.order(found) - case.claim)
    found, formula, limiting = decrease(case.name, case.varies, finest)
    return abs(found / (case.claim * (formula if case.finite else limiting)) - 1)


def bound(case):
    return MARGIN


def controls(case):
    if case.reads == "order":
        swapped = {"rho": 1.0, "gamma": 2.0, "normalised": 1.0}
        return {
            "one order more": case._replace(claim=case.claim + 1),
            "the order of the other rule": case._replace(claim=swapped[case.varies]),
        }
    out = {
        "a little larger": lambda factor: case._replace(claim=factor),
        "without the half": case._replace(claim=2.0),
    }
    if case.varies == "rho":
        out["without the factor of a finite step"] = case._replace(finite=False)
    return out
