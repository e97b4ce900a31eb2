"""The spectrum of a Hessian that is known by its products with vectors, on any pytree.

    products(loss, w, *data)     v -> H v, linearised once at w: what a loop should use
    times(loss, w, v, *data)     H v alone, the derivative of the gradient along v
    top(product, ...)            the largest eigenvalues and their vectors, with bounds of their errors
    ceiling(tridiagonal, ...)    what the largest eigenvalue does not exceed, up to a chance
    density, trace_of, smoothed  stochastic Lanczos quadrature: the distribution of the eigenvalues
    trace, exact_trace           from random probes with a standard error; from all coordinates
    dense, smallest_nonzero, smallest_nonzero_of_squares      for small problems
    angle(tree, vectors)         between a vector and a span

Weights and data are arguments, so that whoever compiles hands them in: as constants of the program they are
folded while it compiles, for seconds.

    @partial(jax.jit, static_argnames="loss")
    def sharpness(loss, w, data, key):
        run, start = spectrum.products(loss, w, *data), spectrum.random_direction(key, w)
        return spectrum.top(run, start, key, count=2, most=20, accuracy=1e-6, chance=None)

Memory is (most + 1) times the weights, in their precision. An eigenvalue has the unit of the loss over the
square of that of the weights. What holds for H holds for any symmetric map between trees of one shape; the
lowest eigenvalues are the largest of v -> -H v.

What certifies what. After j steps T = Q' H Q is tridiagonal, with eigenpairs (theta, s) and y = Q s:
 1. an eigenvalue of H lies within r = |H y - theta y| = beta_j |s_j| of theta (Weyl); theta_1 <= lambda_1;
 2. if that eigenvalue is the only one nearer to theta than `gap`, it lies within r^2 / gap, and its vector
    at an angle from y whose sine is at most r / gap (Kato, Temple; Davis, Kahan);
 3. that no eigenvalue was missed between, or above, no residual can tell: a vector orthogonal to the start
    never enters Q, and of a multiple eigenvalue one vector does. The start has to be random.
`gap` is the distance to the other Ritz values less their residuals, so that 2 supposes what 3 leaves open: of
two eigenvalues closer than r, not yet told apart, it shows one, with an error that is far too small.
`ceiling` needs no gap: an eigenvector v of H has <v, q_{j+1}> = p_j(lambda) <v, q_1> with p_j(x) =
prod_i (x - theta_i) / beta_i, and <v, q_{j+1}> <= 1, so that an eigenvalue high above all theta is left out
only where the random start is nearly orthogonal to its vector, and how rarely it is, is known.
All bounds are those of exact products: rounding adds a few units of |H| in the last place.

Place: Lanczos 1950; the bounds as in Parlett, The Symmetric Eigenvalue Problem, chapters 10 and 13; the
quadrature is Golub's and Meurant's, its use on random starts Ubaru, Chen and Saad 2017 [recalled, derived
again in the tests].
"""

from math import log, pi
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from theory import Array, admit
from theory.update import norm

ROUNDINGS = 32  # of |H|: a remainder below it is zero, and the space that was built is invariant
FINEST = 4  # roundings of |H|: an accuracy below it is not asked for
SHARED = 0.4  # of an eigenvector's mass in the last block: of two that mix over blocks one has half


# Products


def times(loss, w, v, *data):
    """H v at w, the Hessian of loss(w, *data) in w: about three gradients."""
    return jax.jvp(lambda w: jax.grad(loss)(w, *data), (w,), (v,))[1]


def products(loss, w, *data):
    """v -> H v, a pytree that may be handed to a compiled function: about two gradients a product.

    What a gradient leaves behind (the activations of a net) is kept while it lives.
    """
    return jax.linearize(lambda w: jax.grad(loss)(w, *data), w)[1]


def random_direction(key, like):
    """A uniform unit vector, a tree like `like`."""
    flat, unravel = ravel_pytree(like)
    v = jax.random.normal(key, flat.shape, flat.dtype)
    return unravel(v / norm(v))


# Lanczos


class Tridiagonal(NamedTuple):
    """T after `steps` products; blocks end where `beside` is zero, and the last begins at `block`."""

    diagonal: Array  # (most,)
    beside: Array  # (most,), beta_j below the diagonal; the last of them leads out of the space
    steps: Array  # ()
    block: Array  # ()
    size: Array  # (), of the whole space


class Run(NamedTuple):
    basis: Array  # (most + 1, size), orthonormal rows, zero where none is yet
    found: Tridiagonal
    done: Array  # ()


