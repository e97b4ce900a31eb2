"""E D_T <= 3 L^2 D_0 / (mu^2 T^2) + 22 L sigma^2 / (b mu^2 T) under PL, with the steps
gamma_t = min{(8t + 4) / (3 mu (t + 1)^2), 1 / (2L)} and rho_t = sqrt(gamma_t / L).

Bounds and proofs: theory/bounds/af22.py; "stochastic_pl_sharper: ..." has 15.7 for 22. `measured` is the
largest ratio of the two sides over T.

    "moments, ..."        quadratics of one Hessian: exact moments to T = 4096, one or two batches of 1 or 4
    "paths, ..."          x^2 + 3 sin^2 x + c_i x and a logistic loss: every path, to T = 6 or 3
    "scale-free"          400 functions f' = x (1 + a sin(k log|x| + phase)) without noise, to T = 2048
    "two curvatures"      (x - 1)^2 / 2 and (x + 1)^2 / 4, one batch, to T = 2^15

For two curvatures the variance grows with |x|: sigma^2 is its largest value where an iterate or a point ahead
can be, between the centres and at most rho |grad L| beyond. A control there has rho = 0.9 at every step and
ends at the shifted point of constant_radius_bias.py; another is sqrt(1 + x^2) from 100 with "mu = 1": not PL.
"""

from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.af22.deterministic_pl import scale_free_functions
from paper_checks.af22.stochastic_nonconvex import (
    BATCHES,
    CONDITIONS,
    LONGEST,
    ONE_BATCH,
    TWO_BATCHES,
    by_paths,
    horizons,
    of_moments,
    of_paths,
)
from theory import expectation, sampling
from theory.bounds import af22
from theory.descent import iterate, still, whole_batch
from theory.problems.quadratic import quadratic
from theory.update import step

FALL, DRIFT = 2048, 2**15
RADIUS = 0.9  # of the control that keeps it


class Case(NamedTuple):
    gaps: np.ndarray  # (functions, T + 1), E D_t
    smoothness: np.ndarray  # (functions,)
    pl: np.ndarray
    variance: float  # sigma^2 / b
    constants: tuple
    long: bool  # whether a rule that does not move must break the bound
    wrong: dict  # controls: name -> gaps of a run that leaves the hypotheses
    cut: float  # what the constants are divided by: 1, but for a control


@partial(jax.jit, static_argnames=("steps",))
def by_moments(atoms, start, gammas, rhos, steps):
    return expectation.recursion(atoms, start, gammas, rhos, steps)


@jax.jit
def falls(fs, gammas, rhos):
    """D_t from 1 along each function with its own steps."""

    def one(f, gamma, rho):
        move = partial(step, whole_batch(jax.value_and_grad(f.loss)))
        return iterate(move, jnp.ones(1), gamma, rho, 0, (still(FALL),), f.loss)[0]

    return jax.vmap(one)(fs, gammas, rhos)


def two_curvatures():
    """(problem in x - w*, a start between the centres, the curvatures, the largest variance that is met)."""
    h, c = np.array([1.0, 0.5]), np.array([1.0, -1.0])
    best = np.sum(h * c) / np.sum(h)
    f = quadratic(h[:, None, None], (h * (c - best))[:, None], np.zeros(2))
    ends = (c - best) * (1 + RADIUS * h.mean())  # |grad L| = mean h |x - w*|
    variance = max(np.var(h * (x - (c - best))) for x in ends)  # convex in x
    return f, (c - best)[:1], h, variance


def cases():
    return built()


