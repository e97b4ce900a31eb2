"""Full-batch unnormalised SAM with gamma <= 1/L and rho < 1/L: rates under PL, and the mean squared gradient.

Bounds: theory/bounds/af22.py. 400 functions f' = x (1 + a sin(k log|x| + phase)), most of them not convex,
x^2 + 3 sin^2 x and quadratics, from a start to T = 256.

    deterministic_pl                     D_T <= (1 - gamma mu (1 - rho^2 L^2))^T D_0
    "deterministic_pl_sharper: ..."      D_T <= (1 - gamma mu (2 - rho^2 L^2 - gamma L))^T D_0
    "deterministic_nonconvex: ..."       (1/T) sum_{t<T} |grad L(w_t)|^2 <= 2 D_0 / (gamma (1 - rho^2 L^2) T)

For the rates `measured` is the largest of the promised over the true fall of log D up to any T <= 256; for
the mean the largest ratio to its bound. On the parabola with gamma = 1 / L a step is w -> -rho L w: both
rates are attained, and the mean in the limit of T. Where rho L = 1.5 the parabola diverges: a control."""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory.bounds import af22
from theory.certificate import EPS, ROUNDINGS
from theory.descent import descend, still, whole_batch
from theory.problems.polyak import sine
from theory.problems.quadratic import quadratic
from theory.problems.scale_free import ScaleFree, pl_and_place

SIZES = ((1.0, 0.9), (1.0, 0.4), (0.5, 0.7), (0.5, 0.1), (0.1, 0.7))  # (gamma L, rho L)
STEPS = 256
COUNT = 400


class Case(NamedTuple):
    reads: str  # the row
    gaps: np.ndarray  # (functions, T + 1), D_t
    squares: np.ndarray  # (functions, T + 1), |grad L(w_t)|^2
    smoothness: np.ndarray  # (functions,)
    pl: np.ndarray
    gamma: np.ndarray
    rho: np.ndarray
    kept: bool  # whether rho is counted: False for the bound of rho = 0
    far: "Case | None"  # the same where rho L = 1.5
    cut: float  # what the guarantee is sharpened by: 1, but for a control


@cache
def scale_free_functions():
    """COUNT functions, as one problem with fields of that length; L and mu of each."""
    rng = np.random.default_rng(11)
    depth = rng.uniform(0.3, 0.9, COUNT)
    pace, phase = np.exp(rng.uniform(0, 3.5, COUNT)), rng.uniform(0, 2 * np.pi, COUNT)
    f = ScaleFree(depth, pace, phase)
    return f, f.smoothness, np.array([pl_and_place(*each)[0] for each in zip(depth, pace, strict=True)])


def bowl(condition, d):
    """One quadratic with minimum 0 at 0, L = 1, mu = 1 / condition."""
    return quadratic(np.diag(np.geomspace(1 / condition, 1, d))[None], np.zeros((1, d)), np.zeros(1))


@jax.jit
def runs(fs, starts, gammas, rhos):
    """(D_t, |grad L(w_t)|^2) for t = 0 .. STEPS, of every function with its own sizes; all have min f = 0."""

    def one(f, w, gamma, rho):
        rule = jax.value_and_grad(f.loss)

        def observe(w):
            value, slope = rule(w)
            return value, jnp.sum(slope**2)

        return descend(whole_batch(rule), w, gamma, rho, 0, (still(STEPS),), observe)[0]

    return jax.vmap(one)(fs, starts, gammas, rhos)


def family(name):
    """(functions on a first axis, starts, L and mu of each)."""
    if name == "scale-free":
        f, smoothness, pl = scale_free_functions()
        return f, np.ones((COUNT, 1)), smoothness, pl
    f = {"sine": sine(1), "parabola": bowl(1.0, 3), "quadratic": bowl(30.0, 3)}[name]
    start = {"sine": [3.0], "parabola": [1.0, 0.0, 0.0], "quadratic": [1.0, -1.0, 1.0]}[name]
    stacked = jax.tree.map(lambda leaf: np.asarray(leaf)[None], f)
    return stacked, np.array([start]), np.array([f.smoothness]), np.array([f.pl])


def case(name, length, reach):
    """Every function of the family for one pair of sizes."""
    fs, starts, smoothness, pl = family(name)
    gamma, rho = length / smoothness, reach / smoothness
    gaps, squares = map(np.asarray, runs(fs, starts, gamma, rho))
    return Case("deterministic_pl", gaps, squares, smoothness, pl, gamma, rho, True, None, 1.0)


def cases():
    return built()


@cache
def built():
    out = {}
    wild = case("parabola", 1.0, 1.5)._replace(kept=False)
    for name in ("scale-free", "sine", "quadratic", "parabola"):
        for length, reach in SIZES:
            made = case(name, length, reach)._replace(far=wild if name == "parabola" else None)
            label = f"{name}, gamma L={length:g}, rho L={reach:g}"
            for row in ("deterministic_pl", "deterministic_pl_sharper", "deterministic_nonconvex"):
                far = made.far and made.far._replace(reads=row)
                key = label if row == "deterministic_pl" else f"{row}: {label}"
                out[key] = made._replace(reads=row, far=far)
    return out


def hypotheses(case):
    met = {
        "gamma L <= 1": np.all(case.gamma * case.smoothness <= 1 + 1e-12),
        "rho L < 1": np.all(case.rho * case.smoothness < 1),
    }
    if case.reads != "deterministic_nonconvex":
        met["PL"] = np.all(case.squares >= 2 * (case.pl * (1 - 1e-9))[:, None] * case.gaps)
    return met


def promised(case):
    """The rate of each function, sharpened by `cut`."""
    rho = case.rho if case.kept else 0 * case.rho
    rate = (
        af22.deterministic_rate_sharper
        if case.reads == "deterministic_pl_sharper"
        else af22.deterministic_rate
    )
    return np.minimum(case.cut * rate(case.pl, case.smoothness, case.gamma, rho), 1 - EPS)


def fallen(case):
    """-log(D_T / D_0), and at most that of a D_T of 1e-280, where the squares of w leave the numbers."""
    return -np.log(np.maximum(case.gaps[:, 1:], 1e-280) / case.gaps[:, :1])


def measured(case):
    times = np.arange(1, STEPS + 1)
    if case.reads == "deterministic_nonconvex":
        rho = case.rho if case.kept else 0 * case.rho
        most = af22.deterministic_mean(case.gaps[:, 0], case.smoothness, case.gamma, rho, 1)
        return case.cut * np.max(np.cumsum(case.squares, axis=1)[:, :-1] / most[:, None])
    doubt = ROUNDINGS * EPS
    fall = np.maximum(fallen(case), 0) + doubt * times
    expected = -np.log1p(-promised(case))[:, None] * times
    return np.max(np.where(case.gaps[:, 1:] > 1e-280, expected / fall, 0))


def bound(case):
    return 1.0


def tolerance(case):
    """64 roundings a step in D, over the fall that is promised in it."""
    if case.reads == "deterministic_nonconvex":
        return 1e-12
    return ROUNDINGS * EPS / np.min(-np.log1p(-promised(case)))


def controls(case):
    still = np.broadcast_to(case.gaps[:, :1], case.gaps.shape)
    out = {
        "a little more promised": lambda factor: case._replace(cut=factor),
        "the rule does not move": case._replace(
            gaps=still, squares=np.broadcast_to(case.squares[:, :1], case.squares.shape)
        ),
    }
    if case.far is not None:
        out["rho L = 1.5, the bound of rho = 0"] = case.far
    return out
