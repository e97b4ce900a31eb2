"""The flow of m-SAM on a diagonal linear network, in logarithms of u + v and u - v.

dw/dt = -mean_S grad f_S(w + h_S grad f_S(w)) with h_S = rho, or rho / |grad f_S(w)| where normalised. With
g_S and g_S^+ the gradients in beta of a group before and after its ascent,

    (log|u + v|)' = -mean_S g_S^+ (1 + h_S g_S),    (log|u - v|)' = mean_S g_S^+ (1 - h_S g_S).

Their sum and difference give, for every radius, grouping and time (proof of af22's implicit bias),

    imbalance(t) = imbalance(0) exp(-2 int mean_S h_S g_S g_S^+),
    beta(t) = imbalance(t) sinh(X' dual(t)),    dual(t) = -(2/n) int r^+,

so that asinh(beta / imbalance) lies in the span of the data: beta(t) minimises the potential of the current
imbalance among all predictors that fit the data equally.

The integrals are taken beside the state. SciPy's LSODA at its finest tolerance; a second solver agrees to
1e-12. Normalised with groups smaller than the data set the right side jumps where the gradient of a group
vanishes, and the flow slides along the jump: this is refused.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import odeint

from theory import Array, admit
from theory.problems import diagonal
from theory.update import direction, in_groups, look_ahead, norm

FINEST = 2.3e-14  # LSODA's least relative tolerance is 100 roundings
MOST_STEPS = 100_000
STEP = 1e-7  # of the differences in the Jacobian
NODES, DOUBLINGS = 24, 14  # of the quadrature


class Path(NamedTuple):
    """The flow at the times asked for; rows are times."""

    plus: Array  # (times, d), log|u + v|
    minus: Array  # (times, d), log|u - v|
    shrinkage: Array  # (times, d), int mean_S h_S g_S g_S^+ dt
    dual: Array  # (times, n), -(2/n) int r^+ dt
    loss: Array  # (times,), int f dt

    @property
    def imbalance(self):
        return np.exp(self.plus + self.minus) / 2

    @property
    def beta(self):
        """Without cancellation where u v is small, without overflow where the imbalance is."""
        near = self.imbalance * np.sinh(np.clip(self.plus - self.minus, -1, 1))
        far = (np.exp(2 * self.plus) - np.exp(2 * self.minus)) / 4
        return np.where(np.abs(self.plus - self.minus) < 1, near, far)


def right_side(f, groups, rho, normalised):
    """z' and its Jacobian, for z = (plus, minus, shrinkage, dual, loss), flat; z' of a stack as well."""
    (count, m), (n, d) = groups.shape, f.x.shape
    place = np.ravel(groups)
    x, y = f.x[place], f.y[place]
    x_of, y_of = x.reshape(count, m, d), y.reshape(count, m)
    turned, dual = np.ascontiguousarray(x.T), 3 * d + place

    def pulled(residual):
        """The gradients in beta from the residuals, (..., groups, m)."""
        return np.matmul(residual[..., None, :], x_of)[..., 0, :] / m

    def move(t, z):
        squares = np.exp(2 * z[..., None, : 2 * d])
        plus, minus = squares[..., :d], squares[..., d:]
        residual = np.matmul((plus - minus)[..., 0, :] / 4, turned) - y
        g = pulled(residual.reshape(*z.shape[:-1], count, m))
        ascent = rho * g
        if normalised:
            ascent /= np.sqrt(np.sum(g**2 * (plus + minus), axis=-1, keepdims=True) / 2)
        up, down = 1 + ascent, 1 - ascent
        beta = (up**2 * plus - down**2 * minus) / 4
        residual_ahead = np.matmul(x_of, beta[..., None])[..., 0] - y_of
        ahead = pulled(residual_ahead)
        out = np.empty_like(z)
        mean, shrinking = np.add.reduce(ahead, -2) / count, np.add.reduce(ascent * ahead, -2) / count
        out[..., :d] = -mean - shrinking
        out[..., d : 2 * d] = mean - shrinking
        out[..., 2 * d : 3 * d] = shrinking
        out[..., dual] = residual_ahead.reshape(*z.shape[:-1], n) * (-2 / n)
        out[..., -1] = np.add.reduce(residual**2, -1) / (2 * n)
        return out

    def slope(t, z):
        """dz'/dz by differences: LSODA's iteration needs it roughly, and the integrals enter nothing."""
        size = len(z)
        moved = np.repeat(z[None], 2 * d + 1, axis=0)
        np.einsum("ii->i", moved[1:, : 2 * d])[:] += STEP
        rates = move(t, moved)
        out = np.zeros((size, size))
        out[:, : 2 * d] = (rates[1:] - rates[0]).T / STEP
        return out

    return move, slope


def path(f, init, groups, rho, times, normalised=False):
    """The flow from u = sqrt(2) init, v = 0 at the increasing `times`; at rho = 0 it is gradient flow.

    `init` is a number or one for each coordinate.
    """
    n, d = f.x.shape
    times = admit.numbers(times, "times")
    admit.steps(1.0, rho, 0.0)
    if np.any(np.diff(times) <= 0) or times[0] <= 0:
        raise ValueError(f"times of a flow must be positive and increase; got {times}")
    if not np.all(admit.numbers(init, "the scale of the start") > 0):
        raise ValueError(f"the scale of the start must be positive; got {init}")
    if sorted(np.ravel(groups)) != list(range(n)):
        raise ValueError(f"groups must hold each of the {n} examples once; got {np.asarray(groups).tolist()}")
    if normalised and len(groups) > 1:
        raise ValueError(
            f"normalised m-SAM with {len(groups)} groups has no smooth flow: its right side jumps where the "
            "gradient of a group vanishes; take one group, or unnormalised steps"
        )
    log_size = np.broadcast_to(np.log(np.sqrt(2) * np.asarray(init, float)), d)
    start = np.concatenate([log_size, log_size, np.zeros(d + n + 1)])
    move, slope = right_side(f, groups, rho, normalised)
    z = solve(move, slope, start, times)
    plus, minus, shrinkage, dual, loss = np.split(z, np.cumsum([d, d, d, n]), axis=1)
    return Path(plus, minus, shrinkage, dual, loss[:, 0])


def solve(move, slope, z, times):
    """z at `times`, (times, len(z)), by LSODA from time 0; it refuses what it cannot reach."""
    places = np.concatenate([[0.0], times])
    sizes = {"rtol": FINEST, "atol": 1e-15, "mxstep": MOST_STEPS}
    with np.errstate(over="ignore", invalid="ignore"):  # a flow that blows up is refused below
        found, told = odeint(move, z, places, Dfun=slope, tfirst=True, full_output=True, **sizes)
    if told["message"] != "Integration successful." or not np.all(np.isfinite(found)):
        raise ValueError(f"the flow does not reach time {times[-1]:g} ({told['message']}): lower the radius")
    return found[1:]


def quadrature(end):
    """(times, weights) of Gauss and Legendre on [0, end 2^-k] and on intervals that double from there.

    The right side is analytic, and its fastest mode is resolved by the first.
    """
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    edges = np.concatenate([[0.0], end * 2.0 ** np.arange(-DOUBLINGS, 1)])
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (1 + nodes)).ravel(), (half * weights).ravel()


def moment(f, init, end):
    """int r r' dt along gradient flow up to `end`, (n, n), and the predictor there."""
    times, weights = quadrature(end)
    found = path(f, init, diagonal.groups(f.n, f.n), 0.0, np.append(times, end))
    residuals = found.beta[:-1] @ f.x.T - f.y
    return np.einsum("t,ti,tj->ij", weights, residuals, residuals), found.beta[-1]


