"""Five older conditions on the noise each imply the expected residual, with the constants they name.

The constants are `residual.from_...` of theory/bounds/residual.py, proofs there. Every instance has the older
condition exactly, with the least level it can have (`level`: sigma^2, G^2, k, k or r), and is built so that a
state attains the implied bound: gradient noise that is the same everywhere; log(1 + r^2) at |r| = 1 in all
functions at once; parabolas with a common minimum along their most uneven axis; parabolas whose slopes at w*
are their excess curvatures. `measured` is the largest E|grad f_v|^2 over 2 A (f - f*) + B |grad f|^2 + C, at
that state and on rings around w*. Expectations over every draw.
"""

from typing import NamedTuple

import numpy as np
import scipy.linalg

from theory import sampling
from theory.bounds import residual
from theory.problems.log_ratio import LogRatio, log_ratio
from theory.problems.quadratic import Quadratic, centred, quadratic

N, D = 4, 3


class Case(NamedTuple):
    condition: str
    problem: Quadratic | LogRatio
    v: np.ndarray  # the draws as rows
    q: np.ndarray
    level: float  # of the older condition, claimed
    extra: float  # E|grad f_v(w*)|^2, claimed; read by the last condition alone
    states: np.ndarray  # (k, d)


def rings(centre):
    rng = np.random.default_rng(14)
    return centre + rng.standard_normal((60, len(centre))) * np.geomspace(1e-3, 1e3, 60)[:, None]


def cases():
    rng = np.random.default_rng(15)
    whole = rng.standard_normal((D, D))
    whole = whole @ whole.T
    push = rng.standard_normal((N, D))
    shifted = quadratic(np.stack([whole] * N), push - push.mean(0), np.zeros(N))
    spread = np.geomspace(0.5, 2, N)[:, None] * np.array([1, 0.2, 3]) + rng.uniform(0, 1, (N, D))
    common = quadratic(spread[:, :, None] * np.eye(D), np.zeros((N, D)), np.zeros(N))
    flat = log_ratio(np.diag(np.geomspace(0.5, 2, N)), np.zeros(N))
    line = np.array([0.5, 1.0, 1.5, 5.0])
    # slope at w* = 0 equal to the excess curvature: at w = 1 the two parts of the variance agree
    uneven = quadratic(line[:, None, None], (line.mean() - line)[:, None], np.zeros(N))
    out = {}
    for name, law in {"uniform": sampling.uniform(N), "2-nice": sampling.nice(N, 2)}.items():
        v, q = sampling.support(law)
        for condition, f, state in [
            ("bounded variance", shifted, np.zeros(D)),
            ("bounded gradients", flat, 1 / np.diag(flat.a)),
            ("strong growth", common, None),
            ("weak growth", common, None),
            ("residual at the minimum", uneven, np.ones(1)),
        ]:
            if condition == "bounded gradients" and name != "uniform":
                continue  # with two at a time the level is not closed form, and not attained
            level, top = least(condition, f, v, q)
            states = np.concatenate([[top if state is None else state], rings(f.minimiser)])
            noise = float(q @ np.sum(sampled(f, v, f.minimiser) ** 2, axis=1))
            out[f"{condition}, {name}"] = Case(condition, f, v, q, level, noise, states)
    return out


def sampled(f, v, w):
    """grad f_v at w for every draw, (draws, d)."""
    return v @ f.slopes(w) / f.n


def least(condition, f, v, q):
    """The least level of a condition on an instance; for the growth conditions the state that attains it."""
    if condition == "bounded variance":  # gradients that differ by a vector alone
        noise = sampled(f, v, np.zeros(D)) - f.slopes(np.zeros(D)).mean(0)
        return float(q @ np.sum(noise**2, axis=1)), None
    if condition == "bounded gradients":  # |grad f_i| <= |a_i|, and a draw is one gradient
        return float(np.mean(f.smoothness_each / 2)), None
    each = np.tensordot(v, f.hessians, 1) / f.n
    second = np.tensordot(q, each @ each, 1)
    if condition == "strong growth":
        eigs, vectors = scipy.linalg.eigh(second, f.hessian @ f.hessian)
        return float(eigs[-1]), vectors[:, -1] / np.linalg.norm(vectors[:, -1])
    if condition == "weak growth":
        eigs, vectors = scipy.linalg.eigh(second, f.hessian)
        return float(eigs[-1] / f.smoothness), vectors[:, -1] / np.linalg.norm(vectors[:, -1])
    rest = each - f.hessian
    return float(scipy.linalg.eigvalsh(np.tensordot(q, rest @ rest, 1), f.hessian)[-1]), None


