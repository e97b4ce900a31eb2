"""E f(w_t) - f* <= (1 - gamma mu)^t (f(w_0) - f*) + N for Unified SAM over all 3^8 sample paths, every lam.

A few steps shrink f - f* by little, so a trajectory is judged as one step is (theorem_3_2.py): with r_t = 1 -
(1 - gamma mu)^t, by the N that it needs, [E f(w_t) - f* - (1 - r_t) (f(w_0) - f*)] / r_t, which the proof
bounds by N; where N = 0 by the promised over the true decrease. Starts: next to w*, where only noise moves f,
and far away.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.compilation import thoroughly
from paper_checks.ol25 import theorem_3_2 as one
from theory import sampling
from theory.bounds import ol25
from theory.certificate import noise_needed, promised_over_true, worst
from theory.expectation import listed_curve, paths

STEPS = 8
N = 3  # both laws below have three draws


class Case(NamedTuple):
    claim: ol25.Claim
    quiet: float
    cut: float
    curves: np.ndarray  # (starts, STEPS + 1), E f(w_t) - f*


hypotheses, bound = one.hypotheses, one.bound


def cases():
    made = {}
    for kind, name, law in [
        ("noisy", "uniform", sampling.uniform(N)),
        ("interpolated", "2-nice", sampling.nice(N, 2)),
    ]:
        f = one.problem(kind, N)
        slow = np.linalg.eigh(f.hessian)[1][:, 0]  # where PL is attained
        for form in one.FORMS:
            for lam in one.LAMS:
                case = one.case(f, law, form, lam, shape=(N, 2))
                far = np.sqrt(20 * float(bound(case)) / case.claim.k.pl) * slow
                made[f"{form}, {kind}, {name}, lam={lam:g}"] = case._replace(
                    states=np.stack([1e-7 * far, far])
                )
    stacked = jax.tree.map(lambda *x: np.stack(x), *made.values())
    curves = np.asarray(thoroughly(partial(jax.lax.map, along))(stacked))
    return {
        name: Case(case.claim, case.quiet, case.cut, curve)
        for (name, case), curve in zip(made.items(), curves, strict=True)
    }


def along(case):
    schedule = [jnp.full(STEPS, x) for x in (case.claim.gamma, case.claim.rho, case.lam)]
    f = case.problem
    return jax.vmap(lambda w: listed_curve(f, case.draws, paths(N, STEPS), w, schedule, f.loss))(case.states)


def need(case):
    rate = -np.expm1(np.arange(1, STEPS + 1) * np.log1p(-case.claim.rate))
    judge = promised_over_true if case.quiet else noise_needed
    return worst(jax.tree.map(np.ravel, judge(case.curves[:, :1], case.curves[:, 1:], rate)))


def measured(case):
    return need(case)[0]


def tolerance(case):
    return need(case)[1]


def controls(case):
    out = {"the rule does not move": case._replace(curves=np.repeat(case.curves[:, :1], STEPS + 1, axis=1))}
    if case.quiet:
        out["mu too large"] = partial(one.harder, case)
    else:
        out["N too small"] = lambda factor: case._replace(cut=factor)
    if case.claim.k.c == 0 and case.claim.weights.constant > 0:
        out["N without lam"] = one.without_lam(case)
    return out
