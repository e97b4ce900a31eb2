"""f_k(w) = h_k(x) y_k^2 / 2 with w = (x, y): n valleys that share a floor, y = 0, and do not meet off it.

The heights h_k(x) = c_k + b_k . x + x' Q_k x / 2 are the curvatures of the data losses across the floor.
Where all are positive the floor is the set of minimisers, f = 0, and there

    Hess f_k = h_k(x) e_k e_k',                      rank one: lambda_1(Hess f_k) = h_k,
    Hess f = diag(0, h_1, .., h_n) / n,              lambda_1 = max h_k / n, trace = mean h_k,
    third derivatives d^3 f / dx_a dy_k dy_k = (grad h_k)_a / n, the other ones 0.

Where the largest height is unique the slow flow of SAM with the full batch, in the time gamma rho^2 t, is

    x' = -(1/2) (2 / (2 - gamma lambda_1))^2 grad lambda_1(x),

and that of SAM with single examples, whose gradients are orthogonal here,

    x' = -(1/2) mean_k (2 / (2 - gamma h_k))^2 grad h_k(x).

They descend psi(lambda_1) and mean_k psi(h_k) with psi(s) = s / (2 - gamma s); as gamma -> 0 half of lambda_1
and half of the trace.

Place: wml23, its four-dimensional example (Figure 1) and the model behind sections 4 and 5; eta is gamma,
M is n. Where ol25 and af22 have constants of smoothness, none exists here: the heights have no bound.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array, admit
from theory.problems import ALL, Sum


class Fields(NamedTuple):
    constant: Array  # (n,)
    slope: Array  # (n, p)
    bend: Array  # (n, p, p)


class Valley(Fields, Sum):
    """The state w is x, then y: (p + n,). The floor is also called the manifold."""

    __slots__ = ()

    @property
    def n(self):
        return len(self.constant)

    @property
    def p(self):
        """The dimension of the floor."""
        return self.slope.shape[1]

    def losses(self, w, i=ALL):
        x, y = w[: self.p], w[self.p :]
        return 0.5 * self.heights(x)[i] * y[i] ** 2

    def heights(self, x):
        """h_k(x), (n,)."""
        return self.constant + self.slope @ x + 0.5 * ((self.bend @ x) @ x)

    def height_slopes(self, x):
        """grad h_k(x), (n, p)."""
        return self.slope + self.bend @ x

    def on_floor(self, x):
        """The minimiser (x, 0)."""
        x = admit.numbers(x, "the point of the floor")
        if x.shape != (self.p,):
            raise ValueError(f"the floor has {self.p} coordinates; got shape {x.shape}")
        heights = np.asarray(self.heights(x))
        if not np.all(heights > 0):
            k = int(np.argmin(heights))
            raise ValueError(f"height {k} is {heights[k]:g} at x = {x}, not positive: no minimum lies there")
        return np.concatenate([x, np.zeros(self.n)])

    def spectrum(self, x):
        """The eigenvalues of Hess f across the floor, ascending (n,); the p along it are 0."""
        return jnp.sort(self.heights(x)) / self.n

    def hessian(self, x):
        """Hess f on the floor, (p + n, p + n)."""
        return jnp.diag(jnp.concatenate([jnp.zeros(self.p), self.heights(x) / self.n]))

    def third(self, x):
        """The third derivatives of f on the floor, (p + n, p + n, p + n)."""
        p, n = self.p, self.n
        across = p + np.arange(n)
        rises = self.height_slopes(x).T / n  # (p, n)
        out = jnp.zeros((p + n,) * 3)
        along = np.arange(p)[:, None]
        out = out.at[along, across, across].set(rises)
        out = out.at[across, along, across].set(rises)
        return out.at[across, across, along].set(rises)

    def laplacian(self, w):
        """Of f at any w; its own Laplacian is constant.

        So the mean of f over the sphere of radius rho about w is f + rho^2 laplacian / (2 (p + n)) and a
        constant, exactly.
        """
        x, y = w[: self.p], w[self.p :]
        traces = jnp.trace(self.bend, axis1=1, axis2=2)
        return jnp.mean(traces * y**2 / 2 + self.heights(x))

    # The flows are arithmetic alone: with fields and x in NumPy nothing is compiled.

    def full_drift(self, x, gamma):
        """x' of SAM with the full batch."""
        heights = self.heights(x)
        k = heights.argmax()
        return -0.5 * speed(gamma * heights[k] / self.n) * self.height_slopes(x)[k] / self.n

    def single_drifts(self, x, gamma):
        """Its drift where every step sees example k, (n, p); x' of 1-SAM is the mean over k."""
        return -0.5 * speed(gamma * self.heights(x))[:, None] * self.height_slopes(x)

    def single_drift(self, x, gamma):
        """x' of SAM with one example a step."""
        return self.single_drifts(x, gamma).mean(0)

    def single_turn(self, x, gamma):
        """The derivative of `single_drift` in x, (p, p)."""
        reach, slopes = gamma * self.heights(x), self.height_slopes(x)
        outer = slopes[:, :, None] * slopes[:, None, :]
        each = self.bend + (2 * gamma / (2 - reach))[:, None, None] * outer
        return -0.5 * (speed(reach)[:, None, None] * each).mean(0)

    @property
    def minimum(self):
        return 0.0

    @property
    def minima_each(self):
        return np.zeros(self.n)


