"""f_i(w) = (<x_i, u v> - y_i)^2 / 2 for w = (u, v): a diagonal linear network, with the predictor beta = u v.

Coordinates. In plus = u + v and minus = u - v a gradient step is multiplicative: with g = X_S' r_S / m the
gradient in beta of the mean loss of a group S,

    the ascent      plus <- (1 + rho g) plus,    minus <- (1 - rho g) minus,
    the predictor   beta = (plus^2 - minus^2) / 4 = imbalance sinh(log|plus| - log|minus|),
    the imbalance   |u^2 - v^2| / 2 = |plus minus| / 2,

so that logarithms of |plus| and |minus| lose nothing where u^2 - v^2 is far below u^2 + v^2.

Potential. Gradient flow from beta = 0 ends at the interpolator of least hyperbolic entropy

    phi(beta) = sum_j beta_j asinh(beta_j / k_j) - sqrt(beta_j^2 + k_j^2) + k_j,   grad phi = asinh(beta / k),

at the imbalance k of the start. From u = sqrt(2) alpha, v = 0 it is k = alpha^2 (`init` is alpha).

Groups of m-SAM are rows of indices, (groups, m): one row is n-SAM, n rows are 1-SAM. The loss of af22 is
remembered as half of this one; its rho is then twice ours.

Place: the diagonal-network section of Andriushchenko & Flammarion (af22); potential: Woodworth et al. 2020.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize

from theory import Array, admit
from theory.problems import ALL, Sum


class Fields(NamedTuple):
    x: Array  # (n, d)
    y: Array  # (n,)


class Diagonal(Fields, Sum):
    __slots__ = ()

    @property
    def n(self):
        return len(self.y)

    def losses(self, w, i=ALL):
        u, v = w
        x, y = jnp.asarray(self.x), jnp.asarray(self.y)  # kept in NumPy, which the plain steps need
        return 0.5 * (x[i] @ (u * v) - y[i]) ** 2

    @property
    def minima_each(self):
        return np.zeros(self.n)

    @property
    def minimum(self):
        x, y = np.asarray(self.x), np.asarray(self.y)
        return 0.5 * np.mean((x @ least_l2(x, y) - y) ** 2)


class Regression(NamedTuple):
    """A sparse regression: what is fitted, what it is tested on, and the predictor behind both."""

    train: Diagonal
    test: Diagonal
    target: np.ndarray  # (d,)


def diagonal(x, y):
    """f_i = (<x_i, u v> - y_i)^2 / 2."""
    x, y = admit.numbers(x, "the data"), admit.numbers(y, "the targets")
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise ValueError(f"data must be (n, d) with n targets; got shapes {x.shape} and {y.shape}")
    if np.any(np.all(x == 0, axis=0)):
        feature = int(np.argmax(np.all(x == 0, axis=0)))
        raise ValueError(f"feature {feature} of the data is zero in every row: drop it")
    return Diagonal(x, y)


def published(random):
    """The regression of the public notebook, drawn by the legacy generator `random`: 20 + 1000 rows in R^30.

    Normal rows, then a target |z| / |z|_2 whose entries after the third are zero.
    """
    n, tests, d, support = 20, 1000, 30, 3
    x, x_test = (random.multivariate_normal(np.zeros(d), np.eye(d), rows) for rows in (n, tests))
    target = random.randn(d)
    target[support:] = 0
    target = np.abs(target) / np.linalg.norm(target)
    return Regression(diagonal(x, x @ target), diagonal(x_test, x_test @ target), target)


def reference(seed):
    """`published` with the legacy generator started from `seed`."""
    return published(np.random.RandomState(seed))


def sparse(seed, n, d, support):
    """A random regression: normal rows, a target |z| / |z|_2 on the first `support` entries."""
    n, d = admit.whole(n, "the number of examples", 1), admit.whole(d, "the dimension", 1)
    support = admit.whole(support, "the number of entries of the target", 1, d)
    random = np.random.default_rng(seed)
    x, target = random.standard_normal((n, d)), np.zeros(d)
    target[:support] = np.abs(random.standard_normal(support))
    target /= np.linalg.norm(target)
    return Regression(diagonal(x, x @ target), diagonal(np.eye(d), target), target)


def groups(n, m):
    """Consecutive groups of m, (n / m, m)."""
    n, m = admit.whole(n, "the number of examples", 1), admit.whole(m, "the size of a group", 1, n)
    if n % m:
        raise ValueError(f"groups of {m} do not divide {n} examples; take m among the divisors of {n}")
    return np.arange(n).reshape(-1, m)


# Coordinates


def logarithms(u, v):
    """(log|u + v|, log|u - v|)."""
    return jnp.log(jnp.abs(u + v)), jnp.log(jnp.abs(u - v))


def weights(plus, minus):
    """(u, v) with u > |v| from the logarithms."""
    size, half = jnp.exp((plus + minus) / 2), (plus - minus) / 2
    return size * jnp.cosh(half), size * jnp.sinh(half)


def imbalance(plus, minus):
    """|u^2 - v^2| / 2 from the logarithms."""
    return jnp.exp(plus + minus) / 2


def predictor(plus, minus):
    """u v from the logarithms, without cancellation where it is small or overflow where the imbalance is."""
    near = imbalance(plus, minus) * jnp.sinh(jnp.clip(plus - minus, -1, 1))
    return jnp.where(jnp.abs(plus - minus) < 1, near, (jnp.exp(2 * plus) - jnp.exp(2 * minus)) / 4)


# The plain arithmetic in (u, v), NumPy, with the roundings of the public notebook. u and v may be batches of
# runs, (..., d), then gamma and rho are (..., 1); each run has the bits of a run alone.


def gradient(f, beta):
    """X'(X beta - y) / n."""
    return f.x.T @ (f.x @ beta - f.y) / f.n


