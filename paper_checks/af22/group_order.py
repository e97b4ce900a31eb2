"""Along gradient flow Delta of a grouping is in every coordinate at least Delta of any it refines.

Delta_S = int mean_S g_S^2, not negative, and g of a group is the mean of those of its parts: Jensen. Equality
where the parts agree: so in the cases with every example twice. `measured` is the largest ratio of the coarse
to the fine exponent. At a positive radius the order holds up to O(rho^2): the cases "at rho=0.1" compare the
imbalances at the end of the flows themselves.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.af22 import implicit_bias as flows
from theory import flow
from theory.problems import diagonal


class Case(NamedTuple):
    problem: str
    fine: np.ndarray  # (groups, m)
    coarse: np.ndarray
    ahead: float  # of the coarse exponent: 1, but for a control
    methods: tuple = ()  # (fine, coarse) at a positive radius


@cache
def moment(name):
    """(f, int r r' dt)."""
    if name == "twins":
        few = diagonal.sparse(3, 4, 12, 2).train
        f = diagonal.diagonal(np.repeat(few.x, 2, axis=0), np.repeat(few.y, 2))
        return f, flow.moment(f, 0.4, flows.END)[0]
    return flows.problem(name)[0], flows.gradient_flow(name)[0]


def cases():
    out = {}
    for chain in ((1, 2, 10, 20), (1, 5, 10, 20)):
        for fine, coarse in zip(chain, chain[1:], strict=False):
            pair = diagonal.groups(20, fine), diagonal.groups(20, coarse)
            out[f"{fine}-SAM and {coarse}-SAM"] = Case("reference", *pair, 1.0)
    shuffled = np.random.default_rng(4).permutation(20)
    for fine, coarse in ((1, 4), (2, 4), (4, 20)):
        pair = shuffled.reshape(-1, fine), shuffled.reshape(-1, coarse)
        out[f"{fine}-SAM and {coarse}-SAM, shuffled"] = Case("reference", *pair, 1.0)
    for fine, coarse in ((1, 2), (2, 4)):
        pair = np.arange(8).reshape(-1, fine), np.arange(8).reshape(-1, coarse)
        out[f"{fine}-SAM and {coarse}-SAM, every example twice"] = Case("twins", *pair, 1.0)
    for methods in (("1-SAM", "5-SAM"), ("5-SAM", "n-SAM")):
        fine, coarse = (flows.GROUPS[method] for method in methods)
        pair = diagonal.groups(20, fine), diagonal.groups(20, coarse)
        out[f"{methods[0]} and {methods[1]} at rho=0.1"] = Case("reference", *pair, 1.0, methods)
    return out


def hypotheses(case):
    parts = [set(group) for group in case.fine.tolist()]
    wholes = [set(group) for group in case.coarse.tolist()]
    return {"refined": all(any(part <= whole for whole in wholes) for part in parts)}


def measured(case):
    if case.methods:
        fine, coarse = (flows.settled("reference", each, flows.RHO).imbalance[0] for each in case.methods)
        return case.ahead * np.max(fine / coarse)
    f, of_residuals = moment(case.problem)
    fine, coarse = (flow.exponent(f, of_residuals, groups) for groups in (case.fine, case.coarse))
    return case.ahead * np.max(coarse / fine)


def bound(case):
    return 1.0


def controls(case):
    out = {"the coarse exponent larger": lambda factor: case._replace(ahead=factor)}
    if case.methods:
        out["exchanged"] = case._replace(methods=case.methods[::-1])
    elif not (case.problem == "twins" and case.coarse.shape[1] == 2):
        out["exchanged"] = case._replace(fine=case.coarse, coarse=case.fine)
    if case.fine.shape[1] in (2, 5) and case.problem == "reference" and not case.methods:
        apart = case.fine.T.reshape(case.fine.shape)
        out["groups that it does not refine"] = case._replace(fine=case.coarse, coarse=apart)
    return out
