"""Unified SAM under PL with constant steps (ol25, Theorem 3.2) and our sharper form B.

Let f be L-smooth and PL(mu), every f_v ell-smooth, and let the expected residual hold with A, B, C.
Put K = (A + B mu) / mu and let ((1 - lam) a + lam)^2 <= alpha a^2 + beta for all a >= 0. If gamma mu <= 1 and

    (form A)  ell rho + [ell rho alpha + 2 L gamma (1 + ell^2 rho^2 alpha)] K <= 1           then
              N = {C [ell rho alpha / 2 + L gamma (1 + ell^2 rho^2 alpha)]
                   + beta [ell rho / 2 + L gamma ell^2 rho^2]} / mu

    (form B)  [ell^2 rho^2 alpha + L gamma (1 + ell^2 rho^2 alpha)] K <= 1/4                 then
              N = {C [ell^2 rho^2 alpha + L gamma (1 + ell^2 rho^2 alpha)]
                   + beta ell^2 rho^2 (1 + L gamma)} / mu

serve in E f(w+) - f* <= (1 - gamma mu) (f(w) - f*) + gamma mu N, at every w.

Proof. g = grad f_v(w), h = grad f_v(w + rho d(g)), r = (1 - lam) |g| + lam: |h - g| <= ell rho r and
r^2 <= alpha |g|^2 + beta. The descent lemma gives E f(w+) <= f - gamma <grad f, E h> + L gamma^2 E|h|^2 / 2
with E|h|^2 <= 2 E|g|^2 + 2 ell^2 rho^2 E r^2 and
    form A:  gamma |grad f| ell rho E r <= gamma ell rho (|grad f|^2 + E r^2) / 2,
    form B:  gamma |grad f| ell rho E r <= gamma |grad f|^2 / 4 + gamma ell^2 rho^2 E r^2.
Expected residual and PL give E|g|^2 <= K |grad f|^2 + C; the condition leaves -gamma |grad f|^2 / 2 at least,
and PL turns it into -gamma mu (f - f*). What remains is gamma mu N.

The public code takes one constant for L and ell (L_max, or L for the full batch) and the weights
alpha = 2 (1 - lam)^2, beta = 2 lam^2; its two pairs of steps are `old_steps` and `new_steps`. In the paper's
letters alpha is `slope_weight`, beta `constant_weight`, ell `lipschitz`.

Place: ol25, Theorem 3.2 (step sizes seen in the public code, the neighbourhood rebuilt from its proof).
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from theory.bounds import residual


class Constants(NamedTuple):
    """What the theorem reads from a problem and a law."""

    pl: float
    smoothness: float  # L of f
    lipschitz: float  # of every grad f_v
    a: float
    b: float
    c: float

    @property
    def effort(self):
        """K = (A + B mu) / mu: E|grad f_v|^2 <= K |grad f|^2 + C."""
        return (self.a + self.b * self.pl) / self.pl


class Weights(NamedTuple):
    """((1 - lam) a + lam)^2 <= slope a^2 + constant for all a >= 0."""

    slope: float
    constant: float


def paper_weights(lam):
    """By (x + y)^2 <= 2 x^2 + 2 y^2."""
    return Weights(2 * (1 - lam) ** 2, 2 * lam**2)


def jensen_weights(lam):
    """By convexity; ours. The slope is smaller than the paper's where lam < 1/2."""
    return Weights(1 - lam, lam)


def paper_constants(f, law):
    """As the public code takes them: L_max for both L and ell, or L of f on the full batch."""
    each = f.smoothness_each
    one = float(f.smoothness if law.moment[0] == 1 and not np.any(law.moment[1]) else np.max(each))
    return Constants(float(f.pl), one, one, *residual.constants(law.moment, each, f.mismatch))


def sharp_constants(f, law):
    """L of f, and the essential supremum of Lip(grad f_v) that the proof needs."""
    each, whole = f.smoothness_each, float(f.smoothness)
    lipschitz = float(law.lipschitz(each, whole))
    return Constants(float(f.pl), whole, lipschitz, *residual.constants(law.moment, each, f.mismatch))


def condition_a(k, gamma, rho, weights):
    """Left side of form A's condition; it must be at most 1."""
    reach = k.lipschitz * rho
    return (
        reach + (reach * weights.slope + 2 * k.smoothness * gamma * (1 + reach**2 * weights.slope)) * k.effort
    )


def noise_a(k, gamma, rho, weights):
    """N of form A."""
    reach, descent = k.lipschitz * rho, k.smoothness * gamma
    of_c = reach * weights.slope / 2 + descent * (1 + reach**2 * weights.slope)
    return (k.c * of_c + weights.constant * (reach / 2 + descent * reach**2)) / k.pl


def condition_b(k, gamma, rho, weights):
    """Left side of form B's condition; it must be at most 1/4."""
    reach = k.lipschitz * rho
    return (reach**2 * weights.slope + k.smoothness * gamma * (1 + reach**2 * weights.slope)) * k.effort


