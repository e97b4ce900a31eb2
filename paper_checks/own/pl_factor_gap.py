"""The worst factor of f - f* in one step of full-batch USAM under PL(mu), L-smooth: a bracket, mu = 0.1, L
= 1.

Above: a semidefinite relaxation (`pl_gap` in theory/programs.py), less than the factor 1 - 2 mu phi of the
descent lemma wherever tried: "below the descent lemma". Below: Q, the exact factor of the strongly convex
functions, which are PL: "above the strongly convex". The two solvers agree on the relaxation to 1e-6: "the
solvers agree". The exact factor is open.

Read as paper_checks/own/one_step_programs.py says.
"""

from functools import cache

from paper_checks.own import one_step_programs as one
from paper_checks.own.one_step_programs import bound, case, controls, hypotheses, measured, tolerance
from theory import programs
from theory.bounds import own

__all__ = ["bound", "cases", "controls", "hypotheses", "measured", "tolerance"]

# (gamma L, rho L)
STEPS = ((0.125, 0.125), (0.5, 0.25), (0.5, 0.5), (0.5, 0.9), (1.0, 0.25), (1.0, 0.5), (1.0, 0.9))


@cache
def cases():
    at = [(0.1, 1.0, gamma, rho) for gamma, rho in STEPS]
    made = one.each(programs.pl_gap, at)
    pairs = one.solved(made)
    lemma, convex = one.each(own.pl_factor, at), one.each(own.quad_factor, at)
    less = [number - one.MORE for number in lemma]
    more = [number + one.MORE for number in convex]
    return {
        "the solvers agree": case("agree", made, None, None, pairs, the_descent_lemma=lemma),
        "below the descent lemma": case("at most", made, less, None, pairs, strongly_convex=convex),
        "above the strongly convex": case("at least", made, more, None, pairs, the_descent_lemma=lemma),
    }
