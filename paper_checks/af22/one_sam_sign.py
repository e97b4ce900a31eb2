"""rho |r_i| |x_i|_inf <= 2 gives r_i r_i^+ >= r_i^2, hence Delta_1 >= 0; the integrand of n-SAM has no sign.

r^+ = r (1 + rho <x^2, u^2 + v^2>) + rho^2 r^2 <x^3, beta>, and |<x^3, beta>| <= |x|_inf <x^2, u^2 + v^2> / 2,
so that with reach = rho |r| |x|_inf the last term takes back at most the share reach / 2 of the middle one.
`measured` is that share, from r^+ at the ascended weights: at random weights, and where it is attained, with
all weight on the largest entry of x and v = +-u. "along the flow": the largest growth of log k between times.

n_sam_sign is a counterexample by hand: X = [[1, 0], [-1, 1]], r = (3, 2), u = (0, 2), v = 0, where
g = (1/2, 1) and g_1^+ = 1/2 - 2 rho, at a radius that satisfies the condition for 1-SAM. On the reference
problem k grows for a while in some coordinates, too (the control of "along the flow").
"""

from typing import NamedTuple

import numpy as np

from paper_checks.af22 import implicit_bias as flows
from theory import flow
from theory.problems import diagonal

STATES = 200


class Case(NamedTuple):
    reads: str  # "states", "attained", "flow" or "n-SAM"
    reach: float  # rho |r| |x|_inf, or rho of the counterexample
    method: str


def cases():
    return {
        "random weights": Case("states", 2.0, "1-SAM"),
        "attained": Case("attained", 2.0, "1-SAM"),
        "along the flow": Case("flow", 0.1, "1-SAM"),
        "n_sam_sign: two weights and two examples": Case("n-SAM", 0.5, "n-SAM"),
    }


def counterexample():
    f = diagonal.diagonal([[1.0, 0.0], [-1.0, 1.0]], [-3.0, -2.0])
    return f, np.array([0.0, 2.0]), np.zeros(2)


def hypotheses(case):
    if case.reads == "n-SAM":
        f, u, v = counterexample()
        reach = case.reach * np.abs(f.x @ (u * v) - f.y) * np.abs(f.x).max(1)
        return {"1-SAM would shrink": reach.max() <= 2}
    if case.reads == "flow":
        f, _ = flows.problem("reference")
        residuals = flowed(case).beta @ f.x.T - f.y
        largest = np.abs(np.vstack([f.y, residuals])).max(0)  # they fall along the flow
        return {"reach at most 2": np.max(case.reach * largest * np.abs(f.x).max(1)) <= 2}
    return {"reach at most 2": case.reach <= 2}


def flowed(case):
    f, u = flows.problem("reference")
    groups = flows.groups("reference", case.method)
    return flow.path(f, u / np.sqrt(2), groups, case.reach, np.geomspace(0.01, 100, 60))


def share(x, y, u, v, reach):
    """What the last term takes back from the middle one, for one example and its own ascent by hand."""
    r = x @ (u * v) - y
    rho = reach / np.abs(r) / np.abs(x).max()
    ascended = x @ ((u + rho * r * x * v) * (v + rho * r * x * u)) - y
    middle = rho * r * (x**2 @ (u**2 + v**2))
    return (r + middle - ascended) / middle


def measured(case):
    if case.reads == "n-SAM":
        f, u, v = counterexample()
        if case.method == "n-SAM":
            g = diagonal.gradient(f, u * v)
            ahead = diagonal.gradient(f, (u + case.reach * g * v) * (v + case.reach * g * u))
            return (g * ahead)[0]
        g = (f.x @ (u * v) - f.y)[:, None] * f.x
        beta = (u + case.reach * g * v) * (v + case.reach * g * u)
        return np.mean(g * (np.sum(f.x * beta, axis=1) - f.y)[:, None] * f.x, axis=0)[0]
    if case.reads == "flow":
        found = flowed(case)
        return np.max(np.diff(found.plus + found.minus, axis=0))
    rng = np.random.default_rng(7)
    worst = -np.inf
    for _ in range(STATES):
        x, y = rng.standard_normal(8), rng.standard_normal()
        u, v = rng.standard_normal((2, 8)) * np.exp(rng.normal(0, 2, 8))
        if case.reads == "attained":
            top = np.arange(8) == np.argmax(np.abs(x))
            u = np.where(top, u, 0.0)
            v = np.where(rng.random() < 0.5, u, -u)
        worst = max(worst, share(x, y, u, v, case.reach))
    return worst


def bound(case):
    return 1.0 if case.reads in ("states", "attained") else 0.0


def tolerance(case):
    return 1e-9 if case.reads in ("states", "attained") else 1e-12


def controls(case):
    if case.reads == "n-SAM":
        return {
            "a smaller radius": lambda factor: case._replace(reach=case.reach / factor),
            "1-SAM": case._replace(method="1-SAM"),
            "gradient descent": case._replace(reach=0.0),
        }
    if case.reads == "flow":
        return {"n-SAM": case._replace(method="n-SAM", reach=1.0)}
    return {"a larger radius": lambda factor: case._replace(reach=case.reach * factor)}
