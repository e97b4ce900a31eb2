"""SAM with full batches on a quadratic: the cycle on which it ends, in closed form.

f(w) = w' H w / 2 with eigenvalues top = l_1 > l_2 >= ... >= l_d > 0 and unit eigenvectors v_k; h = gamma l_1
and u(w) = H w / |H w|. The rule is w+ = w - gamma H (w + rho ((1 - lam) H w + lam u)); SAM is lam = 1, and
the mixed rule comes at no cost. `cycle_radius` and `cycle_factor` stand in theory/bounds/ol25.py.

Descent.  Turn every second sign, y_t = (-1)^t w_t, and put M = 2 I - gamma H - (1 - lam) gamma rho H^2 and

    J(y) = y' M y / 2 - lam gamma rho |H y|.          Then  y+ = y - grad J(y)  exactly,

    J(y+) = J(y) - s' (2 I - M) s / 2 - lam gamma rho (|H y+| - <u(y), H y+>),      s = grad J(y),

where the last bracket is not negative (Cauchy and Schwarz) and zero where H y+ has the direction of H y: J
falls by at least s' (gamma H + (1 - lam) gamma rho H^2) s / 2, along an eigenvector by no more.

Ends.  If gamma l_1 (1 + rho (1 - lam) l_1) < 2, J grows at infinity, so s_t -> 0 and the limit points are
critical: the entry along v_i vanishes or 2 - gamma l_i - (1 - lam) gamma rho l_i^2 = lam gamma rho l_i^2 /
|H y|. Divided by l_i^2 the left side falls strictly in l_i: one eigenvalue is active, y = +- c_k v_k. (0 is
no limit point: a step from near it is long and ends where J < 0.) Simple eigenvalues make these points
isolated, and steps that vanish stay at one.

Which end.  Across the cycle of v_k an error along v_i is multiplied by `cycle_factor`, with s = l_i / l_k

    1 - cycle_factor = s (a + (2 - a) s),     1 + cycle_factor = (1 - s) (2 + (2 - a) s),     a = gamma l_k:

for s < 1 inside (-1, 1), for s > 1 below -1. So v_1's cycle attracts and the others are saddles, which catch
a null set of starts (centre-stable manifolds of a map that is analytic where H w is not 0). That set is more
than the hyperplane w_1 = 0: for h < 1 a step takes all of |H w| = gamma rho l_1^2 / (1 - h) there (lam = 1).

Place: wml23, Theorem 4.8 (seen: gamma l_1 < 1, lam = 1); the rest is ours. nu is `lam`, eta `gamma`.
"""

import jax
import jax.numpy as jnp
import numpy as np

from theory.bounds.ol25 import cycle_factor, cycle_radius
from theory.update import norm

# The cycle along an eigenvector of eigenvalue `eig`


def cycle_gradient(eig, gamma, rho, lam):
    """|g| = eig c, for SAM gamma rho eig^2 / (2 - gamma eig)."""
    return eig * cycle_radius(eig, gamma, rho, lam)


def cycle_loss(eig, gamma, rho, lam):
    """f = eig c^2 / 2, for SAM gamma^2 rho^2 eig^3 / (2 (2 - gamma eig)^2)."""
    return eig * cycle_radius(eig, gamma, rho, lam) ** 2 / 2


def cycle_ahead(eig, gamma, rho, lam):
    """|w + rho d(g)| = 2 c / (gamma eig), for SAM 2 rho / (2 - gamma eig): w+ = -w gives it."""
    return 2 * cycle_radius(eig, gamma, rho, lam) / (gamma * eig)


def cycle_loss_ahead(eig, gamma, rho, lam):
    """f(w + rho d(g)), for SAM 2 eig rho^2 / (2 - gamma eig)^2."""
    return eig * cycle_ahead(eig, gamma, rho, lam) ** 2 / 2


def cycle_worst_rise(top, gamma, rho, lam):
    """R^Max = max over |v| <= rho of f(w + v) - f(w), on v_1's cycle: top ((c + rho)^2 - c^2) / 2.

    f(w + v) <= top |w + v|^2 / 2 <= top (c + rho)^2 / 2, attained by v = rho w / c. For SAM it is
    (rho^2 top / 2) (2 + h) / (2 - h), off from rho^2 top / 2 by 2 h / (2 - h) of it: of order gamma.
    """
    return top * rho * (2 * cycle_radius(top, gamma, rho, lam) + rho) / 2


def radial_factor(eig, gamma, rho, lam):
    """What |w| - c is multiplied by in a step along v_k, exactly; for SAM gamma eig - 1."""
    return gamma * eig * (1 + rho * (1 - lam) * eig) - 1


def alignment_rate(eigs, gamma):
    """q = max over i >= 2 of |1 - h s_i - (2 - h) s_i^2|, s_i = l_i / l_1.

    Near the cycle a step shrinks the tangent of the angle to v_1 by q. `eigs` ascend. Small eigenvalues are
    slow, 1 - h s to first order, and so are those near the top, -1 + (4 - h) (1 - s).
    """
    gamma = jnp.asarray(gamma) if isinstance(eigs, jax.Array) else np.asarray(gamma)
    return abs(cycle_factor(eigs[..., -1:], eigs[..., :-1], gamma[..., None])).max(axis=-1, initial=0.0)


def steps_to_cycle(eigs, gamma):
    """A number of steps that serves in double precision from a start of order c: 60 / h + 400 to come near,
    then 40 / log(1 / q), q^T = 4e-18, with the slower of `alignment_rate` and the radial |1 - h|."""
    reach = gamma * eigs[-1]
    rate = max(alignment_rate(eigs, gamma), abs(1 - reach), 0.5)
    return int(np.ceil(-40 / np.log(rate)) + np.ceil(60 / reach) + 400)