class Ritz(NamedTuple):
    """Eigenpairs of T, in falling order; the first `steps` are some."""

    values: Array  # (most,)
    vectors: Array  # (most, most), columns
    residuals: Array  # (most,), r
    known: Array  # (most,), whether it is one of the first


class Pairs(NamedTuple):
    """The largest eigenvalues; what the bounds suppose stands at the top of this file."""

    values: Array  # (count,), falling
    vectors: Any  # a tree of leaves (count, ...), orthonormal
    residuals: Array  # (count,), r
    gaps: Array  # (count,), to the other Ritz values less their residuals; 0 where none is known
    errors: Array  # (count,), the smaller of r and r^2 / gap
    certified: Array  # (), whether every error is within the accuracy that was asked for
    tridiagonal: Tridiagonal

    @property
    def products(self):
        """The number of products with H that it took."""
        return self.tridiagonal.steps


def lanczos(product, start, key, most, done=None):
    """(basis, T) after `most` steps, or once done(T) holds; one compiled loop.

    Every new vector is made orthogonal to all before it, twice. Where nothing is left of it the space is
    invariant and T exact on it: beta is zero there, and a random direction of the rest opens another block,
    so that the multiples of an eigenvalue appear one after the other.
    """
    flat, unravel = ravel_pytree(start)
    size = len(flat)
    most = min(admit.whole(most, "the number of steps", 1), size)
    tiny = ROUNDINGS * jnp.finfo(flat.dtype).eps

    def remainder(basis, w):
        for _ in range(2):
            w = w - (basis @ w) @ basis
        return w

    def step(run):
        basis, now = run.basis, run.found
        j = now.steps
        q = basis[j]
        w = ravel_pytree(product(unravel(q)))[0]
        diagonal = now.diagonal.at[j].set(q @ w)
        w = remainder(basis, w)
        beta = norm(w)
        ended = (beta <= tiny * jnp.max(jnp.abs(diagonal) + now.beside)) | (j + 1 == size)
        beside = now.beside.at[j].set(jnp.where(ended, 0, beta))
        found = now._replace(diagonal=diagonal, beside=beside, steps=j + 1)

        def opened():
            fresh = remainder(basis, jax.random.normal(jax.random.fold_in(key, j), (size,), flat.dtype))
            fresh = fresh / norm(fresh)
            return jnp.where(j + 1 == size, 0, fresh), j + 1

        follower, block = jax.lax.cond(ended, opened, lambda: (w / beta, now.block))
        over = False if done is None else done(found)
        return Run(basis.at[j + 1].set(follower), found._replace(block=block), jnp.asarray(over))

    first = jnp.zeros((most + 1, size), flat.dtype).at[0].set(flat / norm(flat))
    none, zero = jnp.zeros(most, flat.dtype), jnp.asarray(0)
    begun = Run(first, Tridiagonal(none, none, zero, zero, jnp.asarray(size)), jnp.asarray(False))
    run = jax.lax.while_loop(lambda run: ~run.done & (run.found.steps < most), step, begun)
    return run.basis, run.found


def ritz(found):
    """The eigenpairs of T."""
    most = len(found.diagonal)
    known = jnp.arange(most) < found.steps
    inside = jnp.arange(most) < found.steps - 1
    size = jnp.max(jnp.abs(found.diagonal) + found.beside)
    unused = -4 * size - (size == 0)  # below all eigenvalues, which |T| bounds
    beside = jnp.where(inside, found.beside, 0)[:-1]
    matrix = jnp.diag(jnp.where(known, found.diagonal, unused)) + jnp.diag(beside, 1) + jnp.diag(beside, -1)
    values, vectors = jnp.linalg.eigh(matrix)
    values, vectors = values[::-1], vectors[:, ::-1]
    last = found.steps - 1
    return Ritz(values, vectors, found.beside[last] * jnp.abs(vectors[last]), known)


def gaps(found):
    """Of every Ritz value, the distance to the others less their residuals; 0 where it is none or unknown."""
    apart = jnp.abs(found.values[:, None] - found.values[None, :]) - found.residuals[None, :]
    other = found.known[None, :] & ~jnp.eye(len(found.values), dtype=bool)
    nearest = jnp.min(jnp.where(other, apart, jnp.inf), axis=1)
    return jnp.where(jnp.isinf(nearest), 0, jnp.maximum(nearest, 0))


def errors(residuals, gaps):
    """r^2 / gap where it is less than r."""
    narrow = gaps > residuals
    return jnp.where(narrow, residuals**2 / jnp.where(narrow, gaps, 1), residuals)


