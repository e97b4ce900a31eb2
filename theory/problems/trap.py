"""l_+-(x) = x^2 / 2 -+ h(x): a smooth mean, and one batch for ascent and descent never leaves x = 1.

h'(x) = -rho - (1 + rho) sin(pi (x - 1 - rho) / (2 rho)) is 1 at x = 1 and -(1 + 2 rho) at x = 1 + 2 rho. So
at x = 1 the gradient of l_+ is 0 and its ascent stays; that of l_- is 2, its ascent of radius rho ends at 1 +
2 rho, and there the gradient is 0. Both sampled gradients vanish while that of the mean x^2 / 2, L = 1, is 1,
for any step. The variance is h'^2 <= (1 + 2 rho)^2; L_i = 1 + pi (1 + rho) / (2 rho) lets it happen.

Place: ours; why af22 needs smoothness of every loss where one batch serves both gradients.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from theory import Array, admit
from theory.problems import ALL, Sum


class Fields(NamedTuple):
    rho: Array | float


class Trap(Fields, Sum):
    __slots__ = ()

    @property
    def n(self):
        return 2

    def losses(self, w, i=ALL):
        x, rho = w[0], self.rho
        angle = jnp.pi * (x - 1 - rho) / (2 * rho)
        wave = -rho * x + (1 + rho) * 2 * rho / jnp.pi * jnp.cos(angle)
        return (0.5 * x * x + jnp.array([-1.0, 1.0]) * wave)[i]

    @property
    def smoothness(self):
        return 1.0

    @property
    def smoothness_each(self):
        return np.full(2, 1 + np.pi * (1 + self.rho) / (2 * self.rho))

    @property
    def variance(self):
        """The largest over w."""
        return (1 + 2 * self.rho) ** 2

    @property
    def pl(self):
        return 1.0

    @property
    def minimiser(self):
        return np.zeros(1)

    @property
    def minimum(self):
        return 0.0


def trap(rho):
    """The pair for ascents of radius rho."""
    rho = admit.number(rho, "the radius rho")
    if not rho > 0:
        raise ValueError(
            f"the radius rho must be positive; got {rho:g}: without an ascent nothing is trapped"
        )
    return Trap(rho)
