"""Laws of the sampling vector v, E[v] = 1; the sampled function is f_v = (1/n) sum_i v_i f_i.

A law offers
    n                       the number of functions
    pick(key)               a draw of v without its zeros, (indices, weights), both of one fixed length
    moment                  (across, extra) with E[v v'] <= across 11' + diag(extra), across, extra >= 0
    lipschitz(each, whole)  an upper bound of the essential supremum of Lip(grad f_v) from all L_i and L
    atoms()                 every draw and its probability, (indices, weights, probabilities), for small n

The moment is equal to E[v v'] for the laws named here. The bound of `lipschitz` is what rates need:
with L_max in its place they are false for some laws. The factories (small letters) refuse what is no
law; the classes trust what they get.

Place: the sampling table of ol25, section 2; `across` is its B, `extra` the s_i behind its A.
"""

from dataclasses import dataclass
from functools import partial
from itertools import combinations, combinations_with_replacement, product
from math import comb, factorial, log10
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array, admit

LISTED = 2**22  # entries (atoms times length of a draw) up to which a support is listed


class Single(NamedTuple):
    """One index, drawn with probability q_i and reweighted by 1 / q_i."""

    q: Array  # (n,)

    @property
    def n(self):
        return len(self.q)

    def pick(self, key):
        i = jax.random.choice(key, self.n, (1,), p=self.q)
        return i, 1 / self.q[i]

    @property
    def moment(self):
        return 0.0, 1 / np.asarray(self.q)

    def lipschitz(self, each, whole):
        return np.max(each / np.asarray(self.q)) / self.n

    def atoms(self):
        return np.arange(self.n)[:, None], (1 / np.asarray(self.q))[:, None], np.asarray(self.q)


@jax.tree_util.register_static
@dataclass(frozen=True)
class Nice:
    """tau of n indices without replacement, all subsets equally likely; weights n / tau."""

    n: int
    tau: int

    def pick(self, key):
        return jax.random.permutation(key, self.n)[: self.tau], jnp.full(self.tau, self.n / self.tau)

    @property
    def moment(self):
        n, tau = self.n, self.tau
        across = 1.0 if tau == n else n * (tau - 1) / (tau * (n - 1))
        return across, np.full(n, n / tau - across)

    def lipschitz(self, each, whole):
        return whole if self.tau == self.n else np.mean(np.sort(each)[-self.tau :])

    def atoms(self):
        count = listed_size(comb(self.n, self.tau), self.n)
        indices = np.array(list(combinations(range(self.n), self.tau)))
        return indices, np.full(indices.shape, self.n / self.tau), np.full(count, 1 / count)


@partial(jax.tree_util.register_dataclass, data_fields=["q"], meta_fields=["tau"])
@dataclass(frozen=True)
class Draws:
    """tau independent draws from q with replacement; v = sum_k e_{i_k} / (tau q_{i_k})."""

    q: Array  # (n,)
    tau: int

    @property
    def n(self):
        return len(self.q)

    def pick(self, key):
        i = jax.random.choice(key, self.n, (self.tau,), p=self.q)
        return i, 1 / (self.tau * self.q[i])

    @property
    def moment(self):
        return 1 - 1 / self.tau, 1 / (self.tau * np.asarray(self.q))

    def lipschitz(self, each, whole):
        return np.max(each / np.asarray(self.q)) / self.n

    def atoms(self):
        n, tau, q = self.n, self.tau, np.asarray(self.q)
        listed_size(comb(n + tau - 1, tau), max(n, tau))
        indices = np.array(list(combinations_with_replacement(range(n), tau)))
        times = (indices[:, :, None] == np.arange(n)).sum(1)  # how often each index was drawn
        ways = factorial(tau) / np.prod(np.vectorize(factorial, otypes=[float])(times), axis=1)
        return indices, 1 / (tau * q[indices]), ways * np.prod(q[indices], axis=1)


class Independent(NamedTuple):
    """Every index on its own with probability q_i, weight 1 / q_i; a draw keeps all n, some with weight 0."""

    q: Array  # (n,)

    @property
    def n(self):
        return len(self.q)

    def pick(self, key):
        taken = jax.random.uniform(key, (self.n,)) < self.q
        return jnp.arange(self.n), taken / self.q

    @property
    def moment(self):
        return 1.0, 1 / np.asarray(self.q) - 1

    def lipschitz(self, each, whole):
        q = np.asarray(self.q)
        return whole if np.all(q == 1) else np.mean(each / q)

    def atoms(self):
        q = np.asarray(self.q)
        listed_size(2**self.n, self.n)
        taken = np.array([row for row in product((0, 1), repeat=self.n) if all(row | (q < 1))])
        probabilities = np.prod(np.where(taken, q, 1 - q), axis=1)
        return np.tile(np.arange(self.n), (len(taken), 1)), taken / q, probabilities


@jax.tree_util.register_static
@dataclass(frozen=True)
class Full:
    """Every index at every step: v = 1."""

    n: int

    def pick(self, key):
        return jnp.arange(self.n), jnp.ones(self.n)

    @property
    def moment(self):
        return 1.0, np.zeros(self.n)

    def lipschitz(self, each, whole):
        return whole

    def atoms(self):
        return np.arange(self.n)[None], np.ones((1, self.n)), np.ones(1)


