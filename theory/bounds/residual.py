"""Expected residual: E|grad f_v|^2 <= 2 A (f - inf f) + B |grad f|^2 + C for all w.

With E[v v'] <= B 11' + diag(s), B >= 0, s >= 0 (Loewner order),

    E|grad f_v|^2 <= B |grad f|^2 + sum_i s_i |grad f_i|^2 / n^2,

and |grad f_i|^2 <= 2 L_i (f_i - inf f_i) gives A = max_i s_i L_i / n. Summed, f_i - inf f_i leaves
f - inf f and the mismatch Delta = inf f - mean_i inf f_i, hence C = 2 A Delta: zero under interpolation.
So the condition is no extra assumption on finite sums of smooth functions that are bounded below.

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