def pulled(f, beta):
    """X'(X beta - y), by one product for each run."""
    rest = np.matmul(f.x, beta[..., None]) - f.y[:, None]
    return np.matmul(f.x.T, rest)[..., 0]


def gd_step(f, u, v, gamma):
    pull = pulled(f, u * v)
    return u - gamma * (pull * v / f.n), v - gamma * (pull * u / f.n)


def sgd_step(f, u, v, gamma, i):
    """A step on the example i, or of each run on its own."""
    row = f.x[i]
    rest = np.matmul(row[..., None, :], (u * v)[..., None])[..., 0] - np.asarray(f.y[i])[..., None]
    pull = rest * row
    return u - gamma * (pull * v), v - gamma * (pull * u)


def n_sam_step(f, u, v, gamma, rho):
    pull = pulled(f, u * v)
    ahead, beside = u + rho * (pull * v) / f.n, v + rho * (pull * u) / f.n
    pull = pulled(f, ahead * beside)
    return u - gamma * (pull * beside / f.n), v - gamma * (pull * ahead / f.n)


def one_sam_step(f, u, v, gamma, rho):
    """Every example looks ahead alone. The notebook ascends on r^2, descends on r^2 / 2: its rho is half."""
    rest = np.matmul(f.x, (u * v)[..., None])[..., 0] - f.y
    beside = (rho * rest)[..., None] * f.x
    ahead = beside * v[..., None, :]
    ahead += u[..., None, :]
    beside *= u[..., None, :]  # in place: new arrays take as long as the products
    beside += v[..., None, :]
    product = f.x * ahead
    product *= beside
    rest = (np.sum(product, axis=-1) - f.y)[..., None]
    for w in (beside, ahead):
        w *= rest
        w *= f.x
        w /= f.n
    return u - gamma * np.sum(beside, axis=-2), v - gamma * np.sum(ahead, axis=-2)


# Moves for `descent.iterate`, for sweeps; tests hold them to the rule in theory/update.py. In (u, v) they
# take lam = 0, the step that is not normalised. On (plus, minus), the values and not their logarithms, a step
# multiplies, so that u^2 - v^2 keeps its digits: plus by 1 - gamma up, minus by 1 + gamma down, with
#     up = mean_S g_S^+ (1 + h_S g_S),   down = mean_S g_S^+ (1 - h_S g_S),   h_S = rho (1 - lam + lam / |g|).