def top(product, start, key, count, most, accuracy, chance):
    """The `count` largest eigenvalues and their vectors, to `accuracy` relative to each: `Pairs`.

    `start` is the first vector (`random_direction`); `key` draws those that open further blocks. It ends as
    soon as the errors of all pairs are within the accuracy, or after `most` products. They suppose that no
    eigenvalue was missed (3, above). With a `chance`, lambda_1 has to be within the accuracy of its
    `ceiling` as well, which supposes nothing and takes about twice the products; None leaves that out.

    After an invariant space it ends when the largest eigenvalue of what is left is known too and is none of
    the `count`.
    """
    size = len(ravel_pytree(start)[0])
    count = admit.whole(count, "the number of eigenvalues", 1, size)
    most = min(admit.whole(most, "the number of products", count), size)

    def judged(pairs, found):
        """(errors of all pairs, which are small enough, a rounding of |H|)."""
        off = errors(pairs.residuals, gaps(pairs))
        unit = jnp.finfo(off.dtype).eps * jnp.max(jnp.abs(pairs.values * pairs.known))
        allowed = jnp.maximum(accuracy * jnp.abs(pairs.values), FINEST * unit)
        near = off <= allowed
        if chance is not None:
            near = near.at[0].set(near[0] & (ceiling(found, chance) - pairs.values[0] <= allowed[0]))
        return off, near, unit

    def done(found):
        pairs = ritz(found)
        _, near, unit = judged(pairs, found)
        complete = jnp.all(near[:count]) & (found.steps >= count)
        within = jnp.sum(jnp.where(jnp.arange(most)[:, None] >= found.block, pairs.vectors, 0) ** 2, axis=0)
        newest = jnp.argmax(pairs.known & (within > SHARED))  # the largest of the last block
        below = pairs.values[count] if count < most else -jnp.inf
        single = (found.block == 0) & (found.beside[found.steps - 1] > 0)
        surplus = near[newest] & (pairs.values[newest] <= below + ROUNDINGS * unit)
        return complete & (single | surplus)

    basis, found = lanczos(product, start, key, most, done)
    pairs = ritz(found)
    off, near, _ = judged(pairs, found)
    unravel = ravel_pytree(start)[1]
    shares = jnp.pad(pairs.vectors[:, :count].T, ((0, 0), (0, 1)))  # rather than a copy of the basis
    return Pairs(
        values=pairs.values[:count],
        vectors=jax.vmap(unravel)(shares @ basis),
        residuals=pairs.residuals[:count],
        gaps=gaps(pairs)[:count],
        errors=off[:count],
        certified=jnp.all(near[:count]) & (found.steps >= count),
        tridiagonal=found,
    )


def ceiling(tridiagonal, chance):
    """What lambda_1 exceeds with probability at most `chance` over the uniform random start; no gap supposed.

    The x above all Ritz values at which prod_i (x - theta_i) / beta_i = sqrt(2 size / pi) / chance. With the
    top of this file: else |<v_1, q_1>| <= chance / sqrt(2 size / pi), and as one coordinate of a uniform unit
    vector has a density of at most sqrt(size / (2 pi)), that is as rare as said. Where a space was invariant
    it is theta_1: a random start has a part of every eigenvector.
    """
    if not 0 < chance < 1:
        raise ValueError(f"the chance must lie between 0 and 1; got {chance!r}")
    pairs, steps = ritz(tridiagonal), tridiagonal.steps
    known = pairs.known
    single = (tridiagonal.block == 0) & (tridiagonal.beside[steps - 1] > 0)
    logs = jnp.where(known & single, jnp.log(jnp.where(known & single, tridiagonal.beside, 1)), 0)
    target = 0.5 * jnp.log(2 * tridiagonal.size / pi) - log(chance) + jnp.sum(logs)
    above = pairs.values[0] - pairs.values

    def excess(log_rise):  # the sum of the logarithms at theta_1 + exp(log_rise), less the target
        return jnp.sum(jnp.where(known, jnp.log(above + jnp.exp(log_rise)), 0)) - target

    high = target / steps  # there every factor is at least its share
    low = target - (steps - 1) * jnp.log(above[steps - 1] + jnp.exp(high))  # there none is more

    def halved(_, bracket):
        low, high = bracket
        middle = (low + high) / 2
        past = excess(middle) > 0
        return jnp.where(past, low, middle), jnp.where(past, middle, high)

    low, high = jax.lax.fori_loop(0, 60, halved, (low, high))
    return pairs.values[0] + jnp.where(single, jnp.exp(high), 0)


# The distribution of the eigenvalues


class Quadrature(NamedTuple):
    """q' f(H) q is the sum of weights times f(nodes), exactly for polynomials up to degree 2 steps - 1."""

    nodes: Array  # (probes, steps)
    weights: Array  # (probes, steps), each row of sum 1
    size: int  # of the whole space


