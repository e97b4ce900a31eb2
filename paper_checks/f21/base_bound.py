"""E_Q L_D <= E_Q L_S + sqrt((KL + log(n / delta)) / (2 (n - 1))) for all posteriors Q at once, 0-1 loss.

With D(w) = L_D - L_S, as squares are convex and by the variational formula of KL,

    2 (n - 1) (E_Q D)^2 - KL(Q | prior) <= log E_prior exp(2 (n - 1) D^2):

in a draw in which some Q fails the right side exceeds log(n / delta).

"moment": the mean of E_prior exp(...) over samples is at most n for any prior, as for B binomial
E exp(2 (n - 1) (p - B / n)^2) <= n, summed exactly, for every p. By Markov delta times this over n, which is
`measured`, bounds the chance of a failure. A loss in [0, 1] has no larger moment than a 0-1 loss of its mean,
as the exponential is convex.
"planar": how many draws exceed log(n / delta) with the prior uniform over 72 directions; all Q are counted,
and `measured` is the upper 99.9 % limit.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, logsumexp, xlog1py, xlogy

from paper_checks.f21 import theorem_2
from theory.confidence import upper

CHANCES = np.concatenate([np.geomspace(1e-4, 0.02, 20), np.linspace(0.03, 0.5, 48)])  # p and 1 - p are alike


class Case(NamedTuple):
    reads: str  # "moment" or "planar"
    n: int
    delta: float
    exponent: float  # over 2 (n - 1): 1, but for a control
    allowed: float  # in place of n under the logarithm


def cases():
    out = {f"moment, n={n}": Case("moment", n, 0.1, 1.0, n) for n in (2, 3, 10, 100, 1000)}
    return out | {
        f"planar, n={n}, delta={delta:g}": Case("planar", n, delta, 1.0, n)
        for n in (200, 2000)
        for delta in (0.1, 0.5)
    }


def hypotheses(case):
    return {"0 < delta <= 1": 0 < case.delta <= 1}


def log_moment(n, exponent):
    """log E exp(2 (n - 1) exponent (p - B / n)^2), the largest over p."""
    p, count = CHANCES[:, None], np.arange(n + 1)
    chance = gammaln(n + 1) - gammaln(count + 1) - gammaln(n - count + 1)
    chance = chance + xlogy(count, p) + xlog1py(n - count, -p)
    return np.max(logsumexp(chance + 2 * (n - 1) * exponent * (p - count / n) ** 2, axis=1))


@cache
def squares(n):
    """(L_D - L_S)^2 over draws and directions."""
    model, theta = theorem_2.MODEL, theorem_2.THETA
    return (model.risk(theta) - theorem_2.samples(n, 2).at(theta)) ** 2


def measured(case):
    if case.reads == "moment":
        return case.delta * np.exp(log_moment(case.n, case.exponent) - np.log(case.allowed))
    directions = len(theorem_2.THETA)
    largest = logsumexp(2 * (case.n - 1) * case.exponent * squares(case.n), axis=1) - np.log(directions)
    fails = largest > np.log(case.allowed / case.delta)
    return upper(int(fails.sum()), len(fails), theorem_2.LEVEL)


def bound(case):
    return case.delta


def controls(case):
    out = {"a larger exponent": lambda factor: case._replace(exponent=factor)}
    if case.reads == "moment":
        out["1 in place of n"] = case._replace(allowed=1)
    else:
        out["no term"] = case._replace(allowed=case.delta)  # log 1 = 0
    return out
