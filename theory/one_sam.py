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

    def moves(self, z):
        """The coordinates after a step on every example, (n, p + n)."""
        w = self.state(z)
        return jax.vmap(lambda v: self.coordinates(on_example(self.f, w, v, self.gamma, self.rho)))(
            self.f.n * jnp.eye(self.f.n)
        )


def on_example(f, w, v, gamma, rho):
    """A step on the example that the weights `v` of all losses pick: as v = n e_k nothing is gathered."""
    return step(jax.value_and_grad(lambda w: f.loss(w, v=v)), w, gamma, rho, 1.0)


def walk(chart, x, sizes):
    """K on the grid of `sizes`, its reach, and the weights that read K^t g on the cycle over x.

    Compile it with `sizes` static.
    """
    n = chart.f.n
    matrix, reach = transfer.operator(chart.moves, jnp.full(n, 1 / n), sizes)
    start = jnp.concatenate([x, chart.cycle(x)])
    return matrix, reach, transfer.row(chart.coordinates(start), sizes)


def states(chart, sizes):
    """The states at the grid points, (points, p + n)."""
    return jax.vmap(chart.state)(transfer.nodes(sizes))


def diffusion(f, x, gamma, tau, steps):
    """(X, S) at the slow time tau from (x, 0), by `steps` steps of Runge and Kutta's method of order four."""

    def rates(now):
        x, s = now
        each = f.single_drifts(x, gamma)
        turn = jax.jacfwd(lambda x: f.single_drift(x, gamma))(x) @ s
        return f.single_drift(x, gamma), turn + turn.T + jnp.cov(each.T, bias=True).reshape(s.shape)

    return runge_kutta(rates, (x, jnp.zeros((f.p, f.p))), tau, steps)


def runge_kutta(rates, start, time, steps):
    """The state at `time` of state' = rates(state); compile it with `rates` and `steps` static."""
    size = time / steps

    def gone(state, share, slope):
        return jax.tree.map(lambda a, b: a + share * size * b, state, slope)

    def move(state, _):
        first = rates(state)
        second = rates(gone(state, 0.5, first))
        third = rates(gone(state, 0.5, second))
        fourth = rates(gone(state, 1.0, third))
        mean = jax.tree.map(lambda a, b, c, d: (a + 2 * b + 2 * c + d) / 6, first, second, third, fourth)
        return gone(state, 1.0, mean), None

    return jax.lax.scan(move, start, length=steps)[0]


def runs(f, starts, gamma, rho, key, steps):
    """The last states of independent runs of 1-SAM from `starts` (runs, p + n); `steps` may be traced."""

    def move(t, w):
        k = jax.random.randint(jax.random.fold_in(key, t), (len(starts),), 0, f.n)
        return jax.vmap(lambda w, v: on_example(f, w, v, gamma, rho))(w, f.n * jax.nn.one_hot(k, f.n))

    return jax.lax.fori_loop(0, steps, move, starts)
