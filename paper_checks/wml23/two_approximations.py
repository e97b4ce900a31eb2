"""Worst direction -> ascent direction -> no derivative of the direction: where each step leads on one loss.

On `two_bowls` lambda_1 is least at w = 0, the smallest non-zero eigenvalue at 1, the trace at 3/5. `measured`
is the distance of the end to the claimed one, with theory/update.py for what moves.

penalties   the minimum of f + R at rho = 1/20, by the zooming grid of theorem_4_2.py (proved at three radii
            in different_minimisers.py);
SAM         the end of a run with the full batch;
1-SAM       where the mean over the draws of the move along w vanishes, each example on its own two-cycle y_k
            = +-gamma rho h_k / (2 - gamma h_k), which no other draw disturbs, at rho = 1e-3; extrapolated to
            gamma = 0 by the polynomial through four steps.

table_1 has these ends. two_approximations has those on the way from f + R^Max to SAM, and what the second
step leaves out of the gradient, over what it keeps. With the ascent direction that is, at x + k rho H^+ n for
a unit vector n of range H and as rho -> 0 (extrapolated from five radii; derivatives by complex steps),

    |rho H (I - u u') grad f(x+)| / (|g| |grad f(x+)|) -> |H (I - n n') H n| / (k |k n + H n|),

not small at the distances k rho, k = gamma lambda_1 / (2 - gamma lambda_1), at which SAM runs, and zero if n
is an eigenvector. With the worst direction it leaves out nothing, by the envelope theorem; by differences.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize

from paper_checks.wml23 import theorem_4_2
from paper_checks.wml23.definition_4_1 import RADII, at_zero, largest_rises, points
from theory.problems.valley import two_bowls
from theory.update import step

ENDS = {"lambda_1": 0.0, "smallest": 1.0, "trace": 0.6}
GRID = 0.05  # the radius of the penalties
GAMMA, RHO, STEPS = 0.5, 0.1, 16_384
SMALL = 1e-3  # the radius of 1-SAM
GAMMAS = np.array([0.1, 0.05, 0.025, 0.0125])
STARTS = (0.9, 0.3)
SHARES = (0.1, 1.0)  # k


class Case(NamedTuple):
    method: str  # "worst", "ascent", "average", "SAM", "1-SAM", or "left out" and "left out of the worst"
    claim: str  # what is least at the claimed end; with "left out" the formula, or "nothing"
    start: float  # of a run; k with "left out"
    shift: float  # of the claimed end, or of the factor of the formula: 0, but for a control
    aligned: bool  # n is an eigenvector; with "left out of the worst" f at x is taken for f at the step


def cases():
    ends = {"worst": "lambda_1", "ascent": "smallest", "average": "trace"}
    out = {f"table_1: {name}": Case(name, claim, 0.0, 0.0, False) for name, claim in ends.items()}
    for start in STARTS:
        out[f"table_1: SAM from {start:g}"] = Case("SAM", "lambda_1", start, 0.0, False)
    out["table_1: 1-SAM"] = Case("1-SAM", "trace", 0.0, 0.0, False)
    out["worst direction"] = out["table_1: worst"]
    out["first step alone"] = out["table_1: ascent"]
    for k in SHARES:
        out[f"second step alone, k={k:g}"] = Case("left out", "formula", k, 0.0, False)
    out["second step alone, eigenvector"] = Case("left out", "nothing", SHARES[0], 0.0, True)
    out["second step alone, worst direction"] = Case("left out of the worst", "nothing", 0.0, 0.0, False)
    out["both, full batch"] = out[f"table_1: SAM from {STARTS[0]:g}"]
    out["both, one sample"] = out["table_1: 1-SAM"]
    return out


def hypotheses(case):
    if case.method == "SAM":
        return {"gamma lambda_1 < 2": GAMMA * float(two_bowls().heights(jnp.ones(1)).max()) / 2 < 2}
    return {"rho > 0": RHO > 0}


# Ends


@jax.jit
def run(start):
    f = two_bowls()
    rule = jax.value_and_grad(f.loss)
    return jax.lax.fori_loop(0, STEPS, lambda _, w: step(rule, w, GAMMA, RHO, 1.0), start)


@jax.jit
def moves(w, gamma):
    """The mean over the draws and both ends of each cycle of the move along w, over gamma rho^2."""
    f = two_bowls()
    rule = jax.value_and_grad(lambda x, k: f.losses(x, k))

    def one(k, side):
        height = f.heights(w[None])[k]
        y = side * gamma * SMALL * height / (2 - gamma * height)
        at = jnp.zeros(3).at[0].set(w).at[1 + k].set(y)
        return step(rule, at, gamma, SMALL, 1.0, k)[0] - w

    over = jax.vmap(jax.vmap(one, (None, 0)), (0, None))
    return jnp.mean(over(jnp.arange(2), jnp.array([1.0, -1.0]))) / (gamma * SMALL**2)


@cache
def end(method, start):
    if method == "SAM":
        return float(run(jnp.array([start, 0.01, 0.01]))[0])
    if method == "1-SAM":
        stops = [
            scipy.optimize.brentq(lambda w, g=g: float(moves(w, g)), 0.2, 0.9, xtol=1e-12) for g in GAMMAS
        ]
        return at_zero(np.array(stops), GAMMAS)
    return theorem_4_2.infimum("valley", method, False, GRID)[1][0]


# What the second step leaves out


@cache
def direction(aligned):
    q, rank, _ = points()["curved, d=5, M=3"]
    basis = np.linalg.eigh(q.hessian)[1][:, -rank:]
    return basis @ ([0.0, 0.0, 1.0] if aligned else np.array([2.0, -1.0, 2.0]) / 3)


def left_out(share, aligned, rho):
    """|grad of f(x + rho u(x)) less grad f at x + rho u| over the latter."""
    q, _, _ = points()["curved, d=5, M=3"]
    at = share * rho * np.linalg.pinv(q.hessian, rcond=1e-9, hermitian=True) @ direction(aligned)

    def ahead(v):
        g = q.model(v)[1]
        return v + rho * g / np.sqrt(g @ g)

    whole = np.array([q.rise(ahead(at + 1e-200j * e)).imag for e in np.eye(len(at))]) / 1e-200
    kept = q.model(ahead(at))[1]
    return np.linalg.norm(whole - kept) / np.linalg.norm(kept)


def formula(share, n):
    h = points()["curved, d=5, M=3"].q.hessian
    pulled = h @ n
    return np.linalg.norm(h @ (pulled - (n @ pulled) * n)) / (share * np.linalg.norm(share * n + pulled))


@cache
def worst_left_out(here):
    """The same for the worst direction, by central differences; `here` keeps grad f at x itself."""
    q, _, _ = points()["curved, d=5, M=3"]
    at, width, rho = np.random.default_rng(0).standard_normal(5) / 10, 1e-4, 0.1
    moved = np.concatenate([[at], at + width * np.eye(5), at - width * np.eye(5)])
    found, steps = largest_rises([q.at(v) for v in moved], np.full(len(moved), rho), True)
    values = np.array([q.rise(v) for v in moved]) + found
    whole = (values[1:6] - values[6:]) / (2 * width)
    kept = q.model(at if here else at + steps[0])[1]
    return np.linalg.norm(whole - kept) / np.linalg.norm(kept)


# The check


def measured(case):
    if case.method == "left out of the worst":
        return worst_left_out(case.aligned)
    if case.method == "left out":
        radii = RADII / 16
        found = at_zero(np.array([left_out(case.start, case.aligned, rho) for rho in radii]), radii)
        claimed = formula(case.start, direction(False)) * (1 + case.shift)
        return abs(found - (claimed if case.claim == "formula" else 0))
    return abs(end(case.method, case.start) - ENDS[case.claim] - case.shift)


def bound(case):
    return 0.0


def tolerance(case):
    """Rounding; what gamma^4 or rho^5 leaves; differences of width 1e-4; the mesh of the grid."""
    return {"SAM": 1e-12, "1-SAM": 1e-5, "left out": 1e-6, "left out of the worst": 1e-6}.get(
        case.method, 2e-3
    )


def controls(case):
    if case.method == "left out of the worst":
        return {"without the step": case._replace(aligned=True)}
    further = {"a little further": lambda factor: case._replace(shift=factor - 1)}
    if case.claim == "nothing":
        return {"a direction that is none": case._replace(aligned=False)}
    if case.claim == "formula":
        return further | {"nothing": case._replace(claim="nothing")}
    return further | {
        f"where {name} is least": case._replace(claim=name) for name in ENDS if name != case.claim
    }
