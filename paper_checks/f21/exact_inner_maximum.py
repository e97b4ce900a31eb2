"""The inner problem on a quadratic, max of g . e + e' H e / 2 over |e| <= rho, solved by theory/sharpness.py.

    exact_inner_maximum     its value is that of the dual, min over theta >= max(0, l_1) of
                            g' (theta I - H)^+ g / 2 + theta rho^2 / 2, found by bounded search; and
                            (theta I - H) e = g, |e| <= rho with equality unless theta = 0
    equation_1              no e of the ball rises higher, of 2e5 on and in it; for p = 1 and inf, where a
                            convex function is largest at a corner, no e of the ball above all corners
    zero_gradient           at g = 0 it is rho^2 max(l_1, 0) / 2, and the rule stays where it is
    top_eigenvector_turn    as |g| / (rho l_1) = s -> 0 with its direction u fixed, the tangent of the angle
                            of e to v_1 falls by s: (theta - l_i) >= l_1 - l_i and |e . v_1| -> rho give
                            tan <= s l_1 |u_perp| / (gap |cos|), the cosine that of e and v_1

Weak duality makes the dual an upper bound for any theta, so equality proves both sides.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize

from theory import Array, ascent, inner, update
from theory.sharpness import largest_in_ball

RHO = 0.7
POINTS = 200_000
SHRINKING = 10.0 ** -np.arange(5)
EPS = 2.0**-52


class Case(NamedTuple):
    reads: str
    h: Array  # (d, d)
    g: Array  # (d,)
    p: float = 2
    scale: float = 1.0  # of the claimed value, or of the ball that is searched
    first_order: bool = False  # the step rho s_p(g) in place of the maximiser
    easy: bool = False  # no top eigenvector fills the step up
    signed: bool = False  # the top eigenvalue as it is, for its positive part


def cases():
    rng = np.random.default_rng(0)

    def symmetric(eigs):
        turn = np.linalg.qr(rng.standard_normal((len(eigs),) * 2))[0]
        return (turn * eigs) @ turn.T

    pull = rng.standard_normal(4)
    problems = {
        "convex": (symmetric([3.0, 1.0, 0.5, 0.1]), pull),
        "indefinite": (symmetric([2.0, 0.3, -1.0, -4.0]), pull),
        "all of it inside": (symmetric([-1.0, -2.0, -3.0, -5.0]), pull / 20),
        "concave, at the edge": (symmetric([-1.0, -2.0, -3.0, -5.0]), 20 * pull),
        "hard": (np.diag([3.0, 1.0, -1.0, -2.0]), np.array([0.0, 0.5, 0.2, -0.3])),
        "no gradient": (symmetric([2.0, 0.3, -1.0, -4.0]), np.zeros(4)),
    }
    out = {name: Case("dual", *problem) for name, problem in problems.items()}
    for name in ("convex", "indefinite", "hard"):
        h, g = problems[name]
        out[f"equation_1: p=2, {name}"] = Case("ball", h[:2, :2], g[:2] + 0.1)
    for p in (1, np.inf):
        h, g = problems["convex"]
        out[f"equation_1: p={p:g}, convex"] = Case("ball", h, np.roll(g, 1) / 10, p)
    for name, eigs in {"minimum": [2.0, 1, 0.5], "saddle": [2.0, 1, -3], "maximum": [-1.0, -2, -3]}.items():
        out[f"zero_gradient: a {name}"] = Case("zero", symmetric(eigs), np.zeros(3))
    turning = symmetric([2.0, 1.2, 0.3, -1.0])
    return out | {"top_eigenvector_turn: four sizes more": Case("turn", turning, pull)}


def hypotheses(case):
    if case.reads == "ball" and case.p != 2:
        return {"convex": np.all(np.linalg.eigvalsh(case.h) >= 0)}
    if case.reads == "turn":
        eigs, vectors = np.linalg.eigh(case.h)
        return {
            "a simple positive top eigenvalue": eigs[-1] > max(eigs[-2], 0) + 0.1,
            "its vector is not across the gradient": abs(vectors[:, -1] @ case.g) > 0.1,
        }
    return {"symmetric": np.abs(case.h - case.h.T).max() < 1e-14}


solve = jax.jit(largest_in_ball)
unit = jax.jit(ascent.unit, static_argnums=1)


@jax.jit
def stepped(h):
    """A step of the rule from w = 0 on w'hw / 2."""
    return update.step(jax.value_and_grad(lambda w: w @ h @ w / 2), jnp.zeros(len(h)), 0.1, RHO, 1.0)


def rise(case, e):
    return e @ case.g + np.sum((e @ case.h) * e, axis=-1) / 2


