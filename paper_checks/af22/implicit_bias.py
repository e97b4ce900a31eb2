"""Flows of n-SAM, m-SAM and 1-SAM that interpolate end at the least potential of their shrunk imbalance.

Proof in theory/flow.py, for every radius, grouping and time. Two routes: an ODE, and Newton's method on the
dual of the convex problem. Read at finite times the ODE is the flow of the rule in (u, v) by automatic
differentiation, which knows neither logarithms nor sinh; to the end it is the flow in logarithms. With
k = |u^2 - v^2| / 2 the rows read

    effective_initialisation    log k(t) = log k(0) - 2 int mean_S h_S g_S g_S^+
    hyperbolic_form             beta(t) = k(t) sinh(X' dual(t))
    finite_time_minimiser       beta(t) = argmin phi_k(t) on X b = X beta(t)
    normalised_flow             the first, with h = rho / |grad f|; on the full batch, at finite times
    implicit_bias               the limit = argmin phi on X b = y at the k that the exponent gives; and with
                                the exponent of gradient flow it is off by O(rho^2)
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from theory import flow
from theory.problems import diagonal

END = 2000.0  # the slowest mode of every flow here decays at 0.02 or faster
TIMES = (0.5, 2.0, 10.0, 20.0)  # normalised: the gradient is still far from zero
START = 0.5  # u(0) of the reference problem, so that k(0) = 1/8
GROUPS = {"n-SAM": 20, "5-SAM": 5, "1-SAM": 1}
RHO = 0.1  # of the reference problem
SMALL = (0.01, 0.005)  # radii of the first order
ORDER = 0.05


class Case(NamedTuple):
    reads: str
    setting: tuple  # (problem, method, rho, lam): the flow
    other: tuple  # the flow whose integral is claimed: the same, but for a control
    scale: float = 1.0  # of the claimed integral, or of the imbalance of `finite_time_minimiser`
    start: float = 0.5  # k(0) over u(0)^2
    shrinks: bool = True  # False: the imbalance is claimed to be that of the start
    norm: str = "potential"  # what the claimed solution minimises


@cache
def problem(name):
    """(f, u(0)) of the public regression, and of a small one with another u(0) in every coordinate."""
    if name == "reference":
        return diagonal.reference(0).train, np.full(30, START)
    return diagonal.sparse(1, 8, 12, 2).train, np.geomspace(0.2, 1.0, 12)


@cache
def groups(name, method):
    if name == "reference":
        return diagonal.groups(20, GROUPS[method])
    return np.random.default_rng(1).permutation(8).reshape(-1, {"n-SAM": 8, "2-SAM": 2, "1-SAM": 1}[method])


def repeated(groups):
    """The same m-SAM by as many groups of as many examples, repeated: one shape, one program for all m."""
    count, m = groups.shape
    return np.tile(groups, (m, count))


compiled = {
    "side": jax.jit(flow.rule_side),
    "least": jax.jit(diagonal.least_potential),
    "potential": jax.jit(diagonal.potential),
}


@cache
def ruled(name, method, rho, lam):
    f, u = problem(name)
    return flow.by_rule(f, u, repeated(groups(name, method)), rho, lam, TIMES, compiled["side"])


@cache
def integrals(name, method, rho):
    """Another flow's integrals at the same times, for controls."""
    f, u = problem(name)
    return flow.path(f, u / np.sqrt(2), groups(name, method), rho, TIMES)


@cache
def settled(name, method, rho):
    """The flow at its end."""
    f, u = problem(name)
    return flow.path(f, u / np.sqrt(2), groups(name, method), rho, [END])


@cache
def gradient_flow(name):
    """(int r r' dt, limit) of gradient flow."""
    f, u = problem(name)
    return flow.moment(f, u / np.sqrt(2), END)


def leading(name, method):
    """The exponent of m-SAM to leading order."""
    return flow.exponent(problem(name)[0], gradient_flow(name)[0], groups(name, method))


def least(f, y, imbalance):
    return np.asarray(compiled["least"](f.x, y, imbalance)[0])


def potential(beta, imbalance):
    return float(compiled["potential"](beta, imbalance))


def cases():
    out = {}
    reads = ("effective_initialisation", "hyperbolic_form", "finite_time_minimiser")
    settings = [("reference", method, RHO, 0.0) for method in GROUPS]
    for setting in [*settings, ("small", "2-SAM", 0.3, 0.0)]:
        name, method, rho, _ = setting
        label = f"{method}, rho={rho:g}" + (", uneven start" if name == "small" else "")
        out[label] = Case("implicit_bias", setting, setting)
        for read in reads:
            if method != "5-SAM":
                out[f"{read}: {label}"] = Case(read, setting, setting)
    for rho in (0.02, 0.1):
        setting = ("reference", "n-SAM", rho, 1.0)
        out[f"normalised_flow: rho={rho:g}"] = Case("effective_initialisation", setting, setting)
    for method in ("n-SAM", "1-SAM"):
        setting = ("reference", method, SMALL[0], 0.0)
        out[f"to first order, {method}"] = Case("first order", setting, setting)
    return out


