"""For each bound of ol25 and af22 on full-batch steps: what it promises, and the worst of its class.

One row is one bound at given steps, per step and with L = 1, as a factor of f - f*, or (which = "exact") as
the fall of f per |g|^2:

    bound       what the theorem promises
    low, high   the worst of its class lies between; equal where it is exact
    instance    the worst of the functions on which the check runs, NaN where it is not computed

`which` says what low and high are. "exact": the sharp descent lemma of the smooth functions. "bracket":
under PL, from below the exact factor Q of the strongly convex functions (which are PL) or the instance,
whichever is the larger, and from above the smaller of 1 - 2 mu phi (Theorem D of theory/bounds/own.py) and
a semidefinite relaxation (`pl_gap`; only where clarabel, at 1e-9 or at its own 1e-8, calls it optimal).
"per gradient norm": the same bracket for lam > 0 at |g| = `size`, where the step is one of USAM with the
radius rho (1 - lam + lam / size); there `bound` is (1 - gamma mu) + gamma mu N / (f - f*) at the quadratic
that attains Q.

slack_theorem, to slack_most: what the class keeps over what is promised, falls compared with falls, by high
and by low; for lam > 0, where nothing need fall, bound over high and over low. What is left,
slack_instance, is how much more the instance falls than the class must (by low).

"curve" rows: the same at lam > 0 on a finer grid of gradient norms, for the figure.
"""

from typing import NamedTuple

import clarabel
import jax
import numpy as np
import pandas as pd

from theory import admit, programs
from theory.bounds import af22, ol25, ol25_nonconvex, own
from theory.problems.polyak import PL, SMOOTHNESS, sine
from theory.update import step

SECONDS = 5
QUICK = {"lams": (1.0,), "norms": (1.0, 10.0), "points": 5}
SIZES = ((1.0, 0.9), (1.0, 0.4), (0.5, 0.7), (0.5, 0.1), (0.1, 0.7))  # (gamma L, rho L) of af22's checks
QUADRATIC, SINE = 1 / 30, PL / SMOOTHNESS  # mu / L of the functions of af22's checks
USUAL = {"tol_gap_abs": 1e-8, "tol_gap_rel": 1e-8, "tol_feas": 1e-8}  # clarabel's own tolerances
EPS = 0.25  # of the steps that ol25 takes without PL


class Bound(NamedTuple):
    statement: str
    case: str  # as the ledger has it, or a name of our own
    form: str
    ratio: float  # mu / L
    gamma: float
    rho: float
    lam: float


def run(seed=0, ratio=0.1, lams=(0.25, 0.5, 0.75, 1.0), norms=(0.5, 1.0, 2.0, 10.0), points=41):
    """`ratio` is the mu / L of ol25's bounds; `norms` are multiples of the gradient on the limit cycle."""
    admit.whole(points, "points", 2)
    if not 0 < ratio < 1:
        raise ValueError(f"mu / L must lie strictly between 0 and 1; got {ratio}")
    rows = [*smooth(), *lojasiewicz(ratio)]
    for lam in lams:
        for form, steps in (("old", ol25.deterministic_old_steps), ("new", ol25.deterministic_steps)):
            made = Bound("ol25/deterministic", f"{form}, lam={lam:g}", form, ratio, *steps(1.0, lam), lam)
            rows += [by_size(made, "bound", each) for each in norms]
            if form == "new":
                rows += [by_size(made, "curve", each) for each in np.geomspace(0.5, 50, points)]
    return pd.DataFrame(rows)


# Without PL


def smooth():
    """The fall of f per |g|^2 in a step."""
    out = []
    for gamma, rho in SIZES:
        made = Bound("af22/deterministic_nonconvex", name("L-smooth", gamma, rho), "", 0.0, gamma, rho, 0.0)
        out.append(exact(made, 1 / af22.deterministic_mean(1.0, 1.0, gamma, rho, 1)))
    k = ol25_nonconvex.Constants(1.0, 1.0, 0.0, 1.0, 0.0)
    weights = ol25.paper_weights(0.0)
    plan = ol25_nonconvex.plan(k, weights, EPS, 1.0)
    steps = {
        "ol25/nonconvex_deterministic": {"A": (plan.gamma, plan.rho)},
        "ol25/nonconvex_bound": {
            "A": ol25_nonconvex.bounded_steps(k, weights, 0.5),
            "B": ol25_nonconvex.bounded_steps_b(k, ol25.jensen_weights(0.0), 0.5),
        },
    }
    for statement, forms in steps.items():
        for form, (gamma, rho) in forms.items():
            made = Bound(statement, name("L-smooth", gamma, rho), form, 0.0, gamma, rho, 0.0)
            out.append(exact(made, gamma / 2))
    return out


