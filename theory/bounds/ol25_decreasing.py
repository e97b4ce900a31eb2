"""Unified SAM under PL with steps that change: decreasing ones (ol25, Theorem 3.5), and schedules of lam.

The one-step inequality of theory/bounds/ol25.py holds at every (gamma_t, rho_t) and for every lam_t that the
past determines, wherever its condition does, and the condition is monotone in gamma, rho and 1 - lam. With
delta_t = E f(w_t) - f*,

    delta_{t+1} <= (1 - gamma_t mu) delta_t + gamma_t mu N(gamma_t, rho_t, lam_t)              (`unrolled`).

Decreasing steps. From (gamma*, rho*) that satisfy the condition of a form, for t = 0, 1, ...

    gamma_t = min(gamma*, (2t + 1) / ((t + 1)^2 mu)),
    rho_t   = min(rho*, 1 / (2t + 1))           (form A),        rho* sqrt(gamma_t / gamma*)         (form B).

Let t* be the first t with (2t + 1) / ((t + 1)^2 mu) <= gamma*, about 2 / (gamma* mu). Then

    T <= t*:  delta_T <= (1 - gamma* mu)^T delta_0 + N*  =: D(T)        (the claim's own `gap`),
    T >  t*:  delta_T <= [t*^2 D(t*) + (T - t*) level + curved sum_{t*<=t<T} (t + 1)^-2] / T^2   (`late`),

    form A:  level = ell (alpha C + beta) / (2 mu) + 4 L C / mu^2,  curved = L ell^2 (alpha C + beta) / mu^2,
    form B:  level = 4 [L C + (k + L rho*^2) ell^2 (alpha C + beta)] / mu^2,  curved = 0,

k = rho*^2 / gamma*.

Proof. In form A gamma_t mu N is a gamma rho + L C gamma^2 + c gamma^2 rho^2 with a = ell (alpha C + beta) / 2
and c = L ell^2 (alpha C + beta), in form B a' gamma rho^2 + L C gamma^2 + L a' gamma^2 rho^2 with
a' = ell^2 (alpha C + beta); it is at most gamma_t mu N*, which gives D. From t* on 1 - gamma_t mu =
t^2 / (t + 1)^2 and gamma_t <= 2 / ((t + 1) mu); in form A gamma_t rho_t <= 1 / ((t + 1)^2 mu), whether or not
the radius has left rho*, so the step alone decides t*; in form B rho_t^2 = k gamma_t. Multiply by (t + 1)^2
and telescope; the sum may start at any time from t* on where a bound is known.

In form A 1 / (2t + 1) is a length: the statement depends on the unit of w.

Place: ol25, Theorem 3.5 (schedule seen in the public code, O(1/t) seen in a summary; constants rebuilt); form
B is ours, its radius has the shape of af22's schedule under PL.
"""

import jax
import jax.numpy as jnp
from jax.scipy.special import zeta

from theory.bounds.ol25 import Claim


def decay(claim, t):
    """(2t + 1) / ((t + 1)^2 mu), the step that makes 1 - gamma mu = t^2 / (t + 1)^2."""
    return (2 * t + 1) / ((t + 1) ** 2 * claim.k.pl)


def steps(claim: Claim, t):
    """(gamma_t, rho_t) from the constant steps of the claim."""
    gamma = jnp.minimum(claim.gamma, decay(claim, t))
    slow = claim.rho * jnp.sqrt(gamma / claim.gamma)
    return gamma, jnp.where(claim.sharp > 0, slow, jnp.minimum(claim.rho, 1 / (2 * t + 1)))


def switch(claim: Claim):
    """t*: with s = t + 1, 2s - 1 <= gamma* mu s^2 from the larger root on; one later if rounding hides it."""
    t = jnp.maximum(jnp.ceil((1 + jnp.sqrt(jnp.maximum(1 - claim.rate, 0))) / claim.rate) - 1, 0)
    return jnp.where(decay(claim, t) <= claim.gamma, t, t + 1)


def late(claim: Claim, known, since, times):
    """The bound at `times` > `since` >= t* from the bound `known` at `since`."""
    k, weights = claim.k, claim.weights
    spread = weights.slope * k.c + weights.constant
    of_a = k.lipschitz * spread / (2 * k.pl) + 4 * k.smoothness * k.c / k.pl**2
    radii = claim.rho**2 / claim.gamma + k.smoothness * claim.rho**2
    of_b = 4 / k.pl**2 * (k.smoothness * k.c + radii * k.lipschitz**2 * spread)
    level = jnp.where(claim.sharp > 0, of_b, of_a)
    curved = jnp.where(claim.sharp > 0, 0, k.smoothness * k.lipschitz**2 * spread / k.pl**2)
    squares = zeta(2.0, since + 1.0) - zeta(2.0, times + 1.0)
    return (since**2 * known + (times - since) * level + curved * squares) / jnp.maximum(times, 1) ** 2


def gap(claim: Claim, start, times):
    """The bound on E f(w_T) - f* at any whole times, from f(w_0) - f* = `start`."""
    times, at = jnp.asarray(times, float), switch(claim)
    return jnp.where(times > at, late(claim, claim.gap(start, at), at, times), claim.gap(start, times))


def unrolled(start, rates, noises):
    """delta_t for t = 0 .. T of delta_{t+1} = (1 - rate_t) delta_t + rate_t noise_t.

    What the one-step inequalities of T steps say together; noises E N(lam_t) where lam_t is random.
    """

    def move(bound, now):
        rate, noise = now
        bound = bound + rate * (noise - bound)
        return bound, bound

    curve = jax.lax.scan(move, jnp.asarray(start, float), (rates, noises))[1]
    return jnp.concatenate([jnp.asarray(start, float)[None], curve])
