"""dPhi(w) grad f(w) = 0: the limit does not change along gradient flow.

At the states of limit_map.py. dPhi goes by a flow of its own from w, along which the gradient would be
carried to the gradient further down. `measured` is |dPhi u| / |u| for u = grad f(w).
"""

from typing import NamedTuple

import jax
import numpy as np

from paper_checks.wml23 import finite_step_flow as flow
from paper_checks.wml23 import limit_map
from paper_checks.wml23.limit_map import gradient

gradient_of_one = flow.compiled(lambda f, w: jax.grad(lambda w: f.losses(w, 0).sum())(w))


class Case(NamedTuple):
    name: str
    ahead: float  # how far ahead, along the gradient, the gradient is taken: 0, but for a control
    whole: bool  # whether it is that of all examples


def cases():
    return {name: Case(name, 0.0, True) for name in limit_map.NAMES}


hypotheses = limit_map.hypotheses


def measured(case):
    f, w, _ = limit_map.states()[case.name]
    slope = gradient(f, w)
    u = gradient(f, w + case.ahead * slope / np.linalg.norm(slope)) if case.whole else gradient_of_one(f, w)
    return np.linalg.norm(limit_map.expansion(f, w, u)[1]) / np.linalg.norm(u)


def bound(case):
    return 0.0


def tolerance(case):
    """The accuracy of Phi that tests/test_manifold.py pins."""
    return 1e-11


def controls(case):
    out = {"the gradient of SAM, ahead": lambda factor: case._replace(ahead=factor - 1)}
    if (
        case.name == "net"
    ):  # on a diagonal network they do not move the limit either: u^2 - v^2 and the span stay
        out["the gradient of one example"] = case._replace(whole=False)
    return out
