"""Two quadratics with different top eigenvectors have no point at which both gradients are aligned.

f = (f_1 + f_2) / 2, f_k = w' H_k w / 2. `measured` is the largest, over all w, of the smaller of the two
cosines of H_k w to its v_1(H_k): each is quasi-concave where it is positive, so that an ascent finds it; the
signs of v_1 are tried both ways. `bound` is cos atan(tan(angle / 2) / kappa) < 1, with the angle of the two
v_1 and the larger condition number kappa (theory/bounds/wml23.py); in the plane mirror images attain it.
"""

from typing import NamedTuple

import numpy as np
import scipy.optimize

from paper_checks.wml23.quadratic_cycle import EPS, ROUNDINGS, turned
from theory.bounds import wml23


class Case(NamedTuple):
    h: np.ndarray  # (2, d, d)
    found: float  # the largest cosine, of these or of a control's
    scale: float  # of the claimed angle: 1, but for a control


def cases():
    out = {}
    for degrees in (90, 40, 5):
        half = np.deg2rad(degrees) / 2
        turns = np.array([[[c, -s], [s, c]] for c, s in ((np.cos(a), np.sin(a)) for a in (half, -half))])
        for kappa in (2.0, 20.0):
            h = (turns * np.array([kappa, 1.0])) @ np.swapaxes(turns, 1, 2)
            out[f"plane, {degrees} degrees, kappa={kappa:g}"] = Case(h, best(h), 1.0)
    rng = np.random.default_rng(1)
    for k in range(3):
        h = turned(rng, np.sort(rng.uniform(0.5, 3, (2, 4))))[0]
        out[f"d=4, pair {k + 1}"] = Case(h, best(h), 1.0)
    return out


def tops(h):
    """Both top eigenvalues and eigenvectors."""
    eigs, vectors = np.linalg.eigh(h)
    return eigs[:, -1], vectors[:, :, -1]


def best(h):
    top, vectors = tops(h)
    return max(largest(h, top, vectors * np.array([[1.0], [sign]])) for sign in (1, -1))


def hypotheses(case):
    first, second = tops(case.h)[1]
    return {"different top eigenvectors": abs(first @ second) < 1 - 1e-9, "below 1": bound(case) < 1 - 1e-9}


def measured(case):
    return case.found


def largest(h, top, vectors):
    """The largest c with top_k v_k'w >= c |H_k w| for both, by sequential quadratic programming."""

    def margins(x):
        w = x[:-1]
        return [
            t * (v @ w) - x[-1] * np.linalg.norm(each @ w) for t, v, each in zip(top, vectors, h, strict=True)
        ]

    middle = vectors.sum(0)
    if np.linalg.norm(middle) < 1e-6:
        return 0.0  # opposite: no w has a positive cosine to both
    start = np.append(middle / (middle @ middle), 0.0)
    found = scipy.optimize.minimize(
        lambda x: -x[-1],
        start,
        jac=lambda x: -np.eye(len(x))[-1],
        method="SLSQP",
        constraints=[
            {"type": "ineq", "fun": margins},
            {"type": "eq", "fun": lambda x: middle @ x[:-1] - 1},
        ],
        options={"ftol": 1e-15, "maxiter": 200},
    )
    w = found.x[:-1]
    return min(t * (v @ w) / np.linalg.norm(each @ w) for t, v, each in zip(top, vectors, h, strict=True))


def bound(case):
    eigs, (first, second) = np.linalg.eigvalsh(case.h), tops(case.h)[1]
    angle = np.arccos(min(abs(first @ second), 1.0))
    cosine = wml23.joint_alignment(angle, np.max(eigs[:, -1] / eigs[:, 0]))
    return float(np.cos(case.scale * np.arccos(cosine)))


def tolerance(case):
    return ROUNDINGS * EPS


def controls(case):
    return {
        "the same top eigenvector": case._replace(found=best(np.stack([case.h[0], 0.5 * case.h[0]]))),
        "a larger angle": lambda factor: case._replace(scale=factor),
    }