@partial(jax.tree_util.register_dataclass, data_fields=["indices", "weights", "q"], meta_fields=["n"])
@dataclass(frozen=True)
class Listed:
    """A law given by its support: draw k has probability q_k; indices and weights, padded with weight 0."""

    indices: Array  # (atoms, length)
    weights: Array  # (atoms, length)
    q: Array  # (atoms,)
    n: int

    def pick(self, key):
        k = jax.random.choice(key, len(self.q), p=self.q)
        return self.indices[k], self.weights[k]

    @property
    def moment(self):
        """R = E[v v'] - across 11' is at most diag(sum_j |R_ij|) (diagonal dominance), for any `across`.

        The median entry off the diagonal is taken, at least 0: where all are equal, so is the moment.
        """
        v, q = support(self)
        second = (v.T * q) @ v
        off = second[~np.eye(self.n, dtype=bool)]
        across = max(0.0, float(np.median(off))) if self.n > 1 else 0.0
        rest = second - across
        own = np.diag(rest)
        return across, np.maximum(own + np.sum(np.abs(rest), axis=1) - np.abs(own), 0)

    def lipschitz(self, each, whole):
        """Lip(grad f_v) <= |c| L + mean_i |v_i - c| L_i for every c; the best c is 0 or an entry of v."""
        v, q = support(self)
        tries = np.concatenate([np.zeros((len(v), 1)), v], axis=1)[:, :, None]
        bounds = np.abs(tries[..., 0]) * whole + np.mean(np.abs(v[:, None, :] - tries) * each, axis=-1)
        return np.max(np.min(bounds, axis=1)[q > 0])

    def atoms(self):
        return np.asarray(self.indices), np.asarray(self.weights), np.asarray(self.q)


def support(law):
    """All v as rows, and their probabilities: (atoms, n), (atoms,)."""
    indices, weights, probabilities = law.atoms()
    listed_size(len(indices), law.n)
    v = np.zeros((len(indices), law.n))
    np.add.at(v, (np.arange(len(indices))[:, None], indices), weights)
    return v, probabilities


def listed_size(atoms, length):
    if atoms * length > LISTED:
        raise ValueError(
            f"a support of about 10^{log10(atoms):.0f} draws of length {length} is too large to list "
            f"(at most {LISTED} entries); use fewer functions, a smaller batch, or the closed-form moment"
        )
    return atoms


# The factories: what they return is a law.


def single(q):
    """One index with probability q_i."""
    return Single(jnp.asarray(admit.reachable(q, "single-element sampling")))


def uniform(n):
    """One index, all equally likely."""
    count = admit.whole(n, "the number of functions", 1)
    return single(np.full(count, 1 / count))


def importance(each):
    """One index with probability L_i / sum_j L_j."""
    each = admit.numbers(each, "smoothness constants")
    if not np.all(each > 0):
        raise ValueError(
            f"importance sampling needs positive smoothness constants; the smallest is {each.min():g}"
        )
    return single(each / each.sum())


def nice(n, tau):
    """tau of n indices without replacement."""
    n = admit.whole(n, "the number of functions", 1)
    return Nice(n, admit.whole(tau, f"the batch size of {n} functions drawn without replacement", 1, n))


def draws(q, tau):
    """tau independent draws from q."""
    return Draws(
        jnp.asarray(admit.reachable(q, "sampling with replacement")), admit.whole(tau, "the batch size", 1)
    )


def independent(q):
    """Every index on its own with probability q_i in (0, 1]."""
    q = admit.numbers(q, "the probabilities of independent sampling")
    if q.ndim != 1 or not np.all((q > 0) & (q <= 1)):
        worst = q.flat[np.argmax(np.abs(q - 0.5))]
        raise ValueError(
            f"independent sampling needs a vector of probabilities in (0, 1]; got shape {q.shape}, {worst:g}"
        )
    return Independent(jnp.asarray(q))


def full(n):
    """The full batch."""
    return Full(admit.whole(n, "the number of functions", 1))


def listed(v, q):
    """A law of one's own: the rows of v (atoms, n) with probabilities q (atoms,), E[v] = 1."""
    v, q = admit.numbers(v, "sampling vectors"), admit.probabilities(q, "a listed law")
    if v.ndim != 2 or len(v) != len(q):
        raise ValueError(
            f"sampling vectors must be the rows of an array, one for each of {len(q)} probabilities; "
            f"got shape {v.shape}"
        )
    mean = q @ v
    if np.any(np.abs(mean - 1) > 1e-12 * (1 + q @ np.abs(v))):
        i = int(np.argmax(np.abs(mean - 1)))
        raise ValueError(
            f"E[v] must be 1 in every entry; entry {i} has mean {mean[i]:.12g}: divide column {i} by that"
        )
    length = np.max(np.count_nonzero(v, axis=1))
    order = np.argsort(v == 0, axis=1, kind="stable")[:, :length]  # the entries that are not zero come first
    weights = np.take_along_axis(v, order, axis=1)
    return Listed(jnp.asarray(order), jnp.asarray(weights), jnp.asarray(q), v.shape[1])
