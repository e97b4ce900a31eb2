"""The zero network is linearly stable for the flow of m-SAM exactly beyond a radius.

At u = v = 0 a group has g_S = g_S^+ = -c_S with c_S = mean_S y_i x_i, so that there

    (log|u + v|)' = c - rho mean_S c_S^2,    (log|u - v|)' = -c - rho mean_S c_S^2,    c = mean_i y_i x_i:

stable iff rho mean_S c_S^2 > |c| in every coordinate. For 1-SAM rho > max_j |c_j| / mean_i y_i^2 x_ij^2, for
n-SAM (collapse_n_sam) rho |c_j| > 1 for all j, a far larger radius. "threshold": the radius where the largest
eigenvalue of the Jacobian of the rule's flow at 0, by automatic differentiation, changes sign, over the
claimed one. "below" and "beyond" run the flow from a small start at 0.8 and 1.05 of the radius: 1-SAM fits
below it, and beyond it the loss stays that of the start. `measured` is the share of the loss
that is left, resp. lost.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize

from paper_checks.af22 import implicit_bias as flows
from theory import flow

SMALL = 0.02  # u(0)
BELOW, BEYOND = 0.8, 1.05  # of the radius
END = 1000.0
FITTED = 1e-3  # of the loss of the start; it falls on, but slowly, as the last coordinates wake


class Case(NamedTuple):
    reads: str  # "threshold", "below" or "beyond"
    method: str
    share: float  # of the radius: that of the flow, or of the claim
    claim: str  # the method whose radius is claimed
    worst: str  # "max" over the coordinates, but for a control
    u: float


def cases():
    out = {}
    for method, row in (("1-SAM", ""), ("5-SAM", ""), ("n-SAM", "collapse_n_sam: ")):
        out[f"{row}threshold, {method}"] = Case("threshold", method, 1.0, method, "max", SMALL)
    out["below, 1-SAM"] = Case("below", "1-SAM", BELOW, "1-SAM", "max", SMALL)
    out["beyond, 1-SAM"] = Case("beyond", "1-SAM", BEYOND, "1-SAM", "max", SMALL)
    out["collapse_n_sam: beyond, n-SAM"] = Case("beyond", "n-SAM", BEYOND, "n-SAM", "max", 1e-4)
    return out


def hypotheses(case):
    return {"a small start": case.u <= SMALL}


@cache
def radius(method, worst):
    f, _ = flows.problem("reference")
    each = np.mean((f.y[:, None] * f.x)[flows.groups("reference", method)], axis=1)
    return getattr(np, worst)(np.abs(each.mean(0)) / np.mean(each**2, axis=0))


@jax.jit
def growth(f, groups, rho):
    """The largest real part of an eigenvalue of dw/dt about w = 0."""

    def side(w):
        return -jnp.stack(flow.rule_slope(f, groups, rho, 0.0, tuple(w)))

    jacobian = jax.jacfwd(side)(jnp.zeros((2, f.x.shape[1])))
    size = 2 * f.x.shape[1]
    return jnp.linalg.eigvalsh(jacobian.reshape(size, size))[-1]


@cache
def critical(method):
    f, _ = flows.problem("reference")
    groups, guess = flows.repeated(flows.groups("reference", method)), radius(method, "max")
    return scipy.optimize.brentq(
        lambda rho: float(growth(f, groups, rho)), guess / 3, guess * 3, xtol=1e-15, rtol=1e-14
    )


@cache
def ended(method, rho, u):
    """The loss at the end of the flow over that at the start."""
    f, _ = flows.problem("reference")
    found = flow.path(f, u / np.sqrt(2), flows.groups("reference", method), rho, [END])
    return np.mean((f.x @ found.beta[0] - f.y) ** 2) / np.mean(f.y**2)


def measured(case):
    claimed = case.share * radius(case.claim, case.worst)
    if case.reads == "threshold":
        return abs(critical(case.method) / claimed - 1)
    found = ended(case.method, claimed, case.u)
    return found if case.reads == "below" else abs(found - 1)


def bound(case):
    return 0.0


def tolerance(case):
    """The root of the eigenvalue; a thousandth of the loss; the loss of the start is off by about u(0)^2."""
    return {"threshold": 1e-10, "below": FITTED, "beyond": case.u}[case.reads]


def controls(case):
    if case.reads == "threshold":
        return {
            "a larger radius": lambda factor: case._replace(share=factor),
            "the radius of the public code": case._replace(share=0.5),
            "the least coordinate": case._replace(worst="min"),
            "the radius of another method": case._replace(
                claim="n-SAM" if case.claim != "n-SAM" else "1-SAM"
            ),
        }
    if case.reads == "below":
        return {"beyond it": case._replace(share=BEYOND)}
    if case.method == "n-SAM":
        return {"the radius of 1-SAM": case._replace(claim="1-SAM", u=0.02)}
    return {
        "below it": case._replace(share=BELOW),
        "the radius of the public code": case._replace(share=BEYOND / 2),
    }
