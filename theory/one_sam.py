"""1-SAM in a valley (theory/problems/valley.py): its exact moments, and its diffusion about the slow flow.

A step on example k moves x and |y_k|, and |y_k| is drawn to its cycle, gamma rho h_k / (2 - gamma h_k) = c_k.
In box coordinates, x between `low` and `high` and |y_k| / c_k - 1 up to `spread`, of order rho^2, the step is
smooth, and theory/transfer.py gives E g(w_t) without sampling.

In slow time, tau = gamma rho^2 t, x follows the flow X' = F(X) of F = mean_k d_k, d_k the drift on example k,
and as rho -> 0 its covariance over gamma rho^2 is S of

    S' = F'(X) S + S F'(X)' + Cov_k d_k(X),    S(0) = 0:

each step adds gamma rho^2 (d_k - F), independent over steps. For one flat variable and kappa = -F' this is
S = int_0^tau Var_k d_k exp(-2 int kappa).

Place: ours; beside wml23, section 5 (eta is gamma).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp

from theory import Array, transfer
from theory.bounds.ol25 import cycle_radius
from theory.problems.valley import Valley
from theory.update import step


class Chart(NamedTuple):
    """Coordinates of the states of 1-SAM; the sign of y_k, which means nothing, is lost."""

    f: Valley
    gamma: Array | float
    rho: Array | float
    low: Array  # (p,)
    high: Array  # (p,)
    spread: Array | float

    def cycle(self, x):
        """c_k(x), (n,)."""
        return cycle_radius(self.f.heights(x), self.gamma, self.rho, 1.0)

    def state(self, z):
        p = self.f.p
        x = (self.low + self.high + (self.high - self.low) * z[:p]) / 2
        return jnp.concatenate([x, self.cycle(x) * (1 + self.spread * z[p:])])

    def coordinates(self, w):
        p = self.f.p
        x, y = w[:p], w[p:]
        flat = (2 * x - self.low - self.high) / (self.high - self.low)
        return jnp.concatenate([flat, (jnp.abs(y) / self.cycle(x) - 1) / self.spread])


def on_example(f, w, v, gamma, rho):
    """A step on the example that the weights `v` of all losses pick: as v = n e_k nothing is gathered."""
    return step(jax.value_and_grad(lambda w: f.loss(w, v=v)), w, gamma, rho, 1.0)


def moved(chart, grid):
    """The states at the grid points, (points, p + n), and the coordinates after a step on every example."""

    def one(z):
        w = chart.state(z)
        draws = chart.f.n * jnp.eye(chart.f.n)
        return w, jax.vmap(lambda v: chart.coordinates(on_example(chart.f, w, v, chart.gamma, chart.rho)))(
            draws
        )

    return jax.vmap(one)(grid)


class Walk(NamedTuple):
    matrix: np.ndarray  # K at the grid
    states: np.ndarray  # (points, p + n)
    start: np.ndarray  # the weights that read a function on the cycle over x
    reach: float  # how far out of the box the moves go: 1 where they end on its border


def walk(chart, x, sizes, move):
    """What E g(w_t) takes, from the cycle over x; `move` is `moved`, compiled."""
    n = chart.f.n
    states, after = map(np.asarray, move(chart, transfer.nodes(sizes)))
    flat = (2 * np.asarray(x) - chart.low - chart.high) / (chart.high - chart.low)
    start = transfer.weights(np.append(flat, np.zeros(n)), sizes)
    return Walk(transfer.operator(after, np.full(n, 1 / n), sizes), states, start, np.max(np.abs(after)))


def expected(walk, g, t):
    """E g(w_t); `g` takes all states at once, (points, p + n), and may have several values."""
    return walk.start @ transfer.after(walk.matrix, g(walk.states), t)


def flow(f, drift, x, tau):
    """X at the slow time tau along X' = drift(f, X), f in NumPy."""
    f = Valley(*map(np.asarray, f))
    return solved(lambda x: drift(f, x), np.asarray(x, float), tau)


def diffusion(f, x, gamma, tau):
    """(X, S) at the slow time tau from (x, 0)."""
    f, p = Valley(*map(np.asarray, f)), f.p

    def rates(state):
        x, s = state[:p], state[p:].reshape(p, p)
        each = f.single_drifts(x, gamma)
        turned = f.single_turn(x, gamma) @ s
        noise = np.cov(each.T, bias=True).reshape(p, p)
        return np.concatenate([each.mean(0), (turned + turned.T + noise).ravel()])

    state = solved(rates, np.concatenate([x, np.zeros(p * p)]), tau)
    return state[:p], state[p:].reshape(p, p)


def solved(rates, start, time):
    path = solve_ivp(lambda _, z: rates(z), (0.0, time), start, method="DOP853", rtol=1e-12, atol=1e-14)
    return path.y[:, -1]


def runs(f, starts, gamma, rho, draws, steps):
    """The last states of runs from `starts` (runs, p + n), on the examples in the first rows of `draws`.

    `steps` may be traced, so that one program serves for all lengths; it must not exceed the rows.
    """

    def move(t, w):
        v = f.n * jax.nn.one_hot(draws[t], f.n)
        return jax.vmap(lambda w, v: on_example(f, w, v, gamma, rho))(w, v)

    return jax.lax.fori_loop(0, steps, move, starts)
