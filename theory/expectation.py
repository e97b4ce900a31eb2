"""Expectations along the sampled iteration, computed instead of sampled.

lam = 0 on quadratics. With e = w - w*, f_v has gradient H_v e + s_v there, and one step of USAM is affine:

    e+ = (I - N_v) e - z_v,     N_v = gamma (I + rho H_v) H_v,     z_v = gamma (I + rho H_v) s_v.

So the mean m = E e and the second moment S = E e e' follow a closed linear recursion, and with H the Hessian
of f, E f(w) - f* = tr(H S) / 2. It is kept as state minus next state, (E N_v) S + S (E N_v) - E[N_v S N_v]
and so on: differences of order gamma are then exact relative to themselves, which horizons of 1 / (gamma mu)
steps need.

    pieces(f, law)       any quadratic sum, any law with a listed support; O(atoms d^3) a step
    apart(f, law)        the same where the ascent has a draw of its own; O(atoms^2 d^3) a step
    together(f, law)     `pieces` in the shape of `apart`
    rank_one(f, law)     least squares and ridge, one index at a time; O(n d^2) a step
    recursion(...)       the curve step by step, for any schedule of gamma and rho
    krylov(...)          the curve at any times, from a basis whose size follows from the residual
    spectral(...)        d up to about 30: any times, the stationary value and the exact rate

Any rule and any lam, by listing: `one_step` (every draw, at any state) and `along_paths` (every path). With
the draws of `pairs` the ascent has one of its own.

All of it is float64. The state w* + range(H) is all that moves f; coordinates are reduced to range(H) first.

Place: ours; the recursion for lam = 0 is standard, the form without cancellation is pinned by tests
against listing, against 256-bit arithmetic and against squaring the map.
"""

from math import log
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array, admit
from theory.problems.least_squares import LeastSquares
from theory.sampling import Single, support
from theory.update import step

PATHS = 2**20  # sample paths up to which they are listed
CHUNK = 20  # Krylov vectors between two looks at the residual
LARGEST_BASIS = 200  # beyond it a Krylov basis buys nothing
SPECTRAL_LIMIT = 40  # the half-vector basis has d (d + 1) / 2 elements


class State(NamedTuple):
    """(1, E e, E e e'); linear in itself."""

    one: Array  # ()
    mean: Array  # (d,)
    second: Array  # (d, d)


class Pieces(NamedTuple):
    """grad f_v = h e + s with probability q, in the coordinates e = basis' (w - w*)."""

    q: Array  # (k,)
    h: Array  # (k, d, d)
    s: Array  # (k, d)
    whole: Array  # (d, d), the Hessian of f
    basis: Array  # (dimension of w, d), orthonormal

    def moves(self, gamma, rho):
        """(N_v, z_v) of every atom, and what the recursion reads of them."""
        return moved(self.q, self.h, self.s, self.h, self.s, gamma, rho)

    def change(self, state, moves):
        """State minus the next state."""
        return changed(self.q, state, moves)


class Apart(NamedTuple):
    """Two independent draws, J for the ascent and I for the descent; then N is not symmetric:

    N = gamma H_I (I + rho H_J),     z = gamma (s_I + rho H_I s_J).
    """

    q: Array  # (k^2,)
    h: Array  # (k^2, d, d), of the descent
    s: Array  # (k^2, d)
    h_first: Array  # (k^2, d, d), of the ascent
    s_first: Array  # (k^2, d)
    whole: Array  # (d, d)
    basis: Array  # (dimension of w, d)

    def moves(self, gamma, rho):
        """(N_v, z_v) of every pair, and what the recursion reads of them."""
        return moved(self.q, self.h, self.s, self.h_first, self.s_first, gamma, rho)

    def change(self, state, moves):
        """State minus the next state."""
        return changed(self.q, state, moves)


def moved(q, h, s, h_first, s_first, gamma, rho):
    """N = gamma (h + rho h h_first) and z = gamma (s + rho h s_first) of every atom; E N, E z and E z z'."""
    n = gamma * (h + rho * h @ h_first)
    z = gamma * (s + rho * (h @ s_first[:, :, None])[:, :, 0])
    weighted = q[:, None] * z
    return n, z, averaged(q, n), weighted.sum(0), weighted.T @ z