def exponent(f, moment, groups):
    """int mean_S g_S^2 dt in every coordinate: log(alpha_eff / alpha) = -rho times this, to leading order."""
    each = moment[groups[:, :, None], groups[:, None, :]]
    return np.einsum("sij,sid,sjd->d", each, f.x[groups], f.x[groups]) / groups.size / groups.shape[1]


class Ruled(NamedTuple):
    """The flow by the rule in theory/update.py at the times asked for; rows are times."""

    u: Array  # (times, d)
    v: Array  # (times, d)
    shrinkage: Array  # (times, d), int mean_S h_S g_S g_S^+ dt
    dual: Array  # (times, n), -(2/n) int r^+ dt

    @property
    def imbalance(self):
        return np.abs(self.u**2 - self.v**2) / 2

    @property
    def beta(self):
        return self.u * self.v


def of_groups(f, groups):
    """The value and gradient of a group's mean loss, as functions of (w, group), for the rule."""
    return jax.value_and_grad(lambda w, i: f.loss(w, i, f.n / groups.shape[1]))


def rule_slope(f, groups, rho, lam, w):
    """The gradient that m-SAM descends on at w, of any sum f."""
    return in_groups(look_ahead(of_groups(f, groups), rho, lam))(w, groups)[1]


def rule_side(f, groups, rho, lam, z):
    """z' for z = (u, v, shrinkage, dual), flat: dw/dt is minus the gradient that the rule descends on.

    It comes from the losses by automatic differentiation; of the coordinates above nothing is used.
    """
    (n, d), m = f.x.shape, groups.shape[1]
    w = z[:d], z[d : 2 * d]
    rule, slope = of_groups(f, groups), rule_slope(f, groups, rho, lam, w)

    def each(i):
        grad = rule(w, i)[1]
        step = direction(grad, lam)
        radius = rho * jnp.where(lam == 0, 1.0, 1 - lam + lam / norm(grad))
        ahead = [a + rho * b for a, b in zip(w, step, strict=True)]
        residual, residual_ahead = (f.x[i] @ (u * v) - f.y[i] for u, v in (w, ahead))
        return radius * (f.x[i].T @ residual) * (f.x[i].T @ residual_ahead) / m**2, residual_ahead

    shrinking, ahead = jax.vmap(each)(groups)
    dual = jnp.zeros(n).at[groups.ravel()].set(-2 / n * ahead.ravel())
    return jnp.concatenate([-slope[0], -slope[1], shrinking.mean(0), dual])


def by_rule(f, u, groups, rho, lam, times, side):
    """The flow from (u, 0); `side` is `rule_side`, compiled."""
    n, d = f.x.shape
    groups = np.asarray(groups)
    start = np.concatenate([u, np.zeros(2 * d + n)])
    z = solve(lambda t, z: np.asarray(side(f, groups, rho, lam, z)), None, start, times)
    return Ruled(*np.split(z, [d, 2 * d, 3 * d], axis=1))