def hypotheses(case):
    name, method, rho, lam = case.setting
    f, _ = problem(name)
    if case.reads in ("implicit_bias", "first order"):
        gap = np.abs(f.x @ settled(name, method, rho).beta[0] - f.y).max()
        return {"the flow interpolates": gap < 1e-12}
    groups_of_it = len(groups(name, method))
    return {"smooth": lam == 0 or groups_of_it == 1}


def imbalance_at_start(case):
    return case.start * problem(case.setting[0])[1] ** 2


def measured(case):
    name, method, rho, lam = case.setting
    if case.reads == "first order":
        return first_order(case)
    if case.reads == "implicit_bias":
        shrinkage = case.scale * case.shrinks * settled(name, *case.other[1:3]).shrinkage[0]
        claimed = solution(case, imbalance_at_start(case) * np.exp(-2 * shrinkage))
        return np.abs(settled(name, method, rho).beta[0] - claimed).max()
    found = ruled(*case.setting)
    other = found if case.other == case.setting else integrals(*case.other[:3])
    if case.reads == "effective_initialisation":
        claimed = np.log(imbalance_at_start(case)) - 2 * case.scale * other.shrinkage
        return np.abs(np.log(found.imbalance) - claimed).max()
    imbalance = found.imbalance if case.shrinks else np.broadcast_to(imbalance_at_start(case), found.u.shape)
    f, _ = problem(name)
    if case.reads == "hyperbolic_form":
        return np.abs(found.beta - imbalance * np.sinh(case.scale * other.dual @ f.x)).max()
    if case.norm == "l2":
        claimed = np.stack([diagonal.least_l2(f.x, f.x @ beta) for beta in found.beta])
    else:
        held = case.scale * 2 * case.start * imbalance
        claimed = [least(f, f.x @ beta, each) for beta, each in zip(found.beta, held, strict=True)]
    return np.abs(found.beta - claimed).max()


def solution(case, imbalance):
    f, _ = problem(case.setting[0])
    if case.norm == "potential":
        return least(f, f.y, imbalance)
    return (diagonal.least_l1 if case.norm == "l1" else diagonal.least_l2)(f.x, f.y)


def first_order(case):
    """The distance of the order of |limit - solution at the leading exponent| to 2, on the pair SMALL."""
    name, method, *_ = case.setting
    f, _ = problem(name)
    exponent = case.scale * leading(name, case.other[1])
    gaps = []
    for rho in SMALL:
        claimed = least(f, f.y, imbalance_at_start(case) * np.exp(-2 * rho * exponent))
        gaps.append(np.abs(settled(name, method, rho).beta[0] - claimed).max())
    return abs(np.log2(gaps[0] / gaps[1]) - 2)


def bound(case):
    return 0.0


def tolerance(case):
    """The end: 1e-10. The order: its stated margin. Finite times: what two solvers agree to, times the
    cancellation in u^2 - v^2."""
    if case.reads == "first order":
        return ORDER
    if case.reads == "implicit_bias":
        return 1e-10
    found = ruled(*case.setting)
    return 1e-12 * np.max((found.u**2 + found.v**2) / (2 * found.imbalance))


def controls(case):
    name, method, rho, _ = case.setting
    out = {}
    if case.reads == "finite_time_minimiser":
        out["the imbalance a little larger"] = lambda factor: case._replace(scale=factor)
    else:
        out["the integral a little larger"] = lambda factor: case._replace(scale=factor)
        out["the radius of the public code"] = case._replace(scale=2.0 if method == "1-SAM" else 0.5)
        if name == "reference":
            other = "1-SAM" if method == "n-SAM" else "n-SAM"
            out["the integral of other groups"] = case._replace(other=(name, other, rho, 0.0))
    if case.reads != "hyperbolic_form":
        out["k(0) = u(0)^2"] = case._replace(start=1.0)
    if case.reads in ("implicit_bias", "finite_time_minimiser"):
        out["least l2"] = case._replace(norm="l2")
    if case.reads == "implicit_bias":
        out["least l1"] = case._replace(norm="l1")
    if case.reads in ("implicit_bias", "hyperbolic_form", "finite_time_minimiser"):
        out["the imbalance of the start"] = case._replace(shrinks=False)
    return out
