"""What the public code of ol25 computes in five places, beside what the theory speaks of; ours is held to it.

importance_weights      the mean of one importance-sampled gradient is grad f only with the factor 1 / (n p_i)
replacement_constants   minibatches drawn with replacement need A, B of that law, not those of subsets
matrix_condition        a matrix of condition c needs its extreme singular values put in; A'A then has c^2
logistic_gradient       the gradient of the ridge part r |w|^2 / 2 is r w; r |w| / 2 has another
fresh_ascent            the ascent of a step uses the gradient at this step's w

Each case is an identity (or the residual's inequality) of our code against a formula stated here; its
controls are the public code's formulas, stated anew, and a dial.

Place: public code of ol25, read.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.ledger import rounding
from theory import sampling
from theory.bounds import ol25, residual
from theory.descent import descend, still, whole_batch
from theory.problems.least_squares import ridge
from theory.problems.logistic import logistic

N, D, TAU = 6, 3, 3


class Case(NamedTuple):
    kind: str
    data: Any
    scale: float  # of what our code gives: 1, but for a control
    theirs: bool  # the public code's formula


def cases():
    rng = np.random.default_rng(25)
    a = rng.standard_normal((N, D)) * np.geomspace(1, 3, N)[:, None]
    b, signs = rng.standard_normal(N), np.array([1.0, -1.0, 1.0, 1.0, -1.0, -1.0])
    equal = a / np.linalg.norm(a, axis=1, keepdims=True)
    data = {
        "importance_weights: ridge, not interpolated": ridge(a, b, 0.1),
        "replacement_constants: interpolated, equal rows": (equal, TAU),
        "replacement_constants: batch of all": (equal, N),
        "matrix_condition: A": (10.0, 1),
        "matrix_condition: A'A": (10.0, 2),
        "logistic_gradient: along random directions": (a, signs, rng.standard_normal((8, D))),
        "fresh_ascent: SAM on a parabola": (2.0, 0.3, 0.1, 1.0),
        "fresh_ascent: mixed on a parabola": (2.0, 0.3, 0.1, 0.5),
    }
    return {name: Case(name.split(":")[0], each, 1.0, False) for name, each in data.items()}


def hypotheses(case):
    data = case.data
    if case.kind == "importance_weights":
        return {"the functions share no minimum": data.mismatch > 1e-6}
    if case.kind == "replacement_constants":
        return {"equal L_i": np.ptp(np.sum(data[0] ** 2, axis=1)) < 1e-14, "more than one draw": data[1] > 1}
    if case.kind == "matrix_condition":
        return {"other singular values lie between": data[0] > 3}
    if case.kind == "logistic_gradient":
        return {"n labels -1 and 1": set(data[1]) == {-1.0, 1.0} and len(data[1]) == len(data[0])}
    curvature, gamma, rho, lam = data
    return {
        "the cycle exists": lam > 0 and gamma * curvature * (1 + rho * (1 - lam) * curvature) < 2,
    }


# Our side and the formula it is held to


def mean_gradient(f, power):
    """sum_i p_i weight_i^power grad f_i(w*), p_i = L_i / sum L: weights 1 / (n p_i) of our law, or none."""
    indices, weights, q = sampling.importance(f.smoothness_each).atoms()
    return q @ ((weights / f.n) ** power * f.slopes(f.minimiser)[indices[:, 0]])


def least_a(rows, tau, claimed_b):
    """The least A with E|grad f_v|^2 <= 2 A f + B |grad f|^2, f_i = (a_i' w)^2 / 2, tau draws.

    All draws are listed; every side is a quadratic form in w.
    """
    law = sampling.draws(np.full(N, 1 / N), tau)
    v, q = sampling.support(law)
    each = rows[:, :, None] * rows[:, None, :]
    sampled = np.tensordot(v, each, 1) / N
    second = np.tensordot(q, sampled @ sampled, 1)
    whole = each.mean(0)
    root = np.linalg.inv(np.linalg.cholesky(whole))
    return float(np.linalg.eigvalsh(root @ (second - claimed_b * whole @ whole) @ root.T)[-1])


def matrix(condition, put_in):
    """Singular values 1 and c put in beside values between; np.insert returns a copy, it does not put in."""
    singular = np.random.default_rng(10).uniform(2, condition - 1, D)
    if put_in:
        singular = np.concatenate([[1.0], singular, [condition]])
    turn = np.linalg.qr(np.random.default_rng(11).standard_normal((len(singular),) * 2))[0]
    return (turn * singular) @ turn.T


def logistic_slopes(a, signs, directions, theirs):
    """Directional derivatives at a point: of the function by complex steps, and of the coded gradient."""
    weight, w = 0.5, np.array([0.4, -1.0, 0.7])
    small = 1e-30j

    def value(w):
        data = np.mean(np.log1p(np.exp(-signs * (a @ w))))
        square = w @ w
        return data / 2 + weight / 2 * np.sqrt(square) if theirs else data + weight / 2 * square

    exact = np.array([value(w + small * u).imag / 1e-30 for u in directions])
    chance = 1 / (1 + np.exp(signs * (a @ w)))
    if theirs:
        grad = -(signs * chance) @ a / (2 * N) + weight * w
    else:
        grad = np.asarray(jax.grad(logistic(a, signs, weight).loss)(jnp.asarray(w)))
    return exact, directions @ grad


def after(curvature, gamma, rho, lam, theirs):
    """|w| after 400 steps on h w^2 / 2: ours, or with the ascent along the gradient of the step before."""
    if not theirs:
        return abs(float(ended(curvature, gamma, rho, lam)))
    w = before = 1.0
    for _ in range(400):
        slope, before = curvature * before, w
        w = w - gamma * curvature * (w + rho * ((1 - lam) * slope + lam * np.sign(slope)))
    return abs(w)


@jax.jit
def ended(curvature, gamma, rho, lam):
    rule = whole_batch(jax.value_and_grad(lambda w: curvature * w**2 / 2))
    return descend(rule, jnp.ones(()), gamma, rho, lam, (still(400),), lambda w: w)[1]


def sides(case):
    """Two numbers or vectors that must agree; for the residual, what is needed and what is claimed."""
    kind, data, theirs = case.kind, case.data, case.theirs
    if kind == "importance_weights":
        return mean_gradient(data, 0.0 if theirs else 1 / case.scale), np.zeros(D)
    if kind == "replacement_constants":
        rows, tau = data
        law = sampling.nice(N, tau) if theirs else sampling.draws(np.full(N, 1 / N), tau)
        a, b, _ = residual.constants(law.moment, np.sum(rows**2, axis=1), 0.0)
        return least_a(rows, tau, b), a / case.scale
    if kind == "matrix_condition":
        condition, power = data
        found = np.linalg.cond(np.linalg.matrix_power(matrix(condition, not theirs), power))
        return case.scale * found, condition**power
    if kind == "logistic_gradient":
        a, signs, directions = data
        exact, coded = logistic_slopes(a, signs, directions, theirs)
        return case.scale * coded, exact
    curvature, gamma, rho, lam = data
    return case.scale * after(curvature, gamma, rho, lam, theirs), ol25.cycle_radius(
        curvature, gamma, rho, lam
    )


def measured(case):
    ours, formula = sides(case)
    return ours if case.kind == "replacement_constants" else float(np.max(np.abs(ours - formula)))


def bound(case):
    return sides(case)[1] if case.kind == "replacement_constants" else 0.0


def tolerance(case):
    if case.kind == "importance_weights":
        return rounding(case.data.slopes(case.data.minimiser))
    return rounding(*sides(case)) * (10.0 if case.kind == "matrix_condition" else 1.0)  # condition of A


def controls(case):
    out = {
        "the public code's formula": case._replace(theirs=True),
        "a little off": lambda factor: case._replace(scale=factor),
    }
    if case.kind == "matrix_condition" and case.data[1] == 2:
        out["c for c^2"] = case._replace(scale=1 / case.data[0])
    return out