@cache
def built():
    plain: dict[str, Any] = {}
    for condition in CONDITIONS:
        for batch in BATCHES:
            for two in (False, True):
                _, atoms, start, gap, variance = of_moments(condition, batch, two)
                sizes = af22.pl_steps(1.0, 1 / condition, np.arange(LONGEST))
                gaps = np.asarray(by_moments(atoms, start, *sizes, LONGEST))
                label = (
                    f"moments, condition {condition:g}, {'two batches' if two else 'one batch'} of {batch}"
                )
                plain[label] = gaps[None], np.ones(1), np.array([1 / condition]), variance, True, {}
    for name, (f, start, whole, _, variance) in of_paths().items():
        if name == "tanh net":
            continue  # not PL
        for two, longest in ((False, ONE_BATCH), (True, TWO_BATCHES)):
            if two and name != "sine":
                continue
            sizes = af22.pl_steps(whole, f.pl, np.arange(longest))
            shape = len(horizons(longest)), longest  # as in stochastic_nonconvex.py, whose program it is
            gammas, rhos = (np.broadcast_to(each, shape) for each in sizes)
            found = by_paths(f, start, gammas, rhos, two)[0, :1]
            label = f"paths, {name}, {'two batches' if two else 'one batch'} of 1"
            plain[label] = found - f.minimum, np.array([whole]), np.array([f.pl]), variance, False, {}
    f, smoothness, pl = scale_free_functions()
    gammas, rhos = af22.pl_steps(smoothness[:, None], pl[:, None], np.arange(FALL))
    flat = {"sqrt(1 + x^2), not PL": not_pl()}
    plain["scale-free"] = np.asarray(falls(f, gammas, rhos)), smoothness, pl, 0.0, True, flat
    f, start, h, variance = two_curvatures()
    gammas, rhos = af22.pl_steps(1.0, h.mean(), np.arange(DRIFT))
    atoms = expectation.pieces(f, sampling.uniform(2))
    curves = [
        np.asarray(by_moments(atoms, start, gammas, each, DRIFT))[None]
        for each in (rhos, np.full(DRIFT, RADIUS))
    ]
    wrong = {"rho = 0.9 at every step": curves[1]}
    plain["two curvatures"] = curves[0], np.ones(1), np.array([h.mean()]), variance, True, wrong
    return {
        label if row == "stochastic_pl" else f"{row}: {label}": Case(
            gaps, smoothness, pl, variance, constants, long, wrong, 1.0
        )
        for label, (gaps, smoothness, pl, variance, long, wrong) in plain.items()
        for row, constants in (("stochastic_pl", af22.PL), ("stochastic_pl_sharper", af22.PL_SHARPER))
    }


def not_pl():
    """D_t of sqrt(1 + x^2), L = 1, from 100 with the steps of mu = 1; |slope| <= 1 while D grows with |x|."""
    x, gaps = 100.0, [np.sqrt(1 + 100.0**2) - 1]
    for gamma, rho in zip(*af22.pl_steps(1.0, 1.0, np.arange(200)), strict=True):
        ahead = x + rho * x / np.sqrt(1 + x**2)
        x = x - gamma * ahead / np.sqrt(1 + ahead**2)
        gaps.append(np.sqrt(1 + x**2) - 1)
    return np.array(gaps)[None]


def hypotheses(case):
    return {"gaps": np.all(case.gaps >= 0), "mu <= L": np.all(case.pl <= case.smoothness * (1 + 1e-12))}


def measured(case):
    times = np.arange(1, case.gaps.shape[1])
    most = af22.pl_gap(
        case.gaps[:, :1], case.smoothness[:, None], case.pl[:, None], case.variance, times, case.constants
    )
    return case.cut * np.max(case.gaps[:, 1:] / most)


def bound(case):
    return 1.0


def tolerance(case):
    """The engine's 1e-10 (tests/extras/test_exact_arithmetic.py)."""
    return 1e-10


def controls(case):
    out = {"smaller constants": lambda factor: case._replace(cut=factor)}
    if case.long:
        out["the rule does not move"] = case._replace(gaps=np.broadcast_to(case.gaps[:, :1], case.gaps.shape))
    for name, gaps in case.wrong.items():
        one = np.ones(1)
        given = (one, one) if len(case.gaps) > 1 else (case.smoothness, case.pl)
        out[name] = case._replace(gaps=gaps, smoothness=given[0], pl=given[1])
    return out
