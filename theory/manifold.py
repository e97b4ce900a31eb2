"""Minimisers that form a manifold: the limit of gradient flow onto it, and slow flows along it.

The loss f is a function of a vector w; where it is least its Hessian has `rank` positive eigenvalues
(across the manifold: the normal space) and is zero along it (the tangent space, with the projector P).

    Phi(w)   the limit of gradient flow from w. dPhi(w) grad f(w) = 0; on the manifold dPhi = P.
    SAM      moves Phi, in the time gamma rho^2 t, along X' = -speed(lambda_1) P grad lambda_1 / 2; the
             speed is 1 in the limit gamma -> 0 and else stands in theory/bounds/wml23_flow.py.

P grad lambda_1 = P T[v, v] with the third derivative T and a unit vector v of the largest eigenvalue
lambda_1, so that no eigenvector is differentiated. All is dense, for some dozens of weights, and may be
compiled, mapped over w and differentiated forwards. Every flow goes by one explicit method of order 12.

Place: wml23, section 3; X is its equation (7).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array
from theory.bounds import ol25
from theory.update import norm, step

COUNTS = 2 * np.arange(1, 7)  # of midpoint steps in a step; their errors are series in 1 / count^2
SHARES = np.array([np.prod([a**2 / (a**2 - b**2) for b in COUNTS if b != a]) for a in COUNTS.astype(float)])
LENGTH = 0.7  # of a step of gradient flow, over 1 / |Hessian|
ARRIVED = 1e-14  # over 1 + |w|: a step of gradient flow shorter than this ends it
MOST = 20_000  # steps of gradient flow


class Frame(NamedTuple):
    """The eigenvalues of the Hessian, ascending, and their unit vectors."""

    eigs: Array  # (d,)
    vectors: Array  # (d, d)

    @property
    def top(self):
        return self.eigs[-1]

    @property
    def vector(self):
        return self.vectors[:, -1]

    def tangent(self, x, rank):
        """P x."""
        normal = self.vectors[:, -rank:]
        return x - normal @ (normal.T @ x)


def frame(loss, w):
    return Frame(*jnp.linalg.eigh(jax.hessian(loss)(w)))


def third(loss, w, v):
    """T[v, v]: the second derivative of grad f along v."""
    slope = jax.grad(loss)
    return jax.jvp(lambda x: jax.jvp(slope, (x,), (v,))[1], (w,), (v,))[1]


def sharpness_slope(loss, rank, w):
    """(P grad lambda_1, lambda_1) at a minimiser."""
    here = frame(loss, w)
    return here.tangent(third(loss, w, here.vector), rank), here.top


# Flows


def advance(field, x, length):
    """x after the time `length` along x' = field(x): midpoint steps, extrapolated to order 12.

    With z_1 = z_0 + h field(z_0) and z_(k+1) = z_(k-1) + 2 h field(z_k) the mean (z_(n-1) + 2 z_n +
    z_(n+1)) / 4 is Gragg's smoothed end of n steps.
    """

    def midpoint(count):
        h = length / count

        def move(k, now):
            _, before, here = now
            return before, here, before + jnp.where(k == 0, 1, 2) * h * field(here)

        a, b, c = jax.lax.fori_loop(0, count + 1, move, (x, x, x))
        return (a + 2 * b + c) / 4 - x

    return x + jnp.tensordot(jnp.asarray(SHARES), jax.lax.map(midpoint, jnp.asarray(COUNTS)), 1)


def along(field, x, time, steps):
    """x after `time` along x' = field(x), in `steps` equal steps."""
    return jax.lax.fori_loop(0, steps, lambda _, x: advance(field, x, time / steps), x)


def arrive(loss, field, z):
    """Where the flow z' = field(z) ends, NaN where it does not; z, or its first row, moves along -grad f."""

    def going(now):
        _, far, steps = now
        return far & (steps < MOST)

    def move(now):
        z, _, steps = now
        size = norm(jax.hessian(loss)(z if z.ndim == 1 else z[0]))
        after = advance(field, z, LENGTH / size)
        return after, norm(after - z) > ARRIVED * (1 + norm(z)), steps + 1

    z, far, _ = jax.lax.while_loop(going, move, (z, True, 0))
    return jnp.where(far, jnp.nan, z)


def limit(loss, w):
    """Phi(w)."""
    return arrive(loss, lambda w: -jax.grad(loss)(w), w)


def expansion(loss, w, u):
    """(Phi, dPhi u, d^2Phi[u, u]) at w, (3, d): the limit of w + s u and its derivatives in s, by a flow.

    No map is differentiated that stops where it is near enough.
    """

    def field(z):
        def pull(s):
            return -jax.grad(loss)(z[0] + s * z[1] + s**2 / 2 * z[2])

        def rate(s):
            return jax.jvp(pull, (s,), (1.0,))

        (here, first), (_, second) = jax.jvp(rate, (0.0,), (1.0,))
        return jnp.stack([here, first, second])

    return arrive(loss, field, jnp.stack([w, u, jnp.zeros_like(w)]))


def slow(loss, rank, w, time, steps, speed):
    """The minimiser after `time` along X' = -speed(lambda_1) P grad lambda_1 / 2, from the minimiser w."""

    def field(x):
        slope, top = sharpness_slope(loss, rank, x)
        return -0.5 * speed(top) * slope

    return along(field, w, time, steps)


# The rule


def on_cycle(w, top, vector, gamma, rho, lam):
    """A point of the 2-cycle about the minimiser w, of f to second order: lambda_1 = top, v_1 = vector."""
    return w + ol25.cycle_radius(top, gamma, rho, lam) * vector


def run(loss, w, gamma, rho, lam, steps):
    """w after `steps` steps of the rule with the full batch; the number may be traced."""
    rule = jax.value_and_grad(loss)
    return jax.lax.fori_loop(0, steps, lambda _, w: step(rule, w, gamma, rho, lam), w)


def steps_for(time, gamma, rho):
    """The even number of steps nearest to time / (gamma rho^2): the two ends of the cycle are not mixed."""
    return 2 * np.round(np.asarray(time) / (np.asarray(gamma) * np.asarray(rho) ** 2) / 2).astype(int)