def speed(h):
    """(2 / (2 - h))^2 for h = gamma times an eigenvalue: how much faster the flow is than as gamma -> 0."""
    return (2 / (2 - h)) ** 2


def valley(constant, slope, bend):
    """The valleys with heights constant_k + slope_k . x + x' bend_k x / 2."""
    constant = admit.numbers(constant, "the constants of the heights")
    slope = admit.numbers(slope, "the slopes of the heights")
    bend = admit.numbers(bend, "the bends of the heights")
    n, p = slope.shape if slope.ndim == 2 else (0, 0)
    if constant.shape != (n,) or bend.shape != (n, p, p):
        raise ValueError(
            "heights need constants (n,), slopes (n, p) and bends (n, p, p); "
            f"got shapes {constant.shape}, {slope.shape}, {bend.shape}"
        )
    if not np.array_equal(bend, np.swapaxes(bend, 1, 2)):
        raise ValueError(f"bends must be symmetric; got {bend.tolist()}: take the mean with the transposes")
    return Valley(*jax.device_put((constant, slope, bend)))


def bowls(floor, weights, centres):
    """The valleys with heights floor_k + sum_a weights_ka (x_a - centres_ka)^2."""
    floor = admit.numbers(floor, "the lowest heights")
    weights, centres = admit.numbers(weights, "the weights"), admit.numbers(centres, "the centres")
    if floor.ndim != 1 or weights.ndim != 2 or weights.shape != centres.shape or len(weights) != len(floor):
        raise ValueError(
            "bowls need lowest heights (n,), weights (n, p) and centres (n, p); "
            f"got shapes {floor.shape}, {weights.shape}, {centres.shape}"
        )
    return valley(
        floor + np.sum(weights * centres**2, axis=1),
        -2 * weights * centres,
        2 * weights[:, :, None] * np.eye(weights.shape[1]),
    )


def two_bowls():
    """h_1 = 2 + x^2 / 2, h_2 = 1 + 3 (x - 1)^2 / 4 on the line; h_1 > h_2 on [0, 1].

    lambda_1 is least at 0, the smallest non-zero eigenvalue at 1 and the trace at 0.6: the three notions of
    sharpness have three minimisers.
    """
    return bowls([2.0, 1.0], [[0.5], [0.75]], [[0.0], [1.0]])


# F_1 = x_1^2 + 6 x_2^2 + 8 and F_2 = 4 (x_1 - 1)^2 + (x_2 - 1)^2 + 1; F_1 > F_2 on the unit square
LOWEST, WEIGHTS, CENTRES = np.array([8.0, 1.0]), np.array([[1.0, 6.0], [4.0, 1.0]]), [[0.0, 0.0], [1.0, 1.0]]


def figure_1_whole():
    """f = F_1(x) y_1^2 + F_2(x) y_2^2, the loss as the paper writes it: heights 4 F_k, eigenvalues 2 F_k."""
    return bowls(4 * LOWEST, 4 * WEIGHTS, CENTRES)


def figure_1_single():
    """The mean of F_1(x) y_1^2 and F_2(x) y_2^2, half the loss above, as 1-SAM sees it: heights 2 F_k."""
    return bowls(2 * LOWEST, 2 * WEIGHTS, CENTRES)
