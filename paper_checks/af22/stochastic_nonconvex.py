"""(1/T) sum_{t<T} E|grad L(w_t)|^2 <= (4 L D_0 + 8 sigma^2 / b) / sqrt(T) with the steps gamma = 1 / (sqrt(T)
L) and rho = 1 / (T^(1/4) L).

Bounds and proofs, for every T >= 1: theory/bounds/af22.py. "stochastic_nonconvex_sharper: ..." has 2.75 and
2.95 for 4 and 8; in "stochastic_nonconvex_inclusive: ..." the sum runs to T and is still divided by T, with 4
and 5.
`measured` is the largest ratio of the two sides over the listed T.

    "moments, ..."    quadratics of one Hessian: exact moments to T = 4096, one or two batches of 1 or 4
    "paths, ..."      x^2 + 3 sin^2 x + c_i x, a logistic loss and a tanh net: every path, to T = 6 or 3
    "parabola"        one function, T = 1: w -> -w, where the inclusive bound is attained

The variance is the same at every state of quadratics and sines. For the others sigma^2 is the largest mean of
it at any w_t and at the points ahead, which is all that the proof asks for. With one batch smoothness of the
mean alone is not enough: a control.
"""

from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.af22 import deterministic_pl
from paper_checks.af22.one_step import TILTS, logistic_loss, shared_hessian, small_net
from theory import expectation, sampling
from theory.bounds import af22
from theory.problems.polyak import Sines, tilted
from theory.problems.quadratic import Quadratic
from theory.problems.ripple import trap
from theory.update import step, step_apart

CONDITIONS = (1.0, 10.0, 100.0)
BATCHES = (1, 4)
LONGEST = 4096
HORIZONS = np.array([1, 2, 3, 4, 6, 8, 32, 256, LONGEST])
ONE_BATCH, TWO_BATCHES = 6, 3  # steps of which every path is listed
ROWS = {
    "stochastic_nonconvex": (af22.NONCONVEX, 0),
    "stochastic_nonconvex_sharper": (af22.NONCONVEX_SHARPER, 0),
    "stochastic_nonconvex_inclusive": (af22.NONCONVEX_INCLUSIVE, 1),
}


class Case(NamedTuple):
    horizons: np.ndarray
    squares: np.ndarray  # (horizons, longest + 1), E|grad L(w_t)|^2 with the steps of each horizon
    gap: float  # D_0
    smoothness: float
    variance: "float | np.ndarray"  # sigma^2 / b, one or for each horizon
    more: int  # terms beyond T
    constants: tuple
    long: bool  # whether a rule that does not move must break the bound
    trap: "Case | None"
    cut: float  # what the constants are divided by: 1, but for a control


def horizons(longest):
    return HORIZONS[longest >= HORIZONS]


def scheduled(smoothness, longest, listed):
    """(gamma, rho), (horizons, longest): the steps of each T, then those of T too for the term beyond."""
    gamma, rho = af22.nonconvex_steps(smoothness, np.asarray(listed, dtype=float)[:, None])
    return np.broadcast_to(gamma, (len(listed), longest)), np.broadcast_to(rho, (len(listed), longest))


@jax.jit
def by_moments(atoms, start, gammas, rhos):
    def curve(gamma, rho):
        return expectation.recursion(atoms, start, gamma, rho, LONGEST, expectation.slope_square)

    return jax.vmap(curve)(gammas[:, 0], rhos[:, 0])


@partial(jax.jit, static_argnames=("two", "steady"))
def over_paths(f, draws, w, gammas, rhos, two, steady):
    steps = gammas.shape[1]
    numbers = expectation.paths(len(draws[-1]), steps)
    slopes = jax.jacrev(f.losses)

    def variance(w):
        each = slopes(w)
        return jnp.mean(jnp.sum((each - each.mean(0)) ** 2, axis=1))

    def curve(sizes):
        def observe(w):
            value, slope = jax.value_and_grad(f.loss)(w)
            seen = jnp.stack([value, jnp.sum(slope**2)])
            if steady:
                return seen
            spread = jax.vmap(variance)(jnp.stack([w, w + sizes[1][0] * slope]))
            return jnp.concatenate([seen, spread])

        schedule = *sizes, jnp.zeros(steps)
        rule = step_apart if two else step
        return expectation.listed_curve(f, draws, numbers, w, schedule, observe, rule)

    return jax.lax.map(curve, (gammas, rhos))


