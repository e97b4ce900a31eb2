"""SAM on a quadratic, every second sign turned, is gradient descent of unit step on a potential that falls.

    y_t = (-1)^t w_t,   y+ = y - grad J(y),   J(y+) <= J(y) - s' (gamma H + (1 - lam) gamma rho H^2) s / 2

with s = grad J(y); lam = 1 is SAM (theory/bounds/wml23.py). "proof": both, as identities of rational
functions of the entries of y, the eigenvalues, gamma, rho, lam and r = |H y|, in three dimensions and in the
eigenbasis; every term is a sum over entries, so that three stand for any number. What is left of J(y+) is
-lam gamma rho (|H y+| - <H y, H y+> / r), never positive by Cauchy and Schwarz. `measured` counts the terms
that do not cancel. "rule": the rule as coded against y - grad J by automatic differentiation, relative.
"fall": the promised over the true fall of J, from states near and far; along an eigenvector it is 1.
"""

import math
from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np
import sympy

from paper_checks.wml23.quadratic_cycle import EPS, ROUNDINGS, SPREAD, bowl, turned
from theory.bounds import wml23
from theory.update import norm, step

D = 3
STATES = 64
LAMS = (1.0, 0.4)
RHO = 0.3


class Case(NamedTuple):
    reads: str  # "step" or "fall", proved; "rule" or "promise", run
    states: tuple[Any, ...] | None  # h, y, gamma, each (STATES, ...); None in a proof
    lam: float  # 1, or the mixing
    other: float  # the same in the potential, but for a control
    share: float  # of the fall that is promised: 1, but for a control
    turned: bool  # whether every second sign is: True, but for a control


def cases():
    out = {f"proof, the {reads}": Case(reads, None, 0.0, 0.0, 1.0, True) for reads in ("step", "fall")}
    for lam in LAMS:
        name = "SAM" if lam == 1 else f"lam={lam:g}"
        out[f"rule, {name}"] = Case("rule", random_states(), lam, lam, 1.0, True)
        out[f"fall, {name}"] = Case("promise", random_states(), lam, lam, 1.0, True)
        out[f"fall on an eigenvector, {name}"] = Case("promise", straight_states(), lam, lam, 1.0, True)
    return out


@cache
def random_states():
    """Near and far states on rotated quadratics with l_1 = 1; gamma l_1 (1 + rho l_1) up to 1.99."""
    rng = np.random.default_rng(2)
    eigs = np.concatenate([rng.uniform(*SPREAD, (STATES, 3)), np.ones((STATES, 1))], axis=1)
    gamma = np.linspace(0.05, 1.99, STATES) / (1 + RHO)
    y = (
        rng.standard_normal((STATES, 4))
        * RHO
        * np.geomspace(1e-3, 1e3, STATES)[rng.permutation(STATES), None]
    )
    return turned(rng, eigs)[0], y, gamma


@cache
def straight_states():
    """On every eigenvector in turn, where y is smaller than it becomes: no step turns."""
    h, _, gamma = random_states()
    eigs, vectors = np.linalg.eigh(h)
    which = np.arange(STATES), np.arange(STATES) % 4
    y = vectors[which[0], :, which[1]] * (gamma * RHO * eigs[which] / 20)[:, None]
    return h, y, gamma


def hypotheses(case):
    if case.states is None:
        return {"r^2 is the sum of the squares of H y": True}
    return {"gamma l_1 (1 + rho l_1) < 2": np.all(case.states[2] * (1 + RHO) < 2)}


# Run


@jax.jit
def sides(h, y, gamma, lam, other):
    """Of every state: y+ by the rule, y - grad J, what J was to fall and fell, the size of its terms."""

    def one(h, y, gamma):
        after = -step(jax.value_and_grad(bowl(h).loss), y, gamma, RHO, lam)
        value, slope = jax.value_and_grad(lambda y: wml23.potential(h, y, gamma, RHO, other))(y)
        ahead = wml23.potential(h, after, gamma, RHO, other)
        promised = wml23.potential_fall(h, slope, gamma, RHO, other)
        size = y @ y + after @ after + gamma * RHO * (norm(h @ y) + norm(h @ after))
        return after, y - slope, promised, value - ahead, size

    return jax.vmap(one)(h, y, gamma)


def measured(case):
    if case.states is None:
        return float(len(left(case)))
    after, right, promised, fell, size = map(np.asarray, sides(*case.states, case.lam, case.other))
    if case.reads == "rule":
        after = after if case.turned else -after
        scale = np.linalg.norm(case.states[1], axis=1) + RHO * case.states[2]
        return np.max(np.linalg.norm(after - right, axis=1) / scale)
    doubt = ROUNDINGS * EPS * size
    return np.max(case.share * promised / (np.maximum(fell, 0) + doubt))


def bound(case):
    return 1.0 if case.reads == "promise" else 0.0


def tolerance(case):
    return 0.5 if case.states is None else ROUNDINGS * EPS


# Proved


@cache
def field():
    """Eigenvalues, entries of y, gamma, rho, lam, |H y+| and r, as generators of a field."""
    names = [f"{x}{i}" for x in ("l", "y") for i in range(D)] + ["gamma", "rho", "lam", "far", "r"]
    _, *found = sympy.field(names, sympy.QQ, order="lex")
    return found[:D], found[D : 2 * D], *found[2 * D :]


def dot(*vectors):
    return sum(math.prod(entries) for entries in zip(*vectors, strict=True))


def left(case):
    """The terms of the difference of both sides, after r^2 = sum of (l_i y_i)^2."""
    eigs, y, gamma, rho, lam, far, r = field()
    push = [gamma * eig + (1 - lam) * gamma * rho * eig**2 for eig in eigs]  # 2 I - M
    unit = [eig * each / r for eig, each in zip(eigs, y, strict=True)]

    def smooth(y):
        """y' M y / 2."""
        return dot([2 - each for each in push], y, y) / 2

    # r' = H u
    grads = zip([smooth(y).diff(each) for each in y], eigs, unit, strict=True)
    slope = [first - lam * gamma * rho * eig * u for first, eig, u in grads]
    after = [each - s for each, s in zip(y, slope, strict=True)]
    if case.reads == "step":
        sign = -1 if case.turned else 1
        rests = [
            sign * (each - p * each - lam * gamma * rho * eig * u) - a
            for each, p, eig, u, a in zip(y, push, eigs, unit, after, strict=True)
        ]
    else:
        rise = smooth(after) - smooth(y) - lam * gamma * rho * (far - r)
        share = sympy.QQ(*case.share.as_integer_ratio())
        bracket = far - dot(eigs, unit, after)
        rests = [rise + share * dot(push, slope, slope) / 2 + lam * gamma * rho * bracket]
    circle = r.numer**2 - sum(((eig * each) ** 2).numer for eig, each in zip(eigs, y, strict=True))
    return [term for rest in rests for term in rest.numer.rem([circle]).terms()]


def controls(case):
    if case.reads == "step":
        return {"the signs left as they are": case._replace(turned=False)}
    if case.states is None:
        return {"a larger fall": lambda factor: case._replace(share=factor)}
    if case.reads == "rule":
        return {
            "the signs left as they are": case._replace(turned=False),
            "the potential of another rule": case._replace(other=0.9 * case.other),
        }
    return {"a larger fall": lambda factor: case._replace(share=factor)}
