"""Along 1-SAM no gradient of a sample vanishes, for almost every start and all but countably many steps.

Proof, for losses in C^2 whose stationary points are a null set. Where grad f_k is not 0 the move on sample k
is T = w - gamma G(w), G(w) = grad f_k(w + rho grad f_k / |grad f_k|). A state w is in E(gamma) = {det(I -
gamma DG) = 0} for at most d values of gamma, so in a ball the measures of all E(gamma) sum to at most d times
its own: all but countably many are 0. For such gamma T is a local diffeomorphism off a null set, so preimages
of null sets are null, and so are those of the stationary points under the countably many finite paths of
samples.

"preimages": on f_k = h_k (x - b_k)^2 / 2 the starts from which some path of at most T steps comes within
epsilon of the minimum of some sample are intervals, found backwards, exactly; `measured` is the chance of
their union for a uniform start on [-1, 1], `bound` the sum over paths of lengths, epsilon n sum_t (sum_k 2 /
|1 - gamma h_k|)^t, which tends to 0 with epsilon. A step gamma = 1 / h_1 sends a whole half line to the point
b_1 - rho: harmless, unless a minimum is there. Then the chance is that of half the line: the exception is
needed.

"determinant": the nets of theorem_5_2.py with analytic losses; where an analytic determinant is not 0 at one
state it is not 0 at almost every one. `measured` counts the samples at which it is, to rounding.
"""

from typing import NamedTuple

import numpy as np

from paper_checks.wml23 import theorem_5_2 as nets

PATH = 5  # steps
EPSILON = 1e-9
RHO = 0.1
SMALL = 1e-9  # of a determinant


class Case(NamedTuple):
    reads: str  # "preimages" or "determinant"
    h: np.ndarray  # (n,)
    b: np.ndarray  # (n,)
    gamma: float
    rho: float
    seed: int  # of the net


CURVES = {"two samples": ([1.0, 2.5], [-0.3, 0.4]), "three samples": ([0.7, 1.0, 1.6], [0.1, -0.5, 0.6])}


def cases():
    out = {}
    for name, (h, b) in CURVES.items():
        for gamma in (0.1, 0.7, 1.7):
            out[f"preimages, {name}, gamma={gamma:g}"] = lines(h, b, gamma)
    out["preimages, two samples, gamma h=1, no minimum there"] = lines(*CURVES["two samples"], 1.0)
    for seed in (0, 1):
        out[f"determinant, net {seed}"] = Case("determinant", np.ones(1), np.zeros(1), 0.1, RHO, seed)
    return out


def lines(h, b, gamma):
    return Case("preimages", np.array(h), np.array(b), gamma, RHO, 0)


def hypotheses(case):
    return {"isolated stationary points": np.min(case.h) > 0}


def preimages(case, sets):
    """Of a union of intervals (count, 2) under every sample's move, on each side of its minimum."""
    out = []
    for h, b in zip(case.h, case.b, strict=True):
        keep = 1 - case.gamma * h
        for side in (-1.0, 1.0):
            ends = np.sort([0.0, side * np.inf])
            if abs(keep) < 1e-12:  # the half line goes to one point
                point = b - side * case.rho
                hit = np.any((sets[:, 0] <= point) & (point <= sets[:, 1]))
                found = b + ends[None] if hit else np.empty((0, 2))
            else:
                found = b + np.clip(
                    np.sort((sets - b + side * (1 - keep) * case.rho) / keep, axis=1) - 0, *ends
                )
            out.append(found)
    return merged(np.concatenate(out))


def merged(sets):
    """The same union by disjoint intervals."""
    sets = sets[sets[:, 1] > sets[:, 0]]
    if not len(sets):
        return sets
    sets = sets[np.argsort(sets[:, 0])]
    reach = np.maximum.accumulate(sets[:, 1])
    first = np.append(True, sets[1:, 0] > reach[:-1])
    last = np.append(first[1:], True)
    return np.stack([sets[first, 0], reach[last]], 1)


def chance(case, epsilon, steps):
    """That a uniform start on [-1, 1] comes within epsilon of some minimum in at most so many steps."""
    sets = now = merged(np.stack([case.b - epsilon, case.b + epsilon], 1))
    for _ in range(steps):
        now = preimages(case, now)
        sets = merged(np.concatenate([sets, now]))
    inside = np.clip(sets, -1, 1)
    return np.sum(inside[:, 1] - inside[:, 0]) / 2


def slopes(f, w, rho):
    """DG_k(w) = Hess f_k(w + rho n) (I + rho (I - n n') Hess f_k(w) / |g|), g = grad f_k(w), n = g / |g|."""
    off = f.residuals(w)
    bends = np.asarray(f.bends)
    grads = (off * (bends[:, 0] + off * (bends[:, 1] / 2 + off * bends[:, 2] / 6)))[
        :, None
    ] * f.output_slopes(w)
    each, out = np.asarray(nets.hessians(f, w)), []
    for k, g in enumerate(grads):
        size = np.linalg.norm(g)
        ahead = np.asarray(nets.hessians(f, w + rho * g / size))[k]
        bent = each[k] - np.outer(g, g @ each[k]) / size**2
        out.append(ahead @ (np.eye(len(w)) + rho * bent / size))
    return np.stack(out)


def start(seed):
    """A net off its minimisers."""
    f, w = nets.net(seed, "skew losses")
    return f, w + 0.1


def measured(case):
    if case.reads == "preimages":
        return chance(case, EPSILON, PATH)
    f, w = start(case.seed)
    each = slopes(f, w, case.rho)
    return int(np.sum(np.abs(np.linalg.det(np.eye(each.shape[1]) - case.gamma * each)) < SMALL))


def bound(case):
    if case.reads == "determinant":
        return 0.0
    stretch = np.abs(1 - case.gamma * case.h)
    growth = np.sum(2 / stretch[stretch > 1e-12])
    return EPSILON * len(case.h) * np.sum(growth ** np.arange(PATH + 1))


def tolerance(case):
    """Half a sample; rounding of the ends of the intervals."""
    return 0.5 if case.reads == "determinant" else 1e-9 * bound(case) + 1e-12


def controls(case):
    if case.reads == "determinant":
        f, w = start(case.seed)
        eigs = np.linalg.eigvals(slopes(f, w, case.rho)[0])
        real = eigs.real[(np.abs(eigs.imag) < 1e-12) & (eigs.real > 1e-3)]
        return {"a step that is singular here": case._replace(gamma=1 / float(real.max()))}
    aligned = np.concatenate([case.b[:1], case.b[:1] - case.rho, case.b[2:]])
    return {
        "gamma h=1 and a minimum there": case._replace(gamma=1 / float(case.h[0]), b=aligned),
        "gamma h=1 and no ascent": case._replace(gamma=1 / float(case.h[0]), rho=0.0),
    }