def changed(q, state, moves):
    """State minus the next one, from (N_v, z_v) of every atom. Operators alone, so that NumPy runs it too."""
    one, mean, second = state
    n, z, n_mean, z_mean, noise = moves
    half = n_mean @ second + mean[:, None] * z_mean[None] - (q[:, None] * (n @ mean)).T @ z
    half = half - 0.5 * averaged(q, n @ second @ n.swapaxes(1, 2))
    return State(0 * one, n_mean @ mean + one * z_mean, half + half.T - one * noise)


def averaged(q, matrices):
    """sum_k q_k matrices_k."""
    return (q @ matrices.reshape(len(matrices), -1)).reshape(matrices.shape[1:])


class RankOne(NamedTuple):
    """grad f_v = scale ((a a' + ridge I) e) + s with probability q, one row of `a` for each atom."""

    q: Array  # (n,)
    a: Array  # (n, d)
    scale: Array  # (n,), the weight over n
    ridge: Array  # ()
    s: Array  # (n, d)
    whole: Array  # (d, d)
    basis: Array  # (dimension of w, d)

    def moves(self, gamma, rho):
        """N = own I + along a a' and z of every atom, and what the recursion reads of them."""
        q, a, k, r = self.q, self.a, self.scale, self.ridge
        own = gamma * k * r * (1 + rho * k * r)
        along = gamma * k * (1 + rho * k * ((a**2).sum(1) + 2 * r))
        z = gamma * ((1 + rho * k * r)[:, None] * self.s + (rho * k * (a * self.s).sum(1))[:, None] * a)
        return z, own, along, q @ z, (q * own) @ z, z.T @ (q[:, None] * z)

    def change(self, state, moves):
        """State minus the next state; two products with `a` carry the cost. Operators alone, as above."""
        one, mean, second = state
        z, own, along, z_mean, z_own, noise = moves
        q, a = self.q, self.a
        product, onto = a @ second, q * along * (a @ mean)
        rows = (q * along * (1 - own))[:, None] * product - onto[:, None] * z
        rows = rows - (0.5 * q * along**2 * (product * a).sum(1))[:, None] * a
        half = a.T @ rows + (q @ own - 0.5 * (q @ own**2)) * second + mean[:, None] * (z_mean - z_own)[None]
        return State(0 * one, (q @ own) * mean + onto @ a + one * z_mean, half + half.T - one * noise)


def pieces(f, law):
    """The atoms of a quadratic sum under a law with a listed support."""
    if not hasattr(f, "hessians"):
        raise TypeError(
            f"moments close on quadratics alone; got {type(f).__name__}: use one_step or along_paths"
        )
    admit.double(f, law)
    same_size(f, law)
    v, q = support(law)
    slopes, whole, basis = reduced(f)
    h = basis.T @ (np.tensordot(v, f.hessians, 1) / f.n) @ basis
    s = cleared(v @ slopes / f.n, np.abs(v).max() * np.abs(slopes).max())  # the full batch has no noise
    return Pieces(*map(np.asarray, (q, h, s, whole, basis)))


def apart(f, law):
    """The atoms of a quadratic sum whose ascent sees a draw of its own."""
    one = pieces(f, law)
    return in_pairs(one, np.outer(one.q, one.q))


def together(f, law):
    """The atoms of `pieces` in the shape of `apart`, draws that differ with probability 0."""
    one = pieces(f, law)
    return in_pairs(one, np.diag(one.q))


def in_pairs(one, q):
    """The pairs of draws J for the ascent and I for the descent, with probabilities q (J, I)."""
    first, then = np.indices(q.shape).reshape(2, -1)
    return Apart(q.ravel(), one.h[then], one.s[then], one.h[first], one.s[first], one.whole, one.basis)


def rank_one(f, law):
    """The atoms of least squares or ridge regression, one index a step."""
    admit.double(f, law)
    if not (isinstance(f, LeastSquares) and isinstance(law, Single)):
        raise TypeError(
            f"rank-one moments are for least squares and single-element sampling; got {type(f).__name__} and "
            f"{type(law).__name__}: use pieces(f, law)"
        )
    same_size(f, law)
    slopes, whole, basis = reduced(f)
    q = np.asarray(law.q)
    scale = 1 / (f.n * q)
    arrays = map(
        jnp.asarray, (q, np.asarray(f.a) @ basis, scale, f.ridge, scale[:, None] * slopes, whole, basis)
    )
    return RankOne(*arrays)


