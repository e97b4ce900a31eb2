"""SAM shrinks every alpha and raises the l1 norm: the least example, 12 draws, the public regression.

Every case compares two interpolators of least potential: at the scale of the start (gradient flow), and at
alpha_eff of the SAM flow at radius rho. `measured` is the l1 norm (or the test loss) of the first, `bound`
that of the second, lowered by twice the tolerance: the case stands where SAM's is larger. Hypotheses: every
alpha shrinks, and the flow interpolates.

"sparsity: ..." is one example with the features (1, 1/2), where n-SAM and 1-SAM are the same: g_j = x_j r and
g_j^+ = x_j r^+ make log(alpha / alpha_eff)_j proportional to x_j^2 at every rho, so that the feature on which
the interpolator of least l1 norm stands is made the dearest. It refutes "a smaller scale is sparser"; what
is true of even shrinkage is in uniform_shrinkage.py. The draws are random regressions (20 rows, 30 features,
3 of them true) by n-SAM.

Controls: the same mean of logarithms spread evenly over the coordinates lowers what is measured; a dial takes
the shrinkage towards its mean.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.af22 import implicit_bias
from theory import flow, flows
from theory.problems import diagonal

DRAWS, N, D, SUPPORT, START, RHO = 12, 20, 30, 3, 0.3, 0.1
ALPHA, END = 0.1, 2000.0
ACCURACY, FITTED = 1e-6, 1e-4
RELATIVE = 1e-6  # of a norm or loss: log alpha_eff is right to 1e-5, and multiplies differences below 0.1


class Case(NamedTuple):
    problem: str | int  # a draw, "pair" or "reference"
    method: str
    rho: float
    reads: str  # "l1" or "test"
    evenness: float  # by what the shrinkage's distance from its mean is divided


def cases():
    out = {}
    for rho in (0.05, 0.5):
        out[f"sparsity: one example, features 1 and 1/2, rho={rho:g}"] = Case("pair", "n-SAM", rho, "l1", 1.0)
    for draw in range(DRAWS):
        out[f"draw {draw}, l1 norm"] = Case(draw, "n-SAM", RHO, "l1", 1.0)
    out["public regression, l1 norm"] = Case("reference", "n-SAM", RHO, "l1", 1.0)
    out["public regression, test loss"] = Case("reference", "n-SAM", RHO, "test", 1.0)
    return out


@cache
def regressions():
    return [diagonal.sparse(draw, N, D, SUPPORT).train for draw in range(DRAWS)]


@cache
def drawn():
    """The n-SAM flows of all draws."""
    x, y = (np.stack([getattr(f, name) for f in regressions()]) for name in "xy")
    init, rho = np.full(DRAWS, START / np.sqrt(2)), np.full(DRAWS, RHO)
    advance = flows.compiled_advance()
    return flows.limits(x, y, init, rho, False, ACCURACY, FITTED, 100_000, advance, batch=DRAWS)


@cache
def flowed(problem, method, rho):
    """(f, alpha at the start, log(alpha / alpha_eff), |residual| at the end over the first)."""
    if isinstance(problem, int):
        found = drawn()
        return regressions()[problem], START / np.sqrt(2), found.shrinkage[problem], found.fit[problem]
    if problem == "pair":
        f, alpha = diagonal.diagonal([[1.0, 0.5]], [1.0]), ALPHA
        end = flow.path(f, alpha, diagonal.groups(1, 1), rho, [END])
    else:
        f, alpha = implicit_bias.problem(problem)[0], implicit_bias.START / np.sqrt(2)
        end = implicit_bias.settled(problem, method, rho)
    return f, alpha, end.shrinkage[0], np.linalg.norm(f.x @ end.beta[0] - f.y) / np.linalg.norm(f.y)


def hypotheses(case):
    *_, shrinkage, fit = flowed(case.problem, case.method, case.rho)
    return {"every alpha shrinks": np.all(shrinkage > 0), "the flow interpolates": fit <= FITTED}


def read(case, shrinkage):
    f, alpha, *_ = flowed(case.problem, case.method, case.rho)
    beta = implicit_bias.least(f, f.y, alpha**2 * np.exp(-2 * shrinkage))
    if case.reads == "l1":
        return np.sum(np.abs(beta))
    test = diagonal.reference(0).test
    return 0.5 * np.mean((test.x @ beta - test.y) ** 2)


def measured(case):
    return read(case, np.zeros(len(flowed(case.problem, case.method, case.rho)[2])))


def bound(case):
    shrinkage = flowed(case.problem, case.method, case.rho)[2]
    return read(case, shrinkage.mean() + (shrinkage - shrinkage.mean()) / case.evenness) * (1 - 2 * RELATIVE)


def tolerance(case):
    return RELATIVE * bound(case)


def controls(case):
    out = {
        "spread evenly": case._replace(evenness=np.inf),
        "more evenly": lambda factor: case._replace(evenness=factor),
    }
    if case.problem == "reference":
        out["1-SAM"] = case._replace(method="1-SAM")
    return out
