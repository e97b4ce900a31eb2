"""Two points may move apart, |x+ - z+| > |x - z|, in a step that brings every point closer to the minimum.

mu = 0.1, L = 1, at the balanced step, by semidefinite programs. "apart, ...": rho (L - mu) = 1, where the
distance to the minimum shrinks by Q = 0.81 or more in its square, and the worst square of the distance
between two points is more than 1. "more than Q": already for small radii it exceeds Q, the factor to the
minimum. "rho = 0": gradient descent contracts, and the programs find its Q.

Read as paper_checks/own/one_step_programs.py says.
"""

from functools import cache

from paper_checks.own import one_step_programs as one
from paper_checks.own.gradient_norm_growth import balanced
from paper_checks.own.one_step_programs import bound, case, controls, hypotheses, measured, tolerance
from theory import programs
from theory.bounds import own

__all__ = ["bound", "cases", "controls", "hypotheses", "measured", "tolerance"]

SPREADS = (0.05, 0.5, 1.0)  # rho (L - mu)


@cache
def cases():
    at = [balanced(0.1, spread / 0.9) for spread in SPREADS]
    made = one.each(programs.two_points, at)
    pairs = one.solved(made)
    closer = one.each(own.dist_worst, at)
    given = {"every point comes closer to the minimum": closer[-1] < 1}
    twice = (2.0,)
    still = [balanced(0.1, 0.0)]
    more = [number + one.MORE for number in closer]
    return {
        "apart": case("at least", made[-1:], [1 + one.MORE], given, pairs[-1:], twice_as_far=twice),
        "more than Q": case("at least", made, more, given, pairs, twice_as_far=twice * len(made)),
        "the solvers agree": case("agree", made, None, given, pairs, as_to_the_minimum=closer),
        "rho = 0": case("equal", one.each(programs.two_points, still), one.each(own.quad_factor, still)),
    }