def exact(made, bound):
    worst = own.descent_constant(1.0, made.gamma, made.rho)
    slack = worst / bound
    return row(made, "bound", "exact", np.nan, (bound, worst, worst, np.nan), (slack, slack, np.nan))


def row(made, kind, which, size, values, slacks):
    columns = ("kind", "which", "size", "bound", "low", "high", "instance")
    columns += ("slack_theorem", "slack_most", "slack_instance")
    return made._asdict() | dict(zip(columns, (kind, which, size, *values, *slacks), strict=True))


def name(instance, gamma, rho):
    return f"{instance}, gamma L={gamma:g}, rho L={rho:g}"


# Under PL


def lojasiewicz(ratio):
    """The factor of f - f* in a step of USAM."""
    out = []
    rates = {
        "af22/deterministic_pl": af22.deterministic_rate,
        "af22/deterministic_pl_sharper": af22.deterministic_rate_sharper,
    }
    for statement, rate in rates.items():
        for instance, share in (("quadratic", QUADRATIC), ("sine", SINE)):
            for gamma, rho in SIZES:
                made = Bound(statement, name(instance, gamma, rho), "", share, gamma, rho, 0.0)
                found = of_sine(gamma, rho) if instance == "sine" else own.quad_factor(share, 1.0, gamma, rho)
                out.append(bracket(made, 1 - rate(share, 1.0, gamma, rho), found))
    pairs = {"old": ol25.deterministic_old_steps(1.0, 0.0), "new": ol25.deterministic_steps(1.0, 0.0)}
    for form, (gamma, rho) in pairs.items():
        for statement in ("ol25/deterministic", "ol25/theorem_3_2"):
            made = Bound(statement, f"{form}, lam=0", form, ratio, gamma, rho, 0.0)
            out.append(bracket(made, 1 - gamma * ratio, own.quad_factor(ratio, 1.0, gamma, rho)))
    return out


def bracket(made, bound, instance):
    low, high = worst_under_pl(made.ratio, made.gamma, made.rho)
    low = max(low, instance)
    slacks = (1 - high) / (1 - bound), (1 - low) / (1 - bound), (1 - instance) / (1 - low)
    return row(made, "bound", "bracket", np.nan, (bound, low, high, instance), slacks)


def worst_under_pl(ratio, gamma, rho):
    """Below and above the worst factor, L = 1."""
    fall = own.descent_constant(1.0, gamma, rho)
    lemma = 1 - 2 * (ratio if fall >= 0 else 1.0) * fall  # |g|^2 lies between 2 mu f and 2 L f
    made = programs.pl_gap(ratio, 1.0, gamma, rho)
    tries = (programs.solve(made, clarabel, **settings) for settings in ({}, USUAL))
    high = min([lemma, *(found.value for found in tries if found.status == "optimal")])
    return own.quad_factor(ratio, 1.0, gamma, rho), high


@jax.jit
def grown(w, gamma, rho):
    """f(w+) / f(w) on x^2 + 3 sin^2 x."""
    f = sine(1)

    def ratio(x):
        return f.loss(step(jax.value_and_grad(f.loss), x, gamma, rho, 0.0)) / f.loss(x)

    return jax.vmap(ratio)(w)


def of_sine(gamma, rho):
    """The largest, on a grid that starts near the minimum; gamma L and rho L are given."""
    grid = np.geomspace(1e-3, 20, 20_001)[:, None]
    return float(np.max(grown(grid, gamma / SMOOTHNESS, rho / SMOOTHNESS)))


# lam > 0


def by_size(made, kind, multiple):
    """At the gradient norm `multiple` g_c; low is attained, by the quadratic of curvature mu or L."""
    mu, gamma, rho, lam = made.ratio, made.gamma, made.rho, made.lam
    size = multiple * own.sam_radius(1.0, gamma, rho, lam)
    radius = own.mixed_radius(size, rho, lam)
    low, high = worst_under_pl(mu, gamma, radius)
    flat = (1 - gamma * own.end(mu, radius)) ** 2 >= (1 - gamma * own.end(1.0, radius)) ** 2
    gap = size**2 / (2 * (mu if flat else 1.0))
    noise = ol25.deterministic_noise(mu, 1.0, gamma, rho, lam)
    bound = 1 - gamma * mu + gamma * mu * noise / gap
    slacks = bound / high, bound / low, np.nan
    return row(made, kind, "per gradient norm", multiple, (bound, low, high, np.nan), slacks)