def noise_b(k, gamma, rho, weights):
    """N of form B: of order gamma C + rho^2, where form A has gamma C + rho."""
    square, descent = (k.lipschitz * rho) ** 2, k.smoothness * gamma
    of_c = square * weights.slope + descent * (1 + square * weights.slope)
    return (k.c * of_c + weights.constant * square * (1 + descent)) / k.pl


def old_steps(k, lam, share=0.5):
    """(gamma, rho): rho a share of mu / (L (mu + 2 (B mu + A) (1 - lam)^2)), gamma at equality in form A.

    The public code's commented lines, with share = 1/2. `k` has one constant for L and ell.
    """
    whole = k.smoothness
    spread = k.pl + 2 * (k.b * k.pl + k.a) * (1 - lam) ** 2
    rho = share * k.pl / (whole * spread)
    below = 2 * whole * (k.b * k.pl + k.a) * (2 * whole**2 * rho**2 * (1 - lam) ** 2 + 1)
    return np.minimum((k.pl - whole * rho * spread) / below, 1 / k.pl), rho


def new_steps(k, lam):
    """(gamma, rho) = (min(2, mu / (8 (B mu + A))) / L, min(1, mu / (2 (B mu + A) (1 - lam)^2)) / (4 L)).

    The public code's active lines. They imply form A's condition with the paper's weights: half of each of
    its four terms is at most 1/8.
    """
    whole, load = k.smoothness, k.b * k.pl + k.a
    rho = k.pl / np.maximum(k.pl, 2 * load * (1 - lam) ** 2) / (4 * whole)  # min(1, pl / ...), lam = 1 too
    return np.minimum(np.minimum(2.0, k.pl / (8 * load)) / whole, 1 / k.pl), rho


def form_b_steps(k, weights, share=0.5):
    """(gamma, rho): rho a share of 1 / (2 ell sqrt(alpha K)), gamma at equality in form B.

    Where alpha = 0 any rho is admitted; a share of 1 / ell is taken.
    """
    reach = np.where(weights.slope > 0, 2 * np.sqrt(weights.slope * k.effort), 1.0)
    rho = share / (k.lipschitz * reach)
    square = (k.lipschitz * rho) ** 2 * weights.slope
    gamma = (0.25 - square * k.effort) / (k.smoothness * k.effort * (1 + square))
    return np.minimum(gamma, 1 / k.pl), rho


def form_a_steps(k, weights, share=0.5):
    """(gamma, rho): rho a share of 1 / (ell (1 + alpha K)), gamma at equality in form A.

    With one constant for L and ell and the paper's weights these are the old steps.
    """
    rho = share / (k.lipschitz * (1 + weights.slope * k.effort))
    square = (k.lipschitz * rho) ** 2 * weights.slope
    gamma = (1 - share) / (2 * k.smoothness * k.effort * (1 + square))
    return float(min(gamma, 1 / k.pl)), float(rho)


def epsilon_steps(k, lam, epsilon):
    """(gamma, rho) of `new_steps`, limited further so that N <= epsilon / 2.

    With these N <= (L / mu) [rho (C (1 - lam)^2 + 2 lam^2) + 9/8 C gamma], because 2 L^2 rho^2 (1 - lam)^2 <=
    1/8 and 2 L^2 gamma rho <= 1; rho <= mu epsilon / (4 L (C (1 - lam)^2 + 2 lam^2)) and
    gamma <= 2 mu epsilon / (9 L C) make each part at most epsilon / 4.
    """
    gamma, rho = new_steps(k, lam)
    share, of_rho = k.pl * epsilon / k.smoothness, k.c * (1 - lam) ** 2 + 2 * lam**2
    return (
        float(min(gamma, 2 * share / (9 * k.c)) if k.c > 0 else gamma),
        float(min(rho, share / (4 * of_rho)) if of_rho > 0 else rho),
    )


def epsilon_horizon(rate, start, epsilon):
    """After log(2 delta_0 / epsilon) / (gamma mu) steps (1 - gamma mu)^T delta_0 <= epsilon / 2, whole."""
    return max(np.ceil(np.log(2 * start / epsilon) / rate), 0.0)


def sgd_step(k):
    """rho = 0: the largest gamma with L gamma K <= 1 and gamma mu <= 1; form A asks for half of it.

    The known rate of SGD under PL and the expected residual, gamma <= min(mu / (2 A L), 1 / (2 B L)) in
    Khaled and Richtarik, Better theory for SGD in the nonconvex world (remembered), and in the same manner in
    Gower, Sebbouh and Loizou, SGD for structured nonconvex functions. Proof: the descent lemma and E|g|^2 <=
    K |grad f|^2 + C give E f(w+) <= f - gamma (1 - L gamma K / 2) |grad f|^2 + L gamma^2 C / 2, the bracket
    is at least 1/2, and PL turns it into (1 - gamma mu) (f - f*) + gamma mu N with N = `sgd_noise`. The
    look-ahead costs the factor 2 in |h|^2 <= 2 |g|^2 + 2 |h - g|^2: at rho = 0 form A asks for 2 L gamma K <=
    1 and has N = L gamma C / mu.
    """
    return float(min(1 / (k.smoothness * k.effort), 1 / k.pl))


