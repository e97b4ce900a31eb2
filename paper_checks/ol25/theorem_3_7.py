"""min_{t<T} E|grad f(w_t)| < eps with the steps and T of theory/bounds/ol25_nonconvex.py; not the last one.

"full batch, ..."  a double well of log(1 + r_i^2), every lam, all T steps.
"moments, ..."     parabolas on a line drawn at random, lam = 0: |grad f|^2 = 2 L (f - f*) there, so that
                   E|grad f(w_t)|^2 is known at any time; its root is at least E|grad f(w_t)|. With noise
                   ("noisy") and without ("interpolated"). Sampled functions that are not convex are checked
                   step by step and over all short paths in nonconvex_bound.py.

The public description of the theorem writes the last iterate. "last_iterate: ..." are runs of full-batch
USAM on log(1 + w^2) with these very steps, from a start so far out that its gradient is below eps, of which
step T finds the iterate where the gradient is largest: |grad f(w_T)| > eps. The best iterate is the start.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array, sampling
from theory.bounds import ol25, ol25_nonconvex
from theory.expectation import spectral
from theory.problems.log_ratio import LogRatio, log_ratio
from theory.problems.quadratic import Quadratic, centred, quadratic
from theory.update import norm, step


class Case(NamedTuple):
    reads: str  # "best", "moments" or "last"
    problem: LogRatio | Quadratic
    law: object
    plan: ol25_nonconvex.Plan
    lam: float
    start: Array
    gap: float  # delta_0
    eps: float
    weights: ol25.Weights
    best: bool  # whether "last" reads the best iterate: a control


def case(reads, f, law, lam, start, eps):
    weights = ol25.paper_weights(lam)
    start = np.asarray(start, dtype=float)
    gap = float(f.loss(start)) - float(f.minimum)
    plan = ol25_nonconvex.plan(ol25_nonconvex.constants(f, law), weights, eps, gap)
    return Case(reads, f, law, plan, lam, start, gap, eps, weights, False)


def single_well():
    """log(1 + w^2): the gradient is 2 w / (1 + w^2), largest at w = 1, and falls again far out."""
    return log_ratio([[1.0]], [0.0])


def cases():
    return built()


@cache
def built():
    well = log_ratio([[1.0], [1.5], [0.7]], [0.5, -1.0, 2.0])
    full = sampling.full(3)
    out = {
        f"full batch, lam={lam:g}, eps={eps:g}": case("best", well, full, lam, [2.2], eps)
        for lam in (0.0, 0.5, 1.0)
        for eps in (0.3, 0.15)
    }
    curves = np.array([1.0, 2.0, 6.0])
    for kind, centres in [("noisy", np.array([1.0, -1.0, 0.5])), ("interpolated", np.zeros(3))]:
        f = centred(quadratic(curves[:, None, None], (curves * centres)[:, None], np.zeros(3)))
        for name, law in {
            "uniform": sampling.uniform(3),
            "importance": sampling.importance(curves),
            "2-nice": sampling.nice(3, 2),
        }.items():
            for eps in (0.1, 0.01):
                out[f"moments, {kind}, {name}, eps={eps:g}"] = case("moments", f, law, 0.0, [1.0], eps)
    for first, times in [(17.0, 1), (50.0, 1), (50.0, 2), (150.0, 1)]:
        made = late(first, times)
        out[f"last_iterate: from {first:g}, {times} T = {made.plan.steps}, eps={made.eps:.3f}"] = made
    return out


def late(first, times):
    """From `first`, the eps for which `times` T steps end where the gradient is largest.

    For USAM without noise gamma and rho do not depend on eps, so the path is known before eps is.
    """
    f, law = single_well(), sampling.full(1)
    made = case("last", f, law, 0.0, [first], 1.0)
    k, weights = ol25_nonconvex.constants(f, law), made.weights
    peak = int(hit(f, made.start, made.plan.gamma, made.plan.rho, 0.0))
    rest = peak - peak % times
    # T is the least whole number above 12 delta_0 / (g0 eps^2): aim at the middle of its last step
    eps = np.sqrt(12 * made.gap / (ol25_nonconvex.largest_step(k, weights, 1.0) * (rest / times - 0.5)))
    plan = ol25_nonconvex.plan(k, weights, eps, made.gap)
    return made._replace(plan=plan._replace(steps=times * plan.steps), eps=float(eps))


@jax.jit
def hit(f, w, gamma, rho, lam):
    """The first t at which w_t <= 1."""
    rule = jax.value_and_grad(f.loss)
    return jax.lax.while_loop(
        lambda now: now[1][0] > 1, lambda now: (now[0] + 1, step(rule, now[1], gamma, rho, lam)), (0, w)
    )[0]


@jax.jit
def run(f, w, gamma, rho, lam, steps):
    """The least |grad f(w_t)| over t < `steps`, and the one at t = `steps`; the full batch."""
    rule = jax.value_and_grad(f.loss)

    def move(_, now):
        w, least = now
        return step(rule, w, gamma, rho, lam), jnp.minimum(least, norm(rule(w)[1]))

    w, least = jax.lax.fori_loop(0, steps, move, (w, jnp.inf))
    return least, norm(rule(w)[1])


def hypotheses(case):
    k = ol25_nonconvex.constants(case.problem, case.law)
    claim = ol25_nonconvex.Claim(k, case.weights, 0.0, case.plan.gamma, case.plan.rho)
    needed = ol25_nonconvex.iterations(k, case.weights, case.eps, case.gap)
    return {
        "condition on gamma and rho": float(claim.condition) <= 1 + 1e-12,
        "at least T steps": case.plan.steps >= needed,
    }


def found(case):
    """The least E|grad f(w_t)|, t < T; for the last iterate that at T."""
    plan = case.plan
    if case.reads == "moments":
        f = case.problem
        times = np.unique(np.floor(np.geomspace(1, max(plan.steps, 1), 60))) - 1
        curve = spectral(f, case.law, case.start, plan.gamma, plan.rho).at(times)
        return np.sqrt(2 * float(f.smoothness) * np.min(curve))
    least, last = run(case.problem, case.start, plan.gamma, plan.rho, case.lam, plan.steps)
    return float(last if case.reads == "last" and not case.best else least)


def measured(case):
    return case.eps if case.reads == "last" else found(case)


def bound(case):
    return found(case) if case.reads == "last" else case.eps


def controls(case):
    plan = case.plan
    if case.reads == "last":
        return {
            "the best iterate in its place": case._replace(best=True),
            "some steps more": lambda factor: planned(case, steps=int(plan.steps * factor)),
        }
    out = {
        "the rule does not move": planned(case, gamma=0.0),
        "fewer steps": lambda factor: planned(case, steps=max(int(plan.steps / factor), 1)),
    }
    if case.problem.mismatch > 0 and case.reads == "moments":
        # of order 1 / L instead of eps^2: the noise keeps the gradient up
        out["gamma that ignores eps"] = planned(case, gamma=0.1 / float(case.problem.smoothness_each.max()))
    return out


def planned(case, **changes):
    return case._replace(plan=case.plan._replace(**changes))
