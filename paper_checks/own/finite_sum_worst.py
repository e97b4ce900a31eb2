"""One step on a loss drawn uniformly from n, each in F(mu, L), with the ascent on the same loss; L = 1.

"shared minimiser": the worst E f(x+) - f* over f(x) - f*, f the mean. With one loss it is Q ("one loss"),
with two and three it is strictly more, and where gamma L is large more than 1: a step that is safe on the
full batch is not safe on a draw. "noisy": the worst E |x+ - x*|^2 with |x - x*| <= 1 and mean |grad
f_i(x*)|^2 <= 1. No closed form is known; two solvers agree to 1e-6 ("..., the solvers agree").

Read as paper_checks/own/one_step_programs.py says.
"""

from functools import cache

from paper_checks.own import one_step_programs as one
from paper_checks.own.one_step_programs import bound, case, controls, hypotheses, measured, tolerance
from theory import programs
from theory.bounds import own

__all__ = ["bound", "cases", "controls", "hypotheses", "measured", "tolerance"]

# (mu, L, gamma, rho)
STEPS = ((0.1, 1.0, 0.5, 0.0), (0.1, 1.0, 0.5, 0.5), (0.1, 1.0, 1.0, 0.5), (0.1, 1.0, 0.5, 1.5))
UNSAFE = STEPS[2]


@cache
def cases():
    whole = one.each(own.quad_factor, STEPS)
    alone = [programs.sampled(*at, 1, False) for at in STEPS]
    out = {"one loss": case("equal", alone, whole, no_ascent=[own.quad_factor(*at[:3], 0) for at in STEPS])}
    more = [number + one.MORE for number in whole]
    for losses in (2, 3):
        made = [programs.sampled(*at, losses, False) for at in STEPS]
        pairs = one.solved(made)
        label = f"shared minimiser, {losses} losses"
        out[label] = case("at least", made, more, None, pairs, twice_as_much=[2.0] * 4)
        out[f"{label}, the solvers agree"] = case("agree", made, None, None, pairs, the_full_batch=whole)
    at = STEPS.index(UNSAFE)
    made = [programs.sampled(*UNSAFE, 2, False)]
    given = {"the full batch contracts": whole[at] < 1}
    out["shared minimiser, growth"] = case("at least", made, [1 + one.MORE], given, twice_as_much=[2.0])
    made = [programs.sampled(*at, 2, True) for at in STEPS]
    quiet = one.each(own.dist_worst, STEPS)
    out["noisy, 2 losses, the solvers agree"] = case("agree", made, None, None, without_noise=quiet)
    return out
