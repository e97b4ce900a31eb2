"""On a linear model no m-SAM that interpolates has a bias, and 1-SAM reweights what cannot be fitted.

The gradient of a group at its ascended weights is X_S'(I + (rho / m) X_S X_S') r_S / m. It lies in the span
of the data, so that from 0 the only interpolator in reach is that of least l2 norm; and where none exists the
limit is least squares in the metric of the blocks I + (rho / m) X_S X_S': n-SAM keeps plain least squares,
whose residual is orthogonal to the data, and 1-SAM has weights 1 + rho |x_i|^2 (linear_noise). The runs
follow the rule of theory/update.py until the slowest mode is below rounding. `measured` is the largest
distance over the largest entry.
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from paper_checks.af22 import implicit_bias as flows
from theory import flow
from theory.problems.least_squares import LeastSquares
from theory.update import descended

GAMMA, RHO, STEPS = 0.06, 0.05, 8192
ACTIVE = 5  # columns of the noisy problem; the others are zero, so that both have one shape


class Case(NamedTuple):
    problem: str  # "interpolating" or "noisy"
    method: str
    start: float  # of every weight: 0, but for a control
    claim: str  # the method whose limit is claimed
    rho: float  # in the claimed weights


@cache
def problem(name):
    f, _ = flows.problem("reference")
    if name == "interpolating":
        return LeastSquares(f.x, f.y, 0.0)
    rng = np.random.default_rng(5)
    x = f.x * (np.arange(30) < ACTIVE)
    return LeastSquares(x, x.sum(1) + rng.standard_normal(20), 0.0)


def cases():
    out = {}
    for method in flows.GROUPS:
        out[method] = Case("interpolating", method, 0.0, method, RHO)
        out[f"linear_noise: {method}"] = Case("noisy", method, 0.0, method, RHO)
    return out


def hypotheses(case):
    f = problem(case.problem)
    if case.problem == "interpolating":
        return {"interpolation": np.linalg.matrix_rank(f.a) == f.n, "from zero": case.start == 0}
    return {"no interpolation": f.minimum > 0.01, "one solution": np.linalg.matrix_rank(f.a) == ACTIVE}


@jax.jit
def run(f, groups, rho, gamma, w):
    return jax.lax.fori_loop(
        0, STEPS, lambda _, w: descended(w, gamma, flow.rule_slope(f, groups, rho, 0.0, w)), w
    )


@cache
def ended(name, method, start):
    return np.asarray(run(problem(name), flows.groups("reference", method), RHO, GAMMA, np.full(30, start)))


def metric(x, groups, rho):
    """The blocks I + (rho / m) X_S X_S'."""
    out = np.eye(len(x))
    for i in groups:
        out[np.ix_(i, i)] += rho / len(i) * x[i] @ x[i].T
    return out


def claimed(case):
    f = problem(case.problem)
    if case.problem == "interpolating":
        return np.linalg.pinv(f.a) @ f.b
    root = np.linalg.cholesky(metric(f.a, flows.groups("reference", case.claim), case.rho)).T
    return np.linalg.lstsq(root @ f.a, root @ f.b, rcond=1e-10)[0]


def measured(case):
    limit = claimed(case)
    return np.abs(ended(case.problem, case.method, case.start) - limit).max() / np.abs(limit).max()


def bound(case):
    return 0.0


def tolerance(case):
    return 1e-10


def controls(case):
    other = "1-SAM" if case.method == "n-SAM" else "n-SAM"
    if case.problem == "interpolating":
        return {
            "not from zero": lambda factor: case._replace(start=factor - 1),
            "without interpolation": case._replace(problem="noisy", claim=other),
        }
    out = {"the limit of the other method": case._replace(claim=other)}
    if case.method != "n-SAM":
        out["weights of a larger radius"] = lambda factor: case._replace(rho=case.rho * factor)
        out["the radius of the public code"] = case._replace(rho=2 * case.rho)
    return out
