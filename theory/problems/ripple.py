"""l_+-(x) = x^2 / 2 -+ h(x), h(x) = tilt x + height cos(pace (x - centre)): rippled, of a smooth mean.

L = mu = 1 whatever h is, and L_i = 1 + height pace^2. The variance is h'^2, at most (|tilt| + height pace)^2.

`ripple` is h = cos(k x) / k, L_i = 1 + k: the gradients differ from that of the mean by +-sin(k x), and from
|x| <= 1 no step with gamma (1 + rho) <= 1 leads beyond 1. Where k rho is large, ascents of one batch end
anywhere on the wave, and the mean of the gradients there is not that of the mean.

`trap` is made for ascents of one radius rho, h'(x) = -rho - (1 + rho) sin(pi (x - 1 - rho) / (2 rho)): 1 at
x = 1 and -(1 + 2 rho) at x = 1 + 2 rho. At x = 1 the gradient of l_+ is 0 and its ascent stays; that of l_-
is 2, its ascent ends at 1 + 2 rho, and there the gradient is 0. Both sampled gradients vanish while that of
the mean is 1, for any step; the variance is at most (1 + 2 rho)^2, and L_i = 1 + pi (1 + rho) / (2 rho) lets
it happen.

Place: ours; why af22 needs smoothness of every loss where one batch serves both gradients.
"""

from math import pi
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from theory import Array, admit
from theory.problems import ALL, Sum


class Fields(NamedTuple):
    tilt: Array | float
    height: Array | float
    pace: Array | float
    centre: Array | float


class Ripple(Fields, Sum):
    __slots__ = ()

    @property
    def n(self):
        return 2

    def losses(self, w, i=ALL):
        x = w[0]
        wave = self.tilt * x + self.height * jnp.cos(self.pace * (x - self.centre))
        return (0.5 * x * x + jnp.array([-1.0, 1.0]) * wave)[i]

    @property
    def smoothness(self):
        return 1.0

    @property
    def smoothness_each(self):
        return np.full(2, 1 + self.height * self.pace**2)

    @property
    def variance(self):
        """The largest over w."""
        return (np.abs(self.tilt) + self.height * self.pace) ** 2

    @property
    def pl(self):
        return 1.0

    @property
    def minimiser(self):
        return np.zeros(1)

    @property
    def minimum(self):
        return 0.0


def ripple(pace):
    """h = cos(pace x) / pace."""
    pace = admit.number(pace, "the pace")
    if not pace > 0:
        raise ValueError(
            f"the pace must be positive; got {pace:g}: without waves both functions are the mean"
        )
    return Ripple(0.0, 1 / pace, pace, 0.0)


def trap(rho):
    """The pair for ascents of radius rho."""
    rho = admit.number(rho, "the radius rho")
    if not rho > 0:
        raise ValueError(
            f"the radius rho must be positive; got {rho:g}: without an ascent nothing is trapped"
        )
    return Ripple(-rho, 2 * rho * (1 + rho) / pi, pi / (2 * rho), 1 + rho)
