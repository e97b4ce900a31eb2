"""On the manifold of minimisers dPhi = P, the orthogonal projector onto its tangent space, hence dPhi H = 0.

At the models' minimisers, along a random direction u, |u| = 1, and its image H u / |H u|: dPhi by its flow, P
from the eigenvectors of the dense Hessian. `measured` is the larger of |dPhi u - P u| and |dPhi H u| / |H u|.
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
    """(u, P u, dPhi u, dPhi H u / |H u|) at a distance from the minimiser."""
    f, w, _, look = flow.models()[name]
    here = w + off * look(w).vector
    eigs, vectors = frame(f, here)
    normal = vectors[:, -len(look(w).eigs) :]
    u = np.random.default_rng(5).standard_normal(len(w))
    u /= np.linalg.norm(u)
    image = vectors @ (eigs * (vectors.T @ u))
    along, across = (limit_map.expansion(f, here, x)[1] for x in (u, image / np.linalg.norm(image)))
    return u, u - normal @ (normal.T @ u), along, across


def hypotheses(case):
    f, w, *_ = flow.models()[case.name]
    return {"a minimiser": np.linalg.norm(limit_map.gradient(f, w)) < 1e-12}


def measured(case):
    u, tangent, along, across = derivatives(case.name, case.off)
    claimed = {"projector": tangent, "normal": u - tangent, "identity": u}[case.claim]
    return max(map(np.linalg.norm, (along - claimed, across)))


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
