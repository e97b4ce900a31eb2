"""Along 1-SAM the mean worst-direction penalty is half the trace: |E_k R_k / rho^2 - Tr(X(tau)) / 2| small.

R_k(w) = max over |v| <= rho of f_k(w + v) - f_k(w), exact here: the maximum lies on the circle, where
h_k(x + rho sin a) (|y_k| + rho cos a)^2 / 2 has one maximum, near a = 0. On the instance of
finite_step_one_sam.py the error is at most C (gamma^(1/4) + rho^(1/4)), C = 1/4, but for a chance
gamma^(1/2) + rho^(1/2). "from the floor": that chance is at most the fourth moment of the error over the
fourth power of the bound (Markov), and the moment is computed, not sampled. "from away": from the start of
theorem_5_4.py by runs of the rule, as there.

"order": on the cycle |y_k| = gamma rho h_k / (2 - gamma h_k), hence R_k = rho^2 h_k (2 + gamma h_k) /
(2 (2 - gamma h_k)) to leading order: as rho -> 0 the mean of E_k R_k / rho^2 tends to the mean of that on the
flow of the finite step, at the order 2. The corollary's gamma^(1/4) is gamma here; its rho^(1/4) is rho^2,
for the third derivative along y_k is 0.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.wml23 import finite_step_one_sam as model
from paper_checks.wml23 import theorem_5_4 as away
from theory import confidence

CONSTANT = 0.25
FLOOR = ((0.05, 0.05), (0.025, 0.025), (0.0125, 0.0125))  # (gamma, rho)
AWAY = ((0.05, 0.1), (0.05, 0.05))
FLOORS = np.array([[2.0], [1.0]])  # the least h_k
NEWTON = 8  # steps for the maximum over the circle


class Case(NamedTuple):
    reads: str  # "floor", "away" or "order"
    gamma: float
    rho: float
    claim: str  # what half is taken of: "trace", but for a control
    half: float  # 1/2, but for a control
    step: float  # the share of gamma in the penalty on the cycle: 1, but for a control


def cases():
    out = {}
    for gamma, rho in FLOOR:
        out[f"from the floor, gamma={gamma:g}, rho={rho:g}"] = Case("floor", gamma, rho, "trace", 0.5, 1.0)
    for gamma, rho in AWAY:
        out[f"from away, gamma={gamma:g}, rho={rho:g}"] = Case("away", gamma, rho, "trace", 0.5, 1.0)
    for gamma in model.STEPS:
        out[f"order, gamma={gamma:g}"] = Case("order", gamma, model.RADII[-1], "trace", 0.5, 1.0)
    return out


def hypotheses(case):
    return {"gamma h_k < 2": case.gamma * np.max(model.heights(np.array([model.LOW, model.HIGH]))) < 2}


def worst_losses(states, rho):
    """max over |v| <= rho of f_k(w + v), (states, 2), by Newton's method for the angle."""
    x, y = states[:, :1].T, np.abs(states[:, 1:]).T
    bend, lowest = np.array([[1.0], [1.5]]), np.array([[0.0], [1.0]])
    angle = np.zeros_like(y)
    for _ in range(NEWTON):
        sin, cos = rho * np.sin(angle), rho * np.cos(angle)
        slope, size = bend * (x + sin - lowest), y + cos
        height = FLOORS + slope**2 / (2 * bend)
        rise, curve = slope * cos, bend * cos**2 - slope * sin  # derivatives of the height in the angle
        first = rise * size**2 / 2 - height * size * sin
        second = curve * size**2 / 2 - 2 * rise * size * sin + height * (sin**2 - size * cos)
        angle = angle - first / second
    at, size = x + rho * np.sin(angle), y + rho * np.cos(angle)
    return ((FLOORS + bend * (at - lowest) ** 2 / 2) * size**2 / 2).T


def penalties(states, rho):
    """E_k R_k / rho^2 at every state."""
    losses = model.heights(states[:, 0]) * states[:, 1:].T ** 2 / 2
    return np.mean(worst_losses(states, rho) - losses.T, axis=1) / rho**2


@cache
def end_states(gamma, rho):
    return away.ends(gamma, rho, model.horizon(gamma, rho))


def target(case):
    """Half of the trace on the limiting flow."""
    start = model.START if case.reads == "floor" else away.projected()
    h = model.heights(model.claimed(case.gamma, case.rho, "trace", 1.0, start))
    return case.half * (h.mean() if case.claim == "trace" else h.max() / 2)


def errors(case):
    """|E E_k R_k / rho^2 - mean_k h_k (2 + gamma h_k) / (2 (2 - gamma h_k))| at every radius."""
    for rho in model.RADII:
        h = model.heights(
            model.claimed(case.gamma, rho, "finite step" if case.claim == "trace" else model.TOP, 1.0)
        )
        reach = case.step * case.gamma * h
        each = case.half * h * (2 + reach) / (2 - reach)
        flow = each.mean()
        yield abs(model.expected(case.gamma, rho, lambda w, flow=flow, rho=rho: penalties(w, rho) - flow))


def width(case):
    return CONSTANT * (case.gamma**0.25 + case.rho**0.25)


def measured(case):
    if case.reads == "order":
        *_, coarse, fine = errors(case)
        return abs(np.log2(coarse / fine) - 2)
    aim = target(case)
    if case.reads == "away":
        off = penalties(end_states(case.gamma, case.rho), case.rho) - aim
        return confidence.upper(int(np.sum(~(np.abs(off) <= width(case)))), len(off), away.LEVEL)
    moment = model.expected(case.gamma, case.rho, lambda w: (penalties(w, case.rho) - aim) ** 4)
    return min(moment / width(case) ** 4, 1.0)


def bound(case):
    return model.MARGIN if case.reads == "order" else case.gamma**0.5 + case.rho**0.5


def controls(case):
    out = {
        "the largest eigenvalue": case._replace(claim="largest"),
        "without the half": case._replace(half=1.0),
    }
    if case.reads == "order":
        out["without the step in the penalty"] = case._replace(step=0.0)
        out["a little more"] = lambda factor: case._replace(half=0.5 * factor)
    return out
