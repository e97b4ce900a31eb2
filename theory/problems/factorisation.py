"""Losses whose exact fits form a manifold, with everything on it in closed form.

    Chain           (prod_k w_k - y)^2 / 2, a product of K weights
    Network         (1/2n) sum_i (<x_i, u v> - y_i)^2, a diagonal linear network (theory/problems/diagonal.py)
    Factorisation   |U V' - Y|^2 / 2, two factors of r columns; as a mean over the entries of Y

The weights w are one vector. Each offers losses, loss, n and, at a minimiser w, in NumPy,
    codimension(w)      of the manifold: the rank of the Hessian
    spectrum(w)         the non-zero eigenvalues of the Hessian, ascending
    trace(w)            their sum
    vector(w)           the unit eigenvector of the largest, lambda_1
    tangent(w, x)       P x, with the projector P onto the tangent space
    slope(w)            P grad lambda_1
    trace_slope(w)      P grad trace
and, anywhere,
    invariant(w)        what gradient flow conserves: Phi(w) is a minimiser with the same.

Chain. With S_p = sum_k w_k^-p on the manifold, the one eigenvalue is y^2 S_2 along the vector (1/w_k), so
that P grad lambda_1 = -2 y^2 (w_k^-3 - w_k^-1 S_4 / S_2). Conserved: w_j^2 - w_k^2, and along X' = -P grad
lambda_1 / 2 it falls at the rate 2 y^2 / (w_j w_k)^2. For K = 2, y = 1 that is 2: a^2 - b^2 = (a_0^2 -
b_0^2) e^(-2 t).

Network. The Hessian is J'J / n with J = X [diag v, diag u], whose non-zero eigenvalues are those of X
diag(u^2 + v^2) X' / n. Conserved: u^2 - v^2. The trace is the weighted sum of u^2 + v^2, at u^2 = v^2 that
of 2 |beta|.

Factorisation. A normal direction is (E V, E' U) for a matrix E, and J (E V, E' U) = E V V' + U U' E: in the
left singular vectors of U and V this multiplies the entry (i, j) of E by s_i(U)^2 + s_j(V)^2, zeros
included, and these are the eigenvalues. Conserved: U'U - V'V.

Place: ours; instances of the theorems of wml23.
"""

from functools import reduce
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from theory import Array, admit
from theory.problems import ALL, Sum
from theory.problems.diagonal import Diagonal, diagonal


class ChainFields(NamedTuple):
    y: float


class Chain(ChainFields, Sum):
    __slots__ = ()

    @property
    def n(self):
        return 1

    def losses(self, w, i=ALL):
        product = reduce(lambda a, b: a * b, w)  # its derivatives are cheaper than those of jnp.prod
        return (0.5 * (product - self.y) ** 2)[None][i]

    def codimension(self, w):
        return 1

    def spectrum(self, w):
        return np.array([self.trace(w)])

    def trace(self, w):
        return self.y**2 * np.sum(w**-2.0)

    def vector(self, w):
        return unit(1 / w)

    def tangent(self, w, x):
        return x - (x @ self.vector(w)) * self.vector(w)

    def slope(self, w):
        return -2 * self.y**2 * (w**-3.0 - w**-1.0 * np.sum(w**-4.0) / np.sum(w**-2.0))

    def trace_slope(self, w):
        return self.slope(w)

    def invariant(self, w):
        return w[1:] ** 2 - w[0] ** 2


class Network(Diagonal):
    """w is u and v one after the other, (2 d,)."""

    __slots__ = ()

    def losses(self, w, i=ALL):
        return super().losses(halves(w), i)

    def codimension(self, w):
        return self.n

    def gram(self, w):
        """X diag(u^2 + v^2) X' / n."""
        u, v = halves(w)
        return (self.x * (u**2 + v**2)) @ self.x.T / self.n

    def spectrum(self, w):
        return np.linalg.eigvalsh(self.gram(w))

    def trace(self, w):
        return np.trace(self.gram(w))

    def pull(self, w):
        """X'q with the top eigenvector q of the Gram matrix."""
        return self.x.T @ np.linalg.eigh(self.gram(w))[1][:, -1]

    def vector(self, w):
        u, v = halves(w)
        pull = self.pull(w)
        return unit(np.concatenate([pull * v, pull * u]))

    def tangent(self, w, x):
        u, v = halves(w)
        rows = np.concatenate([self.x * v, self.x * u], axis=1)
        return x - rows.T @ np.linalg.solve(rows @ rows.T, rows @ x)

    def slope(self, w):
        """grad lambda_1 = 2 (X'q)^2 w / n."""
        return self.tangent(w, 2 / self.n * np.tile(self.pull(w) ** 2, 2) * w)

    def trace_slope(self, w):
        """grad trace = 2 |X_j|^2 w_j / n."""
        return self.tangent(w, 2 / self.n * np.tile(np.sum(self.x**2, axis=0), 2) * w)

    def invariant(self, w):
        u, v = halves(w)
        return u**2 - v**2


