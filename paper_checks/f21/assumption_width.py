"""L_D(w) <= E L_D(w + e): the statement has the width rho of e, the proof rho / (sqrt k + sqrt log n).

Planar model: both hold exactly where L_D <= 1/2 (theory/problems/planar.py). `measured` is the largest of
L_D - E L_D over the 37 of 72 directions with L_D <= 1/2, and of E L_D - L_D over the others.

"bump": k = 1 and w = 0 on a narrow bump of a bounded loss in a wide valley,

    L(w) = a exp(-w^2 / (2 b^2)) + c (1 - exp(-w^2 / (2 d^2))),
    E exp(-e^2 / (2 b^2)) = (1 + sigma^2 / b^2)^(-1/2),

with the width of the statement above L(0) and with that of the proof below. There `measured` is E L at the
latter and must be below L(0) = a: the first hypothesis does not give the second.
"""

from typing import NamedTuple

import numpy as np

from theory.bounds import f21
from theory.problems.planar import planar

MODEL = planar(1.0)
THETA = np.deg2rad(np.arange(-180, 180, 5))
A, B, C, D = 0.3, 0.1, 0.6, 1.0
RHO, N = 2.0, 1000  # of the bump


class Case(NamedTuple):
    reads: str  # "bump"; or "falls", "rises": what L_D may not do where it is on one side of 1/2
    below: bool  # that side
    k: int
    n: int
    ratio: float  # rho / |w|; rho for the bump
    stated: bool  # width of the statement, else of the proof
    narrow: float  # of the bump: 1, but for a control


def cases():
    out = {}
    for ratio in (0.1, 0.5):
        widths = {"width rho": (True, N)} | {f"the proof's width, n={n}": (False, n) for n in (200, 2000)}
        for name, (stated, n) in widths.items():
            usual = Case("falls", True, 2, n, ratio, stated, 1.0)
            out[f"holds for L_D <= 1/2, rho/|w|={ratio:g}, {name}"] = usual
            out[f"fails for L_D > 1/2, rho/|w|={ratio:g}, {name}"] = usual._replace(
                reads="rises", below=False
            )
    return out | {"bump": Case("bump", True, 1, N, RHO, False, 1.0)}


def sigma(case):
    return case.ratio if case.stated else float(f21.width(case.ratio, case.k, case.n))


def bump(width, narrow):
    """E L(e), e ~ N(0, width^2)."""
    near, far = (1 / np.sqrt(1 + (width / scale) ** 2) for scale in (B / narrow, D))
    return A * near + C * (1 - far)


def hypotheses(case):
    if case.reads == "bump":
        return {"holds at the width of the statement": bump(case.ratio, case.narrow) >= A}
    return {"the proof's width is the smaller": sigma(case._replace(stated=False)) < case.ratio}


def measured(case):
    if case.reads == "bump":
        return bump(sigma(case), case.narrow)
    gain = MODEL.noisy_risk(THETA, sigma(case)) - MODEL.risk(THETA)
    side = np.cos(THETA) > -1e-9 if case.below else np.cos(THETA) < -1e-9
    return np.max((-gain if case.reads == "falls" else gain)[side])


def bound(case):
    return A if case.reads == "bump" else 0.0


def tolerance(case):
    return 1e-13  # rounding of sums of 2048 terms of order one


def controls(case):
    if case.reads == "bump":
        return {
            "the width of the statement": case._replace(stated=True),
            "a wider bump": lambda factor: case._replace(narrow=1 / factor),
            "a larger radius": lambda factor: case._replace(ratio=case.ratio * factor),
        }
    return {"the other directions": case._replace(below=not case.below)}