# The potential


def potential(hessian, y, gamma, rho, lam):
    """J(y) = y' M y / 2 - lam gamma rho |H y|."""
    g = hessian @ y
    return y @ y - gamma * (y @ g + (1 - lam) * rho * g @ g) / 2 - lam * gamma * rho * norm(g)


def potential_fall(hessian, slope, gamma, rho, lam):
    """s' (gamma H + (1 - lam) gamma rho H^2) s / 2 with s = grad J(y): J falls by at least this in a step."""
    g = hessian @ slope
    return gamma * (slope @ g + (1 - lam) * rho * g @ g) / 2


def potential_on_cycle(eig, gamma, rho, lam):
    """J_k = J(c_k v_k), for SAM -(gamma rho eig)^2 / (2 (2 - gamma eig)).

    It falls in eig, and J_2 is the least J on y_1 = 0. So once J(y) < J_2 the run is bound to v_1: it ends
    at a critical point, and below J_2 there are only +- c_1 v_1. Nor does y_1 turn its sign: for SAM it does
    only where (1 - h) |H y| > gamma rho l_1^2, and J < 0 forces |H y| < 2 gamma rho l_1^2 / (2 - h), because
    y' M y >= (2 - h) |H y|^2 / l_1^2. For h >= 1 it never does.
    """
    stiff = 2 - gamma * eig * (1 + rho * (1 - lam) * eig)
    return -((lam * gamma * rho * eig) ** 2) / (2 * stiff)


def least_step(start, eigs, gamma, rho, steps):
    """2 (J(y_0) - J_1) / (gamma l_d T) >= min over t < T of |grad J(y_t)|^2, for SAM.

    `eigs` ascend, `start` is J(y_0). J falls by gamma l_d |grad J|^2 / 2 at least and is never below J_1.
    Attained by d = 1, h = 1, T = 1.
    """
    return 2 * (start - potential_on_cycle(eigs[-1], gamma, rho, 1.0)) / (gamma * eigs[0] * steps)


# Sets


def invariant_radius(eig, gamma, rho):
    """R = gamma rho eig^2: {|P g| <= R} is invariant if gamma eig <= 1, P onto the eigenvalues <= eig; SAM.

    With r = |g| the entry g_i becomes (1 - gamma l_i - gamma rho l_i^2 / r) g_i. If gamma l_i <= 1 its size
    is at most the larger of |g_i| and gamma rho l_i^2 |g_i| / r <= R |g_i| / r, and r >= |P g|. Beyond it is
    not: along v_j alone r = R goes to gamma eig R, and that is the worst.
    """
    return gamma * rho * eig**2


def wide_invariant_radius(eig, gamma, rho):
    """R' = R max(1, 1 / (2 - gamma eig)), R as above: {|P g| <= R'} is invariant for all gamma eig < 2; ours.

    For gamma eig > 1 an entry is at most the larger of |g_i|, R |g_i| / r and (gamma eig - 1) |g_i| +
    R |g_i| / r, so |P g+| <= max(R', R, (gamma eig - 1) R' + R) = R'. It is |g| on the cycle.
    """
    return invariant_radius(eig, gamma, rho) * jnp.maximum(1, 1 / (2 - gamma * eig))


def annihilating_gradient(eig, gamma, rho):
    """|g| = gamma rho eig^2 / (1 - gamma eig) at which a step of SAM takes the entry along v_k to zero.

    It rises with eig, so only +- that multiple of v_k, over eig, goes to the minimum; none if gamma eig >= 1.
    """
    return gamma * rho * eig**2 / (1 - gamma * eig)


# Other rules and steps


def offset_gradient(eig, gamma, rho, epsilon):
    """|g| on the cycle of SAM with g / (|g| + epsilon): max(gamma rho eig^2 / (2 - gamma eig) - epsilon, 0).

    |g| + epsilon stands where |g| stood in w+ = -w; past its value 0 attracts, from everywhere.
    """
    return np.maximum(cycle_gradient(eig, gamma, rho, 1.0) - epsilon, 0)


def critical_offset_gradient(eig, gamma, rho, t):
    """2 R / ((2 - h) t) >= |g_t| along v_k where epsilon = R, from |g_0| <= R; h = gamma eig.

    |g+| = |g| (1 - (2 - h) |g| / (R + |g|)), so 1 / |g| grows by (2 - h) / (R + |g|) a step at least.
    """
    return 2 * cycle_gradient(eig, gamma, rho, 1.0) / ((2 - gamma * eig) * t)


def unstable_distance(eig, gamma, rho, start, t):
    """|w_t| from start * v_k for gamma eig >= 2, SAM: |w+| = (h - 1) |w| + h rho, h = gamma eig.

    So |w_t| + h rho / (h - 2) is multiplied by h - 1; at h = 2 a step adds 2 rho.
    """
    growth, excess = gamma * eig - 1, gamma * eig - 2
    # ((1 + excess)^t - 1) / excess, t where excess = 0
    powers = np.where(excess == 0, t, np.expm1(t * np.log1p(excess)) / np.where(excess == 0, 1, excess))
    return growth**t * start + gamma * eig * rho * powers


def joint_alignment(angle, condition):
    """The largest cosine that the worse of two gradients H_k w can have to its own v_1(H_k), at any w.

    `angle` is between the two v_1, `condition` the larger l_1 / l_d. If H w is off v_1 by e, then w is off it
    by at most atan(condition tan e), since the inverse stretches what is across by at most condition times
    what is along; the two sum to at least `angle`. Attained in the plane by mirror images.
    """
    return np.cos(np.arctan(np.tan(angle / 2) / condition))
