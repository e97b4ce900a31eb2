"""The schedules 1/t and 1 - 1/t, counted in steps from t = 1, settle at once.

Over T steps the weights that the first gives to SAM, and those that the second withholds from it, add up to

    sum_{t<=T} 1/t = ln T + 0.5772... + 1 / (2T) - r,    0 < r < 1 / (12 T^2).

So of 10^6 steps under 1 - 1/t fourteen and a half are USAM's. `measured` is the distance of the exactly
rounded sum of the schedule from that.
"""

from math import fsum, log
from typing import NamedTuple

import numpy as np

SCHEDULES = {
    "1/t": lambda t: 1 / t,
    "1 - 1/t": lambda t: 1 - 1 / t,
    "1 - 1/(t + 1)": lambda t: 1 - 1 / (t + 1),  # counted from 0 on
    "1 - 1/epoch": lambda t: 1 - 1 / np.ceil(t / 391),  # of 50000 examples in batches of 128
    "1 - 1/sqrt t": lambda t: 1 - 1 / np.sqrt(t),
}


class Case(NamedTuple):
    schedule: str
    steps: int
    euler: float  # the constant: Euler's, but for controls
    slope: float  # of the logarithm: 1, but for a control


def cases():
    return {
        f"lam = {name}, T = {steps}": Case(name, steps, np.euler_gamma, 1.0)
        for name in ("1/t", "1 - 1/t")
        for steps in (10, 1000, 10**6)
    }


def hypotheses(case):
    lams = SCHEDULES[case.schedule](np.arange(1.0, case.steps + 1))
    return {"lam in [0, 1]": np.all((lams >= 0) & (lams <= 1))}


def measured(case):
    lams = SCHEDULES[case.schedule](np.arange(1.0, case.steps + 1))
    total = fsum(lams if case.schedule == "1/t" else 1 - lams)
    return abs(total - (case.slope * log(case.steps) + case.euler + 1 / (2 * case.steps)))


def bound(case):
    return 0.0


def tolerance(case):
    """r, and a rounding of 1 for every 1 - lam_t."""
    return 1 / (12 * case.steps**2) + 2.0**-52 * case.steps


def controls(case):
    out = {
        "another constant": lambda factor: case._replace(euler=case.euler * factor),
        "log2": case._replace(slope=1 / log(2)),
    }
    if case.schedule == "1 - 1/t":
        others = {"counted from 0": "1 - 1/(t + 1)", "the root": "1 - 1/sqrt t"}
        others |= {"counted in epochs": "1 - 1/epoch"}
        out |= {name: case._replace(schedule=other) for name, other in others.items()}
    return out
