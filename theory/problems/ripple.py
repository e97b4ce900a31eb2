"""l_+-(x) = x^2 / 2 -+ cos(k x) / k: the mean x^2 / 2 is 1-smooth, each function (1 + k)-smooth.

The gradients differ from that of the mean by +-sin(k x), of variance at most 1. From |x| <= 1 no step with
gamma (1 + rho) <= 1 leads beyond 1. Where k rho is large, ascents of one batch end anywhere on the wave, and
the mean of the gradients there is not that of the mean.

Place: ours; beside theory/problems/trap.py, a sum that was not made for one radius.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from theory import Array, admit
from theory.problems import ALL, Sum


class Fields(NamedTuple):
    pace: Array | float  # k


class Ripple(Fields, Sum):
    __slots__ = ()

    @property
    def n(self):
        return 2

    def losses(self, w, i=ALL):
        x = w[0]
        return (0.5 * x * x + jnp.array([-1.0, 1.0]) * jnp.cos(self.pace * x) / self.pace)[i]

    @property
    def smoothness(self):
        return 1.0

    @property
    def smoothness_each(self):
        return np.full(2, 1 + self.pace)

    @property
    def variance(self):
        """The largest over w."""
        return 1.0


def ripple(pace):
    """The pair of pace k."""
    pace = admit.number(pace, "the pace")
    if not pace > 0:
        raise ValueError(
            f"the pace must be positive; got {pace:g}: without waves both functions are the mean"
        )
    return Ripple(pace)
