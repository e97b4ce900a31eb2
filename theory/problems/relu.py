"""f(w) = sum_i (net_w(x_i) - y_i)^2 / 2 for net_w(x) = sum_j outer_j max(slope_j x + bias_j, 0), x a number.

Between two kinks -bias_j / slope_j the network is affine: with the units that are active at x,

    net_w(x) = x sum_j outer_j slope_j + sum_j outer_j bias_j,

which is how it is written below (the same derivatives, and two products with a matrix of zeros and ones). At
kink j the slope jumps by outer_j |slope_j|, from left to right.

The total variation of the slope of any function on [x_1, x_n] is at least that of the piecewise-linear one
through its values there, sum_k |d_k - d_{k-1}| with the divided differences d_k: for the hat functions h_k
(1 at x_k, 0 at its neighbours) int h_k f'' = d_k - d_{k-1}, and |sum_k s_k h_k| <= 1 for signs s_k.

Place: af22, the one-dimensional networks of the public notebook 1d_nn.ipynb (settings seen).
"""

from fractions import Fraction
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array

POINTS = tuple(Fraction(2 * i - 11, 8) + Fraction(7, 100) for i in range(12))
TARGETS = tuple(
    Fraction(each) + Fraction(69, 200) for each in (-2, Fraction(3, 2), 0, 0, 2, 1, 0, -1, 0, 1, 2, -1)
)


class Units(NamedTuple):
    """The hidden units of a network."""

    slope: Array  # (m,)
    bias: Array
    outer: Array


class ReluFit(NamedTuple):
    x: Array  # (n,)
    y: Array

    def loss(self, w):
        return 0.5 * jnp.sum((net(w, self.x) - self.y) ** 2)


def net(w, x):
    active = jnp.where(x[:, None] * w.slope[None] + w.bias[None] > 0, 1.0, 0.0)
    return x * (active @ (w.outer * w.slope)) + active @ (w.outer * w.bias)


def notebook_fit():
    """The twelve points of the public notebook."""
    return ReluFit(jnp.array([float(x) for x in POINTS]), jnp.array([float(y) for y in TARGETS]))


def notebook_start(key, m):
    """Its law of the weights: slopes +-2.5, biases and outer weights normal of deviation 2.5 and 4."""
    signs, biases, outer = jax.random.split(key, 3)
    return Units(
        2.5 * jax.random.rademacher(signs, (m,), float),
        2.5 * jax.random.normal(biases, (m,)),
        4 * jax.random.normal(outer, (m,)),
    )


def jumps(w):
    """(place, size) of the kink of every unit; a unit of slope 0 has none, at infinity."""
    flat = w.slope == 0
    place = jnp.where(flat, jnp.inf, -w.bias / jnp.where(flat, 1, w.slope))
    return place, w.outer * jnp.abs(w.slope)


def variation(w, low, high):
    """Total variation of the slope on (low, high); no two kinks coincide."""
    place, size = jumps(w)
    return jnp.sum(jnp.where((low < place) & (place < high), jnp.abs(size), 0))


def merged_kinks(place, size, low, high, apart, least):
    """How many kinks on (low, high) have |jump| >= least once neighbours closer than `apart` are one."""
    order = np.argsort(place)
    place, size = np.asarray(place)[order], np.asarray(size)[order]
    inside = (low < place) & (place < high)
    place, size = place[inside], size[inside]
    if not len(place):
        return 0
    first = np.concatenate([[0], np.flatnonzero(np.diff(place) >= apart) + 1])
    return int(np.sum(np.abs(np.add.reduceat(size, first)) >= least))


def path_norm(w):
    """sum_j |outer_j| |(slope_j, bias_j)|."""
    return jnp.sum(jnp.abs(w.outer) * jnp.sqrt(w.slope**2 + w.bias**2))


def least_variation(x, y):
    """sum_k |d_k - d_{k-1}|: no function with these values has a slope of smaller variation on [x_1, x_n]."""
    slopes = [(y[k + 1] - y[k]) / (x[k + 1] - x[k]) for k in range(len(x) - 1)]
    return sum(abs(slopes[k + 1] - slopes[k]) for k in range(len(slopes) - 1))
