"""The effect of lam on real data: full-batch Unified SAM, ridge and logistic regression.

The problems of ol25_real with weight 0.1, the "new" steps of the deterministic corollary, from w = 0. For
ridge and lam > 0 the run ends on the cycle of theory/bounds/ol25.py; for logistic regression no closed form
is known, and `relative_cycle` is NaN.
"""

import numpy as np
import pandas as pd

from experiments.ol25_lambda import followed
from experiments.ol25_real import PROBLEMS, problem
from experiments.record import progress
from theory import admit
from theory.problems.least_squares import LeastSquares

SECONDS = 3
QUICK = {"steps": 100, "lams": (0.0, 1.0)}


def run(seed=0, steps=4000, weight=0.1, lams=(0.0, 0.25, 0.5, 0.75, 1.0)):
    """Nothing is random: `seed` is taken for the record."""
    admit.whole(steps, "steps", 1)
    admit.steps(0, 0, lams)
    frames = []
    for name, loss in PROBLEMS:
        f = problem(name, loss, weight)
        progress(f"ol25_lambda_real: {loss} on {name}")
        table = followed(distance(f), -f.minimiser, float(f.pl), float(f.smoothness), lams, steps)
        if loss != "ridge":
            table["relative_cycle"] = np.nan
        frames.append(table.assign(data=name, loss=loss, weight=f.ridge))
    return pd.concat(frames, ignore_index=True)


def distance(f):
    """e -> f(w* + e) - f*; without cancellation where f is quadratic."""
    w_star, minimum = f.minimiser, float(f.minimum)
    if isinstance(f, LeastSquares):
        hessian = f.hessian
        return lambda e: 0.5 * e @ hessian @ e
    return lambda e: f.loss(e + w_star) - minimum
