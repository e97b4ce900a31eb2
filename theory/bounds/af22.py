"""Convergence of unnormalised SAM under bounded variance (af22): lemmas, rates, steps, sharper constants.

L is L-smooth with D = L(w) - inf L, G = |grad L(w)|^2, r = rho L, s = gamma L; sigma^2 bounds the variance of
the gradient of one example at every w, b is the size of a batch of independent draws and `variance` stands
for sigma^2 / b. g+ is the gradient of one batch at w + rho g, g that of the same batch (then every l_i must
be L-smooth) or of an independent one (then L alone); h = E g+.

Alignment.  (1 - r) G <= <grad L(w + rho grad L), grad L> <= (1 + r) G since the gradient moves by at most
rho L |grad L|; by strong monotonicity it is >= (1 + rho mu) G where L is mu-strongly convex, mu = 0: convex.

Stochastic alignment.  2 <h, grad L> = G + |h|^2 - |h - grad L|^2 and |h - grad L|^2 <= E|rho L g|^2 <=
r^2 (G + variance) give <h, grad L> >= (1 - r^2) G / 2 + |h|^2 / 2 - r^2 variance / 2, where only the variance
at w enters. The remembered (1/2 - r) G is less wherever r < 2.

One step.  E L(w+) <= L - (gamma/2) (1 - r^2) G - (gamma/2) (1 - s) |h|^2
                          + (gamma/2) [r^2 + s (1 + r)^2] variance.
The descent lemma, the identity above, and Var g+ <= (1 + r)^2 variance: compare g+ with grad L at
w + rho grad L, for the same batch by way of its own gradient there. (Two batches leave 1 + r^2.)

One step under PL, s <= 1/2 and rho = sqrt(gamma / L), so that r^2 = s.  E D+ <= (1 - 3/4 gamma mu) D + L
gamma^2 (3/2 + sqrt(s)) variance. Let k be the gradient of L at w + rho grad L: |h - k|^2 <= r^2 variance, so
|h|^2 >= (1 - e) |k|^2 - (1/e - 1) r^2 variance for 0 < e < 1; L is no smaller there than at w, and PL at both
points gives the factor 1 - gamma mu (1 - s) (2 - e) and the noise (gamma s / 2) [1 + (1 + sqrt(s))^2 + (1/e -
1) (1 - s)] variance. Take e = 1/2.

Full batch.  One step with no variance and s <= 1, added up; under PL at w and, sharper, also at the point
ahead. On a parabola with s = 1 a step is w -> -r w: the rates are attained, and the mean in the limit.

Non-convex, s = T^(-1/2), r = T^(-1/4), for every T >= 1.  One step says D+ <= D - c G + N in the mean, with
2 L c = s (1 - s) and 2 L N = s^2 [1 + (1 + r)^2] variance, and G <= 2 L D. A sum of k values of G from D is
therefore at most 2 L D S_k plus what the noise adds, S_k = 1 + q + ... + q^(k-1), q = 1 - s (1 - s): in this
linear program the first G has the coefficient 1 - (1 - q) S_(k-1) = q^(k-1) > 0, so that it is as large as it
may be, and so on. With the noise of each step counted in the sum that follows it,

    (1/T) sum_{t<k} E G_t <= (2 S_k / T) L D_0 + (1/T^2) [1 + (1 + r)^2] (S_1 + ... + S_(k-1)) variance.

S_k <= 1 / (s (1 - s)) bounds the factors by 2 / (1 - s) and (k / T) [1 + (1 + r)^2] / (1 - s), over sqrt(T).
So they are at most 2.75 and 2.95 for k = T, at most 4 and 5 for k = T + 1: for T <= 130 as they stand above,
beyond by these bounds, which fall in T. They tend to 2 and 2. Hence the remembered 4 and 8 serve whether the
sum runs to T - 1 or to T; in the second case a parabola attains 4 at T = 1.

PL, gamma_t = min{(8t + 4) / (3 mu (t + 1)^2), 1 / (2L)}, rho_t = sqrt(gamma_t / L).  The constant step lasts
for t_0 <= 16 L / (3 mu) steps, and e = 0.30 there: D contracts by 1 - 0.85 gamma mu towards at most
1.5 variance / mu, so t^2 D_t <= (4 / 0.85)^2 e^(-2) (L / mu)^2 D_0 + 8 (L / mu^2) t variance, where
(4 / 0.85)^2 e^(-2) < 3 (e the base of logarithms). Then 1 - 3/4 gamma_t mu = t^2 / (t + 1)^2, hence
(t + 1)^2 D_(t+1) <= t^2 D_t + (64/9) (3/2 + sqrt(1/2)) (L / mu^2) variance, and that factor is below 15.7.

Place: af22, section on convergence; its lemmas and right-hand sides are remembered, not seen, the steps are
seen in public code. Its beta is L here. Ours: all proofs, and everything called sharper.
"""

