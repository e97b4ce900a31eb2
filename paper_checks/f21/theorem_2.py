"""How often the bounds fail on the planar model, over draws of the sample; both sides are exact.

theory/problems/planar.py, m = 1, delta = 0.1, 72 directions of w. A draw fails where some w has a risk above
the largest error in its ball plus the term; `measured` is the upper 99.9 % limit of that chance. Only w with
L_D(w) <= 1/2 count: there the assumption holds at every width, elsewhere it does not.

"every weight": all of the plane. For |w| >= rho the term is at least that of |w| = rho, and L_S(w) at most
the largest error; for |w| < rho the ball holds w and -w, of which one errs on half of the sample. So no draw
fails in which L_D - L_S, at its largest over all directions, stays below the term of |w| = rho.
"20 weights": w in the plane of e_1 and the sample's own mean, and so is the ball, which makes it smaller.

The terms are far larger than they need to be: at n = 200 h is above 1/2, where L_D is not. Without any term
the bound still fails less often than delta at rho = |w| / 2, so there the control counts all directions as
well.

theorem_1: h increases with |w| / rho.
tighter_bound, without_assumption: the terms in place of h, the latter over all directions; "against h"
compares them over a grid, the latter outside 0.5 rho < |w| < 1.283 rho.
radius_chosen_from_data: a draw fails where it does at any of eight radii, each at delta / 8.
asam_bound: the adaptive ball, eta = 1/2.
"""

from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np

from theory.bounds import f21
from theory.confidence import upper
from theory.problems.planar import adaptive_arc, planar, profile, reach

MODEL = planar(1.0)
DELTA, LEVEL = 0.1, 0.999
THETA = np.deg2rad(np.arange(-180, 180, 5))
DRAWS = {2: 1000, 20: 200}  # by the number of weights
RADII = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8)  # over |w|
ETA = 0.5
TERMS = {"h": f21.term, "tighter": f21.tighter_term, "covering": f21.covering_term}
GRID = {"k": (1, 2, 20, 10**3, 10**5, 10**7), "n": (2, 10, 200, 10**4, 10**6), "delta": (1e-3, 0.1, 1.0)}
LOW, HIGH = 0.25, np.sqrt(7) - 1  # between them the covering term may be larger than h
SQUARES = np.sort(np.append(np.geomspace(1e-4, 1e6, 41), [LOW, HIGH]))


class Case(NamedTuple):
    reads: str  # what fails: "ball", "weights", "radii", "adaptive"; or a term on the grid: "growth", "size"
    n: int
    k: int
    ratio: float  # rho / |w|
    term: str
    share: float  # of the term: 1, but for a control
    everywhere: bool  # directions with L_D > 1/2 too


def cases():
    usual = Case("ball", 200, 2, 0.1, "h", 1.0, False)
    grid = usual._replace(n=0, k=0, ratio=0.0)
    out = {"theorem_1: h increases": grid._replace(reads="growth")}
    for row, term in (("", "h"), ("tighter_bound: ", "tighter"), ("without_assumption: ", "covering")):
        of = usual._replace(term=term, everywhere=term == "covering")
        for n, ratio in product((200, 2000), (0.1, 0.5)):
            out[f"{row}n={n}, rho/|w|={ratio:g}"] = of._replace(n=n, ratio=ratio)
        if term != "covering":
            out[f"{row}every weight, n=2000"] = of._replace(reads="weights", n=2000, ratio=1.0)
        out[f"{row}20 weights, n=2000, rho/|w|=0.1"] = of._replace(n=2000, k=20)
        if term != "h":
            out[f"{row}against h"] = grid._replace(reads="size", term=term)
    for n in (200, 2000):
        out[f"theorem_1: n={n}, rho/|w|=0.1"] = usual._replace(n=n)
        out[f"radius_chosen_from_data: one of {len(RADII)}, n={n}"] = usual._replace(reads="radii", n=n)
        out[f"asam_bound: n={n}, rho=0.1, eta={ETA:g}"] = usual._replace(reads="adaptive", n=n)
    return out