def same_size(f, law):
    if f.n != law.n:
        raise ValueError(f"a law of {law.n} functions does not fit a sum of {f.n}; make it with n = {f.n}")


def reduced(f):
    """Slopes of every f_i at w* and the Hessian of f in an orthonormal basis of its range; the basis.

    Outside that range no f_i varies. Slopes that are all rounding are zero: interpolation, where the rate of
    the mean must not be read for that of E f.
    """
    w_star = f.minimiser
    slopes = f.slopes(w_star)
    slopes = slopes - slopes.mean(0)  # the mean is zero but for rounding
    size = np.abs(f.slopes(0 * w_star)).max() + f.smoothness_each.max() * np.linalg.norm(w_star)
    slopes = cleared(slopes, size)
    eigs, vectors = np.linalg.eigh(f.hessian)
    basis = vectors[:, eigs > 1e-12 * eigs[-1]]
    if basis.shape[0] == basis.shape[1]:
        return slopes, f.hessian, np.eye(len(eigs))
    return slopes @ basis, basis.T @ f.hessian @ basis, basis


def cleared(terms, size):
    """`terms`, or zeros where all are roundings of `size`."""
    return np.zeros_like(terms) if np.all(np.abs(terms) <= 64 * np.finfo(float).eps * size) else terms


def begin(atoms, start):
    """The state of a start that is known, from w_0 - w*."""
    e = atoms.basis.T @ jnp.asarray(start)
    return State(jnp.ones(()), e, jnp.outer(e, e))


def excess(atoms, state):
    """E f(w) - f*."""
    return 0.5 * jnp.sum(atoms.whole * state.second)


def slope_square(atoms, state):
    """E|grad f(w)|^2."""
    return jnp.sum(atoms.whole @ atoms.whole * state.second)


def recursion(atoms, start, gamma, rho, steps, read=excess):
    """E f(w_t) - f* for t = 0 .. steps, step by step; gamma and rho are numbers, or one for each step.

    `read(atoms, state)` is what is read of a state in its place. Compile it with `steps` static.
    """
    scheduled = jnp.ndim(gamma) + jnp.ndim(rho) > 0
    fixed = None if scheduled else atoms.moves(gamma, rho)
    sizes = jnp.broadcast_to(gamma, steps), jnp.broadcast_to(rho, steps)

    def move(state, now):
        change = atoms.change(state, atoms.moves(*now) if scheduled else fixed)
        after = jax.tree.map(jnp.subtract, state, change)
        return after, read(atoms, after)

    state = begin(atoms, start)
    curve = jax.lax.scan(move, state, sizes)[1]
    return jax.tree.map(lambda first, rest: jnp.concatenate([first[None], rest]), read(atoms, state), curve)


# The whole curve at once


class Curve(NamedTuple):
    """E f(w_t) - f* at `times`, the size of the basis, and the accumulated residual relative to the curve."""

    values: np.ndarray
    size: int
    residual: float


