"""A = C = beta = 0, as for full-batch USAM: of order eps^-2 steps suffice, and on log(1 + w^2) are needed.

From w_0 = 1.95 / eps the gradient is just above eps, and below it again only near the minimum: a run needs
about w_0^2 / (4 gamma) steps. "enough, ...": the steps until |grad f(w_t)| <= eps over the T of
theory/bounds/ol25_nonconvex.py, at most 1. "the order": the exponent of eps in the steps that are needed,
over six values a factor 2 apart; from 2 it may differ by a margin for terms of lower order.
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from paper_checks.ol25 import theorem_3_7 as true
from theory import sampling
from theory.bounds import ol25_nonconvex
from theory.update import norm, step

MARGIN = 0.03
SCALES = 0.5 ** np.arange(3, 9)


class Case(NamedTuple):
    runs: tuple  # of theorem_3_7, one or one for each scale
    counts: np.ndarray  # the steps until |grad f(w_t)| <= eps, for each run
    order: float  # claimed; 0 where the number of steps is the claim
    share: float  # of T that is claimed to suffice: 1, but for a control


def cases():
    return built()


@cache
def built():
    f, full = true.single_well(), sampling.full(1)
    runs = [true.case("best", f, full, 0.0, [1.95 / eps], eps) for eps in SCALES]
    counts = np.array([count(run) for run in runs], dtype=float)
    out = {
        f"enough, eps=1/{1 / run.eps:g}": Case((run,), counts[k : k + 1], 0.0, 1.0)
        for k, run in enumerate(runs)
    }
    return out | {"the order": Case(tuple(runs), counts, 2.0, 1.0)}


def hypotheses(case):
    met = {}
    for run in case.runs:
        k = ol25_nonconvex.constants(run.problem, run.law)
        met["A = C = beta = 0"] = k.a == 0 and k.c == 0 and run.weights.constant == 0
        met |= true.hypotheses(run)
    return met


@jax.jit
def needed(f, w, gamma, rho, eps, most):
    """The first t with |grad f(w_t)| <= eps, or `most`."""
    rule = jax.value_and_grad(f.loss)

    def on(now):
        t, w = now
        return (t < most) & (norm(rule(w)[1]) > eps)

    return jax.lax.while_loop(on, lambda now: (now[0] + 1, step(rule, now[1], gamma, rho, 0.0)), (0, w))[0]


def count(run):
    """The steps that a run needs, looked for up to T + 1."""
    plan = run.plan
    return int(needed(run.problem, run.start, plan.gamma, plan.rho, run.eps, plan.steps + 1))


def measured(case):
    if case.order:
        eps = np.array([run.eps for run in case.runs])
        return abs(np.polyfit(np.log(1 / eps), np.log(case.counts), 1)[0] - case.order)
    return case.counts[0] / (case.share * case.runs[0].plan.steps)


def bound(case):
    return MARGIN if case.order else 1.0


def controls(case):
    if case.order:
        return {
            "another exponent": lambda factor: case._replace(order=case.order * factor),
            "the order of the general case": case._replace(order=4.0),
        }
    return {"fewer steps": lambda factor: case._replace(share=1 / factor)}
