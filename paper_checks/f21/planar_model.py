"""Both sides of the bound on the planar model (theory/problems/planar.py), each by a second route.

"risk"       Phi(-m cos theta) against the chance of the half plane by its own density in polar form.
"noise"      E L_D(w + e) as a periodic integral against Marcum's Q: w + e errs on z where |z + v| <= |z - v|
             with v = (w + e) / sigma, two independent Rice variables of one width. So with a, b the halves of
             |m e_1 -+ w / sigma| the chance is Q(a, b) - exp(-(a^2 + b^2) / 2) I_0(a b) / 2.
"arc"        the largest error on |phi - theta| <= arcsin(rho / |w|) against that over |e| <= rho, by the sign
             of w . z for every z: at w, and beside each line where an error begins or ends, on either side at
             the point nearest to w, if the ball has it.
`measured` is the largest difference; for "arc", of the number of errors.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import chndtr, i0e

from theory.problems.planar import Planar, planar, profile, reach

THETA = np.deg2rad(np.arange(-180, 180, 5))
DRAWS = 4
BESIDE = 1e-9  # of a line, in radians


class Case(NamedTuple):
    reads: str
    model: Planar
    ratio: float  # sigma / |w|, or rho / |w|
    n: int
    other: float  # ratio of the second route over that of the first: 1, but for a control
    slope: bool  # the arc has the half-width rho / |w|


def cases():
    out = {}
    for m in (0.5, 1.0, 2.0):
        usual = Case("risk", planar(m), 0.0, 0, 1.0, False)
        out[f"risk, m={m:g}"] = usual
        for ratio in (0.02, 0.1, 0.5):
            out[f"noise, m={m:g}, sigma/|w|={ratio:g}"] = usual._replace(reads="noise", ratio=ratio)
    for n in (7, 60):
        for ratio in (0.1, 0.5, 0.95):
            out[f"arc, n={n}, rho/|w|={ratio:g}"] = usual._replace(
                reads="arc", model=planar(1.0), n=n, ratio=ratio
            )
    return out


def hypotheses(case):
    return {"rho < |w|": case.ratio < 1}


def half_plane(model):
    """P(z . w <= 0) for each theta, Gauss-Legendre in the angle of z."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    angle = np.pi + np.pi / 2 * nodes
    return model.density(THETA[:, None] + angle) @ weights * np.pi / 2


def rice(model, ratio):
    b, a = (
        np.hypot(model.mean + side * np.cos(THETA) / ratio, np.sin(THETA) / ratio) / 2 for side in (1, -1)
    )
    equal = np.exp(-((a - b) ** 2) / 2) * i0e(a * b) / 2
    return 1 - chndtr(b**2, 2, a**2) - equal


def in_ball(z, ratio):
    """The largest number of errors of a sample over |e| <= ratio for each w = (cos theta, sin theta)."""
    lines = np.arctan2(z[:, 1], z[:, 0])[:, None] + [[np.pi / 2, -np.pi / 2]]
    rays = np.concatenate([(lines + side * BESIDE).ravel() for side in (-1, 1)])
    turn = rays - THETA[:, None]
    nearest = np.cos(turn) > 0  # at cos(turn) on the ray, |sin(turn)| away
    reached = nearest & (np.abs(np.sin(turn)) <= ratio)
    return np.max(np.where(reached, errors(z, rays), errors(z, THETA)[:, None]), axis=1)


def errors(z, angles):
    return np.sum(np.stack([np.cos(angles), np.sin(angles)], axis=1) @ z.T <= 0, axis=1)


def measured(case):
    if case.reads == "risk":
        return np.max(np.abs(planar(case.other * case.model.mean).risk(THETA) - half_plane(case.model)))
    if case.reads == "noise":
        other = rice(case.model, case.other * case.ratio)
        return np.max(np.abs(case.model.noisy_risk(THETA, case.ratio) - other))
    z = np.random.default_rng(case.n).standard_normal((DRAWS, case.n, 2)) + [case.model.mean, 0]
    half = case.ratio if case.slope else reach(case.ratio)
    found = profile(np.arctan2(z[:, :, 1], z[:, :, 0])).largest(THETA - half, THETA + half) * case.n
    brute = [in_ball(each, min(case.other * case.ratio, 1.0)) for each in z]
    return np.max(np.abs(found - brute))


def bound(case):
    return 0.0


def tolerance(case):
    return 0.5 if case.reads == "arc" else 1e-13


def controls(case):
    if case.reads == "risk":
        return {"classes a little farther": lambda factor: case._replace(other=factor)}
    out = {"another width": lambda factor: case._replace(other=factor)}
    if case.reads == "arc":
        out = {"a larger ball": lambda factor: case._replace(other=factor)}
        if case.ratio > 0.9:
            out["half of the arc rho/|w|"] = case._replace(slope=True)
    return out
