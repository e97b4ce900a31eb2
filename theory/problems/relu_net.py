"""f(w) = mean_i (net_w(x_i) - y_i)^2 / 2, net_w(x) = outer max(inner x + bias, 0): one hidden layer of ReLUs.

For c_j > 0 the rescaling A of the nodes, inner and bias of node j times c_j and its outer weight over c_j,
leaves net_w as it is.

Over the ball |T^-1 e| <= rho the loss is at most (norms over the nodes j, T of every weight as in w)

    net_{w+e}(x) <= (|outer| + rho max T_outer) (|max(inner x + bias, 0)| + rho max_j |T_j (x, 1)|),

since the outer weights move by at most rho max T, a ReLU by no more than its argument, and that of node j by
sum_k T_jk u_jk (x, 1)_k with |u| <= rho, at most |u_j| |T_j (x, 1)|.

Place: ASAM (Kwon et al. 2021), its rescalings that keep a net.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array


class Layers(NamedTuple):
    inner: Array  # (units, d)
    bias: Array  # (units,)
    outer: Array  # (1, units): one row, as the filter-wise metric counts them


class ReluNet(NamedTuple):
    x: Array  # (n, d)
    y: Array  # (n,)

    def loss(self, w):
        return 0.5 * jnp.mean((net(w, self.x) - self.y) ** 2)

    def ceiling(self, w, scale, rho):
        """At least the loss at every w + e with |T^-1 e| <= rho, T = scale(w)."""
        t = scale(w)
        hidden = jax.vmap(jnp.linalg.norm)(jax.nn.relu(arguments(w, self.x)))
        reach = jnp.max(jnp.sqrt(self.x**2 @ (t.inner**2).T + t.bias[None] ** 2), axis=1)
        size = (jnp.linalg.norm(w.outer) + rho * jnp.max(t.outer)) * (hidden + rho * reach)
        return 0.5 * jnp.mean((size + jnp.abs(self.y)) ** 2)


def arguments(w, x):
    return x @ w.inner.T + w.bias[None]


def net(w, x):
    return jax.nn.relu(arguments(w, x)) @ w.outer[0]


def rescaled(w, c):
    """A w for the factors c of the nodes, or one for the whole layer."""
    c = c * np.ones(len(w.bias))
    return Layers(c[:, None] * w.inner, c * w.bias, w.outer / c[None])


def normal(seed, n, d, units):
    """Data and weights with standard normal entries."""
    rng = np.random.default_rng(seed)
    shapes = (n, d), (n,), (units, d), (units,), (1, units)
    x, y, *layers = (rng.standard_normal(shape) for shape in shapes)
    return ReluNet(x, y), Layers(*layers)
