"""Problems f(w) = (1/n) sum_i f_i(w): losses, and constants from formulas.

A problem offers
    losses(w, i)        f_i(w) for the indices i, all by default
    loss(w, i, v)       sum_k v_k f_{i_k}(w) / n: full batch, minibatch and importance differ in (i, v) alone
    model(w)            f about w to second order, with a bound on what is left out
    n                   the number of functions
    smoothness          L of f
    smoothness_each     L_i of every f_i, (n,)
    pl                  mu with |grad f|^2 >= 2 mu (f - min f)
    minimiser, minimum  w* and f(w*)
    minima_each         inf f_i, (n,)
    mismatch            Delta = min f - mean_i inf f_i >= 0; zero under interpolation

Constants are computed in NumPy at each access: read them once, outside compiled code. Factories place their
arrays by jax.device_put; jnp.asarray would compile a copy for every new shape.
"""

from typing import Any, NamedTuple

from theory import Array

ALL = slice(None)


class Model(NamedTuple):
    """|f(w + m) - f(w) - slope' m - m' hessian m / 2| <= third |m|^3 / 6."""

    slope: Array  # (d,)
    spread: (
        Array  # (d,), the mean size of the terms of each entry of the slope: its rounding is relative to that
    )
    hessian: Array  # (d, d)
    third: Array | float


class Sum:
    """What every finite sum derives from `losses`, `minimum` and `minima_each`."""

    __slots__ = ()

    def loss(self: Any, w, i=ALL, v=1.0):
        return (v * self.losses(w, i)).sum() / self.n

    @property
    def mismatch(self: Any):
        return max(float(self.minimum - self.minima_each.mean()), 0.0)


def positive(eigs):
    """The smallest eigenvalue above 1e-12 of the largest; what is below counts as zero, in minimisers too."""
    if not eigs[-1] > 0:
        raise ValueError("the Hessian is zero, so there is no PL constant; give the functions some curvature")
    return eigs[eigs > 1e-12 * eigs[-1]][0]