def found(case):
    """(value, step, multiplier)."""
    value, step, multiplier = map(np.asarray, solve(case.h, case.g, RHO))
    if case.first_order:
        step = RHO * np.asarray(unit(case.g, 2))
        value = rise(case, step)
    if case.easy:
        pinned = multiplier * np.eye(len(case.g)) - case.h
        step = np.linalg.pinv(pinned, rcond=1e-10) @ case.g
        value = rise(case, step)
    return value, step, multiplier


def dual(case):
    """Its least value: it is convex in theta, and flat at its end in the hard case."""
    eigs, vectors = np.linalg.eigh(case.h)
    pulls = (vectors.T @ case.g) ** 2
    lowest = max(eigs[-1], 0.0)

    def value(excess):
        below = lowest + excess - eigs
        return (
            np.sum(np.where(pulls > 1e-28, pulls / np.where(below > 0, below, 1e-300), 0)) / 2
            + (lowest + excess) * RHO**2 / 2
        )

    high = np.linalg.norm(case.g) / RHO + 1e-12
    inner = scipy.optimize.minimize_scalar(
        value, bounds=(0, high), method="bounded", options={"xatol": 1e-13 * high}
    )
    return min(inner.fun, value(0.0))


def measured(case):
    if case.reads == "zero":
        top = np.linalg.eigvalsh(case.h)[-1]
        value = found(case)[0]
        curvature = top if case.signed else max(top, 0)
        return abs(value - case.scale * RHO**2 * curvature / 2) + np.abs(stepped(case.h)).max()
    if case.reads == "turn":
        return turned(case)
    if case.reads == "ball":
        return searched(case)
    value, e, theta = found(case)
    inside = np.linalg.norm(e) - RHO
    parts = [
        value * case.scale - dual(case),
        theta * e - case.h @ e - case.g,
        max(inside, 0),
        max(theta, 0) * inside,
        min(theta - max(np.linalg.eigvalsh(case.h)[-1], 0), 0),
    ]
    return max(np.abs(each).max() for each in parts)


def searched(case):
    """The largest rise among points of the ball, over the maximum."""
    rng = np.random.default_rng(1)
    d, p = len(case.g), case.p
    points = rng.standard_normal((POINTS, d)) ** (5 if p == 1 else 1)  # many near the corners
    size = np.abs(points).max(axis=1) if p == np.inf else np.sum(np.abs(points) ** p, axis=1) ** (1 / p)
    points *= (case.scale * RHO * np.where(rng.random(POINTS) < 0.5, 1, rng.random(POINTS)) / size)[:, None]
    best = rise(case, points).max()
    if p == 2:
        return best / found(case)[0]
    first = np.asarray(unit(case.g, p))[None]
    return best / rise(case, RHO * (first if case.first_order else inner.corners(d, p))).max()


def turned(case):
    """The largest tangent of the angle of e to v_1, over its bound."""
    eigs, vectors = np.linalg.eigh(case.h)
    unit = case.g / np.linalg.norm(case.g)
    across = np.linalg.norm(unit - (unit @ vectors[:, -1]) * vectors[:, -1])
    ratios = []
    for share in SHRINKING:
        here = case._replace(g=share * RHO * eigs[-1] * unit)
        e = found(here)[1]
        along = abs(e @ vectors[:, -1])
        tangent = np.sqrt(np.sum((vectors[:, :-1].T @ e) ** 2)) / along
        limit = share * eigs[-1] * across / ((eigs[-1] - eigs[-2]) * along / RHO)
        ratios.append(case.scale * tangent / limit)
    return np.max(ratios)


def bound(case):
    return 1.0 if case.reads in ("ball", "turn") else 0.0


def tolerance(case):
    """Roundings of the sums; of the dual too, which is flat at its minimum."""
    if case.reads in ("ball", "turn"):
        return 1e-9
    size = RHO * np.linalg.norm(case.g) + RHO**2 * np.abs(case.h).max()
    return 256 * EPS * max(size, np.linalg.norm(case.g), np.abs(case.h).max())


def controls(case):
    if case.reads == "turn":
        return {"the first-order step, which keeps its angle": case._replace(first_order=True)}
    if case.reads == "ball":
        out = {"a larger ball": lambda factor: case._replace(scale=factor)}
        if case.p != 2:
            out["the first-order step is the best"] = case._replace(first_order=True)
        return out
    out = {}
    if found(case)[0] > 0:
        out["a little more"] = lambda factor: case._replace(scale=factor)
    if case.reads == "zero":
        return out or {"the top eigenvalue with its sign": case._replace(signed=True)}
    if np.any(case.g != 0):
        out["the first-order step"] = case._replace(first_order=True)
    top = np.linalg.eigh(case.h)[1][:, -1]
    if abs(top @ case.g) < 1e-12:
        out["no top eigenvector fills it up"] = case._replace(easy=True)
    return out