def krylov(atoms, start, gamma, rho, times, tolerance=1e-10):
    """The curve at `times` from an Arnoldi basis of D = I - map, applied to the first state.

    D V = V G + r v e_k', and (I - D)^t x is taken as |x| V (I - G)^t e_1. What this misses at time T is the
    sum over t < T of (I - D)^(T-1-t) applied to r |x| e_k' (I - G)^t e_1 v; the basis grows until that sum,
    with the powers damped at the slowest rate seen, is below `tolerance` times the curve at every time. The
    residual of the worst single step is up to a hundred times smaller than the error, the sum is not. It is
    returned, and above `tolerance` only where 200 vectors did not serve. It leaves out rounding, which grows
    with the condition number (1e-12 at 1e4).
    """
    admit.double(atoms)
    gamma, rho, times = (
        admit.number(gamma, "the step gamma"),
        admit.number(rho, "the radius rho"),
        admit.times(times),
    )
    admit.steps(gamma, rho, 0)
    start = admit.numbers(start, "the start")
    atoms = jax.tree.map(np.asarray, atoms)
    e = atoms.basis.T @ start
    noisy = bool(np.any(atoms.s))  # without noise neither 1 nor the mean moves f, and both fall more slowly
    first = State(np.asarray(float(noisy)), noisy * e, np.outer(e, e))
    d = len(first.mean)
    upper = np.triu_indices(d)
    half = np.where(
        upper[0] == upper[1], 1.0, np.sqrt(2.0)
    )  # the half-vector keeps inner products of symmetric matrices

    def pack(state):
        return np.concatenate([state.second[upper] * half, state.mean, [state.one]])

    def unpack(x):
        second = np.zeros((d, d))
        second[upper] = x[: len(half)] / half
        second = second + np.triu(second, 1).T
        return State(x[-1], x[len(half) : -1], second)

    moves = atoms.moves(gamma, rho)
    vector = pack(first)
    reads = np.zeros(len(vector))
    reads[: len(half)] = 0.5 * atoms.whole[upper] * half
    size = np.linalg.norm(vector)
    if size == 0:
        raise ValueError("the start is w* and nothing moves it: E f(w_t) - f* is 0 at every time")
    most = min(LARGEST_BASIS, len(vector))
    basis, small = np.zeros((most + 1, len(vector))), np.zeros((most + 1, most))
    basis[0] = vector / size
    # A loop in NumPy: its length is not known beforehand, and compiled calls cost more than the products.
    for k in range(most):
        image = pack(atoms.change(unpack(basis[k]), moves))
        length = np.linalg.norm(image)
        for _ in range(2):  # twice is enough
            along = basis[: k + 1] @ image
            image = image - along @ basis[: k + 1]
            small[: k + 1, k] += along
        small[k + 1, k] = np.linalg.norm(image)
        closed = small[k + 1, k] <= 1e-14 * length  # rounding: the space is invariant
        if closed or k + 1 == most or (k + 1) % CHUNK == 0:
            values, residual = projected(
                small[: k + 1, : k + 1], small[k + 1, k], basis[: k + 1] @ reads, size, times
            )
            if closed or residual <= tolerance:
                break
        basis[k + 1] = image / small[k + 1, k]
    return Curve(values, k + 1, residual)


def projected(small, beyond, reads, size, times):
    """The curve that a basis gives, and its accumulated residual relative to it."""
    eigs, right = np.linalg.eig(small)
    first = np.linalg.solve(right, np.eye(len(small))[0])

    def read(weights, t):
        # real in all but name: both blocks of the map are symmetric, and rounding alone pairs eigenvalues
        powers = power(eigs, t[:, None]) if np.isrealobj(eigs) else (1 - eigs) ** t[:, None]
        return size * np.real(powers @ (weights @ right * first))

    values = read(reads, times)
    # the residual is read at some steps t < T, each for those up to the next, and damped to the end
    grid = np.unique(np.round(np.geomspace(1, times.max() + 1, 200))) - 1
    residual = np.abs(beyond * read(np.eye(len(small))[-1], grid[:-1])) * np.diff(grid)
    left = times[:, None] - 1 - grid[:-1]
    damped = np.where(left >= 0, np.max(np.abs(1 - eigs)) ** np.maximum(left, 0), 0)
    missed = np.linalg.norm(reads) * (damped @ residual)
    with np.errstate(divide="ignore", invalid="ignore"):
        return values, float(np.max(np.where(missed > 0, missed / np.abs(values), 0)))


