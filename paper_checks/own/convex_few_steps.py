"""The worst f(x_T) - f* of full-batch USAM over convex smooth functions with |x_0 - x*| = 1 is Huber's value.

By semidefinite programs, for T = 1, 2, 3, rho L <= 2.3 and gamma L <= 1 / (1 + rho L), L = 1: the proved
lower bound 1 / (4 gamma T + 2) (theory/bounds/own.py, `huber_gap`) is attained to 1e-6. That it is the
exact rate for every T is own/convex_exact_rate, a conjecture. Controls: the proved upper bound 1 / (2 gamma
T) as the answer, and longer steps, (rho L, gamma L) = (1, 1) and (2, 0.7), where another function is worse.

Read as paper_checks/own/one_step_programs.py says.
"""

from functools import cache

from paper_checks.own import one_step_programs as one
from paper_checks.own.one_step_programs import bound, case, controls, hypotheses, measured, tolerance
from theory import programs
from theory.bounds import own

__all__ = ["bound", "cases", "controls", "hypotheses", "measured", "tolerance"]

HORIZONS = (1, 2, 3)
REACHES = (0.0, 0.5, 1.0, 2.0, 2.3)  # rho L
BEYOND = ((1.0, 1.0, 1.0, 2), (1.0, 0.7, 2.0, 2))


@cache
def cases():
    out = {}
    beyond = one.solved(one.each(programs.convex, BEYOND))
    huber = tuple(own.huber_gap(1.0, top, gamma, steps) for top, gamma, _, steps in BEYOND)
    for steps in HORIZONS:
        at = [(1.0, share / (1 + reach), reach, steps) for reach in REACHES for share in (0.2, 0.6, 1.0)]
        exact = [own.huber_gap(1.0, top, gamma, steps) for top, gamma, *_ in at]
        most = [own.convex_gap(1.0, gamma, steps) for _, gamma, *_ in at]
        made = case("equal", one.each(programs.convex, at), exact, the_upper_bound=most)
        made.wrong["steps beyond the region"] = {"pairs": beyond, "claimed": huber}
        out[f"T={steps}"] = made
    return out
