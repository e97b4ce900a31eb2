"""The worst |x_T - x*|^2 after T = 2, 3, 4 steps of full-batch USAM over F(mu, L), by semidefinite programs.

"rho l <= 1": it is Q^T, for one-step factors multiply and a quadratic attains them all. "rho l > 1, ..." with
steps between gamma_c and gamma_d: no closed form is known; both solvers agree to 1e-6, and the number lies
strictly between Q^T and tau^T: the function that is worst for one step is not worst for the next.

Read as paper_checks/own/one_step_programs.py says.
"""

from functools import cache

from paper_checks.own import one_step_programs as one
from paper_checks.own.one_step_programs import bound, case, controls, hypotheses, measured, tolerance
from theory import programs
from theory.bounds import own

__all__ = ["bound", "cases", "controls", "hypotheses", "measured", "tolerance"]

HORIZONS = (2, 3, 4)
NARROW = ((0.1, 1.0, 0.7, 1.0), (0.1, 1.0, 1.2, 0.3), (0.01, 1.0, 0.4, 0.9))
WIDE = ((0.1, 1.0, 2 / 4.13, 3.0), (0.1, 1.0, 0.64, 2.0), (0.01, 1.0, 0.2, 5.0))


@cache
def cases():
    short = [(*at, steps) for at in NARROW for steps in HORIZONS]
    exact = [own.quad_factor(*at) ** steps for *at, steps in short]
    made = one.each(programs.distance, short)
    away = [own.quad_factor(mu, top, gamma, 0) ** steps for mu, top, gamma, _, steps in short]
    out = {"rho l <= 1": case("equal", made, exact, the_same_without_an_ascent=away)}
    far = [(*at, steps) for at in WIDE for steps in HORIZONS]
    made = one.each(programs.distance, far)
    pairs = one.solved(made)
    low = [own.quad_factor(*at) ** steps for *at, steps in far]
    high = [own.between(*at) ** steps for *at, steps in far]
    given = {"gamma_c < gamma < gamma_d": all(own.between(*at) == own.dist_worst(*at) for *at, _ in far)}
    out["rho l > 1, the solvers agree"] = case(
        "agree", made, None, given, pairs, the_quadratics=low, powers_of_tau=high
    )
    more = [number + one.MORE for number in low]
    out["rho l > 1, above Q^T"] = case("at least", made, more, given, pairs, powers_of_tau=high)
    less = [number - one.MORE for number in high]
    out["rho l > 1, below tau^T"] = case("at most", made, less, given, pairs, the_quadratics=low)
    return out