def density(product, like, key, steps, probes):
    """The rule from `steps` products with each of `probes` uniform random starts."""
    probes = admit.whole(probes, "the number of probes", 1)

    def one(key):
        pairs = ritz(lanczos(product, random_direction(key, like), key, steps)[1])
        return pairs.values, pairs.vectors[0] ** 2

    nodes, weights = jax.lax.map(one, jax.random.split(key, probes))
    return Quadrature(nodes, weights, len(ravel_pytree(like)[0]))


def mean_of(samples):
    """(mean, its standard error) of independent samples; the error of a single one is NaN."""
    number = len(samples)
    spread = jnp.std(samples, ddof=1) / jnp.sqrt(number) if number > 1 else jnp.full((), jnp.nan)
    return samples.mean(), spread


def trace_of(function, rule):
    """tr f(H) and its standard error over the probes; besides, f must be near a polynomial of the degree."""
    return mean_of(rule.size * jnp.sum(rule.weights * function(rule.nodes), axis=1))


def smoothed(rule, at, width):
    """The density of the eigenvalues, of integral 1, seen through Gaussians of a width: (points,)."""
    apart = (at[:, None, None] - rule.nodes[None]) / width
    window = jnp.exp(-(apart**2) / 2) / (width * jnp.sqrt(2 * pi))
    return jnp.sum(rule.weights[None] * window, axis=(1, 2)) / len(rule.nodes)


def trace(product, like, key, probes):
    """tr H and its standard error from z' H z with random signs z (Hutchinson).

    A probe has variance 2 (|H|_F^2 - sum_i H_ii^2), so a diagonal H is met by one.
    """
    flat, unravel = ravel_pytree(like)

    def one(key):
        z = jax.random.rademacher(key, flat.shape, flat.dtype)
        return z @ ravel_pytree(product(unravel(z)))[0]

    return mean_of(jax.lax.map(one, jax.random.split(key, admit.whole(probes, "the number of probes", 1))))


def exact_trace(product, like, together=16):
    """tr H from a product with every coordinate, `together` at a time."""
    flat, unravel = ravel_pytree(like)

    def one(i):
        e = jnp.zeros_like(flat).at[i].set(1)
        return ravel_pytree(product(unravel(e)))[0][i]

    return jnp.sum(jax.lax.map(one, jnp.arange(len(flat)), batch_size=together))


# Small problems


def dense(product, like):
    """H as a matrix, (size, size), in the order of the flattened tree."""
    flat, unravel = ravel_pytree(like)
    return jax.vmap(lambda e: ravel_pytree(product(unravel(e)))[0])(jnp.eye(len(flat), dtype=flat.dtype))


def smallest_nonzero(matrix, cut):
    """The smallest eigenvalue above `cut` times the largest size, and its vector; NaN where there is none."""
    values, vectors = jnp.linalg.eigh(matrix)
    kept = values > cut * jnp.max(jnp.abs(values))
    at = jnp.argmax(kept)  # they rise
    return jnp.where(kept[at], values[at], jnp.nan), vectors[:, at]


def smallest_nonzero_of_squares(residuals, w, cut):
    """The same of J' J / n, J the derivative of the n residuals at w, through the singular values of J.

    (1/n) sum r_i(w)^2 / 2 has this Hessian where all residuals are zero; elsewhere it is its Gauss-Newton
    part. J' J / n and J J' / n share their eigenvalues but zero. `cut` is relative to the largest of them.
    """
    unravel = ravel_pytree(w)[1]
    jacobian = jax.vmap(lambda row: ravel_pytree(row)[0])(jax.jacrev(residuals)(w))
    _, singular, rows = jnp.linalg.svd(jacobian, full_matrices=False)
    values = singular**2 / len(jacobian)
    number = jnp.sum(values > cut * values[0])
    at = jnp.maximum(number - 1, 0)
    return jnp.where(number > 0, values[at], jnp.nan), unravel(rows[at])


# Angles


def angle(tree, vectors):
    """The angle in [0, pi / 2] of a vector to the span of orthonormal ones, a tree of leaves (k, ...).

    From the lengths of its two parts, so that small angles keep their digits; NaN for the zero vector.
    """
    v = ravel_pytree(tree)[0]
    v = v / norm(v)
    rows = jax.vmap(lambda each: ravel_pytree(each)[0])(vectors)
    inside = rows @ v
    rest = v - inside @ rows
    return jnp.arctan2(norm(rest), norm(inside))


def leading(vectors, count):
    """The first `count` of a tree of vectors."""
    return jax.tree.map(lambda x: x[:count], vectors)
