"""On the manifold of minimisers dPhi = P, the orthogonal projector onto its tangent space, hence dPhi H = 0.

At the models' minimisers, along three random directions u and their images H u / |H|: dPhi by its flow, P
from the eigenvectors of the dense Hessian. `measured` is the largest |dPhi u - P u| and |dPhi H u| / |H u|,
|u| = 1.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.wml23 import finite_step_flow as flow
from paper_checks.wml23 import limit_map
from theory import manifold

frame = flow.compiled(lambda f, w: manifold.frame(f.loss, w))


class Case(NamedTuple):
    name: str
    off: float  # how far off the manifold: 0, but for a control
    claim: str  # "projector", "normal" or "identity"


def cases():
    return {name: Case(name, 0.0, "projector") for name in limit_map.NAMES}


@cache
def derivatives(name, off):
    """At a distance from the minimiser: (u, P u, dPhi u, dPhi H u / |H u|) for each of the directions."""
    f, w, _, look = flow.models()[name]
    here = w + off * look(w).vector
    eigs, vectors = frame(f, here)
    normal = vectors[:, -len(look(w).eigs) :]
    out = []
    for u in np.random.default_rng(5).standard_normal((3, len(w))):
        u /= np.linalg.norm(u)
        image = vectors @ (eigs * (vectors.T @ u))
        along, across = (limit_map.expansion(f, here, x)[1] for x in (u, image / np.linalg.norm(image)))
        out.append((u, u - normal @ (normal.T @ u), along, across))
    return np.array(out).swapaxes(0, 1)


def hypotheses(case):
    f, w, *_ = flow.models()[case.name]
    return {"a minimiser": f.loss(w) < 1e-24}


def measured(case):
    u, tangent, along, across = derivatives(case.name, case.off)
    claimed = {"projector": tangent, "normal": u - tangent, "identity": u}[case.claim]
    return max(np.linalg.norm(x, axis=1).max() for x in (along - claimed, across))


def bound(case):
    return 0.0


def tolerance(case):
    """The accuracy of Phi that tests/test_manifold.py pins."""
    return 1e-11


def controls(case):
    return {
        "off the manifold": lambda factor: case._replace(off=factor - 1),
        "the projector onto the normal space": case._replace(claim="normal"),
        "no projector": case._replace(claim="identity"),
    }
