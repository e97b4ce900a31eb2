"""From the same start SAM with full batches and with single examples choose different interpolators.

On a diagonal network (theory/problems/diagonal.py) the minimisers are {X (u v) = y}, with the Hessian (1/n)
J'J, J = (X diag v, X diag u). "spectrum": its n positive eigenvalues are those of X diag(u^2 + v^2) X' / n,
at a start that is not balanced (u^2 is not v^2). Given beta = u v they are least where u^2 = v^2 = |beta|; so

    full batches end at      min over X beta = y of lambda_1(X diag|beta| X') 2 / n,       a convex problem,
    single examples end at   min over X beta = y of sum_j |X_j|^2 |beta_j|,                a linear program,

|X_j| the norm of column j. "full batches": the middle of the cycle on which the rule ends, put back on X beta
= y, comes to the first with rho, at the order 2 of the finest pair. "single examples": every run of the rule
ends at the second: beta_2 has died out, gradient descent takes what is left to X beta = y, and that is the
vertex. "apart": the first end has the smaller lambda_1, the second the smaller trace; `measured` is the
larger of the two ratios, from the values at the optima 3.393, 4.278 and 3.504, 3.655, so `bound` is 1.
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np
import scipy.optimize

from theory.problems import diagonal
from theory.update import step

F = diagonal.diagonal([[-1.4, 0.5, 1.0], [-0.2, -1.1, 0.9]], [2.1, 1.6])
START = np.array([[0.9, 0.8, 1.1], [-0.7, 0.3, 0.5]])  # u and v; gradient descent takes them to a minimum
FULL = 0.5  # gamma
RADII, TIMES = (0.05, 0.025, 0.0125, 0.00625), (40.0, 20.0, 10.0, 10.0)  # from the end at the radius before
SINGLE, SINGLE_RADIUS, SINGLE_TIME, RUNS = 0.05, 0.1, 20.0, 8


class Case(NamedTuple):
    reads: str  # "spectrum", "full batches", "single examples" or "apart"
    claim: str  # whose optimum, but for a control: "largest" eigenvalue or "trace"
    sizes: str  # "squares" u^2 + v^2, but for a control: "twice |u v|"
    scale: float  # of what is claimed


def cases():
    return {
        "spectrum": Case("spectrum", "largest", "squares", 1.0),
        "full batches": Case("full batches", "largest", "squares", 1.0),
        "single examples": Case("single examples", "trace", "squares", 1.0),
        "apart": Case("apart", "largest", "squares", 1.0),
    }


def hypotheses(case):
    u, v = fitted()
    return {
        "fitted": np.max(np.abs(F.x @ (u * v) - F.y)) < 1e-14,
        "not balanced": np.min(np.abs(u**2 - v**2)) > 0.1,
    }


# The optima


def top(beta):
    return np.linalg.eigvalsh((F.x * np.abs(beta)) @ F.x.T)[-1]


def weights():
    return np.sum(F.x**2, axis=0)


@cache
def optimum(claim):
    """Of the trace a vertex; of the largest eigenvalue along the line X beta = y, where it is convex."""
    if claim == "trace":
        return diagonal.least_l1(F.x / weights(), F.y) / weights()
    base, along = diagonal.least_l2(F.x, F.y), np.linalg.svd(F.x)[2][-1]
    found = scipy.optimize.minimize_scalar(
        lambda t: top(base + t * along), bounds=(-4, 4), options={"xatol": 1e-12}
    )
    return base + found.x * along


# The runs


def rule(v):
    return jax.value_and_grad(lambda w: F.loss(w, v=v))


@jax.jit
def full(w, gamma, rho, steps):
    return jax.lax.fori_loop(0, steps, lambda _, w: step(rule(1.0), w, gamma, rho, 1.0), w)


@jax.jit
def single(w, gamma, rho, draws):
    """The ends of runs on single examples."""

    def move(w, k):
        return jax.vmap(lambda w, v: step(rule(v), w, gamma, rho, 1.0))(w, F.n * jax.nn.one_hot(k, F.n)), None

    return jax.lax.scan(move, w, draws)[0]


whole_hessian = jax.jit(jax.hessian(lambda w: F.loss((w[:3], w[3:]))))


@cache
def fitted():
    return settled(START)


def settled(w):
    """The minimiser to which gradient descent goes."""
    return tuple(map(np.asarray, full(tuple(w), 0.1, 0.0, 3000)))


@cache
def middles():
    """beta in the middle of the cycle at every radius, put back on X beta = y."""
    w, out = tuple(each + 1e-4 for each in fitted()), []
    for rho, time in zip(RADII, TIMES, strict=True):
        w = full(w, FULL, rho, 2 * round(time / (FULL * rho**2) / 2))
        ends = [np.prod([np.asarray(each) for each in end], axis=0) for end in (w, full(w, FULL, rho, 1))]
        beta = np.mean(ends, axis=0)
        out.append(beta + np.linalg.pinv(F.x) @ (F.y - F.x @ beta))
    return out


@cache
def ends():
    """beta where gradient descent takes the end of every run on single examples, (runs, 3)."""
    starts = tuple(np.tile(w + 1e-4, (RUNS, 1)) for w in fitted())
    steps = round(SINGLE_TIME / (SINGLE * SINGLE_RADIUS**2))
    draws = np.random.default_rng(0).integers(0, F.n, (steps, RUNS))
    found = single(starts, SINGLE, SINGLE_RADIUS, draws)
    return np.array([np.prod(settled(w), axis=0) for w in zip(*map(np.asarray, found), strict=True)])


def measured(case):
    if case.reads == "spectrum":
        u, v = fitted()
        hessian = np.asarray(whole_hessian(np.concatenate([u, v])))
        sizes = u**2 + v**2 if case.sizes == "squares" else 2 * np.abs(u * v)
        claimed = case.scale * np.linalg.eigvalsh((F.x * sizes) @ F.x.T / F.n)
        return np.max(np.abs(np.linalg.eigvalsh(hessian)[-F.n :] - claimed))
    aim = case.scale * optimum(case.claim)
    if case.reads == "full batches":
        *_, coarse, fine = (np.max(np.abs(beta - aim)) for beta in middles())
        return abs(np.log2(coarse / fine) - 2)
    if case.reads == "single examples":
        return np.max(np.abs(ends() - aim))
    first, second = middles()[-1], np.mean(ends(), axis=0)
    if case.claim == "trace":
        first, second = second, first
    return max(top(first) / top(second), weights() @ np.abs(second) / (weights() @ np.abs(first)))


def bound(case):
    return {"spectrum": 0.0, "full batches": 0.2, "single examples": 0.0, "apart": 1.0}[case.reads]


def tolerance(case):
    """Rounding; for single examples what is left of beta_2 and of the linear program's own."""
    return {"spectrum": 1e-12, "full batches": 1e-9, "single examples": 1e-9, "apart": 1e-9}[case.reads]


def controls(case):
    out = {"a little more": lambda factor: case._replace(scale=factor)}
    if case.reads == "spectrum":
        return out | {"2 |u v| in place of u^2 + v^2": case._replace(sizes="twice |u v|")}
    if case.reads == "apart":
        return {"exchanged": case._replace(claim="trace")}
    return out | {
        "the optimum of the other method": case._replace(
            claim="trace" if case.claim == "largest" else "largest"
        )
    }
