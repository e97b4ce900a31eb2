"""h > 1, which no loss in [0, 1] can exceed, for networks as large as those of f21's tables.

delta = 0.05; n = 50,000 is the training set of CIFAR. "net, ...": `measured` is 1 / h at |w| = rho, the
shortest weights that any training would give; "small, ...": h where the bound still says something.
"threshold": the number of weights at which h = 1, |w| = rho, over 71,000, which two digits give. Weights are
counted in theory/problems/sizes.py.

without_assumption_size: for |w| <= rho / 2, where one point lies in the balls of all w, the form without the
assumption counts no weights; beyond it is as vacuous: `measured` is it at rho / 2, and 1 / it at rho.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from theory.bounds import f21
from theory.problems import sizes

DELTA = 0.05
CIFAR = 50_000
DIGITS = 71_000


class Case(NamedTuple):
    reads: str  # "net", "small" or "threshold"
    term: str
    k: float
    n: float
    square: float  # |w|^2 / rho^2


def cases():
    nets = {"PreActResNet-18": sizes.preact_resnet_18(10), "WRN-28-10": sizes.wide_resnet(28, 10, 10)}
    out = {f"net, {name}, |w| = rho": Case("net", "h", k, CIFAR, 1.0) for name, k in nets.items()}
    wide = out["net, WRN-28-10, |w| = rho"]
    out["net, WRN-28-10, |w| = 600 rho"] = wide._replace(square=600.0**2)
    out["net, 64-64-10, 1500 examples"] = Case("net", "h", sizes.dense(64, 64, 10), 1500, 25.0)
    for n, k in ((10**3, 2), (10**4, 2), (60_000, 784)):
        out[f"small, k={k}, n={n}, |w| = 5 rho"] = Case("small", "h", k, n, 25.0)
    out["threshold"] = Case("threshold", "h", 0, CIFAR, 1.0)
    free = wide._replace(term="covering")
    out["without_assumption_size: WRN-28-10, |w| = rho / 2"] = free._replace(reads="small", square=0.25)
    out["without_assumption_size: WRN-28-10, |w| = rho"] = free
    return out


def hypotheses(case):
    return {"n >= 2": case.n >= 2}


def size(case):
    term = {"h": f21.term, "covering": f21.covering_term}[case.term]
    return term(case.square, case.k, case.n, DELTA)


def threshold(n, square):
    return np.exp(brentq(lambda log_k: f21.term(square, np.exp(log_k), n, DELTA) - 1, 0, 20, xtol=1e-12))


def measured(case):
    if case.reads == "threshold":
        return abs(threshold(case.n, case.square) / DIGITS - 1)
    return size(case) if case.reads == "small" else 1 / size(case)


def bound(case):
    return 0.0 if case.reads == "threshold" else 1.0


def tolerance(case):
    return 500 / DIGITS if case.reads == "threshold" else 1e-12


def controls(case):
    if case.reads == "net":
        return {"fewer weights": lambda factor: case._replace(k=case.k / factor)}
    if case.reads == "small":
        return {"fewer examples": lambda factor: case._replace(n=max(case.n / factor, 1 + 1e-9))}
    return {"more examples": lambda factor: case._replace(n=case.n * factor)}