def by_paths(f, w, gammas, rhos, two):
    """Means over every path of single draws, (horizons, steps + 1) each.

    Of L(w_t), of |grad L(w_t)|^2 and, where it varies, of the variance there and at the point ahead by the
    first rho.
    """
    draws = sampling.uniform(f.n).atoms()
    draws = expectation.pairs(draws) if two else draws
    found = over_paths(f, draws, w, gammas, rhos, two, isinstance(f, Sines))
    return np.moveaxis(np.asarray(found), -1, 0)


def spread(f, batch):
    """A sum whose single draws have the first two moments of batches of `batch` draws of f: one Hessian."""
    return Quadratic(f.h, f.b / np.sqrt(batch), f.c)


def of_moments(condition, batch, two):
    """(problem, its atoms, start, D_0, sigma^2 / b)."""
    f = spread(shared_hessian(condition), batch)
    atoms = (expectation.apart if two else expectation.together)(f, sampling.uniform(f.n))
    start = np.full(3, 10.0)
    gap = 0.5 * start @ f.hessian @ start
    return f, atoms, start, gap, np.mean(np.sum(f.linear**2, axis=1))


def of_paths():
    """name -> (problem, start, L, min L or a lower bound, sigma^2)."""
    sines, loss, net = tilted(TILTS), logistic_loss(), small_net()
    return {
        "sine": (sines, np.array([3.0]), 8.0, 0.0, np.mean(TILTS**2)),
        "logistic": (loss, np.array([3.0, -3.0]), max(loss.smoothness_each), loss.minimum, loss.variance),
        "tanh net": (net, np.array([1.0, 0.5, -0.3]), max(net.smoothness_each), net.below, net.variance),
    }


def cases():
    return built()


@cache
def built():
    plain = {}
    for condition in CONDITIONS:
        for batch in BATCHES:
            for two in (False, True):
                f, atoms, start, gap, variance = of_moments(condition, batch, two)
                found = np.asarray(by_moments(atoms, start, *scheduled(1.0, LONGEST, HORIZONS)))
                label = (
                    f"moments, condition {condition:g}, {'two batches' if two else 'one batch'} of {batch}"
                )
                plain[label] = (HORIZONS, found, gap, 1.0, variance)
    for name, (f, start, whole, least, variance) in of_paths().items():
        for two, longest in ((False, ONE_BATCH), (True, TWO_BATCHES)):
            if two and name != "sine":
                continue  # one nonlinear sum of two batches: 16 pairs a step
            listed = horizons(longest)
            gammas, rhos = scheduled(whole, longest, listed)
            values, found, *variances = by_paths(f, start, gammas, rhos, two)
            # the proof takes the mean of the variance alone
            noise = np.max(variances, axis=(0, 2)) if variances else variance
            label = f"paths, {name}, {'two batches' if two else 'one batch'} of 1"
            plain[label] = (listed, found, values[0, 0] - least, whole, noise)
    swing = deterministic_pl.case("parabola", 1.0, 1.0).squares[:, :2]
    plain["parabola"] = (np.array([1]), swing, 0.5, 1.0, 0.0)
    return {
        label if row == "stochastic_nonconvex" else f"{row}: {label}": Case(
            *numbers,
            more,
            constants,
            label.startswith("moments"),
            trapped(more, constants) if "one batch" in label else None,
            1.0,
        )
        for label, numbers in plain.items()
        for row, (constants, more) in ROWS.items()
    }


@cache
def trapped(more, constants):
    """T = 10^4 at x = 1, where one batch stays and the mean has the gradient 1 (`trap`)."""
    horizon = 10**4
    f = trap(af22.nonconvex_steps(1.0, horizon)[1])
    squares = np.ones((1, horizon + 1))
    return Case(np.array([horizon]), squares, 0.5, 1.0, f.variance, more, constants, False, None, 1.0)


def hypotheses(case):
    return {"L D_0 >= |grad L(w_0)|^2 / 2": case.squares[0, 0] <= 2 * case.smoothness * case.gap * (1 + 1e-9)}


def measured(case):
    sums = np.array(
        [
            np.sum(squares[: horizon + case.more]) / horizon
            for squares, horizon in zip(case.squares, case.horizons, strict=True)
        ]
    )
    most = af22.nonconvex(case.gap, case.smoothness, case.variance, case.horizons, case.constants)
    return case.cut * np.max(sums / most)


def bound(case):
    return 1.0


def tolerance(case):
    """The engine's 1e-10 (tests/extras/test_exact_arithmetic.py)."""
    return 1e-10


def controls(case):
    out = {"smaller constants": lambda factor: case._replace(cut=factor)}
    if case.long:
        out["the rule does not move"] = case._replace(
            squares=np.broadcast_to(case.squares[:, :1], case.squares.shape)
        )
    if case.trap is not None:
        out["one batch, smoothness of the mean alone"] = case.trap
    return out