def one_sam(f):
    """1-SAM in (u, v) by five matrix-vector products.

    Ahead along the example i, with r = X u v - y and c = rho r, the predictor is
    u v + c_i x_i (u^2 + v^2) + c_i^2 x_i^2 u v, hence the residual there is
    r + c X^2 (u^2 + v^2) + c^2 X^3 (u v), powers and products taken entry by entry.
    """
    closed = example_means(f)

    def move(w, gamma, rho, lam, *_):
        u, v = w
        lead, side = closed(u * v, u * u + v * v, rho)
        return u - gamma * (lead * v + side * u), v - gamma * (lead * u + side * v)

    return move


def n_sam(f):
    """n-SAM in (u, v); gradient descent is rho = 0."""

    def move(w, gamma, rho, lam, *_):
        u, v = w
        pull = gradient(f, u * v)
        ahead, beside = u + rho * pull * v, v + rho * pull * u
        pull = gradient(f, ahead * beside)
        return u - gamma * pull * beside, v - gamma * pull * ahead

    return move


def example_means(f):
    """(beta, u^2 + v^2, rho) -> the means over examples of r+ x and of r+ x (rho r x), for 1-SAM."""
    squares, cubes = f.x**2, f.x**3

    def closed(beta, size, rho):
        rest = f.x @ beta - f.y
        scaled = rho * rest
        ahead = rest + scaled * (squares @ size) + scaled**2 * (cubes @ beta)
        return f.x.T @ ahead / f.n, squares.T @ (ahead * scaled) / f.n

    return closed


def one_sam_rates(f):
    """The rates of 1-SAM by the same products; lam = 0."""
    closed = example_means(f)

    def rates(plus, minus, rho, lam, *_):
        lead, side = closed((plus**2 - minus**2) / 4, (plus**2 + minus**2) / 2, rho)
        return lead + side, lead - side

    return rates


def m_sam_rates(f, groups):
    """The rates of m-SAM for groups of one size, (groups, m); one group is n-SAM, and at rho = 0 descent."""
    x, y = f.x[groups], f.y[groups]
    m = y.shape[1]

    def pulls(beta):
        return jnp.einsum("gm,gmd->gd", jnp.einsum("gmd,gd->gm", x, beta) - y, x) / m

    def rates(plus, minus, rho, lam, *_):
        plus, minus = plus[None], minus[None]
        pull = pulls(jnp.broadcast_to((plus**2 - minus**2) / 4, (len(y), plus.shape[1])))
        ascent = rho * pull
        if not (isinstance(lam, (int, float)) and lam == 0):
            square = jnp.sum(pull**2 * (plus**2 + minus**2), axis=1, keepdims=True) / 2
            inverse = jnp.where(square > 0, 1 / jnp.sqrt(jnp.where(square > 0, square, 1)), 0)
            ascent = ascent * (1 - lam + lam * inverse)
        up, down = 1 + ascent, 1 - ascent
        pull = pulls(((up * plus) ** 2 - (down * minus) ** 2) / 4)
        return jnp.mean(pull * up, axis=0), jnp.mean(pull * down, axis=0)

    return rates


def one_example_rates(f):
    """The rates of stochastic gradient descent: the draw is the example."""
    x, y = jnp.asarray(f.x), jnp.asarray(f.y)

    def rates(plus, minus, rho, lam, i):
        pull = (x[i] @ ((plus**2 - minus**2) / 4) - y[i]) * x[i]
        return pull, pull

    return rates


def multiplied(rates):
    """A step on (plus, minus)."""

    def move(w, gamma, rho, lam, *draw):
        plus, minus = w
        up, down = rates(plus, minus, rho, lam, *draw)
        return plus * (1 - gamma * up), minus * (1 + gamma * down)

    return move


def one_sam_residuals(f, u, v, rho):
    """r^+ = r (1 + rho <x^2, u^2 + v^2>) + rho^2 r^2 <x^3, beta>, each example after its own ascent."""
    r = f.x @ (u * v) - f.y
    return r * (1 + rho * (f.x**2 @ (u**2 + v**2))) + rho**2 * r**2 * (f.x**3 @ (u * v))


