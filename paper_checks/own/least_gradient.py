"""liminf |grad f(x_t)| <= g_c along the mixed rule; on the cycle of the quadratic of curvature L it is g_c.

`measured` is the least |g_t| over the last quarter of a run of 4096 steps, over g_c; the bound is 1. The
run and the functions are those of own/descent_radius.
"""

import numpy as np

from paper_checks.own import descent_radius

cases, hypotheses = descent_radius.cases, descent_radius.hypotheses
bound, controls = descent_radius.bound, descent_radius.controls


def measured(case):
    return float(np.min(case.seen.last_size)) / (case.scale * case.rule.radius)
