"""Under PL the gap falls by 1 - 2 mu phi a step; (f(x_0) - inf f) / (T phi) bounds the least |grad f|^2.

"step": over states, the promised fall 2 mu phi (f - f*) over the true one; by induction this is the rate at
every T. "gradients": T phi min |g_t|^2 over f(x_0) - inf f, at its largest over T up to 256. The bound is
1. The functions are sum w_j^2 + 3 sin^2 w_j, PL and not convex, and the quadratic of curvature L = mu, on
which gamma L >= 1 attains the rate.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import certificate
from theory.bounds import own
from theory.descent import descend, still, whole_batch
from theory.problems.polyak import sine
from theory.problems.quadratic import quadratic
from theory.update import norm, step

STATES, STEPS = 4000, 256


class Case(NamedTuple):
    f: Any
    mu: float
    top: float
    gamma: float
    rho: float
    kind: str
    scale: float = 1.0  # of phi

    @property
    def phi(self):
        return self.scale * own.descent_constant(self.top, self.gamma, self.rho)


def cases():
    one = quadratic(np.ones((1, 1, 1)), np.zeros((1, 1)), np.zeros(1))
    wavy = sine(2)
    out = {}
    for kind in ("step", "gradients"):
        for name, f, rules in (
            ("sines", wavy, ((0.125, 0.125), (0.5, 0.0), (0.5, 0.25), (1.0, 0.5), (1.2, 0.1))),
            ("quadratic", one, ((0.5, 0.5), (1.0, 0.25), (1.2, 0.1))),
        ):
            for stretch, reach in rules:
                at = f.pl, f.smoothness, stretch / f.smoothness, reach / f.smoothness
                out[f"{kind}, {name}, gamma L = {stretch:g}, rho L = {reach:g}"] = Case(f, *at, kind)
    return out


def hypotheses(case):
    return {"phi > 0": own.descent_constant(case.top, case.gamma, case.rho) > 0}


@jax.jit
def falls(f, states, gamma, rho, promised):
    """Promised over true fall, and its rounding, at the worst state."""

    def one(w):
        before, after = f.loss(w), f.loss(step(jax.value_and_grad(f.loss), w, gamma, rho, 0.0))
        return certificate.promised_over_true(before, after, promised)

    return certificate.worst(jax.vmap(one)(states))


@jax.jit
def least(f, start, gamma, rho):
    """min over t < T of |g_t|^2, T = 1 .. STEPS."""
    rule = jax.value_and_grad(f.loss)
    sizes = descend(
        whole_batch(rule), start, gamma, rho, 0.0, (still(STEPS - 1),), lambda w: norm(rule(w)[1])
    )[0]
    return jax.lax.cummin(sizes**2)


def measured(case):
    d = len(case.f.minimiser)
    if case.kind == "step":
        states = certificate.rings(jax.random.key(2), STATES, d, 1e-3, 10.0)
        return float(falls(case.f, states, case.gamma, case.rho, 2 * case.mu * case.phi)[0])
    start = jnp.full(d, 2.2)
    found = np.asarray(least(case.f, start, case.gamma, case.rho))
    limits = [own.least_slope(1.0, case.top, case.gamma, case.rho, t) for t in range(1, STEPS + 1)]
    return float(np.max(found / np.array(limits)) * case.scale / case.f.loss(start))


def bound(case):
    return 1.0


def controls(case):
    return {"a larger phi": lambda factor: case._replace(scale=factor)}