def n_sam_gradient(f, u, v, rho):
    """g^+ = g + X'X / n [rho g (u^2 + v^2) + rho^2 g^2 beta], after the ascent of the full batch."""
    g = gradient(f, u * v)
    return g + f.x.T @ (f.x @ (rho * g * (u**2 + v**2) + rho**2 * g**2 * u * v)) / f.n


# Interpolators


def least_l2(x, y):
    """The solution of X beta = y of least Euclidean norm."""
    return np.linalg.lstsq(x, y, rcond=1e-12)[0]


def least_l1(x, y):
    """A solution of X beta = y of least l1 norm, a vertex, by linear programming (HiGHS, to about 1e-9)."""
    n, d = np.shape(x)
    found = scipy.optimize.linprog(np.ones(2 * d), A_eq=np.hstack([x, -x]), b_eq=y, method="highs")
    if found.status != 0:
        raise ValueError(f"X beta = y has no solution of least l1 norm: {found.message}")
    return found.x[:d] - found.x[d:]


# Potential


def potential(beta, imbalance):
    """phi; nothing cancels where |beta| is far below the imbalance, or overflows where it is far above."""
    excess = beta * (beta / (imbalance + jnp.hypot(beta, imbalance)))  # sqrt(beta^2 + k^2) - k
    return jnp.sum(beta * jnp.arcsinh(beta / imbalance) - excess)


LEVEL = 8.0  # by how much the logarithm of the imbalance falls from level to level
ROUNDS = 400  # Newton steps at most: about 15 for an imbalance of 1e-6, 300 for 1e-250


def least_potential(x, y, imbalance):
    """(beta, dual): the minimiser of phi on X beta = y, for independent rows, and the dual solution.

    beta = k sinh(X' nu) where nu maximises nu'y - sum_j k_j (cosh((X' nu)_j) - 1). A Newton step s of it
    moves every exponent by at most D = |X's|_inf, over which its Hessian changes by at most e^D; the share
    log(1 + D) / D of the step therefore always gains (generalised self-concordance), and is all of it in the
    end. Where k is far below the size of beta it is lowered to its value level by level. Below about 1e-16 of
    that size nu is lost to rounding in the coordinates where beta is; beta is not. Compile it, or vmap it.
    """
    n = len(y)
    tiny = jnp.finfo(y.dtype).eps
    log_imbalance = jnp.log(imbalance)
    scale = jnp.max(jnp.abs(x.T @ jnp.linalg.solve(x @ x.T, y)))

    def sides(dual, level):
        """beta and k cosh(X' nu) with the imbalance raised to exp(level)."""
        raised, angle = jnp.maximum(log_imbalance, level), x.T @ dual
        up, down = jnp.exp(raised + angle) / 2, jnp.exp(raised - angle) / 2
        near = jnp.exp(raised) * jnp.sinh(jnp.clip(angle, -1, 1))
        return jnp.where(jnp.abs(angle) < 1, near, up - down), up + down

    def going(state):
        *_, change, rounds = state
        return (change > 1e-11) & (rounds < ROUNDS)

    def move(state):
        dual, level, _, rounds = state
        beta, slope = sides(dual, level)
        hessian = (x * slope[None]) @ x.T
        hessian += 4 * tiny * jnp.trace(hessian) / n * jnp.eye(n)  # not singular where beta has few entries
        full = jnp.linalg.solve(hessian, y - x @ beta)
        moved = x.T @ full
        most = jnp.max(jnp.abs(moved))
        share = jnp.where(most > 0, jnp.log1p(most) / jnp.where(most > 0, most, 1), 1)
        change = jnp.max(jnp.abs(slope * moved)) / scale
        last = level <= jnp.min(log_imbalance)
        return (
            dual + share * full,
            jnp.where((most < 1) & ~last, level - LEVEL, level),
            jnp.where(last, change, jnp.inf),
            rounds + 1,
        )

    start = jnp.zeros_like(y), jnp.log(scale), jnp.asarray(jnp.inf, y.dtype), 0
    dual, level, *_ = jax.lax.while_loop(going, move, start)
    return sides(dual, level)[0], dual
