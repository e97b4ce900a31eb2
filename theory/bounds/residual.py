"""Expected residual: E|grad f_v|^2 <= 2 A (f - inf f) + B |grad f|^2 + C for all w.

With E[v v'] <= B 11' + diag(s), B >= 0, s >= 0 (Loewner order),

    E|grad f_v|^2 <= B |grad f|^2 + sum_i s_i |grad f_i|^2 / n^2,

and |grad f_i|^2 <= 2 L_i (f_i - inf f_i) gives A = max_i s_i L_i / n. Summed, f_i - inf f_i leaves
f - inf f and the mismatch Delta = inf f - mean_i inf f_i, hence C = 2 A Delta: zero under interpolation.
So the condition is no extra assumption on finite sums of smooth functions that are bounded below.

Older conditions on the noise imply it, each with its own constants (`from_...`): they bound E|grad f_v|^2
itself, or the variance, which is E|grad f_v|^2 - |grad f|^2. The converse is false: for f_1 = w^2 / 2 and
f_2 = 2 w^2, drawn uniformly, the variance is 9 w^2 / 4, without a bound, and (A, B, C) = (4, 0, 0).

Place: ol25, the expected residual condition; it writes L_i for `each`.
"""

from typing import NamedTuple

import numpy as np


class Residual(NamedTuple):
    a: float
    b: float
    c: float


def constants(moment, each, mismatch):
    """(A, B, C) from the moment (across, extra) of a law, all L_i and Delta."""
    across, extra = moment
    a = float(np.max(np.asarray(extra) * np.asarray(each)) / len(each))
    return Residual(a, float(across), 2 * a * float(mismatch))


def from_variance(square):
    """E|grad f_v - grad f|^2 <= sigma^2 (`square`) gives (0, 1, sigma^2)."""
    return Residual(0.0, 1.0, square)


def from_gradients(square):
    """E|grad f_v|^2 <= G^2 (`square`) gives (0, 0, G^2)."""
    return Residual(0.0, 0.0, square)


def from_strong_growth(factor):
    """E|grad f_v|^2 <= k |grad f|^2 gives (0, k, 0)."""
    return Residual(0.0, factor, 0.0)


def from_weak_growth(factor, smoothness):
    """E|grad f_v|^2 <= 2 k L (f - f*) gives (k L, 0, 0)."""
    return Residual(factor * smoothness, 0.0, 0.0)


def from_residual_at_minimum(factor, square):
    """The expected residual of Gower, Sebbouh and Loizou gives (2 r, 1, 2 E|grad f_v(w*)|^2).

    It is E|grad f_v(w) - grad f_v(w*) - grad f(w)|^2 <= 2 r (f - f*). Since grad f_v - grad f is that
    difference plus grad f_v(w*), the variance is at most twice the sum of their squares: 4 r (f - f*) plus
    2 E|grad f_v(w*)|^2 (`square` is the mean without the 2).
    """
    return Residual(2 * factor, 1.0, 2 * square)
