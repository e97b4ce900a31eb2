"""Where every output is fitted and the gradients of the outputs are independent, minimisers form a manifold.

Nets with one output and losses l_k(o_k - y_k), each least at 0 alone with l_k'' > 0, at weights that fit
every label (theory/problems/single_output.py).

"rank": the Hessian of f has rank n = codim; `measured` is the difference of the two. An eigenvalue counts
from 1e-10 of the largest; the others are at rounding. "tangent": from w along a vector u that the Hessian
sends to 0 the distance to {o = y}, found by Gauss and Newton's method, is of order t^2: the null space is
tangent to the minimisers. `measured` is the distance of the order to 2, of the finest pair of four scales.

lemma_h_15: Hess f_k = l_k'' grad o_k (grad o_k)', relative to the largest entry, and the mean of their
largest eigenvalues is the trace of Hess f. Hessians by automatic differentiation, grad o_k by hand.
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from theory.problems.single_output import SingleOutput, fitted

N, INPUTS, UNITS = 4, 2, 6
SMALL = 1e-10  # of the largest eigenvalue
SCALES = (1e-1, 1e-2, 1e-3, 1e-4)
BENDS = {
    "squares": np.tile([1.0, 0.0, 0.0], (N, 1)),
    "skew losses": np.array([[1.0, 0.8, 1.0], [0.3, -0.5, 2.0], [2.0, 1.0, 3.0], [0.7, 0.0, 0.4]]),
}
hessians = jax.jit(lambda f, w: jax.hessian(f.losses)(w))


class Case(NamedTuple):
    reads: str  # "rank", "tangent", "Hessian" or "trace"
    f: SingleOutput
    w: np.ndarray
    claim: np.ndarray  # l_k'' as claimed, (n,)
    direction: str  # "along" or, for a control, "across"
    scale: float  # of the claim: 1, but for a control


def cases():
    out = {}
    for name, bends in BENDS.items():
        for seed in (0, 1):
            f, w = net(seed, name)
            label = f"{name}, net {seed}"
            for reads, row in (
                ("rank", ""),
                ("tangent", ""),
                ("Hessian", "lemma_h_15: "),
                ("trace", "lemma_h_15: "),
            ):
                out[f"{row}{reads}, {label}"] = Case(reads, f, w, bends[:, 0], "along", 1.0)
    return out


@cache
def net(seed, bends):
    rng = np.random.default_rng(seed)
    w = rng.standard_normal(UNITS * (INPUTS + 1))
    return fitted(rng.standard_normal((N, INPUTS)), w, BENDS[bends]), w


def hypotheses(case):
    singular = np.linalg.svd(case.f.output_slopes(case.w), compute_uv=False)
    off = case.f.residuals(case.w)
    return {
        "fitted": np.max(np.abs(off)) < 1e-14,
        "l_k'' > 0": np.min(case.f.bends[:, 0]) > 0,
        "independent gradients": singular[-1] > 1e-3 * singular[0],
    }


def measured(case):
    f, w = case.f, case.w
    slopes = f.output_slopes(w)
    if case.reads == "tangent":
        return abs(order([distance(f, w + t * heading(case, slopes)) for t in SCALES]) - 2)
    each = np.asarray(hessians(f, w))
    if case.reads == "rank":
        eigs = np.linalg.eigvalsh(each.mean(0))
        return abs(int(np.sum(np.abs(eigs) > SMALL * eigs[-1])) - f.n)
    if case.reads == "Hessian":
        claimed = case.scale * case.claim[:, None, None] * slopes[:, :, None] * slopes[:, None, :]
        return np.max(np.abs(each - claimed)) / np.max(np.abs(each))
    tops = np.linalg.eigvalsh(each)[:, -1]
    return abs(case.scale * np.mean(tops) / np.trace(each.mean(0)) - 1)


def heading(case, slopes):
    """A unit vector that the Hessian sends to 0, or across it."""
    eigs, vectors = np.linalg.eigh(np.asarray(hessians(case.f, case.w)).mean(0))
    null = vectors[:, np.abs(eigs) <= SMALL * eigs[-1]]
    u = null @ np.ones(null.shape[1])
    if case.direction == "across":
        u = u + slopes[0]
    return u / np.linalg.norm(u)


def distance(f, w):
    """How far w is from {o = y}."""
    near = w
    for _ in range(6):
        near = near - np.linalg.lstsq(f.output_slopes(near), f.residuals(near), rcond=None)[0]
    return np.linalg.norm(near - w)


def order(errors):
    """Of the finest pair."""
    return np.log(errors[-2] / errors[-1]) / np.log(SCALES[-2] / SCALES[-1])


def bound(case):
    return 0.0


def tolerance(case):
    """Half a rank; a stated margin of the order; some roundings of sums of 18 terms."""
    return {"rank": 0.5, "tangent": 0.05, "Hessian": 1e-13, "trace": 1e-13}[case.reads]


def controls(case):
    f, moved = case.f, case.w + 0.1
    out = {}
    if case.reads == "tangent":
        return {"a direction across": case._replace(direction="across")}
    if case.reads == "rank":
        twice = np.asarray(f.x)[[0, 0, 2, 3]]
        out["a repeated sample"] = case._replace(f=fitted(twice, case.w, f.bends))
        flat = np.asarray(f.bends) * np.array([[0.0], [1], [1], [1]]) + np.array(
            [[0, 0, 1.0]] + [[0, 0, 0]] * 3
        )
        out["a loss that is flat at its label"] = case._replace(f=f._replace(bends=flat))
    else:
        out["a little more"] = lambda factor: case._replace(scale=factor)
        if case.reads == "Hessian" and np.any(case.claim != 1):
            out["without l''"] = case._replace(claim=np.ones(N))
    return out | {"off the minimisers": case._replace(w=moved)}