class Spectral(NamedTuple):
    """The moment recursion, diagonalised. The mean drives the second moment and nothing drives the mean, so

    E f(w_t) - f* = sum_j read_j [ (1 - fast_j)^t first_j + drive_j sum_{s<t} (1 - fast_j)^s
                                   + sum_a couple_ja sum_{s<t} (1 - fast_j)^(t-1-s) (1 - slow_a)^s ].
    """

    fast: np.ndarray  # (p,), eigenvalues of I - map on second moments
    slow: np.ndarray  # (d,), eigenvalues of I - map on means
    read: np.ndarray  # (p,)
    first: np.ndarray  # (p,)
    drive: np.ndarray  # (p,)
    couple: np.ndarray  # (p, d)

    def at(self, times):
        """E f(w_t) - f* at any whole times."""
        t = admit.times(times)[:, None]
        with np.errstate(over="ignore", invalid="ignore"):  # a recursion that grows ends in infinity
            alone = power(self.fast, t) * self.first + self.drive * geometric(0.0, self.fast, t)
            curve = alone @ self.read
            for a, slow in enumerate(self.slow):  # few: memory for (times, p, d) would be more
                curve = curve + geometric(slow, self.fast, t) @ (self.read * self.couple[:, a])
        return curve

    @property
    def stationary(self):
        """The limit of E f(w_t) - f*; infinite where the recursion is not a contraction."""
        spread = np.concatenate([self.fast, self.slow if self.noisy else []])
        if np.any(spread <= 0) or np.any(spread >= 2):
            return np.inf
        return float(np.sum(self.read * self.drive / self.fast))

    @property
    def noisy(self):
        return bool(np.any(self.drive != 0) or np.any(self.couple != 0))

    @property
    def rate(self):
        """1 minus the slowest factor a step: of the second moment; where there is noise, of the mean too."""
        spread = np.concatenate([self.fast, self.slow if self.noisy else []])
        return float(np.min(np.where(spread <= 1, spread, 2 - spread)))


def power(rate, t):
    """(1 - rate)^t without forming 1 - rate where rate is small."""
    size, sign = np.abs(1 - rate), np.where((rate > 1) & (t % 2 == 1), -1.0, 1.0)
    with np.errstate(divide="ignore"):
        logs = np.where(rate < 0.5, np.log1p(-np.minimum(rate, 0.5)), np.log(size))
    return sign * np.exp(t * np.where(t > 0, logs, 0))


def geometric(slow, fast, t):
    """sum_{s<t} (1 - fast)^(t-1-s) (1 - slow)^s = [(1 - slow)^t - (1 - fast)^t] / (fast - slow).

    Without cancellation: with x = max(1 - slow, 1 - fast) > 0 it is x^t [1 - (1 - apart)^t] / gap, where
    gap = |fast - slow| and apart = gap / x. Two negative factors are turned to positive ones, which leaves
    (-1)^(t - 1); factors of two signs cancel nothing.
    """
    slow, fast = np.broadcast_arrays(slow, fast)
    negative = (slow > 1) & (fast > 1)
    slow, fast = np.where(negative, 2 - slow, slow), np.where(negative, 2 - fast, fast)
    apart = np.abs(fast - slow)
    larger = np.minimum(slow, fast)  # the rate of the larger factor
    same = np.maximum(slow, fast) < 1
    near = apart < 1e-300
    with np.errstate(divide="ignore", invalid="ignore"):  # where the other forms are taken
        rest = -np.expm1(t * np.log1p(-apart / np.where(same, 1 - larger, 1)))
        close = power(larger, t) * rest / apart
        far = (power(slow, t) - power(fast, t)) / (fast - slow)
    equal = t * power(larger, np.maximum(t - 1, 0))
    return np.where(negative & (t % 2 == 0), -1, 1) * np.where(near, equal, np.where(same, close, far))


