"""The mixed rule is USAM at lam = 0 and SAM at lam = 1: one step of theory/update.py beside both, by hand.

The formulas below are written out for f_i = log(1 + (a_i' w - b_i)^2) without automatic differentiation,
one for each method and one for the mixture in between, at states near and far, for every draw of a law with
weights, and where a sampled gradient is zero. `measured` is the largest distance over the largest move.
"""

from typing import NamedTuple

import jax
import numpy as np

from paper_checks.ol25.theorem_3_2 import padded
from theory import sampling
from theory.problems.log_ratio import LogRatio, log_ratio
from theory.update import step

N, D = 4, 3
GAMMA, RHO = 0.2, 0.3
MIXED = 0.3
METHODS = {"USAM": 0.0, "a mixture": MIXED, "SAM": 1.0}
FARTHEST = 30.0


class Case(NamedTuple):
    problem: LogRatio
    draws: tuple  # (indices, weights) of every draw, padded to one shape
    states: np.ndarray  # (states, d)
    expected: np.ndarray  # (states, draws, d), the next states of `method`, by hand
    method: str
    lam: float  # what the rule takes


def cases():
    rng = np.random.default_rng(11)
    f = log_ratio(rng.standard_normal((N, D)), np.append(0.0, rng.standard_normal(N - 1)))
    away = rng.standard_normal((12, D)) * np.geomspace(1e-3, FARTHEST / 3, 12)[:, None]
    states = np.concatenate([np.zeros((1, D)), away])  # at 0 the first function has no gradient
    laws = {
        "importance": sampling.importance(f.smoothness_each),
        "2-nice": sampling.nice(N, 2),
        "full batch": sampling.full(N),
    }
    out = {}
    for name, law in laws.items():
        v, _ = sampling.support(law)
        for method, lam in METHODS.items():
            expected = np.array([[by_hand(f, method, row, w) for row in v] for w in states])
            out[f"{method}, {name}"] = Case(f, padded(law, 6, N)[:2], states, expected, method, lam)
    return out


def hypotheses(case):
    return {
        "lam in [0, 1]": 0 <= case.lam <= 1,
        "within the states that rounding is taken for": np.abs(case.states).max() <= FARTHEST,
    }


def sampled_gradient(f, v, w):
    """sum_i v_i 2 r_i a_i / (1 + r_i^2) / n."""
    total = np.zeros(D)
    for a, b, weight in zip(np.asarray(f.a), np.asarray(f.b), v, strict=True):
        r = float(a @ w - b)
        total += weight * 2 * r / (1 + r * r) * a
    return total / N


def by_hand(f, method, v, w):
    g = sampled_gradient(f, v, w)
    length = np.sqrt(np.sum(g**2))
    if method == "USAM":
        ahead = w + RHO * g
    elif length == 0:
        ahead = w
    elif method == "SAM":
        ahead = w + RHO * g / length
    else:
        ahead = w + RHO * (1 - MIXED + MIXED / length) * g
    return w - GAMMA * sampled_gradient(f, v, ahead)


@jax.jit
def moved(f, states, lam, indices, weights):
    rule = jax.value_and_grad(f.loss)
    one = jax.vmap(lambda w, i, v: step(rule, w, GAMMA, RHO, lam, i, v), (None, 0, 0))
    return jax.vmap(one, (0, None, None))(states, indices, weights)


def measured(case):
    after = np.asarray(moved(case.problem, case.states, case.lam, *case.draws))
    after = after[:, : case.expected.shape[1]]  # without the draws that pad it
    moves = case.states[:, None] - case.expected
    return np.max(np.abs(after - case.expected)) / np.max(np.abs(moves))


def bound(case):
    return 0.0


def tolerance(case):
    """Roundings of the states over moves of gamma times a gradient of order one."""
    return 64 * 2.0**-52 * FARTHEST / GAMMA


def controls(case):
    out = {"lam a little away": lambda factor: case._replace(lam=abs(case.lam - (1 - 1 / factor)))}
    for other, lam in METHODS.items():
        if other != case.method:
            out[f"the rule of {other}"] = case._replace(lam=lam)
    return out