def hypotheses(case):
    return {"|w| >= rho": case.ratio <= 1}


@cache
def samples(n, k):
    rng = np.random.default_rng(k * n)
    if k == 2:
        return profile(MODEL.sample(rng.standard_normal((DRAWS[k], n, 2))))
    z = rng.standard_normal((DRAWS[k], n, k))
    across = z[:, :, 1:].mean(1)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    in_plane = np.stack([z[:, :, 0], np.einsum("ijk,ik->ij", z[:, :, 1:], across)], axis=-1)
    return profile(MODEL.sample(in_plane))


@cache
def gaps(n, k, ratio, reads, everywhere):
    """The largest L_D - max L_S over the directions, for each draw."""
    low, high = THETA - reach(ratio), THETA + reach(ratio)
    if reads == "adaptive":
        low, high = adaptive_arc(THETA, 1.0, ratio, ETA)
    risk = MODEL.risk(THETA)
    counted = everywhere | (risk <= 0.5)
    return np.max((risk - samples(n, k).largest(low, high))[:, counted], axis=1)


@cache
def farthest(n, k):
    """The largest L_D - L_S over all directions with L_D <= 1/2, for each draw."""
    return MODEL.largest_gap(samples(n, k))


def fails(case):
    """Whether each draw does."""
    if case.reads == "weights":
        return farthest(case.n, case.k) > case.share * TERMS[case.term](1.0, case.k, case.n, DELTA)
    if case.reads == "radii":
        terms = [f21.term(ratio**-2, case.k, case.n, DELTA / len(RADII)) for ratio in RADII]
        each = [gaps(case.n, case.k, ratio, "ball", case.everywhere) for ratio in RADII]
        return np.any(np.array(each) > case.share * np.array(terms)[:, None], axis=0)
    square = case.ratio**-2
    if case.reads == "adaptive":
        term = f21.adaptive_term(square, ETA, case.k, case.n, DELTA)
    else:
        term = TERMS[case.term](square, case.k, case.n, DELTA)
    return gaps(case.n, case.k, case.ratio, case.reads, case.everywhere) > case.share * term


def on_grid(case):
    """`growth`: neighbours between which h does not increase; `size`: the largest ratio of a term to h."""
    k, n, delta = (np.array(GRID[letter])[:, None] for letter in ("k", "n", "delta"))
    k, n, delta = k[:, None, None], n[:, None], delta
    h = f21.term(SQUARES**case.share, k, n, delta)
    if case.reads == "growth":
        return np.sum(~(np.diff(h, axis=-1) > 0))
    if case.term == "tighter":
        return np.max(f21.tighter_term(SQUARES, k, n, delta) / (case.share * h / 2 + 1 / np.sqrt(n)))
    apart = (SQUARES <= LOW) | (SQUARES >= HIGH)
    return np.max((f21.covering_term(SQUARES, k, n, delta) / (case.share * h))[..., apart])


def measured(case):
    if case.reads in ("growth", "size"):
        return on_grid(case)
    found = fails(case)
    return upper(int(found.sum()), len(found), LEVEL)


def bound(case):
    return {"growth": 0.0, "size": 1.0}.get(case.reads, DELTA)


def tolerance(case):
    return 0.5 if case.reads == "growth" else 1e-12


def controls(case):
    if case.reads == "growth":
        return {"|w| left out": case._replace(share=0.0)}
    out = {"a share of the term": lambda factor: case._replace(share=1 / factor)}
    if case.reads == "ball" and case.ratio == 0.5:
        beyond = case._replace(everywhere=True)
        return {"a share of the term, all directions": lambda factor: beyond._replace(share=1 / factor)}
    if case.reads != "size":
        out["no term"] = case._replace(share=0.0)
    return out
