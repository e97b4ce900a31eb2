"""Every point that nearly minimises f + R_rho has nearly the least loss and nearly the least regulariser.

With the tolerance Delta rho^2: f - inf f <= (Delta + eps) rho^2 and S - inf S in [-eps, Delta + eps], where
eps(rho) -> 0. On two losses of two and three parameters the set of all such points is searched in coordinates
that zoom in on the worst one. The claim is eps = rho / 2 at three radii: `measured` is the largest gap over
Delta + rho / 2 ("loss", "above"), or inf S - S over rho / 2 ("below"). S off the manifold is that of the
Hessian there.

hyperbola. f = (a b - 1)^2 / 2 near (1, 1). All three penalties are exact: a b - 1 is a quadratic, largest and
           least over the disc by `largest_in_ball`.
valley.    `two_bowls`. Average and ascent are exact. For the worst direction some v with v_0 = 0 are tried,
           which makes f + R smaller and the set larger; inf (f + R) = rho^2 / 2 by different_minimisers.py.
           "samples": means over samples of their penalties, S = tr / 2 or tr / (2 d), as after Theorem 5.3.

For worst and ascent directions the loss is far below what the theorem allows: R >= rho |g| too.
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from theory.sharpness import largest_in_ball

RADII = (0.1, 0.05, 0.0125)
DELTA = 0.05
EPS = 0.5  # eps(rho) / rho
ROUNDS = 6
SIZE = {"hyperbola": 24, "valley": 12}  # points along a side; even, so that the manifold itself is left out
TINY = 1e-9  # the least |y| / rho in the valley, for the same reason
WIDE = 40.0  # a tolerance so much larger is a control


class Case(NamedTuple):
    model: str
    notion: str
    samples: bool
    reads: str  # "loss", "above" or "below"
    wider: float  # what the tolerance of the set is multiplied by: 1, but for a control
    delta: float  # in the claim
    least: float  # what inf S is multiplied by in the claim


def cases():
    out = {}
    for model, samples in (("hyperbola", False), ("valley", False), ("valley", True)):
        for notion in ("worst", "ascent", "average"):
            for reads in ("loss", "above", "below"):
                label = f"{model}{', samples' if samples else ''}, {notion}, {reads}"
                out[label] = Case(model, notion, samples, reads, 1.0, DELTA, 1.0)
    return out


def hypotheses(case):
    """The nearly minimal points lie inside the region, so that its boundary plays no part."""
    inside = []
    for rho in RADII:
        for reads in ("loss", "above", "below"):
            at = worst_point(case.model, case.notion, case.samples, reads, rho, case.wider)[1]
            low, high = region(case.model, case.wider).T
            inside.append(low[0] < at[0] < high[0] and at[1] < high[1])
    return {"inside the region": all(inside)}


# The models: coordinates -> f / rho^2, (f + R) / rho^2, S, each (points,)


def region(model, wider):
    """Along the manifold; across it, in units of rho; in the valley also the angle of (|y_1|, |y_2|)."""
    across = 2 * np.sqrt(DELTA * wider) + 1
    if model == "hyperbola":
        return np.array([(-0.7, 0.7), (-across, across)])
    return np.array([(-0.65, 1.55), (0.0, across), (0.0, np.pi / 2)])


@jax.jit
def tops(slopes, rho):
    """The largest slope . v + v_1 v_2 over the disc, for each slope."""
    h = np.array([[0.0, 1.0], [1.0, 0.0]])
    return jax.vmap(lambda slope: largest_in_ball(h, slope, rho).value)(slopes)


def on_hyperbola(at, rho, notion, samples):
    s, t = at
    a, b = np.exp(s), np.exp(-s)
    size = np.hypot(a, b)
    a, b = a + rho * t * b / size, b + rho * t * a / size
    error = a * b - 1
    if notion == "worst":
        up, down = (np.asarray(tops(np.stack([b, side * a], 1), rho)) for side in (1, -1))  # v_1 -> -v_1
        ahead = np.maximum(error + up, down - error) ** 2 / 2
    elif notion == "ascent":
        reach = rho * np.sign(error) / np.hypot(a, b)
        ahead = ((a + reach * b) * (b + reach * a) - 1) ** 2 / 2
        ahead = np.where(error == 0, np.inf, ahead)
    else:
        ahead = (error**2 + (a**2 + b**2) * rho**2 / 2 + rho**4 / 8) / 2
    if notion == "average":
        sharp = (a**2 + b**2) / 4
    else:
        half, cross = (a**2 - b**2) / 2, 2 * a * b - 1
        sharp = ((a**2 + b**2) / 2 + np.hypot(half, cross)) / 2
    return error**2 / 2 / rho**2, ahead / rho**2, sharp


def heights(x):
    return np.stack([2 + x**2 / 2, 1 + 0.75 * (x - 1) ** 2])


def on_valley(at, rho, notion, samples):
    x, size, angle = at
    y = rho * (size + TINY) * np.stack([np.cos(angle), np.sin(angle)])
    h, rise, bend = heights(x), np.stack([x, 1.5 * (x - 1)]), np.array([1.0, 1.5])[:, None]
    loss = np.sum(h * y**2, axis=0) / 4
    ahead = PENALISED[notion, samples](x, y, h, rise, bend, rho)
    hessian = np.zeros((len(x), 3, 3))
    hessian[:, 0, 0] = np.sum(bend * y**2, axis=0) / 4
    hessian[:, 0, 1:] = hessian[:, 1:, 0] = (rise * y).T / 2
    hessian[:, [1, 2], [1, 2]] = h.T / 2
    if samples or notion == "average":
        sharp = np.trace(hessian, axis1=1, axis2=2) / (6 if notion == "average" else 2)
    else:
        sharp = np.linalg.eigvalsh(hessian)[:, -1 if notion == "worst" else -2] / 2
    return loss / rho**2, ahead / rho**2, sharp


def worst_in_valley(x, y, h, rise, bend, rho):
    """At least the largest f(x, y + v) over |v| <= rho, by 32 directions of v: less, and the set larger."""
    angles = np.pi / 2 * np.linspace(0, 1, 17)
    v = rho * np.stack([np.cos(angles), np.sin(angles)])
    return np.max(np.sum(h[:, :, None] * (np.abs(y)[:, :, None] + v[:, None]) ** 2, axis=0), axis=1) / 4


def worst_of_samples(x, y, h, rise, bend, rho):
    return np.sum(h * (np.abs(y) + rho) ** 2, axis=0) / 4


def ascent_in_valley(x, y, h, rise, bend, rho):
    g = np.concatenate([np.sum(rise * y**2, axis=0, keepdims=True) / 4, h * y / 2])
    u = rho * g / np.linalg.norm(g, axis=0)
    return np.sum(heights(x + u[0]) * (y + u[1:]) ** 2, axis=0) / 4


def ascent_of_samples(x, y, h, rise, bend, rho):
    along, across = rise * y**2 / 2, h * y
    size = np.hypot(along, across)
    size = rho / np.where(size > 0, size, np.inf)
    ahead = np.stack([heights(x + size[k] * along[k])[k] for k in range(2)])
    return np.where(np.all(y != 0, axis=0), np.sum(ahead * (y + size * across) ** 2, axis=0) / 4, np.inf)


def average_in_valley(x, y, h, rise, bend, rho):
    """E h_k(x + rho n_0) (y_k + rho n_k)^2 / 4 with E n_0^2 = 1 / 3, E n_0^2 n_k^2 = 1 / 15."""
    mean = h + bend * rho**2 / 6
    return np.sum(y**2 * mean + rho**2 * h / 3 + bend * rho**4 / 30, axis=0) / 4


PENALISED = {
    ("worst", False): worst_in_valley,
    ("worst", True): worst_of_samples,
    ("ascent", False): ascent_in_valley,
    ("ascent", True): ascent_of_samples,
    ("average", False): average_in_valley,
    ("average", True): average_in_valley,
}
MODEL = {"hyperbola": on_hyperbola, "valley": on_valley}


def least_regulariser(model, notion, samples):
    if model == "hyperbola":
        return 0.5 if notion == "average" else 1.0
    total = heights(np.array(0.6)).sum()
    if samples or notion == "average":
        return total / (12 if notion == "average" else 4)
    return 0.5 if notion == "worst" else 0.25


# The worst of the nearly minimal points


def zoomed(score, box, at, size):
    """(score, point) where `score` is largest, from `at` by grids that shrink around their best point."""
    whole, best = box, None
    for _ in range(ROUNDS):
        axes = np.meshgrid(*np.linspace(box[:, 0], box[:, 1], size).T, indexing="ij")
        points = np.concatenate([at[:, None], np.stack([axis.ravel() for axis in axes])], axis=1)
        found = score(points)
        k = np.argmax(found)
        best, at = found[k], points[:, k]
        half = (box[:, 1] - box[:, 0]) / 6
        box = np.clip(np.stack([at - half, at + half], axis=1), whole[:, :1], whole[:, 1:])
    return best, at


@cache
def infimum(model, notion, samples, rho):
    """At least inf (f + R) / rho^2, and where it is nearly attained."""
    box = region(model, 1.0)
    start = box @ [0.49, 0.51]
    best, at = zoomed(lambda at: -MODEL[model](at, rho, notion, samples)[1], box, start, SIZE[model])
    if (model, notion, samples) == ("valley", "worst", False):
        return 0.5, at
    if (model, notion, samples) == ("valley", "worst", True):
        t = np.linspace(-1, 1, 2001)[1:-1]
        return np.sum(np.max(heights(0.6 + rho * t) * (1 - t**2), axis=1)) / 4, at
    return -best, at


@cache
def worst_point(model, notion, samples, reads, rho, wider):
    """The largest gap over rho^2 of the nearly minimal points, and one of them that has it."""
    inf, near = infimum(model, notion, samples, rho)
    least = least_regulariser(model, notion, samples)

    def score(at):
        loss, ahead, sharp = MODEL[model](at, rho, notion, samples)
        gap = {"loss": loss, "above": sharp - least, "below": least - sharp}[reads]
        return np.where(ahead <= inf + DELTA * wider, gap, -np.inf)

    box = region(model, wider)
    return zoomed(score, box, near, SIZE[model])


# The check


def measured(case):
    least = least_regulariser(case.model, case.notion, case.samples)
    ratios = []
    for rho in RADII:
        gap = worst_point(case.model, case.notion, case.samples, case.reads, rho, case.wider)[0]
        if case.reads == "below":
            ratios.append((gap + (case.least - 1) * least) / (EPS * rho))
        else:
            ratios.append(gap / (case.delta + EPS * rho))
    return max(0.0, *ratios)


def bound(case):
    return 1.0


def controls(case):
    if case.reads == "below":
        return {"a larger infimum of S": lambda factor: case._replace(least=factor)}
    out = {"a larger tolerance": case._replace(wider=WIDE)}
    if case.reads == "above" or case.notion == "average":
        out["a smaller Delta"] = lambda factor: case._replace(delta=DELTA / factor)
    return out