def spectral(f, law, start, gamma, rho):
    """Diagonalise the recursion of USAM on a quadratic sum, from w_0 - w*; for d up to about 30.

    I - map is exact only where the probabilities sum to 1, to rounding as the factories demand.
    """
    gamma, rho = admit.number(gamma, "the step gamma"), admit.number(rho, "the radius rho")
    admit.steps(gamma, rho, 0)
    start = admit.numbers(start, "the start")
    atoms = pieces(f, law)
    d = len(atoms.whole)
    if d > SPECTRAL_LIMIT:
        raise ValueError(
            f"spectral form at d = {d} needs {d * (d + 1) // 2} squared entries; "
            f"above {SPECTRAL_LIMIT} use krylov"
        )
    atoms = Pieces(*map(np.asarray, atoms))
    q = atoms.q
    n, z, n_mean, z_mean, noise = atoms.moves(gamma, rho)

    i, j = np.triu_indices(d)
    unit = np.where(i == j, 0.5, np.sqrt(0.5))  # E_ij = unit (e_i e_j' + e_j e_i') is an orthonormal basis
    flat = n.reshape(len(q), d * d)
    twice = ((flat.T * q) @ flat).reshape(d, d, d, d)  # E N_ik N_jl at [i, k, j, l]
    i_, j_, k_, l_ = i[:, None], j[:, None], i[None, :], j[None, :]
    eye = np.eye(d)
    once = (
        n_mean[i_, k_] * eye[j_, l_]
        + n_mean[i_, l_] * eye[j_, k_]
        + n_mean[j_, k_] * eye[i_, l_]
        + n_mean[j_, l_] * eye[i_, k_]
    )
    both = twice[i_, k_, j_, l_] + twice[i_, l_, j_, k_]
    block = 2 * np.outer(unit, unit) * (once - both)
    fast, vectors = np.linalg.eigh(0.5 * (block + block.T))
    slow, means = np.linalg.eigh(n_mean)

    def coordinates(second):
        return vectors.T @ (2 * unit * second[i, j])

    def driven(mean):
        """What a mean adds to the next second moment."""
        crossed = (q[:, None] * (n @ mean)).T @ z - np.outer(mean, z_mean)
        return crossed + crossed.T

    e = atoms.basis.T @ start
    limit = -means @ (
        (means.T @ z_mean) / np.where(slow == 0, 1, slow)
    )  # of the mean; gamma = 0 moves nothing
    along = means.T @ (e - limit)
    return Spectral(
        fast,
        slow,
        coordinates(0.5 * atoms.whole),
        coordinates(np.outer(e, e)),
        coordinates(noise + driven(limit)),
        np.stack([coordinates(driven(means[:, a])) * along[a] for a in range(d)], axis=1),
    )


# Listing: any rule, any lam


def one_step(f, atoms, w, gamma, rho, lam, observe, rule=step):
    """E observe(w+) over every draw (indices, weights, probabilities); exact at any state w. Compile it.

    `rule` is another step of theory/update.py: `step_apart` with the draws of `pairs`.
    """
    *draws, q = atoms
    after = jax.vmap(lambda *draw: observe(rule(jax.value_and_grad(f.loss), w, gamma, rho, lam, *draw)))(
        *draws
    )
    return jnp.tensordot(q, after, 1)


def pairs(atoms):
    """Every draw of the ascent with every one of the descent: (first, indices, weights, probabilities)."""
    indices, weights, q = atoms
    first, then = np.indices((len(q), len(q))).reshape(2, -1)
    return (indices[first], weights[first]), indices[then], weights[then], q[first] * q[then]


def paths(atoms, steps):
    """Every path of `steps` draws of a law with `atoms` draws, as their numbers: (paths, steps)."""
    if steps * log(atoms) > log(PATHS):
        raise ValueError(
            f"{atoms}^{steps} paths are too many to list (at most {PATHS}); take fewer steps or atoms"
        )
    return np.indices((atoms,) * steps).reshape(steps, -1).T


def along_paths(f, law, w, gamma, rho, lam, steps, observe):
    """E observe(w_t) for t = 0 .. steps over every sample path; each of gamma, rho, lam may be a schedule."""
    admit.double(f, law, w)
    admit.steps(gamma, rho, lam)
    same_size(f, law)
    atoms, steps = law.atoms(), admit.whole(steps, "the number of steps", 1)
    numbers = paths(len(atoms[2]), steps)
    schedule = [jnp.broadcast_to(jnp.asarray(x), (steps,)) for x in (gamma, rho, lam)]
    return listed_curve(f, tuple(map(jnp.asarray, atoms)), numbers, jnp.asarray(w), schedule, observe)


def listed_curve(f, atoms, numbers, w, schedule, observe, rule=step):
    """The scan behind `along_paths`, for callers that compile it over many cases of one shape.

    `rule` as in `one_step`.
    """
    *draws, q = atoms
    path_q = jnp.prod(q[numbers], axis=1)

    def move(states, now):
        atom, steps = now
        draw = jax.tree.map(lambda each: each[atom], draws)
        take = jax.vmap(lambda w, draw: rule(jax.value_and_grad(f.loss), w, *steps, *draw))
        after = take(states, draw)
        return after, jnp.tensordot(path_q, jax.vmap(observe)(after), 1)

    states = jnp.broadcast_to(w, (len(numbers), *w.shape))
    curve = jax.lax.scan(move, states, (jnp.asarray(numbers).T, tuple(schedule)))[1]
    return jnp.concatenate([observe(w)[None], curve])
