"""How fast the three sharpness penalties tend to their limits at a minimiser, for polynomials of degree four.

q(v) = f(w + v) - f(w) with gradient 0, Hessian H, third derivative T, fourth F; eigenvalues lambda_1 >
lambda_2 >= ..., unit eigenvectors v_i, d the dimension, M the rank.

Worst direction.  With t_i = T[v_1, v_1, v_i] and the sign of v_1 such that t_1 >= 0,

    max_{|n| = 1} q(rho n) / rho^2 = lambda_1 / 2 + rho t_1 / 6
        + rho^2 (F[v_1, v_1, v_1, v_1] / 24 + (1/8) sum_{i > 1} t_i^2 / (lambda_1 - lambda_i)) + O(rho^3):

with n = v_1 + m, m orthogonal to v_1 and of order rho, maximise rho T[v_1, v_1, m] / 2 - sum_i (lambda_1 -
lambda_i) m_i^2 / 2. For every rho there are two sides: below, q(rho v_1) and q(-rho v_1). Above, let n =
c v_1 + s m with a unit vector m, c^2 + s^2 = 1, c >= 0, gap = lambda_1 - lambda_2 and t the length of
(t_i)_{i > 1}; the terms of T with two m or three are at most s^2 b, b = 3 |T[v_1, m, m]| + |T[m, m, m]|, so

    q(rho n) / rho^2 - lambda_1 / 2 - rho t_1 / 6
        <= rho t s / 2 - (gap - rho b / 3) s^2 / 2 + rho^2 max F / 24
        <= rho^2 [max F / 24 + t^2 / (8 (gap - rho b / 3))].

If that is positive it grows with rho, so it bounds the whole ball.

Ascent direction.  The infimum of f(x' + rho g / |g|) - f(x') over |x' - w| <= r tends, as r -> 0, to the
minimum of q(rho n) over the unit sphere of range H where rank H = M: near w the gradient is H(p)(x' - p) +
O(|x' - p|^2), p the limit of gradient flow, so its direction is within O(r) of range H; and x' = w + e H^+ n
attains every n in the range as e -> 0. The minimum is what stands above for -q on range H:

    lambda_M / 2 - rho |T[v_M, v_M, v_M]| / 6 + O(rho^2).

Average.  E q(rho n) = rho^2 tr H / (2 d) + rho^4 tr tr F / (8 d (d + 2)); a smooth f adds O(rho^6).

Place: ours; the rates behind wml23, Definition 4.1 (there D is d, and eta is not used).
"""

from typing import NamedTuple

import numpy as np


class Series(NamedTuple):
    """limit + first rho + second rho^2 + ..."""

    limit: float
    first: float
    second: float


def worst(q):
    """Of the largest q(rho n) / rho^2; the top eigenvalue must be simple."""
    eigs, basis = np.linalg.eigh(q.hessian)
    top = basis[:, -1]
    pulled = np.einsum("abc,b,c->a", q.third, top, top) @ basis
    fourth = np.einsum("abcd,a,b,c,d", q.fourth, *(top,) * 4)
    bent = np.sum(pulled[:-1] ** 2 / (eigs[-1] - eigs[:-1])) / 8
    return Series(eigs[-1] / 2, abs(pulled[-1]) / 6, fourth / 24 + bent)


def ascent(q, rank):
    """Of the least q(rho n) / rho^2 over the unit sphere of the range of its Hessian."""
    return Series(*(-term for term in worst(in_range(q, rank).negative)))


def average(q):
    """Of E q(rho n) / rho^2, which it equals."""
    d = len(q.slope)
    return Series(q.laplacian / (2 * d), 0.0, q.bilaplacian / (8 * d * (d + 2)))


def in_range(q, rank):
    """q on the span of the `rank` top eigenvectors of its Hessian."""
    basis = np.linalg.eigh(q.hessian)[1]
    return q.within(basis[:, -rank:])


def at_least(q, rho):
    """q(rho v_1) / rho^2 or q(-rho v_1) / rho^2, the larger."""
    top = np.linalg.eigh(q.hessian)[1][:, -1]
    return max(q.rise(rho * top), q.rise(-rho * top)) / rho**2


def at_most(q, rho):
    """At least q(rho n) / rho^2 for every n; infinite where rho is too large for the proof."""
    eigs, basis = np.linalg.eigh(q.hessian)
    turned = q.within(basis)
    highest = max(np.linalg.eigvalsh(square(turned.fourth))[-1], 0)
    limit, first = eigs[-1] / 2, abs(turned.third[-1, -1, -1]) / 6
    if len(eigs) == 1:
        return limit + rho * first + rho**2 * highest / 24
    across = turned.third[:-1, :-1, :-1]
    pulled = np.linalg.norm(turned.third[-1, -1, :-1])
    rest = 3 * np.linalg.norm(turned.third[-1, :-1, :-1], 2) + np.linalg.norm(across)
    gap = eigs[-1] - eigs[-2] - rho * rest / 3
    if gap <= 0:
        return np.inf
    return limit + rho * first + rho**2 * (highest / 24 + pulled**2 / (8 * gap))


def square(fourth):
    """F as a quadratic form on pairs; its top eigenvalue is at least every F[n, n, n, n]."""
    d = len(fourth)
    return np.reshape(fourth, (d * d, d * d))


def ball_shortfall(q, tilt, rho, r):
    """At most how far below the sphere's minimum, over rho^2, the ascent penalty lies for |x' - w| <= r.

    tilt bounds the sine of the angle from the gradient's direction to range H, so that the unit vector of the
    range nearest to it is within sqrt(2) tilt; with G(R) >= |grad f| and F(R) >= q for |v| <= R the penalty
    at x' is at least the minimum less G(rho + r) (r + sqrt(2) tilt rho) + F(r).
    """
    sizes = size(q)
    moved = slope_size(sizes, rho + r) * (r + np.sqrt(2) * tilt * rho)
    return (moved + rise_size(sizes, r)) / rho**2


def size(q):
    """Bounds of the forms H, T, F on unit vectors."""
    d = len(q.slope)
    return (
        np.linalg.norm(q.hessian, 2),
        np.linalg.norm(np.reshape(q.third, (d, d * d)), 2),
        np.linalg.norm(square(q.fourth), 2),
    )


def slope_size(sizes, radius):
    second, third, fourth = sizes
    return radius * (second + radius * third / 2 + radius**2 * fourth / 6)


def rise_size(sizes, radius):
    second, third, fourth = sizes
    return radius**2 * (second / 2 + radius * third / 6 + radius**2 * fourth / 24)