class FactorisationFields(NamedTuple):
    y: Array  # (rows, columns)


class Factorisation(FactorisationFields, Sum):
    """w is U, row by row, then V."""

    __slots__ = ()

    @property
    def n(self):
        return self.y.shape[0] * self.y.shape[1]

    def inner(self, w):
        """r, the number of columns of U and V."""
        return len(w) // sum(self.y.shape)

    def factors(self, w):
        rows, r = self.y.shape[0], self.inner(w)
        return w[: rows * r].reshape(rows, r), w[rows * r :].reshape(-1, r)

    def losses(self, w, i=ALL):
        u, v = self.factors(w)
        return 0.5 * self.n * jnp.ravel(u @ v.T - jnp.asarray(self.y))[i] ** 2

    def codimension(self, w):
        return self.inner(w) * (sum(self.y.shape) - self.inner(w))

    def sums(self, w):
        """All s_i(U)^2 + s_j(V)^2, the largest first, zeros included; and the left singular vectors."""
        (p, s, _), (q, t, _) = map(np.linalg.svd, self.factors(w))
        sums = np.zeros(self.y.shape)
        sums[: len(s)] += (s**2)[:, None]
        sums[:, : len(t)] += t**2
        return sums, p, q

    def spectrum(self, w):
        return np.sort(np.ravel(self.sums(w)[0]))[-self.codimension(w) :]

    def trace(self, w):
        u, v = self.factors(w)
        return len(v) * np.sum(u**2) + len(u) * np.sum(v**2)

    def vector(self, w):
        """Along (a b'V, b a'U) with the leading left singular vectors a and b."""
        u, v = self.factors(w)
        _, p, q = self.sums(w)
        a, b = p[:, :1], q[:, :1]
        return unit(np.concatenate([np.ravel(a @ (b.T @ v)), np.ravel(b @ (a.T @ u))]))

    def tangent(self, w, x):
        """x less (E V, E' U), where E V V' + U U' E is what x does to U V'."""
        (u, v), (along, beside) = self.factors(w), self.factors(x)
        sums, p, q = self.sums(w)
        moved = p.T @ (along @ v.T + u @ beside.T) @ q
        inner = p @ np.divide(moved, sums, out=np.zeros_like(sums), where=sums > 0) @ q.T
        return np.concatenate([np.ravel(along - inner @ v), np.ravel(beside - inner.T @ u)])

    def slope(self, w):
        """grad lambda_1 = 2 (a a'U, b b'V) with the same a and b."""
        u, v = self.factors(w)
        _, p, q = self.sums(w)
        lead, side = (2 * x[:, :1] @ (x[:, :1].T @ factor) for x, factor in ((p, u), (q, v)))
        return self.tangent(w, np.concatenate([np.ravel(lead), np.ravel(side)]))

    def trace_slope(self, w):
        """grad trace = 2 (n_2 U, n_1 V)."""
        u, v = self.factors(w)
        return self.tangent(w, 2 * np.concatenate([np.ravel(len(v) * u), np.ravel(len(u) * v)]))

    def invariant(self, w):
        u, v = self.factors(w)
        return (u.T @ u - v.T @ v).ravel()


def halves(w):
    return w[: len(w) // 2], w[len(w) // 2 :]


def unit(x):
    return x / np.linalg.norm(x)


def chain(y=1.0):
    """(prod_k w_k - y)^2 / 2."""
    y = admit.number(y, "the target of a product of weights")
    if y == 0:
        raise ValueError(
            "the target of a product of weights must not be 0: where two weights vanish its fits cross"
        )
    return Chain(y)


def network(x, y):
    """(1/2n) sum_i (<x_i, u v> - y_i)^2 with independent rows x_i."""
    f = diagonal(x, y)
    if np.linalg.matrix_rank(f.x) < f.n:
        raise ValueError(f"the {f.n} rows of the data must be independent; drop those that repeat others")
    return Network(*f)


def factorisation(y):
    """|U V' - Y|^2 / 2."""
    y = admit.numbers(y, "the matrix to be factorised")
    if y.ndim != 2:
        raise ValueError(f"a factorisation needs a matrix; got shape {y.shape}")
    return Factorisation(y)


def pair_of_gap(gap):
    """The minimiser (a, b) of (a b - 1)^2 / 2 with a^2 - b^2 = gap: a = e^s, gap = 2 sinh 2 s."""
    half = np.arcsinh(np.asarray(gap) / 2) / 2
    return np.stack([np.exp(half), np.exp(-half)])
