"""l_+-(x) = (a -+ sigma) x - x|x| / 2, whose mean has the gradient a - |x|: as sharp a turn as L = 1 allows.

The gradient is largest at 0 and falls as fast as it may on either side. For 0 <= a < sigma
ascents from 0 along a + sigma and a - sigma both meet less of it: a - rho sigma in the mean, of either sign.
The variance is sigma^2 everywhere. The sum has no lower bound, which an alignment does not ask for.

Place: ours; where the alignment of af22 is nearly attained, with one batch and with two.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from theory import Array, admit
from theory.problems import ALL, Sum


class Fields(NamedTuple):
    slope: Array | float  # a
    noise: Array | float  # sigma


class Tent(Fields, Sum):
    __slots__ = ()

    @property
    def n(self):
        return 2

    def losses(self, w, i=ALL):
        x = w[0]
        return (self.slope * x - 0.5 * x * jnp.abs(x) + self.noise * jnp.array([-1.0, 1.0]) * x)[i]

    @property
    def smoothness(self):
        return 1.0

    @property
    def smoothness_each(self):
        return np.ones(2)

    @property
    def variance(self):
        return self.noise**2


def tent(slope, noise):
    """The pair of slopes `slope` -+ `noise` at 0."""
    slope, noise = admit.number(slope, "the slope"), admit.number(noise, "the noise")
    if not 0 <= slope < noise:
        raise ValueError(f"the slope must lie in [0, noise); got slope {slope:g} and noise {noise:g}")
    return Tent(slope, noise)
