"""The PAC-Bayes bound of SAM (f21, Theorem 2), every step of its proof, and two sharper forms (ours).

n samples, a loss in [0, 1], k weights, `square` = |w|^2 / rho^2, confidence 1 - delta, for all w at once:

    L_D(w) <= max_{|e| <= rho} L_S(w + e) + h(square)

where L_D(w) <= E L_D(w + e), e ~ N(0, sigma^2 I), is assumed. The statement has sigma = rho, its proof uses
sigma = rho / (sqrt k + sqrt log n), `width` here. Q = N(w, sigma^2 I) is the posterior, N(0, s^2 I) a prior.

Proof. `base` is the PAC-Bayes inequality (McAllester; implied by `maurer`). The `divergence` of Q from a
prior is least at s^2 = sigma^2 + |w|^2 / k, and there k spread / 2, `spread` = log(1 + |w|^2 / (k sigma^2)).
That prior knows w; so take s^2 = c exp((1 - j) / k), c = sigma^2 (1 + exp(4 n / k)), for j = 1, 2, ... at
confidences 6 delta / (pi^2 j^2). The one just above the best has the index `prior_index` and costs at most
1/2 more (`prior_excess`); log(n / delta_j) is at most log(n / delta) + 2 log(6 n + 3 k), as j <=
`largest_index`. There is one where spread <= `top_spread`, and beyond `repaired_cut` the bound exceeds one. Q
leaves the ball with a chance of at most 1 / sqrt n (`ball`; Laurent and Massart), so that E_Q L_S <= max L_S
+ 1 / sqrt n. Together that is `tighter_term`; doubling its root makes up for 1 / sqrt n (`last_display`), and
gives h.

`covering_term` (ours) needs no assumption. Cut |w| <= j rho / 2 into cells of diameter rho, and in each take
a point whose L_D is largest, or as near to it as one likes. Where L_D(w) exceeds the maximum over the ball by
t, the point of the cell of w lies in the ball, and there L_D exceeds L_S by t: for each cell the chance is at
most exp(-2 n t^2), by Hoeffding. At most (1 + 2 j)^k cells are needed: take as many centres as can be rho / 2
apart, the balls of radius rho / 4 about them are disjoint and lie within |w| <= (j + 1/2) rho / 2. One cell
is enough for j = 1. Sum over j at confidences 6 delta / (pi^2 j^2).

`covering_term` is at most h for square <= 1/4 and for square >= sqrt 7 - 1, that is |w| <= 0.5 rho or
|w| >= 1.283 rho, whatever k, n >= 2 and delta: so there Theorem 2 holds as it stands, without its assumption.
Below, log(pi^2 / (6 delta)) stands against 8 log(n / delta) and more. Above, 1 + 2 j <= (1 + square)^2, with
equality at sqrt 7 - 1 and j = 3, so that

    2 log j + log(pi^2 / 6) <= k log[(1 + square)^2 / (1 + 2 j)] + 16 log(6 n + 3 k)

is enough: the last term is at least 16 log 15 > 43, and where log j > 21 the one before it is above
2 log j + 1. For long w it is about half of h, and for |w| <= rho / 2 it counts no weights.

`adaptive_term` (ASAM's) is h at the radius eta rho: |T^-1 e| <= |e| / eta, as T = |w| + eta >= eta, so that
its ball contains the plain one of radius eta rho, and its bound follows from Theorem 2 there.

Place: f21, Theorem 2 and Appendix A.1; stated with a term O~(1), of which the last display of the proof has
8 log(6 n + 3 k). Its mu is w, its sigma_P s, its k and n ours. `adaptive_term`: ASAM (Kwon et al. 2021), as
remembered.
"""

import numpy as np

# The terms


def term(square, k, n, delta):
    """h."""
    return np.sqrt(4 * exponent(square, k, n, delta) / (n - 1))


def tighter_term(square, k, n, delta):
    """The same proof without its last simplification: about half of h."""
    under = (k * spread(square, k, n) + 1) / 4 + np.log(n / delta) / 2 + np.log(6 * n + 3 * k)
    return 1 / np.sqrt(n) + np.sqrt(under / (n - 1))


