"""The sum over groups of their own maxima in a ball is at least the maximum of the sum.

For least squares both sides are exact: the maximum of |A e + r|^2 / 2 over |e| <= rho is that of a quadratic
in a ball, one equation in its multiplier (theory/sharpness.py). `measured` is the largest ratio of the coarse
to the fine objective over random weights; for copies of one example it is 1.
"""

from typing import NamedTuple

import jax
import numpy as np

from theory.problems import diagonal
from theory.sharpness import largest_in_ball

N, D, STATES = 8, 5, 12


class Case(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    fine: int  # the size of a group
    coarse: int
    rho: float
    wider: float  # the coarse ball over the fine one: 1, but for a control


def cases():
    rng = np.random.default_rng(9)
    x, y = rng.standard_normal((N, D)), rng.standard_normal(N)
    out = {}
    for fine, coarse in ((1, N), (1, 2), (2, 4), (4, N)):
        out[f"groups of {fine} and of {coarse}"] = Case(x, y, fine, coarse, 0.3, 1.0)
    copies = np.repeat(x[:1], N, axis=0), np.repeat(y[:1], N)
    return out | {"copies of one example": Case(*copies, 1, N, 0.3, 1.0)}


def hypotheses(case):
    return {"refined": case.coarse % case.fine == 0}


solve = jax.jit(largest_in_ball)


def largest(a, r, rho):
    """The maximum of |a e + r|^2 / 2 over |e| <= rho."""
    return r @ r / 2 + float(solve(a.T @ a, a.T @ r, rho).value)


def objective(case, m, rho, w):
    return sum(largest(case.x[i], case.x[i] @ w - case.y[i], rho) for i in diagonal.groups(N, m))


def measured(case):
    states = np.random.default_rng(10).standard_normal((STATES, D))
    return max(
        objective(case, case.coarse, case.wider * case.rho, w) / objective(case, case.fine, case.rho, w)
        for w in states
    )


def bound(case):
    return 1.0


def controls(case):
    out = {"a wider ball for the sum": lambda factor: case._replace(wider=factor)}
    if not np.all(case.x == case.x[0]):
        out["exchanged"] = case._replace(fine=case.coarse, coarse=case.fine)
    return out
