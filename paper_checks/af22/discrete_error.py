"""m-SAM with step gamma is off its flow by O(gamma); a step changes log k by exactly two logarithms.

With k = |u^2 - v^2| / 2, a = mean_S g_S^+ (1 + rho g_S) and b = mean_S g_S^+ (1 - rho g_S) a step multiplies
u + v by 1 - gamma a and u - v by 1 + gamma b (discrete_shrinkage; even for plain descent, where a = b, it is
log(1 - gamma^2 a^2) and shrinks k). Both run the rule of theory/update.py in (u, v). The order is that of the
errors at t = 100 on the finest pair of steps, its distance to 1 within the stated margin.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.af22 import implicit_bias as flows
from theory import flow
from theory.update import descended

GAMMAS = (0.01, 0.005)
END, RHO = 100.0, 0.05
MARGIN = 0.05
STATES = 20


class Case(NamedTuple):
    reads: str  # "beta", "log k" or "step"
    method: str
    rho: float
    other: float  # the radius of the flow, or of a and b: the same, but for a control
    gamma: float  # of "step"
    stretch: float  # of gamma in the claimed logarithms: 1, but for a control
    claim: str  # "exact", or the neighbouring formula of a control


def cases():
    out = {}
    for method in ("n-SAM", "1-SAM"):
        for reads in ("beta", "log k"):
            out[f"{reads}, {method}"] = Case(reads, method, RHO, RHO, 0.0, 1.0, "exact")
    for method, rho in (("n-SAM", 0.0), ("n-SAM", RHO), ("1-SAM", RHO)):
        for gamma in (0.01, 1.0):  # at 1 signs change
            label = f"{method if rho else 'descent'}, gamma={gamma:g}"
            out[f"discrete_shrinkage: {label}"] = Case("step", method, rho, rho, gamma, 1.0, "exact")
    return out


def hypotheses(case):
    return {"one radius": case.rho == case.other}


def moved(f, groups, rho, gamma, w):
    return descended(w, gamma, flow.rule_slope(f, groups, rho, 0.0, w))


many = jax.jit(jax.vmap(moved, (None, None, None, None, 0)))
run = jax.jit(
    lambda f, groups, rho, gamma, steps, w: jax.lax.fori_loop(
        0, steps, lambda _, w: moved(f, groups, rho, gamma, w), w
    )
)


@cache
def ends(method, rho, gamma):
    """(beta, log k) after END / gamma steps."""
    f, _ = flows.problem("reference")
    w = jnp.ones(30), jnp.zeros(30)
    u, v = map(np.asarray, run(f, flows.groups("reference", method), rho, gamma, round(END / gamma), w))
    return u * v, np.log(np.abs(u**2 - v**2) / 2)


@cache
def flowed(method, rho):
    f, _ = flows.problem("reference")
    found = flow.path(f, 1 / np.sqrt(2), flows.groups("reference", method), rho, [END])
    return found.beta[0], np.log(found.imbalance[0])


@cache
def stepped(method, rho, gamma):
    """(u, v) before and after a step at random weights, (2, states, d) each."""
    f, _ = flows.problem("reference")
    w = tuple(np.random.default_rng(2).standard_normal((2, STATES, 30)) / 2)
    groups = flows.repeated(flows.groups("reference", method))
    return np.array(w), np.array(many(f, groups, rho, gamma, w))


def factors(case, u, v):
    """(a, b) from the formulas of the flow."""
    f, _ = flows.problem("reference")
    g = (f.x @ (u * v) - f.y)[:, None] * f.x
    g = g.mean(0, keepdims=True) if case.method == "n-SAM" else g
    beta = (u + case.other * g * v) * (v + case.other * g * u)
    if case.method == "n-SAM":
        ahead = (f.x.T @ (f.x @ beta[0] - f.y) / f.n)[None]
    else:
        ahead = (np.sum(f.x * beta, axis=1) - f.y)[:, None] * f.x
    return (ahead * (1 + case.other * g)).mean(0), (ahead * (1 - case.other * g)).mean(0)


def measured(case):
    if case.reads != "step":
        place = ("beta", "log k").index(case.reads)
        exact = flowed(case.method, case.other)[place]
        gaps = [np.abs(ends(case.method, case.rho, gamma)[place] - exact).max() for gamma in GAMMAS]
        return abs(np.log2(gaps[0] / gaps[1]) - 1)
    before, after = stepped(case.method, case.rho, case.gamma)
    found = np.log(np.abs(np.diff(after**2, axis=0)[0] / np.diff(before**2, axis=0)[0]))
    a, b = np.stack([factors(case, u, v) for u, v in before.transpose(1, 0, 2)], axis=1)
    gamma = case.stretch * case.gamma
    if case.claim == "flow":
        claimed = -gamma * (a - b)
    else:
        claimed = np.log(np.abs(1 - gamma * a)) + np.log(np.abs(1 + gamma * b))
    lost = [np.sum(w**2, axis=0) / np.abs(np.diff(w**2, axis=0)[0]) for w in (before, after)]  # in u^2 - v^2
    return np.max(np.abs(found - claimed) / sum(lost))


def bound(case):
    return 0.0


def tolerance(case):
    return MARGIN if case.reads != "step" else 1e-13


def controls(case):
    if case.reads != "step":
        return {
            "the flow of another radius": lambda factor: case._replace(other=case.other * factor),
            "the flow of gradient descent": case._replace(other=0.0),
        }
    return {
        "a little longer": lambda factor: case._replace(stretch=factor),
        "the rate of the flow": case._replace(claim="flow"),
        "another radius": case._replace(other=case.rho + 0.05),
    }