def covering_term(square, k, n, delta):
    """Without the assumption; at most h but for 0.5 rho < |w| < 1.283 rho, where k is large."""
    j = np.maximum(1, np.ceil(2 * np.sqrt(square)))
    cells = np.where(j == 1, 0, k * np.log(1 + 2 * j))
    return np.sqrt((cells + np.log(np.pi**2 * j**2 / (6 * delta))) / (2 * n))


def adaptive_term(square, eta, k, n, delta):
    """`square` = |w|^2 / rho^2 with the radius of the adaptive ball; infinite at eta = 0."""
    with np.errstate(divide="ignore"):
        return term(np.divide(square, eta**2), k, n, delta)


# The steps of the proof


def base(divergence, n, delta):
    """E_Q L_D - E_Q L_S is at most this for every Q at once, with probability 1 - delta."""
    return np.sqrt((divergence + np.log(n / delta)) / (2 * (n - 1)))


def maurer(divergence, n, delta):
    """The same from Maurer's E exp(n kl(L_S, L_D)) <= 2 sqrt n and kl >= 2 (L_D - L_S)^2."""
    return np.sqrt((divergence + np.log(2 * np.sqrt(n) / delta)) / (2 * n))


def width(rho, k, n):
    """sigma at which the proof uses the assumption."""
    return rho / (np.sqrt(k) + np.sqrt(np.log(n)))


def ball(k, n):
    """The ball over the width of the noise, squared: k (1 + sqrt(log n / k))^2.

    P(chi2_k > k + 2 sqrt(k t) + 2 t) <= exp(-t) at t = log(n) / 2, and sqrt 2 <= 2.
    """
    return (np.sqrt(k) + np.sqrt(np.log(n))) ** 2


def laurent_massart(k, t):
    return k + 2 * np.sqrt(k * t) + 2 * t


def spread(square, k, n):
    """log(1 + |w|^2 / (k sigma^2)): the best prior variance over that of the noise, in logarithms."""
    return np.log1p(square * ball(k, n) / k)


def divergence(k, length, sigma, prior):
    """KL(Q | N(0, prior^2 I)) with length = |w|. Equation 6, which is written with the two exchanged."""
    return 0.5 * ((k * sigma**2 + length**2) / prior**2 - k + 2 * k * np.log(prior / sigma))


def top_spread(k, n):
    """log(c / sigma^2), of the widest prior."""
    return np.logaddexp(0, 4 * n / k)


def prior_index(spread, k, n):
    """j of the narrowest prior that is not narrower than the best; there is none where it is below 1."""
    return np.floor(1 + k * (top_spread(k, n) - spread))


def prior_excess(wider, k):
    """KL from a prior wider than the best by `wider` = log s^2 / best^2, less that from the best.

    k (exp(-wider) - 1 + wider) / 2, increasing, hence at most [1 - k (1 - exp(-1 / k))] / 2 <= 1 / (4 k) for
    wider <= 1 / k; the paper has 1/2.
    """
    return 0.5 * k * (np.expm1(-wider) + wider)


def largest_index(k, n):
    """j at w = 0: 1 + k log(1 + exp(4 n / k)) <= 1 + k log 2 + 4 n before rounding down.

    The paper leaves out the 1; pi / sqrt 6 times this is below 6 n + 3 k all the same.
    """
    return prior_index(0.0, k, n)


def printed_cut(k, n, ball):
    """`spread` at |w|^2 = rho^2 (exp(4 n / k) - 1), with ball = rho^2 / sigma^2.

    Some of these w have no prior at ball = `ball(k, n)`; all have one at 1, for which the cut was made.
    """
    x = 4 * n / k
    return np.logaddexp(0, np.log(ball / k) + x + np.log(-np.expm1(-x)))


def repaired_cut(k, n):
    """`spread` beyond which k spread >= n - 1, hence h >= 1: no more weights need a prior."""
    return (n - 1) / k


def exponent(square, k, n, delta):
    """X = h^2 (n - 1) / 4."""
    return k * spread(square, k, n) / 4 + np.log(n / delta) + 2 * np.log(6 * n + 3 * k)


def last_display(x, n):
    """1 / sqrt n + sqrt((X + 1/4) / (n - 1)), which is at most sqrt(4 X / (n - 1)) where X >= 1.23.

    Since 2 sqrt X - sqrt(X + 1/4) >= 1 there; X >= 2 log 15. The paper has lost the 1/4 before this step.
    """
    return 1 / np.sqrt(n) + np.sqrt((x + 0.25) / (n - 1))
