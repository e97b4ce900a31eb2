"""The worst |grad f(x+)|^2 / |grad f(x)|^2 over F(mu, L) can exceed that of a quadratic; L = 1, gamma =
gamma_b.

By semidefinite programs: Q is strictly less than the optimum, on which two solvers agree, for every radius
tried at mu = 0.01 and 0.1, and from rho (L - mu) = 1 on at mu = 0.5; there, up to 0.5, it is Q ("as a
quadratic"). No closed form is known.

Read as paper_checks/own/one_step_programs.py says.
"""

from functools import cache

from paper_checks.own import one_step_programs as one
from paper_checks.own.one_step_programs import bound, case, controls, hypotheses, measured, tolerance
from theory import programs
from theory.bounds import own

__all__ = ["bound", "cases", "controls", "hypotheses", "measured", "tolerance"]

SPREADS = {0.01: (0.05, 0.5, 1.0, 3.0), 0.1: (0.05, 0.5, 1.0, 3.0), 0.5: (1.0, 3.0)}  # rho (L - mu) by mu
SMALL = (0.1, 0.2, 0.5)


def balanced(curvature, rho):
    return curvature, 1.0, own.balanced_step(curvature, 1.0, rho), rho


@cache
def cases():
    out = {}
    for curvature, spreads in SPREADS.items():
        at = [balanced(curvature, spread / (1 - curvature)) for spread in spreads]
        made = one.each(programs.slope, at)
        pairs = one.solved(made)
        quadratics = one.each(own.quad_factor, at)
        least = [number + one.MORE for number in quadratics]
        out[f"mu={curvature:g}"] = case("at least", made, least, None, pairs, twice_as_much=[2.0] * len(at))
        out[f"mu={curvature:g}, the solvers agree"] = case(
            "agree", made, None, None, pairs, the_quadratics=quadratics
        )
    at = [balanced(0.5, spread / 0.5) for spread in SMALL]
    made = one.each(programs.slope, at)
    most = one.each(own.quad_factor, [balanced(0.5, 1 / 0.5)] * len(at))
    out["mu=0.5, as a quadratic"] = case("equal", made, one.each(own.quad_factor, at), another_radius=most)
    return out
