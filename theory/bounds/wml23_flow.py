"""SAM with the full batch along a manifold of minimisers: drift, alignment and sharpness, at a finite step.

At a minimiser X let H have the eigenvalues l_1 > l_2 >= ... on the normal space and unit vectors v_i. T is
the third derivative, tau = T[v_1, v_1], h = gamma l_1 < 2, c = h / (2 - h); P projects onto the tangent
space.

Drift. With w = X + rho xi and n = g / |g| the rule (lam = 1) reads

    xi+ = xi - gamma (H (xi + n) + rho T[xi + n, xi + n] / 2) + O(rho^2).

At rho = 0 it is SAM on a quadratic, whose 2-cycle xi = s c v_1, n = s v_1 (s = +-1) attracts. There xi + n
= s (1 + c) v_1 = s 2 / (2 - h) v_1, so that X moves by -(gamma rho^2 / 2) (2 / (2 - h))^2 P tau a step, and
P tau = P grad l_1. What is odd in s cancels over two steps: the relative error is O(rho^2). With the weight
lam on the normalised part the cycle's move ahead is 2 lam / (2 - h - (1 - lam) gamma rho l_1^2) instead.
Formal as to uniformity in the number of steps.

Alignment. To the next order xi = s c v_1 + rho zeta with one zeta for both ends: for i other than 1

    n_i / rho = (l_i zeta_i + c^2 tau_i / 2) / (c l_1),
    0 = l_i (zeta_i + n_i / rho) + (1 + c)^2 tau_i / 2  across the manifold,    zeta_i = 0 = l_i  along it,

hence n_i / rho = -(1 + 2 c) tau_i / (2 (c l_1 + l_i)) across and c tau_i / (2 l_1) along it. The top
eigenvector of the Hessian at w is v_1 + s rho c sum_i tau_i / (l_1 - l_i) v_i. Their difference is rho
times `misalignment`. As gamma -> 0, c -> 0, there remains half the length of (tau_i / l_i) over the normal
i other than 1: the angle is of order rho, and of order gamma rho only where tau has no such part, as in
codimension one or on a decoupled loss.

Place: ours; beside Theorem 4.5, Corollary 4.6 and section 4.3 of wml23. Its eta is gamma, its nu `lam`.
"""

import numpy as np

from theory.bounds import ol25


def speed(top, gamma, rho, lam):
    """How much faster than in the limit gamma -> 0, lam = 1 the slow flow runs: (2 lam / (2 - h - ...))^2."""
    return (2 * ol25.cycle_radius(top, gamma, rho, lam) / (gamma * top * rho)) ** 2


def misalignment(eigs, pulls, rank, gamma):
    """The angle between gradient and top eigenvector on the cycle of SAM over rho.

    `eigs` ascend, all d of them, `pulls` are the entries of T[v_1, v_1] in their eigenvectors; the first
    d - rank are along the manifold.
    """
    top, flat = eigs[-1], len(eigs) - rank
    c = gamma * top / (2 - gamma * top)
    across, others = pulls[flat:-1], eigs[flat:-1]
    along = c / (2 * top) * np.linalg.norm(pulls[:flat])
    weights = (1 + 2 * c) / (2 * (c * top + others)) + c / (top - others)
    return np.hypot(along, np.linalg.norm(weights * across))


def decoupled_angle(top, rise, gamma, rho):
    """`misalignment` times rho, all pulls along the manifold and of size `rise`: rho c rise / (2 l_1)."""
    return rise * gamma * rho / (2 * (2 - gamma * top))


def decrease(top, slope, gamma, rho):
    """What a step of SAM takes from lambda_1, to leading order: gamma rho^2 speed |P grad lambda_1|^2 / 2."""
    return gamma * rho**2 * speed(top, gamma, rho, 1.0) * np.sum(slope**2) / 2


def decrease_normalised(top, slope, gamma):
    """What a step of w - gamma g / |g| takes, the mean of two: gamma^2 |P grad lambda_1|^2 / (4 lambda_1).

    Across it goes by gamma along v_1, from y to y - gamma and back; along the manifold by gamma y^2 P tau /
    (2 l_1 |y|) from either end, and the two |y| sum to gamma.
    """
    return gamma**2 * np.sum(slope**2) / (4 * top)


def usam_shift(height, rise, gamma, rho, y):
    """How far USAM moves x in all on the loss s(x) y^2 / 2, from a distance y small; s = height, s' = rise.

    To leading order y is multiplied by q = 1 - gamma s (1 + rho s) a step, and x moves by -gamma s' (1 +
    rho s)^2 y^2 / 2: a geometric series of ratio q^2. Off by O(y^4).
    """
    ahead = 1 + rho * height
    return -rise * ahead * y**2 / (2 * height * (2 - gamma * height * ahead))
