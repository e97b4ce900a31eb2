"""Smaller groups are sharper: the mean of the maxima over groups is at least the maximum of the mean.

Any one step is allowed in every group, so for exact maxima a refinement never lowers the mean:

    m_sharpness_order         `measured` is the largest ratio of the coarse rise to the fine one over random
                              quadratics, groups of 1, 2, 4, 8; equal groups attain it
    m_sharpness_linearised    the same of |mean g_s|_q <= mean |g_s|_q, for every p; attained by multiples of
                              one gradient
    m_sharpness_one_step      with the first-order step for the maximiser it fails: f_1 = e x + y^2 / 2,
                              f_2 = x^2 / 2 + e y at 0. Alone each steps along its own slope: rho e.
                              The mean slope points across, where each meets the other's curvature, and both
                              rise by rho e / sqrt 2 + rho^2 / 4: more once rho > (4 - 2 sqrt 2) e
"""

from functools import cache
from math import inf
from typing import NamedTuple

import jax
import numpy as np

from theory import Array, ascent
from theory.sharpness import largest_in_ball
from theory.update import direction

N, D, RHO, DRAWS = 8, 5, 0.6, 60
NORMS = (1, 1.5, 2, 3, inf)
SLOPE = 0.25  # e of the counterexample; it fails from rho = 0.293 on
EPS = 2.0**-52


class Case(NamedTuple):
    reads: str
    h: Array  # (draws, n, d, d)
    g: Array  # (draws, n, d)
    fine: int  # the size of a group
    coarse: int
    p: float = 2
    rho: float = RHO
    wider: float = 1.0  # the coarse ball over the fine one
    reverse: bool = False  # the ratio of fine to coarse instead


def cases():
    rng = np.random.default_rng(4)
    h = rng.standard_normal((DRAWS, N, D, D))
    h, g = h + np.swapaxes(h, 2, 3), rng.standard_normal((DRAWS, N, D))
    alike = np.broadcast_to(h[:, :1], h.shape), np.broadcast_to(g[:, :1], g.shape)
    out = {}
    for fine, coarse in ((1, 2), (2, 4), (4, N), (1, N)):
        out[f"groups of {fine} and of {coarse}"] = Case("exact", h, g, fine, coarse)
    out["equal groups"] = Case("exact", *alike, 1, N)
    for p in NORMS:
        out[f"m_sharpness_linearised: p={p:g}"] = Case("linear", h, g, 1, N, p)
    multiples = g[:, :1] * np.arange(1.0, N + 1)[None, :, None]
    out["m_sharpness_linearised: multiples of one gradient"] = Case("linear", h, multiples, 1, N)
    two = np.array([[[[0.0, 0], [0, 1]], [[1, 0], [0, 0]]]]), SLOPE * np.eye(2)[None]
    out["m_sharpness_one_step: two quadratics in the plane"] = Case("one step", *two, 1, 2, reverse=True)
    return out


def hypotheses(case):
    return {"refined": case.coarse % case.fine == 0}


@cache
def rises(reads, p):
    """(count, d, d), (count, d), rho -> the rise of each; compiled."""

    def rise(h, g, rho):
        if reads == "exact":
            return largest_in_ball(h, g, rho).value
        if reads == "linear":
            return rho * ascent.dual_norm(g, p)
        e = rho * direction(g, 1.0)
        return g @ e + 0.5 * e @ (h @ e)

    return jax.jit(jax.vmap(rise, (0, 0, None)))


def sharpness(case, m, rho):
    """The mean over groups of m of their rises, (draws,); a group counts m times, so that all m share a
    program."""
    draws, n = case.g.shape[:2]
    h, g = (
        np.repeat(x.reshape(draws, n // m, m, *x.shape[2:]).mean(2), m, axis=1).reshape(-1, *x.shape[2:])
        for x in (case.h, case.g)
    )
    return np.asarray(rises(case.reads, case.p)(h, g, rho)).reshape(draws, n).mean(1)


def measured(case):
    """The largest ratio of coarse to fine; of the counterexample, of fine to coarse."""
    fine, coarse = sharpness(case, case.fine, case.rho), sharpness(case, case.coarse, case.wider * case.rho)
    return np.max(fine / coarse if case.reverse else coarse / fine)


def bound(case):
    return 1.0


def tolerance(case):
    return 64 * EPS


def controls(case):
    if case.reads == "one step":
        below = 0.99 * (4 - 2 * np.sqrt(2)) * SLOPE
        return {"a radius too small": case._replace(rho=below), "exact maxima": case._replace(reads="exact")}
    out = {"a wider ball for the coarse groups": lambda factor: case._replace(wider=factor)}
    fine, coarse = sharpness(case, case.fine, case.rho), sharpness(case, case.coarse, case.rho)
    if np.any(np.abs(coarse / fine - 1) > 1e-6):
        out["exchanged"] = case._replace(fine=case.coarse, coarse=case.fine)
    return out
