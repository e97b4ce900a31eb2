"""The adaptive objective is the plain one in coordinates e = T u: a ball relative to the size of each weight.

On a quadratic g'e + e'He / 2 in the plane both sides are computed apart. In e, as the objective is written:
the largest value on the boundary |T^-1 e|_p = rho by a scan of all directions, refined. In u: the plain
problem with T g and T H T, exact for p = 2 by its multiplier ((theta - THT) u = Tg with |u| = rho), for p = 1
and p = inf, on convex quadratics, at the corners of the ball. `measured` is the relative distance; the bound
is 0.

Every weight moves by at most the share rho of itself, and can do so: the largest |e_i| / |w_i| over the ball
is rho in every norm ("reach"). Controls: the plain ball, the metric upside down, another radius.
"""

from math import inf
from typing import NamedTuple

import numpy as np
import scipy.optimize

RHO = 0.4
ANGLES = 2001


class Case(NamedTuple):
    kind: str  # "maximum" or "reach"
    p: float
    w: np.ndarray  # (2,)
    g: np.ndarray
    h: np.ndarray  # (2, 2)
    power: float  # of |w| in the T of the scan: 1, but for a control
    rho: float  # of the scan


def cases():
    rng = np.random.default_rng(6)
    out = {}
    for name, eigs, norms in [("convex", (0.5, 4.0), (1, 2, inf)), ("saddle", (-2.0, 3.0), (2,))]:
        turn = np.linalg.qr(rng.standard_normal((2, 2)))[0]
        w, g = np.array([0.3, -2.0]), rng.standard_normal(2)
        for p in norms:
            out[f"{name}, p = {p:g}"] = Case("maximum", p, w, g, (turn * eigs) @ turn.T, 1.0, RHO)
            if name == "convex":
                out[f"reach, p = {p:g}"] = Case("reach", p, w, g, (turn * eigs) @ turn.T, 1.0, RHO)
    return out


def hypotheses(case):
    tops = np.linalg.eigvalsh(case.h)
    return {
        "the maximum is on the boundary": tops[-1] > 0,
        "convex, where corners are tried": case.p == 2 or tops[0] > 0,
        "no weight is zero": bool(np.all(case.w != 0)),
    }


def boundary(case, angles):
    """Points e with |T^-1 e|_p = rho, one for each angle of u."""
    v = np.stack([np.cos(angles), np.sin(angles)])
    return np.abs(case.w)[:, None] ** case.power * case.rho * v / np.linalg.norm(v, case.p, axis=0)


def scanned(case):
    """The largest value over the boundary, in e."""

    def value(angle):
        e = boundary(case, np.atleast_1d(angle))
        return case.g @ e + np.einsum("ik,ij,jk->k", e, case.h, e) / 2

    angles = np.linspace(0, 2 * np.pi, ANGLES)  # the corners of both polygons are among them
    best = np.argmax(value(angles))
    step = angles[1]
    found = scipy.optimize.minimize_scalar(
        lambda a: -value(a)[0],
        bounds=(angles[best] - step, angles[best] + step),
        method="bounded",
        options={"xatol": 1e-12},
    )
    return max(value(angles)[best], -found.fun)


def solved(case):
    """The largest value of the plain problem, in u."""
    t = np.abs(case.w)
    g, h = t * case.g, t[:, None] * case.h * t
    if case.p != 2:
        signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], float)
        corners = RHO * (signs if case.p == inf else np.concatenate([np.eye(2), -np.eye(2)]))
        return max(g @ u + u @ h @ u / 2 for u in corners)
    eigs, turn = np.linalg.eigh(h)
    pull = turn.T @ g

    def excess(shift):
        return np.linalg.norm(pull / (eigs[-1] + shift - eigs)) - RHO

    shift = scipy.optimize.brentq(excess, abs(pull[-1]) / RHO * (1 - 1e-12), np.linalg.norm(pull) / RHO * 2)
    u = turn @ (pull / (eigs[-1] + shift - eigs))
    return g @ u + u @ h @ u / 2


def measured(case):
    if case.kind == "reach":
        e = boundary(case, np.linspace(0, 2 * np.pi, ANGLES))
        return np.max(np.abs(np.max(np.abs(e), axis=1) / (RHO * np.abs(case.w)) - 1))
    return abs(scanned(case) / solved(case) - 1)


def bound(case):
    return 0.0


def tolerance(case):
    """The maximum is flat: an error of its place counts squared."""
    return 1e-12


def controls(case):
    return {
        "the plain ball": case._replace(power=0.0),
        "upside down": case._replace(power=-1.0),
        "another radius": lambda factor: case._replace(rho=factor * case.rho),
    }
