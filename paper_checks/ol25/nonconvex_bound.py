"""min_{t<T} E|grad f(w_t)|^2 <= (2 / gamma) (delta_0 / W + E0) for Unified SAM on sums that are not convex.

Theorem and proof, forms A and B: theory/bounds/ol25_nonconvex.py. The functions are log(1 + r_i^2), with a
minimum above zero on a line ("noisy") and solved by one w in the plane ("interpolated").

"one step, ..."     E f(w+) - inf f <= (1 + 2AM) (f(w) - inf f) - (gamma / 2) |grad f(w)|^2 + E0, every draw:
                    the largest ratio of (gamma / 2) |grad f|^2 to what the other terms leave for it, at 450
                    states near and far. It implies the theorem at every horizon. "large step, ...": the same
                    where noise and growth are felt.
"all paths, ..."    E|grad f(w_t)|^2 over every path of eight steps: its least value over the bound.
"full batch, ..."   one path of 2^14 steps, at every power of two: the largest ratio to the bound.

The guarantee is for the best iterate; nothing of the kind holds for the last (theorem_3_7.py).
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.ol25.theorem_3_2 import padded
from theory import sampling
from theory.bounds import ol25, ol25_nonconvex
from theory.descent import descend, still, whole_batch
from theory.expectation import listed_curve, one_step, paths
from theory.problems.log_ratio import log_ratio

N = 3
ATOMS = 8  # of the law that has most
STEPS, LONG = 8, 2**14
LAMS = (0.0, 0.5, 1.0)
LARGE, PATHS_SHARE = 0.5, 0.1  # of the largest steps; the second is what moves in eight steps
TIMES = 2 ** np.arange(15)
LAWS = {
    "uniform": sampling.uniform(N),
    "importance": None,  # of each problem
    "2-nice": sampling.nice(N, 2),
    "2 draws": sampling.draws(np.array([0.2, 0.3, 0.5]), 2),
    "independent": sampling.independent(np.array([0.5, 0.6, 0.8])),
    "full batch": sampling.full(N),
}
LISTED = ("uniform", "importance", "2-nice")  # three draws each


class Case(NamedTuple):
    reads: str  # "step" or "run"
    claim: ol25_nonconvex.Claim
    before: np.ndarray  # step: f - inf f at every state; run: at the start alone
    after: np.ndarray  # step: E f(w+) - inf f
    square: np.ndarray  # step: |grad f|^2 at every state; run: E|grad f(w_t)|^2 at every t
    size: np.ndarray  # of f before and after, to which rounding is relative
    wild: "Case | None"  # the same where gamma = 2.5 / L
    cut: float  # what the guarantee, or the bound, is sharpened by: 1, but for a control
    kept: float  # the share of E0 that is claimed: 1, but for a control
    large: bool  # steps so large that a rule that does not move may keep the promise


def problems():
    """Rows along one axis of the plane, with a double well there; and equations that one w solves."""
    a = np.array([[1.0, 0.0], [1.5, 0.0], [0.7, 0.0]])
    plane = np.array([[1.0, 0.5], [-0.5, 1.2], [0.8, -1.0]])  # with targets 0, so that Delta is 0 exactly
    return {
        "noisy": log_ratio(a, np.array([0.5, -1.0, 2.0])),
        "interpolated": log_ratio(plane, np.zeros(N)),
    }


def states(f):
    """Along the axis where f varies on it alone, else on a spiral; and next to the minimiser."""
    best = f.minimiser
    near = best + np.geomspace(1e-7, 1e-1, 49)[:, None] * np.ones(2)
    if not np.any(f.a[:, 1]):
        return np.concatenate([np.linspace(-8, 8, 401)[:, None] * np.array([1, 0]), near])
    turn = np.linspace(0, 40 * np.pi, 401)
    spiral = np.geomspace(1e-2, 10, 401)[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return np.concatenate([best + spiral, near])


def claim(f, law, form, lam, share):
    k = ol25_nonconvex.constants(f, law)
    if form == "A":
        weights = ol25.paper_weights(lam)
        return ol25_nonconvex.Claim(k, weights, 0.0, *ol25_nonconvex.bounded_steps(k, weights, share))
    weights = ol25.jensen_weights(lam)
    return ol25_nonconvex.Claim(k, weights, 1.0, *ol25_nonconvex.bounded_steps_b(k, weights, share))


def share(name, quiet):
    """Of the largest steps: so little that the descent stands out against E0, where E0 is not zero."""
    if quiet:
        return LARGE  # and gamma at equality
    return 0.03 if name == "full batch" else 0.003


def slope_square(f):
    return lambda w: jnp.sum(jax.grad(f.loss)(w) ** 2)


@jax.jit
def gaps(f, ws):
    return jax.vmap(lambda w: (f.loss(w), slope_square(f)(w)))(ws)


@jax.jit
def steps(f, draws, ws, gamma, rho, lam):
    return jax.vmap(lambda w: one_step(f, draws, w, gamma, rho, lam, f.loss))(ws)


@jax.jit
def listed(f, draws, w, gamma, rho, lam):
    schedule = [jnp.full(STEPS, x) for x in (gamma, rho, lam)]
    return listed_curve(f, draws, paths(N, STEPS), w, schedule, slope_square(f))


@jax.jit
def alone(f, w, gamma, rho, lam):
    rule = whole_batch(jax.value_and_grad(f.loss))
    return descend(rule, w, gamma, rho, lam, (still(LONG),), slope_square(f))[0]


def cases():
    return built()


@cache
def built():
    return {
        f"{reads}, {form}, {kind}, {name}, lam={lam:g}": made
        for kind, f in problems().items()
        for name, law in LAWS.items()
        for form in ("A", "B")
        for lam in LAMS
        for reads, made in instances(
            f, name, law or sampling.importance(f.smoothness_each), form, lam
        ).items()
    }


def instances(f, name, law, form, lam):
    """The three readings of the theorem, as far as the law admits them."""
    draws = padded(law, ATOMS, N)
    quiet = name == "full batch" and lam == 0  # E0 = 0
    made = claim(f, law, form, lam, share(name, quiet))
    fast = made._replace(gamma=2.5 / made.k.smoothness)
    consistent = f.mismatch == 0  # then L is attained
    out = {"one step": at_states(f, draws, made, lam)}
    if quiet:
        out["one step"] = out["one step"]._replace(wild=at_states(f, draws, fast, lam))
    else:
        out["large step"] = at_states(f, draws, claim(f, law, form, lam, LARGE), lam)._replace(large=True)
    start = f.minimiser + 0.5 if consistent else np.array([2.2, 0.0])  # where the gradient is large
    if name in LISTED:
        large = claim(f, law, form, lam, PATHS_SHARE)
        out["all paths"] = along(
            f, large, start, listed(f, padded(law, N, N), start, large.gamma, large.rho, lam)
        )
    if name == "full batch":
        out["full batch"] = along(f, made, start, alone(f, start, made.gamma, made.rho, lam))
        if quiet and consistent:
            wild = along(f, fast, start, alone(f, start, fast.gamma, fast.rho, lam))
            out["full batch"] = out["full batch"]._replace(wild=wild)
    return out


def at_states(f, draws, claim, lam):
    ws, least = states(f), float(f.minimum)
    height, square = map(np.asarray, gaps(f, ws))
    moved = np.asarray(steps(f, draws, ws, claim.gamma, claim.rho, lam))
    return Case("step", claim, height - least, moved - least, square, height + moved, None, 1.0, 1.0, False)


def along(f, claim, start, curve):
    residual = np.asarray(f.a) @ start - np.asarray(f.b)
    first = np.array([np.mean(np.log1p(residual**2)) - f.minimum])
    return Case("run", claim, first, first, np.asarray(curve)[:-1], first, None, 1.0, 1.0, False)


def hypotheses(case):
    return {"condition on gamma and rho": float(case.claim.condition) <= 1 + 1e-12}


def measured(case):
    c = case.claim
    floor = case.kept * float(c.floor)
    if case.reads == "step":
        left = (1 + float(c.growth)) * case.before - case.after + floor
        doubt = 64 * 2.0**-52 * case.size  # rounding of f - inf f at a state
        return case.cut * np.max(c.gamma / 2 * case.square / (np.maximum(left, 0) + doubt))
    horizons = TIMES if len(case.square) > STEPS else np.array([STEPS])
    best = np.minimum.accumulate(case.square)[horizons - 1]
    start = 2 / c.gamma * case.before[0] / ol25_nonconvex.horizon(c.growth, horizons)
    return case.cut * np.max(best / (start + 2 / c.gamma * floor))


def bound(case):
    return 1.0


def controls(case):
    out = {"the bound too small": lambda factor: case._replace(cut=factor)}
    if case.reads == "step":
        if not case.large:
            out["the rule does not move"] = case._replace(after=case.before)
        if case.claim.floor > 0:
            out["E0 left out"] = case._replace(kept=0.0)
            out["E0 too small"] = lambda factor: case._replace(kept=1 / factor)
    elif len(case.square) > STEPS:
        out["the rule does not move"] = case._replace(square=np.full_like(case.square, case.square[0]))
    if case.wild is not None:
        out["gamma = 2.5 / L"] = case.wild
    return out