def sides(case):
    """At every state: E|grad f_v|^2, |grad f|^2, f - f*, what the older condition bounds, and its bound."""
    f, best = case.problem, case.problem.minimiser
    out = []
    for w in case.states:
        g, whole = sampled(f, case.v, w), f.slopes(w).mean(0)
        second, square = case.q @ np.sum(g**2, axis=1), whole @ whole
        gap = height(f, w, best)
        if case.condition == "bounded variance":
            older = case.q @ np.sum((g - whole) ** 2, axis=1), case.level
        elif case.condition == "bounded gradients":
            older = second, case.level
        elif case.condition == "strong growth":
            older = second, case.level * square
        elif case.condition == "weak growth":
            older = second, 2 * case.level * f.smoothness * gap
        else:
            rest = g - sampled(f, case.v, best) - whole
            older = case.q @ np.sum(rest**2, axis=1), 2 * case.level * gap
        out.append((second, square, gap, *older))
    return np.array(out).T


def height(f, w, best):
    """f(w) - f*, without cancellation on quadratics."""
    if isinstance(f, Quadratic):
        return (w - best) @ f.hessian @ (w - best) / 2
    return np.mean(np.log1p((np.asarray(f.a) @ w - np.asarray(f.b)) ** 2)) - f.minimum


def hypotheses(case):
    *_, left, right = sides(case)
    return {f"the older condition, {case.condition}": np.all(left <= right * (1 + 1e-12))}


def implied(case):
    """(A, B, C)."""
    if case.condition == "bounded variance":
        return residual.from_variance(case.level)
    if case.condition == "bounded gradients":
        return residual.from_gradients(case.level)
    if case.condition == "strong growth":
        return residual.from_strong_growth(case.level)
    if case.condition == "weak growth":
        return residual.from_weak_growth(case.level, case.problem.smoothness)
    return residual.from_residual_at_minimum(case.level, case.extra)


def measured(case):
    second, square, gap, *_ = sides(case)
    a, b, c = implied(case)
    return np.max(second / (2 * a * gap + b * square + c))


def bound(case):
    return 1.0


def tolerance(case):
    return 1e-12


def controls(case):
    """The level by a dial, and an instance without the older condition."""
    noisy = quadratic(
        np.geomspace(0.5, 3, N)[:, None, None] * np.eye(D), np.arange(3.0 * N).reshape(N, D) - 6, np.zeros(N)
    )
    out = {"the level too small": lambda factor: case._replace(level=case.level / factor)}
    if case.condition == "residual at the minimum":
        out["the slopes at w* too small"] = lambda factor: case._replace(extra=case.extra / factor)
        out["the factor 2 before them left out"] = case._replace(extra=case.extra / 2)
        h = np.array([0.1, 0.2, 0.3, 20.0])
        steeper = quadratic(h[:, None, None], (h.mean() - h)[:, None], np.zeros(N))
        out["condition absent: curvatures further apart"] = case._replace(problem=steeper)
    elif case.condition in ("strong growth", "weak growth"):
        out["condition absent: no common minimum"] = case._replace(problem=centred(noisy))
    else:
        absent = noisy
        if case.condition == "bounded gradients":
            h = np.geomspace(0.5, 3, N)[:, None, None] * np.eye(N)
            absent = quadratic(h, np.zeros((N, N)), np.zeros(N))
        out["condition absent: different curvatures"] = case._replace(problem=absent)
    return out
