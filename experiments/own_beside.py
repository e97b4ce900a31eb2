"""For each bound of ol25 and af22 on full-batch steps: what it promises, and the worst of its class.

One row is one bound at given steps, per step, as a factor of f - f*, or (which = "exact") as
the fall of f per |g|^2:

    bound       what the theorem promises
    low, high   the worst of its class lies between; equal where it is exact
    instance    the worst of the functions on which the check runs, NaN where it is not computed

`which` says what low and high are.

    "exact"     the sharp descent lemma of the smooth functions
    "bracket"   under PL. low: the factor Q of the strongly convex functions, which are PL, exact among these;
                or the instance's, if larger. high: the smallest of the bound, of 1 - 2 mu phi (Theorem D of
                theory/bounds/own.py) and of a semidefinite relaxation (`pl_gap`; only where clarabel, at 1e-9
                or at its own 1e-8, calls it optimal)
    "per gradient norm"
                the same for lam > 0 at |g| = `size` g_c and the f - f* of the quadratic that attains Q:
                there a step is USAM's with radius rho (1 - lam + lam / |g|), and `bound` is 1 - gamma mu +
                gamma mu N / (f - f*)

slack_theorem, to slack_most: what the class keeps over what is promised, falls compared with falls, by high
and by low; for lam > 0, where nothing need fall, bound over high and over low. What is left,
slack_instance, is how much more the instance falls than the class must (by low).

`case` is the name of a case of the ledger, or the end of one; an empty one speaks of every case.

"curve" rows: the same at lam > 0 on a finer grid of gradient norms, for the figure.
"""

from typing import NamedTuple

import jax
import numpy as np
import pandas as pd

from experiments.record import Refused
from theory import admit, programs
from theory.bounds import af22, ol25, ol25_nonconvex, own
from theory.problems.polyak import PL, SMOOTHNESS, sine
from theory.update import step

SECONDS = 4
QUICK = {"lams": (1.0,), "norms": (1.0, 10.0), "points": 5}
SIZES = ((1.0, 0.9), (1.0, 0.4), (0.5, 0.7), (0.5, 0.1), (0.1, 0.7))  # (gamma L, rho L) of af22's checks
QUADRATIC = 1 / 30, 1.0  # mu and L of the functions of af22's checks
SINE = PL, SMOOTHNESS
USUAL = {"tol_gap_abs": 1e-8, "tol_gap_rel": 1e-8, "tol_feas": 1e-8}  # clarabel's own tolerances
FULL = 0.0, 1.0, 0.0  # A, B, C of the full batch
VALUES = ("bound", "low", "high", "instance")
SLACKS = ("slack_theorem", "slack_most", "slack_instance")
STEPS = {"old": ol25.deterministic_old_steps, "new": ol25.deterministic_steps}


class Bound(NamedTuple):
    statement: str
    case: str
    pl: float
    smoothness: float
    gamma: float
    rho: float
    lam: float


# mu and L of the quadratic of ol25's checks
def run(
    seed=0,
    pl=0.04676454817635797,
    smoothness=1.5268066234000695,
    lams=(0.25, 0.5, 0.75, 1.0),
    norms=(0.5, 1.0, 2.0, 10.0),
    points=41,
):
    """`pl` and `smoothness` are those of ol25's bounds; `norms` are multiples of |g| on the limit cycle."""
    admit.whole(points, "points", 2)
    if not 0 < pl < smoothness:
        raise Refused(f"mu must lie strictly between 0 and L; got --pl {pl} and --smoothness {smoothness}")
    rows = [*smooth(smoothness), *of_af22()]
    for lam in (0.0, *lams):
        for made, noise in of_ol25(pl, smoothness, lam):
            if lam == 0:
                bound = 1 - made.gamma * pl
                rows.append(bracket(made, bound, own.quad_factor(pl, smoothness, made.gamma, made.rho)))
            else:
                rows += [by_size(made, "bound", each, noise) for each in norms]
    gamma, rho = ol25.deterministic_steps(smoothness, lams[-1])
    made = Bound("ol25/deterministic", "", pl, smoothness, gamma, rho, lams[-1])
    noise = ol25.deterministic_noise(pl, smoothness, gamma, rho, lams[-1])
    rows += [by_size(made, "curve", each, noise) for each in np.geomspace(0.5, 50, points)]
    return pd.DataFrame(rows)


def row(made, kind, which, size, values, slacks):
    """`values` are bound, low, high and instance."""
    named = zip(VALUES + SLACKS, (*values, *slacks), strict=True)
    return made._asdict() | {"kind": kind, "which": which, "size": size} | dict(named)


# Without PL


def smooth(smoothness):
    """The fall of f per |g|^2 in a step."""
    out = []
    for length, reach in SIZES:
        case = f"gamma L={length:g}, rho L={reach:g}"
        made = Bound("af22/deterministic_nonconvex", case, 0.0, 1.0, length, reach, 0.0)
        out.append(exact(made, 1 / af22.deterministic_mean(1.0, 1.0, length, reach, 1)))
    k = ol25_nonconvex.Constants(smoothness, smoothness, *FULL)
    plan = ol25_nonconvex.plan(k, ol25.paper_weights(0.0), 0.25, 1.0)  # the same for every eps and start
    made = Bound("ol25/nonconvex_deterministic", "", 0.0, smoothness, plan.gamma, plan.rho, 0.0)
    return [*out, exact(made, plan.gamma / 2)]


