"""1-SAM where the data losses have orthogonal gradients: its mean follows a flow that knows the step.

On h_1 = 2 + x^2/2, h_2 = 1 + 3 (x - 1)^2/4 (M = 2, theory/problems/valley.py), started on its cycle, without
sampling (theory/one_sam.py): E x_T at T = tau / (gamma rho^2), and E over the law at which x settles.

finite_step_one_sam: x' = -(1/2) mean_k (2 / (2 - gamma h_k))^2 h_k'. "flow": |E x_T - X(tau)| falls with rho
at the order 2. "end point": so does the distance of the mean of the settled law to the least of mean_k
psi(h_k), psi(s) = s / (2 - gamma s), which is not where the trace is least (0.6). Where another flow is
claimed the distance stays and the order is 0.

one_sam_fluctuation: "variance": Var x_T / (gamma rho^2 S) - 1 falls at the order 2, with S of
theory/one_sam.py. "runs": runs of the rule, sampled; `measured` is by how many standard errors the mean is
off X, less 3 rho^2 of the way, resp. the variance off gamma rho^2 S. The standard error of a variance is
that of its exact fourth moment; four standard errors are left with a chance below 1e-4.

`measured` of the orders is the distance to 2, of the finest pair of four radii.
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from theory import one_sam, transfer
from theory.bounds.ol25 import cycle_radius
from theory.problems.valley import two_bowls

F, START, TAU = two_bowls(), 0.05, 1.5
RADII = (0.1, 0.05, 0.025, 0.0125)
STEPS = (0.1, 0.4, 0.6)  # gamma; on the way gamma h_1 is up to 1.3
SIZES = (16, 3, 3)
LOW, HIGH = -0.1, 0.8  # of x; the law does not come near
SPREAD = 5.0  # times rho^2: how far |y_k| / c_k - 1 goes, with reserve
RUNS, ERRORS = 144, 4.0
LONGEST = 13_000  # steps of the runs
MARGIN = 0.2
FINITE, TOP = ("finite step", 1.0), "the largest eigenvalue"

move = jax.jit(one_sam.moved)
runs = jax.jit(one_sam.runs)


class Case(NamedTuple):
    reads: str  # "flow", "end point", "variance", "runs, mean" or "runs, variance"
    gamma: float
    claim: str  # whose flow; "finite step", but for a control
    scale: float  # of the drift, of the distance of the end point to 0, or of the variance


def cases():
    out = {}
    for gamma in STEPS:
        out[f"flow, gamma={gamma:g}"] = Case("flow", gamma, *FINITE)
        out[f"end point, gamma={gamma:g}"] = Case("end point", gamma, *FINITE)
        out[f"one_sam_fluctuation: variance, gamma={gamma:g}"] = Case("variance", gamma, *FINITE)
    for reads in ("runs, mean", "runs, variance"):
        out[f"one_sam_fluctuation: {reads}"] = Case(reads, STEPS[0], *FINITE)
    return out


def hypotheses(case):
    moved = [exact(case.gamma, rho).reach for rho in RADII]
    return {
        "gamma h_k < 2": case.gamma * np.max(heights(np.array([LOW, HIGH]))) < 2,
        "the law stays in the box": max(moved) < 2,
    }


class Moments(NamedTuple):
    mean: float  # of x_T, less the flow at the finite step
    variance: float
    fourth: float  # central
    end: float  # the mean of the settled law
    reach: float


def horizon(gamma, rho):
    return round(TAU / (gamma * rho**2))


@cache
def walked(gamma, rho, low=LOW, start=START):
    chart = one_sam.Chart(F, gamma, rho, np.array([low]), np.array([HIGH]), SPREAD * rho**2)
    return one_sam.walk(chart, [start], SIZES, move)


def expected(gamma, rho, g):
    """E g(w_T), of one or more functions of states."""
    return one_sam.expected(walked(gamma, rho), g, horizon(gamma, rho))


@cache
def exact(gamma, rho):
    flow = claimed(gamma, rho, *FINITE)  # moments about it, so that little cancels
    m1, m2, m3, m4 = expected(gamma, rho, lambda w: (w[:, :1] - flow) ** np.arange(1, 5))
    here = walked(gamma, rho)
    end = transfer.stationary(here.matrix) @ here.states[:, 0]
    return Moments(m1, m2 - m1**2, m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4, end, here.reach)


@cache
def spread(gamma, rho):
    """(X, S) at the time that T steps take."""
    x, s = one_sam.diffusion(F, [START], gamma, horizon(gamma, rho) * gamma * rho**2)
    return x[0], s[0, 0]


@cache
def claimed(gamma, rho, claim, scale, start=START):
    """The flow that is claimed, at the time that T steps take."""

    def drift(f, x):
        if claim == TOP:
            return scale * f.full_drift(x, gamma)
        return scale * f.single_drift(x, 0.0 if claim == "trace" else gamma)

    return one_sam.flow(F, drift, [start], horizon(gamma, rho) * gamma * rho**2)[0]


def end_point(gamma, claim):
    """Where mean_k psi(h_k) is least: x speed(h_1) + 3 (x - 1) speed(h_2) / 2 = 0. gamma = 0: the trace."""
    if claim == TOP:
        return 0.0
    x, gamma = 0.6, 0.0 if claim == "trace" else gamma
    for _ in range(60):  # a contraction
        first, second = 2 - gamma * heights(x)
        share = 1.5 * (first / second) ** 2
        x = share / (1 + share)
    return x


@cache
def sampled():
    """The last x of runs at the first gamma and the first radius."""
    gamma, rho = STEPS[0], RADII[0]
    return ended(START, gamma, rho, horizon(gamma, rho))[:, 0]


def ended(x, gamma, rho, steps):
    """The last states of runs from the cycle over x."""
    return ran(np.append(x, cycle_radius(heights(x), gamma, rho, 1.0)), gamma, rho, steps, 0)


def ran(start, gamma, rho, steps, seed):
    if steps > LONGEST:
        raise ValueError(f"{steps} steps are more than were drawn; raise LONGEST = {LONGEST}")
    return np.asarray(runs(F, np.tile(start, (RUNS, 1)), gamma, rho, draws(seed), steps))


@cache
def draws(seed):
    """The example of every step of every run."""
    return np.random.default_rng(seed).integers(0, 2, (LONGEST, RUNS), dtype=np.int8)


def heights(x):
    """h_k(x), (2, ...)."""
    return np.array([2 + x**2 / 2, 1 + 0.75 * (x - 1) ** 2])


def errors(case):
    """At every radius, of what falls with rho^2."""
    for rho in RADII:
        found = exact(case.gamma, rho)
        if case.reads == "flow":
            flows = [claimed(case.gamma, rho, *which) for which in (FINITE, (case.claim, case.scale))]
            yield abs(found.mean + flows[0] - flows[1])
        elif case.reads == "end point":
            yield abs(found.end - case.scale * end_point(case.gamma, case.claim))
        else:
            yield abs(found.variance / (case.scale * predicted(case, rho)) - 1)


def predicted(case, rho):
    """Var x_T: gamma rho^2 S."""
    if case.claim == "finite step":
        return case.gamma * rho**2 * spread(case.gamma, rho)[1]
    each = (2 / (2 - case.gamma * heights(START))) ** 2 * np.array([START, 1.5 * (START - 1)])
    return case.gamma * rho**2 * TAU * np.var(each / 2)  # no decay, the noise of the start


def measured(case):
    if case.reads.startswith("runs"):
        x, rho = sampled(), RADII[0]
        found = exact(case.gamma, rho)
        if case.reads == "runs, mean":
            flow = claimed(case.gamma, rho, case.claim, case.scale)
            off = abs(x.mean() - flow) - 3 * rho**2 * abs(flow - START)
            return max(off, 0.0) / np.sqrt(found.variance / RUNS)
        error = np.sqrt((found.fourth - found.variance**2 * (RUNS - 3) / (RUNS - 1)) / RUNS)
        return abs(x.var(ddof=1) - case.scale * predicted(case, rho)) / error
    *_, coarse, fine = errors(case)
    return abs(np.log2(coarse / fine) - 2)


def bound(case):
    return ERRORS if case.reads.startswith("runs") else MARGIN


def controls(case):
    def more(factor):
        return case._replace(scale=factor)

    if case.reads in ("variance", "runs, variance"):
        return {"a little more": more, "without decay": case._replace(claim="no decay")}
    out = {"a little more": more, "the flow of the largest eigenvalue": case._replace(claim=TOP)}
    if case.reads in ("flow", "end point"):
        out["the flow of the trace"] = case._replace(claim="trace")
    if case.reads != "end point":
        out["without the half"] = case._replace(scale=2.0)
    return out