def sgd_noise(k, gamma):
    """N = L gamma C / (2 mu), half of both forms at rho = 0."""
    return k.smoothness * gamma * k.c / (2 * k.pl)


class Claim(NamedTuple):
    """What a form of the theorem says of a problem, a law and lam; numbers, so that each can be falsified."""

    k: Constants
    weights: Weights
    sharp: float  # 1 for form B, 0 for form A
    gamma: float
    rho: float

    @property
    def rate(self):
        return self.gamma * self.k.pl

    @property
    def condition(self):
        """The condition of the form over its limit: at most 1."""
        steps = self.gamma, self.rho, self.weights
        return jnp.where(self.sharp > 0, 4 * condition_b(self.k, *steps), condition_a(self.k, *steps))

    @property
    def noise(self):
        """N."""
        steps = self.gamma, self.rho, self.weights
        return jnp.where(self.sharp > 0, noise_b(self.k, *steps), noise_a(self.k, *steps))

    def gap(self, start, t):
        """(1 - gamma mu)^t (f(w_0) - f*) + N, the bound on E f(w_t) - f*."""
        return (1 - self.rate) ** t * start + self.noise


def claim(f, law, form, lam):
    """The claim of "old" or "new" (form A, the paper's constants), of "A" (form A, L and ell) or "B" (ours).

    With its steps; "A" has the paper's weights, "A, Jensen" ours.
    """
    return claim_of(constants(f, law, form), form, lam)


def constants(f, law, form):
    """Those that a form reads; they cost linear algebra, the claims made from them nothing."""
    return paper_constants(f, law) if form in ("old", "new") else sharp_constants(f, law)


def claim_of(k, form, lam):
    """`claim` from its constants."""
    if form in ("A", "A, Jensen"):
        weights = paper_weights(lam) if form == "A" else jensen_weights(lam)
        return Claim(k, weights, 0.0, *form_a_steps(k, weights))
    if form == "B":
        weights = jensen_weights(lam)
        return Claim(k, weights, 1.0, *form_b_steps(k, weights))
    steps = {"old": old_steps, "new": new_steps}[form](k, lam)
    return Claim(k, paper_weights(lam), 0.0, *steps)


def deterministic_noise(pl, smoothness, gamma, rho, lam):
    """Full batch, A = C = 0 and B = 1: N = (L / mu) rho lam^2 (1 + 2 L^2 gamma rho)."""
    return smoothness / pl * rho * lam**2 * (1 + 2 * smoothness**2 * gamma * rho)


def deterministic_steps(smoothness, lam):
    """(gamma, rho) = (1 / (8 L), min(1, 1 / (2 (1 - lam)^2)) / (4 L))."""
    return 1 / (8 * smoothness), 1 / (4 * smoothness) * min(1.0, 1 / (2 * (1 - lam) ** 2) if lam < 1 else 1.0)


def deterministic_old_steps(smoothness, lam, share=0.5):
    """(gamma, rho) of `old_steps` at A = C = 0, B = 1, where nothing depends on mu."""
    spread = 1 + 2 * (1 - lam) ** 2
    rho = share / (smoothness * spread)
    return (1 - smoothness * rho * spread) / (
        2 * smoothness * (1 + 2 * smoothness**2 * rho**2 * (1 - lam) ** 2)
    ), rho


def cycle_radius(smoothness, gamma, rho, lam):
    """|w| on the 2-cycle along the top eigenvector of a full-batch quadratic with top eigenvalue L:

    w -> -w needs 2 = gamma L (1 + rho ((1 - lam) L + lam / |w|)), so
    |w| = gamma L rho lam / (2 - gamma L (1 + rho (1 - lam) L)); there f - f* = L |w|^2 / 2.
    """
    reach = gamma * smoothness
    return reach * rho * lam / (2 - reach * (1 + rho * (1 - lam) * smoothness))


def cycle_factor(smoothness, eig, gamma):
    """What a small error along another eigenvector, of eigenvalue h = s L, is multiplied by on the 2-cycle.

    The rule there is e -> [1 - gamma h (1 + rho (1 - lam) h) - gamma rho lam h^2 / (L |w|)] e: the direction
    of the gradient turns by h e / (L |w|). The radius gives gamma rho lam L / |w| = 2 - gamma L (1 + rho (1 -
    lam) L), and rho and lam cancel:

        1 - gamma h (1 - s) - 2 s^2.

    For 0 < s < 1 it is below 1, and above -1 as long as gamma L < 2 (1 + s) / s, which the existence of the
    cycle, gamma L (1 + rho (1 - lam) L) < 2, grants. For s a little above 1 it is below -1.
    """
    share = eig / smoothness
    return 1 - gamma * eig * (1 - share) - 2 * share**2
