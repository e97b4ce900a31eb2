"""E g(w_t) along a random iteration, from what it does to polynomials: no path is drawn or listed.

Where w+ = T_k(w) with probability q_k, the transfer operator

    (K g)(w) = sum_k q_k g(T_k(w))          gives          E g(w_t) = (K^t g)(w_0), for every g and t.

In coordinates in which the moves stay in the box [-1, 1]^m, or leave it hardly, K acts on the values of g at
the Chebyshev points of a tensor grid: g there, interpolated at T_k of every grid point. Where g and the moves
are smooth the error falls geometrically with the sizes of the grid, so two grids show it; K 1 = 1 always. K^t
is made by squaring, hence a million steps cost twenty products of matrices.

Place: ours; for 1-SAM, whose paths are too many to list and whose normalisation closes no moments.
"""

import numpy as np


def points(size):
    """Chebyshev points of the second kind on [-1, 1] and their barycentric weights."""
    if size == 1:
        return np.zeros(1), np.ones(1)
    k = np.arange(size)
    return -np.cos(np.pi * k / (size - 1)), (-1.0) ** k * np.where((k == 0) | (k == size - 1), 0.5, 1.0)


def nodes(sizes):
    """The grid, (points, m); the last coordinate runs fastest."""
    return np.stack([each.ravel() for each in np.meshgrid(*(points(n)[0] for n in sizes), indexing="ij")], 1)


def weights(z, sizes):
    """The weights with which values at the grid are interpolated at z (..., m): (..., points)."""
    out = np.ones((*z.shape[:-1], 1))
    for axis, size in enumerate(sizes):
        at, barycentric = points(size)
        off = z[..., axis, None] - at
        hit = off == 0
        terms = barycentric / np.where(hit, 1, off)
        one = np.where(hit.any(-1, keepdims=True), hit, terms / terms.sum(-1, keepdims=True))
        out = (out[..., :, None] * one[..., None, :]).reshape(*z.shape[:-1], -1)
    return out


def operator(moved, q, sizes):
    """K, (points, points), from where every draw sends the grid points, (points, draws, m), and its law q."""
    return np.einsum("k,nkj->nj", q, weights(np.asarray(moved), sizes))


def after(matrix, values, t):
    """K^t g at the grid, from the values of one or more g, (points, ...)."""
    while t:
        if t % 2:
            values = matrix @ values
        t //= 2
        matrix = matrix @ matrix if t else matrix
    return values


def stationary(matrix):
    """The weights p with p K = p and sum p = 1: E g over the law at which the iteration settles is p g.

    With any u of sum 1, p (I - K + 1 u) = u.
    """
    size = len(matrix)
    return np.linalg.solve((np.eye(size) - matrix + 1 / size).T, np.full(size, 1 / size))
