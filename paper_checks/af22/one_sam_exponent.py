"""The residuals and gradients after the ascent as polynomials in rho, and the exponents that they give.

one_sam_exponent: r_i^+ of every example at its own ascended weights; n_sam_exponent: g^+ of the full batch;
the polynomials stand in theory/problems/diagonal.py. "states" compares them with the ascent of the rule, from
the losses by automatic differentiation, at weights of sizes e^-2 to e^2. "integral": int g g^+, resp.
(1/n) int sum_i r_i r_i^+ x_i^2, by quadrature along the flow, against -log(k(t) / k(0)) / (2 rho) of the flow
of the rule. `measured` is relative to the largest entry.
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from paper_checks.af22 import implicit_bias as flows
from theory import flow
from theory.problems import diagonal
from theory.update import direction

STATES = 20


class Case(NamedTuple):
    reads: str  # "states" or "integral"
    method: str
    claimed: str  # the method whose polynomial is claimed
    rho: float
    stretch: float  # of rho in the polynomial: 1, but for a control
    last: bool  # False: without the term in rho^2


def cases():
    out = {}
    for method, row in (("1-SAM", ""), ("n-SAM", "n_sam_exponent: ")):
        for rho in (0.01, 0.3):
            out[f"{row}states, rho={rho:g}"] = Case("states", method, method, rho, 1.0, True)
        out[f"{row}integral, rho={flows.RHO:g}"] = Case("integral", method, method, flows.RHO, 1.0, True)
    return out


def hypotheses(case):
    return {"rho >= 0": case.rho >= 0}


@cache
def states():
    rng = np.random.default_rng(3)
    sizes = np.exp(rng.uniform(-2, 2, (STATES, 1, 1)))
    return np.swapaxes(sizes * rng.standard_normal((STATES, 2, 30)), 0, 1)


def ahead(f, groups, w, rho):
    """(residuals, gradient in beta) of each group at its ascended weights."""

    def each(i):
        grad = flow.of_groups(f, groups)(w, i)[1]
        u, v = (a + rho * b for a, b in zip(w, direction(grad, 0.0), strict=True))
        residual = f.x[i] @ (u * v) - f.y[i]
        return residual, f.x[i].T @ residual / groups.shape[1]

    return jax.vmap(each)(groups)


many = jax.jit(jax.vmap(ahead, (None, None, 0, None)))


@cache
def after(method, rho):
    """What the rule gives at all states: r^+ (states, n) of 1-SAM, g^+ (states, d) of n-SAM."""
    f, _ = flows.problem("reference")
    groups = flows.repeated(flows.groups("reference", method))
    residual, gradient = map(np.asarray, many(f, groups, tuple(states()), rho))
    return residual[:, :, 0] if method == "1-SAM" else gradient[:, 0]


def polynomial(case, u, v):
    """Of the claimed method; without its last term as the tangent in rho at 0."""
    f, _ = flows.problem("reference")
    of = diagonal.one_sam_residuals if case.claimed == "1-SAM" else diagonal.n_sam_gradient
    rho = case.stretch * case.rho
    if case.last:
        return of(f, u, v, rho)
    start = of(f, u, v, 0.0)
    return start + (of(f, u, v, rho) - of(f, u, v, -rho)) / 2


def measured(case):
    f, start = flows.problem("reference")
    if case.reads == "states":
        found = after(case.method, case.rho)
        claimed = np.stack([polynomial(case, u, v) for u, v in zip(*states(), strict=True)])
        return np.max(np.abs(found - claimed) / np.abs(found).max(1, keepdims=True))
    times, weights = flow.quadrature(flows.TIMES[-1])
    total = 0.0
    for time, plus, minus in zip(weights, *along(case.method, case.rho), strict=True):
        u, v = (np.exp(plus) + np.exp(minus)) / 2, (np.exp(plus) - np.exp(minus)) / 2
        ahead = polynomial(case, u, v)
        residual = f.x @ (u * v) - f.y
        if case.claimed == "1-SAM":
            total += time * (residual * ahead) @ f.x**2 / f.n
        else:
            total += time * (f.x.T @ residual / f.n) * ahead
    found = -np.log(flows.ruled("reference", case.method, case.rho, 0.0).imbalance[-1] / (start**2 / 2))
    return np.abs(found / (2 * case.rho) - total).max() / np.abs(total).max()


@cache
def along(method, rho):
    f, u = flows.problem("reference")
    times, _ = flow.quadrature(flows.TIMES[-1])
    found = flow.path(f, u / np.sqrt(2), flows.groups("reference", method), rho, times)
    return found.plus, found.minus


def bound(case):
    return 0.0


def tolerance(case):
    """Rounding in a sum of 30 products of four factors; along the flow that of the solvers over rho."""
    return 1e-13 if case.reads == "states" else 1e-11


def controls(case):
    out = {
        "rho a little larger": lambda factor: case._replace(stretch=factor),
        "the radius of the public code": case._replace(stretch=0.5),
        "without the term in rho^2": case._replace(last=False),
    }
    if case.reads == "integral":
        out["the exponent of the other method"] = case._replace(
            claimed="n-SAM" if case.claimed == "1-SAM" else "1-SAM"
        )
        out["the gradient before the ascent"] = case._replace(stretch=0.0)
    return out
