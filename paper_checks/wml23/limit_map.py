"""Phi(w + s u) = Phi + s dPhi u + s^2 d^2Phi[u, u] / 2 + O(s^3): its second derivative is Lipschitz.

On a product of two weights and on a tanh net, at points off the manifold and along random
directions. Value and derivatives come from one flow (theory/manifold.py), the remainder from Phi at w + s
u. `measured` is how far its order, that of the finest pair of s, is from 3. A product of two weights with
target 0 has crossing fits, and Phi jumps between them.
"""

from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np

from paper_checks.wml23 import finite_step_flow as flow
from theory import manifold
from theory.problems import factorisation

NAMES = ("pair", "net")
LENGTHS = (0.08, 0.04, 0.02, 0.01)
DISTANCE = 0.3  # of the points from the model's minimiser
MARGIN = 0.2

gradient = flow.compiled(lambda f, w: jax.grad(f.loss)(w))
expansion = flow.compiled(lambda f, w, u: manifold.expansion(f.loss, w, u))


class Case(NamedTuple):
    name: str
    terms: int  # of the expansion: 3, but for a control
    first: float  # what dPhi u is multiplied by: 1, but for a control


class State(NamedTuple):
    f: Any
    w: np.ndarray
    u: np.ndarray


@cache
def states():
    """A point off the manifold and a direction, of length 1, for each model; and one where fits cross."""
    out = {"crossing": State(factorisation.Chain(0.0), np.array([1.0, 0.995]), np.array([-0.6, 0.8]))}
    for seed, name in enumerate(NAMES):
        f, w, *_ = flow.models()[name]
        away, u = (x / np.linalg.norm(x) for x in np.random.default_rng(seed).standard_normal((2, len(w))))
        out[name] = State(f, w + DISTANCE * away, u)
    return out


@cache
def expanded(name):
    return expansion(*states()[name])


@cache
def moved(name, length):
    """Phi(w + length u)."""
    f, w, u = states()[name]
    return flow.limit(f, w + length * u)


def cases():
    return {name: Case(name, 3, 1.0) for name in NAMES}


def hypotheses(case):
    f, w, _ = states()[case.name]
    there = expanded(case.name)[0]
    return {
        "a minimiser at the limit": np.linalg.norm(gradient(f, there)) < 1e-12,
        "a point off the manifold": np.linalg.norm(w - there) > DISTANCE / 10,
    }


def measured(case):
    value, first, second = expanded(case.name)
    terms = np.stack([value, case.first * first, second / 2])[: case.terms]
    gaps = [np.linalg.norm(moved(case.name, s) - s ** np.arange(case.terms) @ terms) for s in LENGTHS]
    return abs(flow.order(gaps) - 3)


def bound(case):
    return MARGIN


def controls(case):
    return {
        "without the second derivative": case._replace(terms=2),
        "another first derivative": lambda factor: case._replace(first=factor),
        "fits that cross": case._replace(name="crossing"),
    }
