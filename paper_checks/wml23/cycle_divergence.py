"""At gamma l_1 = 2 full-batch SAM on a quadratic leaves along v_1 by 2 rho a step, above it geometrically.

From a start on v_1 the distance is known at every step (theory/bounds/wml23.py): "from v_1" compares the
whole run, turned to a random position. From a random start what is across v_1 dies out: "from anywhere"
compares the last step, |w+| = (gamma l_1 - 1) |w| + gamma l_1 rho.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.wml23.quadratic_cycle import EPS, ROUNDINGS, paths, turned
from theory.bounds import wml23

EIGS = 0.7 * np.array([0.3, 0.5, 0.8, 1.0])
RHO = 0.2
REACHES = (2.0, 2.02, 2.3)  # gamma l_1
STABLE = 1.9
END = 600


class Case(NamedTuple):
    reads: str  # "run" or "last step"
    reach: float  # that of the claim
    sizes: np.ndarray  # (END + 1,), |w_t|
    rho: float  # that of the claim
    longer: float  # what the claimed step is multiplied by: 1, but for a control


@cache
def built():
    """|w_t| by the place of the start, gamma l_1, and lam."""
    h, turn = (x[0] for x in turned(np.random.default_rng(5), EIGS[None]))
    starts = {"v_1": 0.3 * turn[:, -1], "anywhere": np.array([0.3, -0.1, 0.2, 0.4])}
    keys = [(place, reach, 1.0) for place in starts for reach in (*REACHES, STABLE)]
    keys += [(place, reach, 0.0) for place in starts for reach in REACHES]
    gamma = np.array([reach for _, reach, _ in keys]) / EIGS[-1]
    start = np.array([starts[place] for place, *_ in keys])
    rho = np.where([lam > 0 for *_, lam in keys], RHO, 1e-3)
    found = paths(np.tile(h, (len(keys), 1, 1)), start, gamma, rho, [lam for *_, lam in keys])
    return dict(zip(keys, np.linalg.norm(found[:, : END + 1], axis=2), strict=True))


def cases():
    sizes = built()
    return {
        f"gamma l_1={reach:g}, from {place}": Case(
            "run" if place == "v_1" else "last step", reach, sizes[place, reach, 1.0], RHO, 1.0
        )
        for place in ("v_1", "anywhere")
        for reach in REACHES
    }


def hypotheses(case):
    return {"gamma l_1 >= 2": case.reach >= 2}


def measured(case):
    sizes = case.sizes if case.reads == "run" else case.sizes[-2:]
    gamma, times = case.reach * case.longer / EIGS[-1], np.arange(float(len(sizes)))
    right = wml23.unstable_distance(EIGS[-1], gamma, case.rho, sizes[0], times)
    return np.max(np.abs(sizes / right - 1))


def bound(case):
    return 0.0


def tolerance(case):
    """The roundings of every step."""
    return ROUNDINGS * EPS * (END if case.reads == "run" else 1)


def controls(case):
    place = "v_1" if case.reads == "run" else "anywhere"
    out = {
        "gamma l_1 = 1.9": case._replace(sizes=built()[place, STABLE, 1.0]),
        "USAM": case._replace(sizes=built()[place, case.reach, 0.0]),
    }
    if case.reach == 2:
        out["another radius"] = lambda factor: case._replace(rho=case.rho * factor)
    else:
        out["another step"] = lambda factor: case._replace(longer=factor)
    return out