import numpy as np

NONCONVEX = (4.0, 8.0)  # of L D_0 and of the variance, over sqrt(T)
NONCONVEX_SHARPER = (2.75, 2.95)  # T terms
NONCONVEX_INCLUSIVE = (4.0, 5.0)  # T + 1 terms
PL = (3.0, 22.0)  # of (L / mu)^2 D_0 / T^2 and of L variance / (mu^2 T)
PL_SHARPER = (3.0, 15.7)


def alignment(reach):
    """(lower, upper) factors of |grad L|^2; reach = rho L."""
    return 1 - reach, 1 + reach


def alignment_convex(pl, rho):
    """The lower factor where L is mu-strongly convex, mu = 0 allowed."""
    return 1 + rho * pl


def stochastic_alignment(reach, square, variance):
    """At most E <g+, grad L>; square = |grad L|^2."""
    return (0.5 - reach) * square - 0.5 * reach**2 * variance


def stochastic_alignment_sharper(reach, square, variance, mean_square=0.0):
    """The same; with mean_square = |E g+|^2 it says as much as `shift`."""
    return 0.5 * ((1 - reach**2) * square + mean_square - reach**2 * variance)


def shift(reach, square, variance):
    """At least |E g+ - grad L|."""
    return reach * np.sqrt(square + variance)


def descent(smoothness, gamma, rho, square, mean_square):
    """What one step takes off, before the noise; mean_square = |E g+|^2."""
    return 0.5 * gamma * ((1 - (rho * smoothness) ** 2) * square + (1 - gamma * smoothness) * mean_square)


def floor(smoothness, gamma, rho):
    """What it adds, for each unit of variance."""
    reach, length = rho * smoothness, gamma * smoothness
    return 0.5 * gamma * (reach**2 + length * (1 + reach) ** 2)


def contraction_pl(pl, gamma):
    """1 - the factor of D in one step under PL, gamma L <= 1/2 and rho = sqrt(gamma / L)."""
    return 0.75 * gamma * pl


def floor_pl(smoothness, gamma):
    """What that step adds, for each unit of variance."""
    return smoothness * gamma**2 * (1.5 + (gamma * smoothness) ** 0.5)


def deterministic_mean(gap, smoothness, gamma, rho, steps):
    """At least (1/T) sum_{t<T} |grad L(w_t)|^2; gap = D_0."""
    return 2 * gap / (gamma * (1 - (rho * smoothness) ** 2) * steps)


def deterministic_rate(pl, smoothness, gamma, rho):
    """1 - the factor of D in one full-batch step."""
    return gamma * pl * (1 - (rho * smoothness) ** 2)


def deterministic_rate_sharper(pl, smoothness, gamma, rho):
    """That of gradient descent, gamma mu (2 - gamma L), at rho = 0."""
    return gamma * pl * (2 - (rho * smoothness) ** 2 - gamma * smoothness)


def nonconvex_steps(smoothness, horizon):
    """(gamma, rho) for T = horizon."""
    return 1 / (np.sqrt(horizon) * smoothness), 1 / (horizon**0.25 * smoothness)


def nonconvex(gap, smoothness, variance, horizon, constants=NONCONVEX):
    """At least (1/T) sum_{t<T} E|grad L(w_t)|^2, and the same with one term more."""
    of_gap, of_noise = constants
    return (of_gap * smoothness * gap + of_noise * variance) / np.sqrt(horizon)


def nonconvex_factors(horizon, terms):
    """What the proof has for 4 and 8 when `terms` = T or T + 1 are added."""
    length = horizon**-0.5
    reach = length**0.5
    sums = np.cumsum((1 - length * (1 - length)) ** np.arange(terms))  # S_1 .. S_terms
    of_noise = (1 + (1 + reach) ** 2) * np.sum(sums[:-1]) / horizon**2
    return 2 * sums[-1] / horizon * np.sqrt(horizon), of_noise * np.sqrt(horizon)


def pl_steps(smoothness, pl, t):
    """(gamma_t, rho_t)."""
    t = np.asarray(t, dtype=float)
    gamma = np.minimum((8 * t + 4) / (3 * pl * (t + 1) ** 2), 1 / (2 * smoothness))
    return gamma, np.sqrt(gamma / smoothness)


def pl_gap(gap, smoothness, pl, variance, t, constants=PL):
    """At least E D_t, t >= 1."""
    of_gap, of_noise = constants
    condition = smoothness / pl
    return of_gap * condition**2 * gap / t**2 + of_noise * condition * variance / (pl * t)


def shifted_point(curvatures, centres, rho):
    """x with sum_i h_i (1 + rho h_i) (x - c_i) = 0: the mean of same-batch SAM on parabolas, constant rho."""
    weights = curvatures * (1 + rho * curvatures)
    return np.sum(weights * centres) / np.sum(weights)
