"""Once J(y_t) < J_2, full-batch SAM on a quadratic ends on v_1's cycle, on the side where it is.

y_t = (-1)^t w_t and J as in theory/bounds/wml23.py, J_2 its value on the cycle of the second eigenvector.
"certified": runs from random starts, near and far, and two in each case on the hyperplane w_1 = 0, where J is
never below J_2. `measured` is the largest distance of the last y, over c_1, to the point of the cycle with
the sign that y_1 had when J(y_t) < J_2 first was true. "side": how many runs turn the sign of y_1 after that;
J < 0 is enough for it. "least step": the largest, over T, of min over t < T of |grad J(y_t)|^2 over 2 (J(y_0)
- J_1) / (gamma l_d T). One step of a round bowl with gamma l_1 = 1 attains it.
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from paper_checks.wml23.quadratic_cycle import EPS, LENGTH, ROUNDINGS, paths
from theory.bounds import wml23

EIGS = np.array([0.3, 0.5, 0.85, 1.0])
RHO = 0.3
BANDS = ((0.1, 0.5), (0.5, 1.0), (1.0, 1.5), (1.5, 1.9))  # gamma l_1
EACH = 60
MARGIN = 1e-12  # of J_2, for its rounding


class Seen(NamedTuple):
    """What a band saw of its runs."""

    eigs: np.ndarray  # (d,)
    gamma: np.ndarray  # (runs,)
    y: np.ndarray  # (runs, LENGTH + 1, d)
    potential: np.ndarray  # (runs, LENGTH + 1)
    slope_square: np.ndarray  # (runs, LENGTH)


class Case(NamedTuple):
    reads: str  # "certified", "side" or "least step"
    seen: Seen
    place: int  # of the eigenvalue whose cycle has the claimed level
    share: float  # of that level: 1, but for a control; 0 asks for J < 0
    scale: float  # what the claimed least step is divided by: 1, but for a control


@jax.jit
def potentials(h, y, gamma):
    def one(h, y, gamma):
        return jax.vmap(lambda y: wml23.potential(h, y, gamma, RHO, 1.0))(y)

    return jax.vmap(one)(h, y, gamma)


@cache
def built():
    """A band of runs for each of BANDS, and the one step that attains the least."""
    rng = np.random.default_rng(4)
    count = EACH * len(BANDS)
    gamma = np.concatenate([np.linspace(*band, EACH) for band in BANDS] + [[1.0]])
    start = rng.standard_normal((count + 1, 4)) * 10 ** rng.uniform(-2.5, 1, (count + 1, 1))
    start[0:count:30, -1] = 0
    start[-1] = 0.7, 0, 0, 0
    eigs = np.concatenate([np.tile(EIGS, (count, 1)), np.ones((1, 4))])
    h = eigs[:, None] * np.eye(4)
    y = paths(h, start, gamma, RHO, 1.0) * (-1.0) ** np.arange(LENGTH + 1)[:, None]
    seen = potentials(h, y, gamma), np.sum(np.diff(y, axis=1) ** 2, axis=2)
    parts = [slice(k * EACH, (k + 1) * EACH) for k in range(len(BANDS))] + [slice(count, None)]
    return [Seen(eigs[part][0], gamma[part], y[part], *(np.asarray(x)[part] for x in seen)) for part in parts]


def cases():
    out = {}
    *bands, round_bowl = built()
    for (low, high), seen in zip(BANDS, bands, strict=True):
        label = f"gamma l_1 in [{low:g}, {high:g}]"
        out[f"certified, {label}"] = Case("certified", seen, -2, 1.0, 1.0)
        if high <= 1:  # beyond, y_1 never turns
            out[f"side, {label}"] = Case("side", seen, -2, 1.0, 1.0)
            out[f"side where J < 0, {label}"] = Case("side", seen, -2, 0.0, 1.0)
        out[f"least step, {label}"] = Case("least step", seen, -1, 1.0, 1.0)
    out["least step, attained"] = Case("least step", round_bowl, -1, 1.0, 1.0)
    return out


def level(case):
    """The level of J below which a run is certified, (runs,)."""
    return case.share * wml23.potential_on_cycle(case.seen.eigs[case.place], case.seen.gamma, RHO, 1.0)


def certified(case):
    """Whether each run ever is, and when first."""
    below = case.seen.potential < (level(case) - MARGIN * RHO**2 * case.seen.gamma)[:, None]
    return below.any(axis=1), below.argmax(axis=1)


def hypotheses(case):
    out = {"gamma l_1 < 2": np.all(case.seen.gamma * case.seen.eigs[-1] < 2)}
    if case.reads != "least step":
        off = case.seen.y[:, 0, -1] != 0
        out["every run off the hyperplane is certified"] = np.all(certified(case)[0][off])
    return out


def measured(case):
    seen = case.seen
    if case.reads == "least step":
        times = np.arange(1, LENGTH + 1)
        least = np.minimum.accumulate(seen.slope_square, axis=1)
        args = seen.potential[:, :1], seen.eigs, seen.gamma[:, None], RHO, times
        return np.max(case.scale * least / wml23.least_step(*args))
    ever, first = certified(case)
    y = seen.y[ever]
    sign = np.sign(y[np.arange(len(y)), first[ever], -1])
    if case.reads == "side":
        later = np.arange(LENGTH + 1) >= first[ever][:, None]
        return np.sum(np.any(later & (np.sign(y[:, :, -1]) != sign[:, None]), axis=1))
    radius = wml23.cycle_radius(seen.eigs[-1], seen.gamma[ever], RHO, 1.0)
    right = (sign * radius)[:, None] * np.eye(4)[-1]
    return np.max(np.linalg.norm(y[:, -1] - right, axis=1) / radius)


def bound(case):
    return 1.0 if case.reads == "least step" else 0.0


def tolerance(case):
    seen = case.seen
    if case.reads != "certified":
        return 0.5 if case.reads == "side" else ROUNDINGS * EPS
    rates = np.maximum(wml23.alignment_rate(seen.eigs, seen.gamma), np.abs(1 - seen.gamma * seen.eigs[-1]))
    return ROUNDINGS * EPS * float(np.max(1 / (1 - rates)))


def controls(case):
    if case.reads == "least step":
        return {"a smaller bound": lambda factor: case._replace(scale=factor)}
    if case.reads == "side":
        return {"from the start": case._replace(share=-np.inf)}
    return {
        "a higher level": lambda factor: case._replace(share=1 / factor),
        "the level of the third cycle": case._replace(place=-3),
        "every start": case._replace(share=-np.inf),
    }
