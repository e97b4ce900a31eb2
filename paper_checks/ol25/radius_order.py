"""The neighbourhood of stochastic SAM is of order rho^2: its mean rest point on sums of parabolas.

With f_i = H_i (x - c_i)^2 / 2, lam = 1 and gamma -> 0,

    x = x* - rho sum_i H_i s_i / sum_i H_i,    f(x) - f* = mean(H) rho^2 (sum_i H_i s_i / sum_i H_i)^2 / 2,

s_i = sign(x* - c_i), as long as the move leaves these signs. For gamma -> 0 the mean step alone counts: the
gradients at w + rho d of every f_i, averaged (groups of one, theory/update.py). Its rest point is reached by
iterating it. `measured` is the relative distance of the gap there from the formula. The cases "slope, ..."
fit powers of rho: 2 to the gap, and to N over the gap -1 for form A, which has the wrong order, and 0 for
form B.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import sampling
from theory.bounds import ol25
from theory.problems.quadratic import centred, quadratic
from theory.update import in_groups, look_ahead

RADII = np.array([0.1, 0.01, 0.001])
STEPS = 64  # each halves the distance
PROBLEMS = {  # curvatures and centres
    "H = 1, 4": np.array([[1.0, 4.0], [1.0, -1.0]]),
    "H = 3, 2": np.array([[3.0, 2.0], [1.0, -3.0]]),
}


class Case(NamedTuple):
    h: np.ndarray
    c: np.ndarray
    rho: float
    gap: float  # found
    half: float  # found at lam = 1/2
    batch: float  # found where f looks ahead, once for all f_i
    scale: float  # of the claimed gap: 1, but for a control


class Slope(NamedTuple):
    values: np.ndarray  # one for each radius
    claimed: float


def cases():
    out: dict[str, Case | Slope] = {}
    each = jax.jit(jax.vmap(jax.vmap(rest, (None, 0, None, None)), (None, None, 0, 0)))
    for name, (h, c) in PROBLEMS.items():
        f = centred(quadratic(h[:, None, None], (h * c)[:, None], np.zeros(len(h))))
        found = each(f, RADII, np.array([1.0, 0.5, 1.0]), np.array([1.0, 1.0, 0.0]))
        gaps, half, batch = np.asarray(found)
        for rho, gap, at_half, at_once in zip(RADII, gaps, half, batch, strict=True):
            out[f"{name}, rho = {rho:g}"] = Case(h, c, rho, gap, at_half, at_once, 1.0)
        k = ol25.sharp_constants(f, sampling.uniform(f.n))._replace(c=0.0)  # gamma C -> 0
        a = np.array([ol25.noise_a(k, 0.0, rho, ol25.paper_weights(1.0)) for rho in RADII])
        b = np.array([ol25.noise_b(k, 0.0, rho, ol25.jensen_weights(1.0)) for rho in RADII])
        out[f"slope, gap, {name}"] = Slope(gaps, 2.0)
        out[f"slope, form A over gap, {name}"] = Slope(a / gaps, -1.0)
        out[f"slope, form B over gap, {name}"] = Slope(b / gaps, 0.0)
    return out


def rest(f, rho, lam, alone):
    """f - f* where the mean step no longer moves; `alone` is 1 where each f_i looks ahead by itself."""
    rule = jax.value_and_grad(f.loss)
    every = jnp.arange(f.n)[:, None], jnp.full((f.n, 1), float(f.n))

    def move(w, _):
        grad = in_groups(look_ahead(rule, rho, lam))(w, *every)[1]
        whole = look_ahead(rule, rho, lam)(w)[1]
        return w - jnp.where(alone > 0, grad, whole) / (2 * jnp.mean(f.h)), None

    return f.loss(jax.lax.scan(move, jnp.zeros(1), length=STEPS)[0])


def shift(case):
    """sum_i H_i s_i / sum_i H_i."""
    return case.h @ np.sign(case.h @ case.c / case.h.sum() - case.c) / case.h.sum()


def hypotheses(case):
    if isinstance(case, Slope):
        return {"gaps above rounding": np.all(case.values > 0)}
    best = case.h @ case.c / case.h.sum()
    apart = np.abs(best - case.c).min()
    return {"the move leaves the signs": case.rho * abs(shift(case)) < apart}


def measured(case):
    if isinstance(case, Slope):
        return abs(np.polyfit(np.log(RADII), np.log(case.values), 1)[0] - case.claimed)
    claimed = case.scale * np.mean(case.h) * (case.rho * shift(case)) ** 2 / 2
    return abs(case.gap / claimed - 1)


def bound(case):
    return 0.0


def tolerance(case):
    """Rounding of x, of order one, relative to its move, of order rho."""
    return 64 * 2.0**-52 / (RADII.min() if isinstance(case, Slope) else case.rho)


def controls(case):
    if isinstance(case, Slope):
        return {
            "one power more": case._replace(claimed=case.claimed + 1),
            "one less": case._replace(claimed=case.claimed - 1),
        }
    return {
        "a little larger": lambda factor: case._replace(scale=factor),
        "lam = 1/2": case._replace(gap=case.half),
        "one look ahead for all": case._replace(gap=case.batch),
        "signs left out": case._replace(scale=1 / shift(case) ** 2),
    }