def exact(made, bound):
    worst = own.descent_constant(made.smoothness, made.gamma, made.rho)
    slack = worst / bound
    return row(made, "bound", "exact", np.nan, (bound, worst, worst, np.nan), (slack, slack, np.nan))


# Under PL


def of_af22():
    rates = {
        "af22/deterministic_pl": af22.deterministic_rate,
        "af22/deterministic_pl_sharper": af22.deterministic_rate_sharper,
    }
    for statement, rate in rates.items():
        for instance, (pl, smoothness) in (("quadratic", QUADRATIC), ("sine", SINE)):
            for length, reach in SIZES:
                case = f"{instance}, gamma L={length:g}, rho L={reach:g}"
                sizes = pl, smoothness, length / smoothness, reach / smoothness
                found = of_sine(*sizes[2:]) if instance == "sine" else own.quad_factor(*sizes)
                yield bracket(Bound(statement, case, *sizes, 0.0), 1 - rate(*sizes), found)


def of_ol25(pl, smoothness, lam):
    """Bounds, and their N."""
    for form, steps in STEPS.items():
        gamma, rho = steps(smoothness, lam)
        noise = ol25.deterministic_noise(pl, smoothness, gamma, rho, lam)
        yield Bound("ol25/deterministic", f"{form}, lam={lam:g}", pl, smoothness, gamma, rho, lam), noise
    k = ol25.Constants(pl, smoothness, smoothness, *FULL)
    for form, statement in (("old", "theorem_3_2"), ("new", "theorem_3_2"), ("B", "form_b")):
        claim = ol25.claim_of(k, form, lam)
        case = "" if form == "B" else f"{form}, "
        made = Bound(
            f"ol25/{statement}",
            f"{case}noisy, full batch, lam={lam:g}",
            pl,
            smoothness,
            claim.gamma,
            claim.rho,
            lam,
        )
        yield made, float(claim.noise)
        if form == "B":
            yield made._replace(statement="ol25/deterministic", case=f"B, lam={lam:g}"), float(claim.noise)


def bracket(made, bound, instance):
    low, high = worst_under_pl(made.pl, made.smoothness, made.gamma, made.rho)
    low, high = max(low, instance), min(high, bound)
    slacks = (1 - high) / (1 - bound), (1 - low) / (1 - bound), (1 - instance) / (1 - low)
    return row(made, "bound", "bracket", np.nan, (bound, low, high, instance), slacks)


def worst_under_pl(pl, smoothness, gamma, rho, ratio=None):
    """Below and above the worst factor; the program sees mu / L, gamma L and rho L.

    |g|^2 / f lies between 2 mu and 2 L, or is `ratio`.
    """
    fall = own.descent_constant(smoothness, gamma, rho)
    lemma = 1 - (ratio or 2 * (pl if fall >= 0 else smoothness)) * fall
    made = programs.pl_gap(pl / smoothness, 1.0, gamma * smoothness, rho * smoothness)
    import clarabel  # an extra, which the list of experiments does without

    tries = (programs.solve(made, clarabel, **settings) for settings in ({}, USUAL))
    high = min([lemma, *(found.value for found in tries if found.status == "optimal")])
    low = own.quad_factor(pl, smoothness, gamma, rho)
    return low, max(low, high)  # within the tolerance of the solver


@jax.jit
def grown(w, gamma, rho):
    """f(w+) / f(w) on x^2 + 3 sin^2 x."""
    f = sine(1)

    def ratio(x):
        return f.loss(step(jax.value_and_grad(f.loss), x, gamma, rho, 0.0)) / f.loss(x)

    return jax.vmap(ratio)(w)


def of_sine(gamma, rho):
    """The largest, on a grid that starts near the minimum."""
    grid = np.geomspace(1e-3, 20, 20_001)[:, None]
    return float(np.max(np.asarray(grown(grid, gamma, rho))))


# lam > 0


def by_size(made, kind, multiple, noise):
    """At the gradient norm `multiple` g_c; low is attained, by the quadratic of curvature mu or L."""
    pl, top, gamma = made.pl, made.smoothness, made.gamma
    size = multiple * own.sam_radius(top, gamma, made.rho, made.lam)
    radius = own.mixed_radius(size, made.rho, made.lam)
    flat = (1 - gamma * own.end(pl, radius)) ** 2 >= (1 - gamma * own.end(top, radius)) ** 2
    ratio = 2 * (pl if flat else top)
    bound = 1 - gamma * pl + gamma * pl * noise * ratio / size**2
    low, high = worst_under_pl(pl, top, gamma, radius, ratio)
    high = min(high, bound)
    slacks = bound / high, bound / low, np.nan
    return row(made, kind, "per gradient norm", multiple, (bound, low, high, np.nan), slacks)
