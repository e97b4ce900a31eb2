"""SGD (rho = 0) on convex functions under strong convexity, for one function a step; the baseline of ol25.

Let every f_i be convex and L_max-smooth, f be mu-strongly convex, one index be drawn uniformly, and
sigma^2 = E|grad f_v(w*)|^2. For gamma <= 1 / (2 L_max)

    E|w+ - w*|^2 <= (1 - gamma mu) |w - w*|^2 + 2 gamma^2 sigma^2.

Proof. E|g|^2 <= 2 E|g - g*|^2 + 2 sigma^2 <= 4 L_max (f - f*) + 2 sigma^2 with g* = grad f_v(w*), and
<grad f, w - w*> >= f - f* + mu |w - w*|^2 / 2; what is left of f - f* has the sign of 2 gamma L_max - 1.
So E|w_T - w*|^2 <= (1 - gamma mu)^T |w_0 - w*|^2 + 2 gamma sigma^2 / mu. With

    gamma_t = min(gamma*, (2t + 1) / ((t + 1)^2 mu)),

from the first t* where the second is the smaller, 1 - gamma_t mu = t^2 / (t + 1)^2 and (t + 1) gamma_t <=
2 / mu; multiply by (t + 1)^2 and telescope:

    E|w_T - w*|^2 <= [t*^2 D(t*) + 8 (T - t*) sigma^2 / mu^2] / T^2,      D the bound of the constant step.

The gap is at most L / 2 times as large. Under PL alone a step of 1 / (2 L_max) is not known to be safe: form
A asks for gamma <= mu / (2 L A), a factor L / mu less.

Place: ours as written; step and schedule are those of Gower et al., SGD: general analysis (remembered).
"""

import numpy as np


def decay(pl, t):
    """(2t + 1) / ((t + 1)^2 mu)."""
    return (2 * t + 1) / ((t + 1) ** 2 * pl)


def switch(gamma, pl):
    """t*: the first t with (2t + 1) / ((t + 1)^2 mu) <= gamma."""
    rate = gamma * pl
    t = max(np.ceil((1 + np.sqrt(max(1 - rate, 0))) / rate) - 1, 0)
    return t if decay(pl, t) <= gamma else t + 1


def constant(gamma, pl, variance, start, times):
    """The bound on E|w_T - w*|^2 with a constant step, from |w_0 - w*|^2 = `start`."""
    return (1 - gamma * pl) ** np.asarray(times) * start + 2 * gamma * variance / pl


def decreasing(gamma, pl, variance, start, times):
    """The same with min(gamma, (2t + 1) / ((t + 1)^2 mu))."""
    times, at = np.asarray(times, float), switch(gamma, pl)
    late = at**2 * constant(gamma, pl, variance, start, at) + 8 * (times - at) * variance / pl**2
    early = constant(gamma, pl, variance, start, np.minimum(times, at))
    return np.where(times > at, late / np.maximum(times, 1) ** 2, early)
