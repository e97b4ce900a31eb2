"""Near the cycle the tangent of the angle to v_1 shrinks by q a step, and |w| - c_1 by |1 - gamma l_1|.

q = max over i >= 2 of |1 - h s_i - (2 - h) s_i^2|, s_i = l_i / l_1, h = gamma l_1 (theory/bounds/wml23.py).
"tangent": two neighbouring steps late in a run from a random start; the quadratic is diagonal, a step
multiplies every entry, and the small ones stay as precise as the large. "radius": the first step of a start
on v_1, where the factor is exact. "derivative": the rule's, at the cycle of every eigenvector, against the
claimed factors; "attracts" reads its largest modulus at the first, "repels" one over that at the others.
`measured` is a distance, relative but for the radius, or that modulus.
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from paper_checks.wml23.quadratic_cycle import EPS, ROUNDINGS, bowl, paths
from theory.bounds import wml23
from theory.update import step

SPECTRA = {"slow at the bottom": (0.1, 0.45, 0.7, 1.0), "slow near the top": (0.4, 0.5, 0.97, 1.0)}
TOP, RHO = 2.0, 0.1
REACHES = (0.2, 0.8, 1.0, 1.4, 1.9)  # gamma l_1
LATE = 600  # |1 - h|^t is then below rounding, q^t above 1e-300


class Case(NamedTuple):
    reads: str  # "tangent", "radius", "derivative", "attracts" or "repels"
    eigs: np.ndarray  # (4,), ascending
    gamma: float
    seen: np.ndarray  # (2,) tangents or radii, or derivatives (cycles, 4, 4)
    other: np.ndarray  # derivatives for a control
    left: float  # what stands in place of 2 in the claimed factors: 2, but for a control
    scale: float  # of the claim: 1, but for a control


@jax.jit
def derivatives(eigs, w, gamma):
    def one(eigs, w, gamma):
        f = bowl(eigs[:, None] * np.eye(4))
        return jax.jacfwd(lambda w: step(jax.value_and_grad(f.loss), w, gamma, RHO, 1.0))(w)

    return jax.vmap(one)(eigs, w, gamma)


@cache
def built():
    """By spectrum and reach: tangents late, radii early, and the derivatives at the four cycles."""
    keys = [(name, reach) for name in SPECTRA for reach in REACHES]
    eigs = np.array([TOP * np.array(SPECTRA[name]) for name, _ in keys])
    gamma = np.array([reach for _, reach in keys]) / TOP
    h = eigs[:, None] * np.eye(4)
    start = RHO * np.random.default_rng(6).standard_normal((len(keys), 4))
    axis = 1.5 * wml23.cycle_radius(TOP, gamma, RHO, 1.0)[:, None] * np.eye(4)[-1]
    w = paths(np.tile(h, (2, 1, 1)), np.concatenate([start, axis]), np.tile(gamma, 2), RHO, 1.0)
    late, early = np.split(w, 2)
    late = late[:, LATE : LATE + 2]
    tangents = np.linalg.norm(late[:, :, :3], axis=2) / np.abs(late[:, :, 3])
    radii = np.abs(early[:, :2, 3])
    cycles = wml23.cycle_radius(eigs, gamma[:, None], RHO, 1.0)[:, :, None] * np.eye(4)
    flat = derivatives(np.repeat(eigs, 4, axis=0), cycles.reshape(-1, 4), np.repeat(gamma, 4))
    seen = zip(tangents, radii, np.asarray(flat).reshape(-1, 4, 4, 4), strict=True)
    return dict(zip(keys, zip(eigs, gamma, seen, strict=True), strict=True))


def cases():
    out = {}
    for (name, reach), (eigs, gamma, (tangents, radii, slopes)) in built().items():
        label = f"gamma l_1={reach:g}, {name}"
        seen = {"tangent": tangents, "derivative": slopes, "attracts": slopes[3:], "repels": slopes[:3]}
        if name == next(iter(SPECTRA)):  # the others have the same
            seen["radius"] = radii
        for reads, each in seen.items():
            other = slopes[:3] if reads == "attracts" else slopes[3:]
            out[f"{reads}, {label}"] = Case(reads, eigs, gamma, each, other, 2.0, 1.0)
    return out


def hypotheses(case):
    return {"0 < gamma l_1 < 2": 0 < case.gamma * case.eigs[-1] < 2}


def factors(case):
    """Claimed at the cycle of every eigenvector, along every one, (4, 4)."""
    eigs, cycle = case.eigs, case.eigs[:, None]
    across = wml23.cycle_factor(cycle, eigs, case.gamma) + (2 - case.left) * (eigs / cycle) ** 2
    along = -wml23.radial_factor(eigs, case.gamma, RHO, 1.0)  # of w, whose sign turns
    return case.scale * np.where(np.eye(4) > 0, along, across)


def measured(case):
    claimed = factors(case)
    if case.reads == "tangent":
        return abs(case.seen[1] / case.seen[0] / np.max(np.abs(claimed[3, :3])) - 1)
    if case.reads == "radius":
        before, after = case.seen - wml23.cycle_radius(case.eigs[-1], case.gamma, RHO, 1.0)
        return abs(after / before + claimed[3, 3])
    if case.reads == "derivative":
        right = claimed[:, None] * np.eye(4)
        return np.max(np.abs(case.seen - right) / np.max(np.abs(claimed), axis=1)[:, None, None])
    moduli = np.max(np.abs(np.linalg.eigvals(case.seen)), axis=1)
    return np.max(moduli if case.reads == "attracts" else 1 / moduli)


def bound(case):
    return 1.0 if case.reads in ("attracts", "repels") else 0.0


def tolerance(case):
    return ROUNDINGS * EPS


def controls(case):
    if case.reads == "attracts":
        return {"the cycles of the other eigenvectors": case._replace(seen=case.other)}
    if case.reads == "repels":
        return {"the cycle of the first": case._replace(seen=case.other)}
    if case.reads == "radius":
        return {"a smaller step": lambda factor: case._replace(gamma=case.gamma / factor)}
    return {
        "a little larger": lambda factor: case._replace(scale=factor),
        "1 - h in place of 2 - h": case._replace(left=1.0),
    }
